"""One question to a model whose server cannot be trusted, and what must hold of any outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Final, TypeAlias

import httpx2

from stateflow.errors import FaultError
from stateflow.models.base import ChatMessage, ModelClient, ModelReply, ModelRequest, ToolSpec
from stateflow.value import canonical_json, plain
from tests.support.hostile import Hostile, Script, hostile
from tests.support.wires import KEY, NAMES, Wire

__all__ = ["ASK", "Outcome", "ask", "asked", "asked_each", "client_of", "kinds"]

_GUARD_S = 20.0
_LONGEST_SENTENCE = 1000
_TOOLS = tuple(ToolSpec(name, "Do it.", {"type": "object", "properties": {}}) for name in NAMES)
ASK: Final = ModelRequest("m", "Be brief.", (ChatMessage("user", "user: hi"),), tools=_TOOLS)
Outcome: TypeAlias = ModelReply | FaultError


async def asked(wire: Wire, *scripts: Script) -> Outcome:
    """Return what a client makes of a server that plays *scripts*."""
    async with hostile(*scripts) as server, client_of(wire, server) as client:
        return await ask(client)


async def asked_each(wire: Wire, scripts: Mapping[str, Script]) -> dict[str, Outcome]:
    """Return what one client makes of each of *scripts*, by its name."""
    async with hostile(*scripts.values()) as server, client_of(wire, server) as client:
        return {name: await ask(client) for name in scripts}


def kinds(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the kinds of outcomes by name, for comparing them all at once."""
    return {name: type(outcome).__name__ for name, outcome in outcomes.items()}


def client_of(wire: Wire, server: Hostile, timeout_s: float | None = None) -> aclosing[ModelClient]:
    """Return the client of *server*, which the ``async with`` closes."""
    way = httpx2.AsyncClient(trust_env=False, verify=False, timeout=timeout_s)
    return aclosing(wire.client(server.url, way))


async def ask(client: ModelClient, request: ModelRequest = ASK) -> Outcome:
    """Ask once; whatever comes back is checked, and anything but a fault is raised."""
    try:
        async with asyncio.timeout(_GUARD_S):
            reply = await client.complete(request, on_delta=_take)
    except FaultError as error:
        _check_fault(client.name, error)
        return error
    _check_reply(reply)
    return reply


def _take(piece: str) -> None:
    assert piece


def _check_fault(name: str, error: FaultError) -> None:
    sentence = str(error)
    assert name in sentence
    assert sentence == plain(" ".join(sentence.split())), "one line, nothing that moves a cursor"
    assert len(sentence) < _LONGEST_SENTENCE
    assert error.retry_after_s is None or error.retry_after_s >= 0
    for link in _chain(error):
        assert KEY not in f"{link} {link!r}", f"{type(link)} tells the key"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and everything it came from, as a traceback would show it."""
    left, seen = [error], set[int]()
    while left:
        link = left.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            left.extend(e for e in (link.__cause__, link.__context__) if e is not None)


def _check_reply(reply: ModelReply) -> None:
    assert reply.stop
    canonical_json(reply.to_json()).encode()  # no half characters, nothing but JSON
    usage = reply.usage
    counts = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens)
    assert all(type(count) is int and count >= 0 for count in counts)
    assert all(call.id and call.name for call in reply.calls)
    assert len({call.id for call in reply.calls}) == len(reply.calls)
