"""What a turn costs inside a nested chat, beside the same turn in one flat chat."""

from __future__ import annotations

import asyncio
import threading
from statistics import median
from time import process_time

from benchmarks.flows import relay
from benchmarks.turn import turn_us
from stateflow import (
    UNLIMITED,
    Budget,
    Flow,
    FunctionAgent,
    Nested,
    Parallel,
    Runner,
    State,
    to,
    turns_at_least,
    visited,
)

__all__ = ["measure"]

CHATS = 60
LENGTH = 4
"""Turns of a nested chat: a draft, a critique, a second draft, and a nod."""
BRANCHES = 100


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return what a turn costs in nested chats, to one of a flat chat of as many turns.

    ``nested_to_flat`` is for chats of four turns, ``shortest_to_flat`` for chats of one, whose
    beginning and end are all there is; the parent's own turns count as turns.  ``threads`` is
    how many threads a hundred branches at once add.  Times of the processor.
    """
    flat = relay(CHATS * (LENGTH + 1))
    flats_us: list[float] = []
    nested_us: list[float] = []
    shortest_us: list[float] = []
    for _ in range(20 if quick else 100):  # interleaved: a noisy neighbour disturbs all alike
        flats_us.append(asyncio.run(turn_us(flat, CHATS * (LENGTH + 1))))
        nested_us.append(asyncio.run(turn_us(chats(LENGTH), CHATS * (LENGTH + 1))))
        shortest_us.append(asyncio.run(turn_us(chats(1), CHATS * 2)))
    before, during, branch_us = asyncio.run(branches())
    return {
        "nested_to_flat": median(nested_us) / median(flats_us),
        "shortest_to_flat": median(shortest_us) / median(flats_us),
        "threads": during - before,
        "branch_to_flat": branch_us / median(flats_us),
    }


def chats(length: int) -> Flow:
    """Return a flow of so many nested chats in a row, each of *length* turns."""
    speaker = FunctionAgent("speaker", lambda _: "carry on")
    chat = Flow("chat", State("say", speaker, to(None, when=turns_at_least(length)), to("say")))
    return Flow(
        "chats", Nested("chat", chat, to(None, when=visited("chat", at_least=CHATS)), to("chat"))
    )


async def branches() -> tuple[int, int, float]:
    """Return how many threads there are before and while branches run, and time a branch [µs]."""
    seen: list[int] = []

    def speak(_: object) -> str:
        seen.append(threading.active_count())
        return "carry on"

    one = Flow("one", State("say", FunctionAgent("speaker", speak), to(None)))
    flow = Flow("all", Parallel("at once", {f"b{n}": one for n in range(BRANCHES)}, to(None)))
    async with Runner() as runner:
        before, started = threading.active_count(), process_time()
        result = await runner.start(flow, "go", budget=Budget(turns=UNLIMITED))
        elapsed_s = process_time() - started
    assert result.stop.kind == "done"
    assert len(result.messages) == BRANCHES + 1
    return before, max(seen), elapsed_s / BRANCHES * 1e6
