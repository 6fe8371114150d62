"""Deadlines: which are to come, which have passed, and going on once they have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stateflow import (
    AnswerRefused,
    DefinitionError,
    Final,
    Flow,
    Human,
    Nested,
    Parallel,
    Runner,
    State,
    canonical,
    hours,
    to,
)
from stateflow.engine.due import Due
from stateflow.engine.replaying import replay_journal
from stateflow.stores.memory import MemoryStore


@dataclass
class Clock:
    """Stands still unless it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def asks(name: str, after: float | None) -> Flow:
    boss = Human("boss", ask="ok?", options=("yes", "no"))
    ways = [to(None)] if after is None else [to("late", after=after), to(None)]
    return Flow(name, State("ask", boss, *ways), Final("late", ok=False))


SLOW, FAST, NEVER = asks("slow", hours(24)), asks("fast", hours(1)), asks("never", None)


async def test_deadlines_are_told_the_earliest_first_and_whether_they_have_passed() -> None:
    clock = Clock()
    async with Runner(clock=clock) as runner:
        for flow in (SLOW, FAST, NEVER):
            await runner.start(flow, run=flow.name)
        clock.now += hours(1)

        assert await runner.due() == [
            Due("fast", "ask#1.0", 1000.0 + hours(1), passed=True),
            Due("slow", "ask#1.0", 1000.0 + hours(24), passed=False),
        ]


async def test_what_does_not_wait_is_never_due() -> None:
    """Answered, stopped, or gone on with."""
    clock = Clock()
    async with Runner(clock=clock) as runner:
        for name in ("answered", "stopped", "late"):
            await runner.start(FAST, run=name)
        await runner.resume(FAST, "answered", answer="yes")
        await runner.stop("stopped")
        clock.now += hours(2)
        assert [one.run for one in await runner.due()] == ["late"]
        await runner.resume(FAST, "late")

        assert await runner.due() == []


@pytest.mark.parametrize(
    ("flow", "question"),
    [
        (Flow("outer", Nested("n", FAST, to(None))), "n#1.0/ask#1.0"),
        (Flow("both", Parallel("p", [NEVER, FAST], to(None), join="any")), "p#1.1/ask#1.0"),
    ],
    ids=["nested", "parallel"],
)
async def test_a_nested_run_whose_deadline_has_passed_goes_on_with_its_root(
    flow: Flow, question: str
) -> None:
    clock = Clock()
    async with Runner(clock=clock) as runner:
        await runner.start(flow, run="r")
        clock.now += hours(1)
        (due,) = await runner.due()
        assert (due.run, due.question, due.passed) == ("r", question, True)

        result = await runner.resume(flow, "r")

        assert result.messages[-1].ended == "late"
        journal = await runner.journal("r")
        again = await replay_journal(flow, journal)
        assert canonical(again.journal) == canonical(journal)


async def test_an_answer_that_comes_too_late_is_refused_and_nothing_is_written() -> None:
    clock = Clock()
    async with Runner(clock=clock) as runner:
        await runner.start(FAST, run="r")
        clock.now += hours(1)
        before = await runner.store.read("r")

        with pytest.raises(AnswerRefused):
            await runner.resume(FAST, "r", answer="yes")

        assert await runner.store.read("r") == before


async def test_the_clock_of_a_runner_stamps_what_it_keeps_in_a_file(tmp_path: Path) -> None:
    async with Runner(store=tmp_path / "runs.db", clock=Clock(5.0)) as runner:
        await runner.start(FAST, run="r")

        assert {one.at for one in await runner.store.read("r")} == {5.0}


def test_a_ready_store_keeps_its_own_time() -> None:
    with pytest.raises(DefinitionError, match=r"clock=.*ready store.*MemoryStore"):
        Runner(store=MemoryStore(), clock=Clock())
