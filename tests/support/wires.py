"""The same sound reply in the words of every vendor, and the client that reads them.

A hostile reply is a sound one with one word replaced, so what is replaced is found in all of them
under the same name: ``TEXT``, ``NAMES``, ``IDS``, ``WORDS`` (of the arguments) and the counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from stateflow.models.anthropic import AnthropicModel
from stateflow.models.base import ModelClient
from stateflow.models.openai import OpenAIModel
from stateflow.value import Json

__all__ = ["IDS", "KEY", "NAMES", "READ", "TEXT", "WIRES", "WORDS", "WRITTEN", "Wire"]

KEY: Final = "sk-hostile-key-123456"
TEXT: Final = "Good morning."
NAMES: Final = ("look_up", "book_it")
IDS: Final = ("id_of_the_first", "id_of_the_second")
WORDS: Final = ("Rome", "Oslo")
READ: Final = 71
"""Tokens of the request, as the server counts."""
WRITTEN: Final = 37
"""Tokens of the reply, as the server counts."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One vendor's way to say things."""

    name: str
    client: Callable[[str, httpx2.AsyncClient | None], ModelClient]
    """The client of a server at this address, reached in this way."""
    reply: Callable[[int], tuple[bytes, ...]]
    """A reply with the text and so many tool calls, event by event."""
    error: bytes
    """An error in the middle of a stream, as the vendor words it, with the key in it."""
    ends: int
    """How many of the last events may be missing from a reply that counts as whole."""

    def __repr__(self) -> str:
        """Return what pytest calls it."""
        return self.name

    def body(self, calls: int = 1) -> bytes:
        """Return the whole reply."""
        return b"".join(self.reply(calls))


def _event(data: Json, name: str = "") -> bytes:
    start = f"event: {name}\n" if name else ""
    return f"{start}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _halves(number: int) -> tuple[str, str]:
    """Return the arguments of a call in two pieces."""
    return '{"city":', f'"{WORDS[number]}"}}'


def _typed(events: Iterable[Mapping[str, Json]]) -> tuple[bytes, ...]:
    return tuple(_event(event, str(event["type"])) for event in events)


def _chat(calls: int) -> tuple[bytes, ...]:
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": TEXT[:4]}, {"content": TEXT[4:]}]
    for n in range(calls):
        first, rest = _halves(n)
        told: Json = {"name": NAMES[n], "arguments": first}
        deltas.append(
            {"tool_calls": [{"index": n, "id": IDS[n], "type": "function", "function": told}]}
        )
        deltas.append({"tool_calls": [{"index": n, "function": {"arguments": rest}}]})
    said: list[Json] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    stop = "tool_calls" if calls else "stop"
    said.append({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}]})
    usage: Json = {"prompt_tokens": READ, "completion_tokens": WRITTEN}
    said.append({"choices": [], "usage": usage})
    return (*map(_event, said), b"data: [DONE]\n\n")


def _responses(calls: int) -> tuple[bytes, ...]:
    part: dict[str, Json] = {"type": "output_text", "text": TEXT, "annotations": []}
    message: dict[str, Json] = {"type": "message", "id": "m1", "role": "assistant"}
    message |= {"status": "completed", "content": [part]}
    output: list[Json] = [message]
    at: dict[str, Json] = {"item_id": "m1", "output_index": 0, "content_index": 0}
    empty: Json = {**message, "status": "in_progress", "content": []}
    events: list[Mapping[str, Json]] = [
        {"type": "response.created", "response": _response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        {"type": "response.output_text.delta", **at, "delta": TEXT[:4]},
        {"type": "response.output_text.delta", **at, "delta": TEXT[4:]},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
    ]
    for n in range(calls):
        first, rest = _halves(n)
        item: dict[str, Json] = {"type": "function_call", "id": f"f{n}", "call_id": IDS[n]}
        item |= {"name": NAMES[n], "arguments": first + rest, "status": "completed"}
        output.append(item)
        at = {"item_id": f"f{n}", "output_index": n + 1}
        kind = "response.function_call_arguments"
        events += [
            {"type": "response.output_item.added", **at, "item": {**item, "arguments": ""}},
            {"type": f"{kind}.delta", **at, "delta": first},
            {"type": f"{kind}.delta", **at, "delta": rest},
            {"type": f"{kind}.done", **at, "arguments": first + rest},
            {"type": "response.output_item.done", **at, "item": item},
        ]
    events.append({"type": "response.completed", "response": _response("completed", output)})
    return _typed({**event, "sequence_number": n} for n, event in enumerate(events))


def _response(status: str, output: list[Json]) -> Json:
    total = READ + WRITTEN
    usage: Json = {"input_tokens": READ, "output_tokens": WRITTEN, "total_tokens": total}
    said: dict[str, Json] = {"id": "r1", "object": "response", "model": "m"}
    said |= {"status": status, "output": output, "error": None, "incomplete_details": None}
    return {**said, "usage": usage} if status == "completed" else said


def _messages(calls: int) -> tuple[bytes, ...]:
    usage: Json = {"input_tokens": READ, "output_tokens": 1}
    message: dict[str, Json] = {"id": "m1", "type": "message", "role": "assistant", "model": "m"}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    deltas: list[Json] = [{"type": "text_delta", "text": t} for t in (TEXT[:4], TEXT[4:])]
    events: list[Mapping[str, Json]] = [{"type": "message_start", "message": message}]
    events += _block(0, {"type": "text", "text": ""}, deltas)
    for n in range(calls):
        block: dict[str, Json] = {"type": "tool_use", "id": IDS[n], "name": NAMES[n], "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in _halves(n)]
        events += _block(n + 1, block, deltas)
    stop: Json = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    events += [
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": WRITTEN}},
        {"type": "message_stop"},
    ]
    return _typed(events)


def _block(index: int, start: Json, deltas: list[Json]) -> list[Mapping[str, Json]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _chat_client(url: str, way: httpx2.AsyncClient | None) -> ModelClient:
    return OpenAIModel("m", base_url=url, api_key=KEY, http_client=way)


def _responses_client(url: str, way: httpx2.AsyncClient | None) -> ModelClient:
    return OpenAIModel("m", base_url=url, api_key=KEY, http_client=way, api="responses")


def _messages_client(url: str, way: httpx2.AsyncClient | None) -> ModelClient:
    return AnthropicModel("m", base_url=url, api_key=KEY, http_client=way)


WIRES: Final = (
    Wire(
        "chat",
        _chat_client,
        _chat,
        _event({"error": {"message": f"oh {KEY}", "type": "server_error", "code": None}}),
        ends=2,
    ),
    Wire(
        "responses",
        _responses_client,
        _responses,
        _event({"type": "error", "code": "server_error", "message": f"oh {KEY}"}, "error"),
        ends=0,
    ),
    Wire(
        "messages",
        _messages_client,
        _messages,
        _event({"type": "error", "error": {"type": "api_error", "message": f"oh {KEY}"}}, "error"),
        ends=0,
    ),
)
