"""Many conversations at once in one process: turns a second, and memory a turn."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import tracemalloc
from pathlib import Path
from statistics import median
from time import process_time

from benchmarks.flows import relay
from stateflow import Flow, Runner
from stateflow.stores.memory import MemoryStore

__all__ = ["measure"]

TURNS = 30


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return what conversations of 30 turns come to when all of them run at once.

    ``turns_per_s`` is per second of one processor; ``bytes_a_turn`` is what a turn keeps in
    memory while its runner lives, journal and transcript together; ``bytes_at_rest`` is what it
    takes in an SQLite file beside its text.
    """
    runs = 100 if quick else 1_000
    flow = relay(TURNS)
    rates = [asyncio.run(_rate(flow, runs)) for _ in range(5)]
    return {
        "turns_per_s": median(rates),
        "bytes_a_turn": asyncio.run(_memory(flow, runs)),
        "bytes_at_rest": asyncio.run(_at_rest(flow, runs)),
    }


async def _converse(runner: Runner, flow: Flow, runs: int) -> None:
    lives = [runner.start(flow, "go") for _ in range(runs)]
    for live in lives:
        result = await live
        assert result.stop.kind == "done"
        assert result.turns == TURNS


async def _rate(flow: Flow, runs: int) -> float:
    gc.collect()
    async with Runner(store=MemoryStore()) as runner:
        started = process_time()
        await _converse(runner, flow, runs)
        return runs * TURNS / (process_time() - started)


async def _at_rest(flow: Flow, runs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        async with Runner(store=path) as runner:
            await _converse(runner, flow, runs)
        size = path.stat().st_size
        return size / (runs * TURNS) - len("carry on")


async def _memory(flow: Flow, runs: int) -> float:
    async with Runner(store=MemoryStore()) as runner:
        gc.collect()
        tracemalloc.start()
        lives = [runner.start(flow, "go") for _ in range(runs)]
        for live in lives:
            await live
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held / (runs * TURNS)
