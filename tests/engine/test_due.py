"""Deadlines: which are to come, which have passed, and going on once they have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stateflow import (
    AnswerRefused,
    Budget,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Human,
    Nested,
    Parallel,
    Runner,
    State,
    View,
    by_human,
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


async def test_a_run_that_was_cut_off_while_it_waited_is_due_all_the_same() -> None:
    """Its process died between the question and the pause."""
    clock = Clock()
    whole = MemoryStore(clock=clock)
    async with Runner(store=whole) as runner:
        await runner.start(FAST, run="fast")
        events = [one.event for one in await whole.read("fast")]
    cut = MemoryStore(clock=clock)
    await cut.append("fast", after=0, events=events[:-1])
    clock.now += hours(2)

    async with Runner(store=cut) as runner:
        (due,) = await runner.due()
        result = await runner.resume(FAST, due.run)

    assert (due.run, due.passed) == ("fast", True)
    assert (result.stop.kind, result.stop.state) == ("final", "late")


async def test_time_that_a_nested_run_took_before_it_waited_is_counted_once() -> None:
    """Its parent's clock ran, too; waiting costs neither of them."""
    clock = Clock()

    def work(view: View) -> str:
        del view
        clock.now += 30
        return "worked"

    worker = FunctionAgent("worker", work)
    inner = Flow(
        "inner",
        State("work", worker, to("ask")),
        State("ask", Human("boss", "ok?"), to("end")),
        State("end", worker, to(None)),
    )
    flow = Flow("outer", Nested("nest", inner, to(None)), budget=Budget(seconds=50))
    store = MemoryStore(clock=clock)
    async with Runner(store=store) as runner:
        waiting = await runner.start(flow, "go")
        clock.now += hours(5)
        done = await runner.resume(flow, waiting.run, answer="yes")
        journal = await runner.journal(waiting.run)

    assert done.stop.kind == "done"
    assert (await replay_journal(flow, journal)).stop == done.stop


async def test_who_picks_the_next_state_has_no_deadline() -> None:
    """What the state was to say is said; a late choice would otherwise fail for ever."""
    clock = Clock()
    said = FunctionAgent("clerk", lambda _: "said")
    ways = (to("late", after=hours(1)), to("end"), to(None))
    flow = Flow(
        "pick",
        State("say", said, *ways, choose=by_human()),
        State("end", said, to(None)),
        Final("late", ok=False),
    )
    async with Runner(clock=clock) as runner:
        waiting = await runner.start(flow, "go")
        clock.now += hours(2)
        done = await runner.resume(flow, waiting.run, answer="end")
        journal = await runner.journal(waiting.run)

    assert waiting.stop.questions[0].due is None
    assert (done.stop.kind, done.path) == ("done", ("say", "end"))
    assert (await replay_journal(flow, journal)).stop == done.stop
