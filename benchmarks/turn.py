"""What a turn costs, beside a bare state machine that steps in the same run; and is it flat."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from transitions import Machine

from benchmarks.flows import relay
from stateflow import UNLIMITED, Budget, Flow, Runner

__all__ = ["measure"]

SHORT = 300
LONG = 10_000


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return the cost of a turn beside a step of a bare machine, and how it grows.

    ``ratio`` is time a turn (guards asked, verdicts and texts journaled in memory) against time
    a step of a bare ``transitions`` machine with two conditions; ``turn_us`` and ``bare_us`` are
    the two times [µs]; ``growth`` is time a turn in a long run against a short one.  All are
    times of the processor, which a busy neighbour disturbs least.
    """
    short = relay(SHORT)
    shorts_us: list[float] = []
    bares_us: list[float] = []
    for _ in range(40 if quick else 200):  # interleaved: a noisy neighbour disturbs both alike
        bares_us.append(bare_us(SHORT))
        shorts_us.append(asyncio.run(turn_us(short, SHORT)))
    return {
        "ratio": median(shorts_us) / median(bares_us),
        "turn_us": median(shorts_us),
        "bare_us": median(bares_us),
        "growth": _growth(4 if quick else 9),
    }


def _growth(repeats: int) -> float:
    """Return time a turn in a long run against a short one.

    What lives already, above all the imported modules, is kept from the garbage collector, which
    would go through all of it a few times in a long run and hardly ever in a short one.
    """
    short, long = relay(SHORT), relay(LONG)
    shorts_us: list[float] = []
    longs_us: list[float] = []
    gc.collect()
    gc.freeze()
    for _ in range(repeats):
        longs_us.append(asyncio.run(turn_us(long, LONG)))
        shorts_us += [asyncio.run(turn_us(short, SHORT)) for _ in range(10)]
    gc.unfreeze()
    return median(longs_us) / median(shorts_us)


async def turn_us(flow: Flow, turns: int) -> float:
    """Return the time a turn of a run of so many [µs]."""
    async with Runner() as runner:
        started = process_time()
        result = await runner.start(flow, "go", budget=Budget(turns=UNLIMITED))
        elapsed_s = process_time() - started
    assert result.stop.kind == "done"
    assert result.turns == turns
    return elapsed_s / turns * 1e6


def bare_us(steps: int) -> float:
    """Return the time a step of a bare machine with the same guards [µs]."""
    cursor = _Cursor(steps)
    trigger = _machine()
    started = process_time()
    while cursor.state != "done":
        trigger(cursor)
    elapsed_s = process_time() - started
    assert cursor.count == steps
    return elapsed_s / steps * 1e6


class _Cursor:
    """What the bare machine moves: its state, and the last message."""

    __slots__ = ("count", "state", "steps", "text")

    def __init__(self, steps: int) -> None:
        self.state = "write"
        self.steps = steps
        self.count = 0
        self.text = ""


def _machine() -> Callable[[_Cursor], bool]:
    machine: Any = Machine(
        model=None,
        states=["write", "test", "review", "done"],
        initial="write",
        auto_transitions=False,
        send_event=True,
    )

    def over(event: Any) -> bool:  # noqa: ANN401 - the library's own event
        return bool(event.model.text == "STOP")

    def further(event: Any) -> bool:  # noqa: ANN401 - the library's own event
        return bool(event.model.text != "STOP")

    for source, target in (("write", "test"), ("test", "review"), ("review", "write")):
        machine.add_transition("go", source, "done", conditions=[over])
        machine.add_transition("go", source, target, conditions=[further])
    trigger: Callable[[_Cursor], bool] = machine.events["go"].trigger

    def speak_and_step(cursor: _Cursor) -> bool:
        cursor.count += 1
        cursor.text = "STOP" if cursor.count == cursor.steps else "carry on"
        return trigger(cursor)

    return speak_and_step
