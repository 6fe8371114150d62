"""Replies far larger than any model's, which must end in a fault before they fill the memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

import pytest

from stateflow.errors import BadReply, FaultError
from stateflow.models.base import ModelReply
from tests.support.asking import ask, asked, client_of
from tests.support.hostile import head, hostile, sized
from tests.support.wires import TEXT, WIRES, Wire

each = pytest.mark.parametrize("wire", WIRES, ids=repr)
MIB = 2**20
MUCH = 70
"""What the server would send [MiB]."""
ALLOWED = 130 * MIB
"""Most memory that reading it may take [bytes]: some copies of the longest reply allowed."""


@contextmanager
def bounded() -> Generator[None]:
    """Fail if the body takes more memory than is allowed."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < ALLOWED, f"{peak / MIB:.0f} MiB"


def big(wire: Wire, size: int) -> list[bytes]:
    """Return the events of a sound reply, the first with text in it being *size* [bytes] long."""
    piece = json.dumps(TEXT[:4]).encode()
    grown = json.dumps("x" * size).encode()
    events = list(wire.reply(0))
    at = next(n for n, event in enumerate(events) if piece in event)
    events[at] = events[at].replace(piece, grown)
    return events


@each
async def test_a_line_of_5_mb_is_read(wire: Wire) -> None:
    """Long is not hostile yet."""
    outcome = await asked(wire, [head(), *big(wire, 5_000_000)])

    if wire.name == "responses":  # its later events repeat the text, and do not agree
        assert isinstance(outcome, ModelReply | BadReply)
    else:
        assert isinstance(outcome, ModelReply)
        assert len(outcome.text) == 5_000_000 + len(TEXT) - 4


@each
async def test_a_reply_in_many_pieces_ends_where_no_reply_is_longer(wire: Wire) -> None:
    """Each piece is harmless; only together they are too much."""
    events = big(wire, 64 * 1024)
    at = max(range(len(events)), key=lambda n: len(events[n]))
    script = [head(), *events[:at], *([events[at]] * (MUCH * 16)), *events[at + 1 :]]

    with bounded():
        outcome = await asked(wire, script)

    assert type(outcome) is BadReply


@each
@pytest.mark.parametrize("start", [b"data: ", b": "], ids=["data", "comment"])
async def test_a_line_without_end_is_a_bad_reply(wire: Wire, start: bytes) -> None:
    """The SDK gathers a line until it ends, so somebody else must look."""
    script = [head() + start, *([b"x" * MIB] * MUCH)]
    async with hostile(script) as server, client_of(wire, server) as client:
        with bounded():
            outcome = await ask(client)

        assert type(outcome) is BadReply
        assert server.written < MUCH * MIB, "it was not read to its end"


@each
async def test_comments_without_end_are_a_bad_reply(wire: Wire) -> None:
    """They keep every limit on silence from striking."""
    ping = b": %s\n\n" % (b"x" * MIB)

    with bounded():
        assert type(await asked(wire, [head(), *([ping] * MUCH)])) is BadReply


@each
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_many_mb_that_are_no_stream_are_not_kept(wire: Wire, status: str, kind: str) -> None:
    """An error, or a page, is quoted by its start."""
    script = [head(status, kind=kind), *([b"y" * MIB] * MUCH)]

    with bounded():
        assert isinstance(await asked(wire, script), FaultError)


@cache
def bomb(layers: int) -> bytes:
    """Return far more zeros than are allowed, packed once or more often."""
    packed = bytes(2 * ALLOWED)
    for _ in range(layers):
        packed = gzip.compress(packed, 1)
    return packed


@each
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_many_mb_of_zeros_packed_small_are_not_unpacked(wire: Wire, status: str) -> None:
    """A bomb: what is sent is short, and what it means is not."""
    script = [sized(bomb(1), status, "content-encoding: gzip")]

    with bounded():
        outcome = await asked(wire, script)

    assert isinstance(outcome, FaultError)


@each
async def test_a_bomb_in_a_bomb_is_not_unpacked(wire: Wire) -> None:
    """Packed twice, it is shorter still."""
    script = [sized(bomb(2), "200 OK", "content-encoding: gzip, gzip")]

    with bounded():
        outcome = await asked(wire, script)

    assert isinstance(outcome, FaultError)
