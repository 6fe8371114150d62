"""Deadlines: counted from the entry on the store's clock, fired once, and on the record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from stateflow import (
    AnswerRefused,
    DeadlinePassed,
    DefinitionError,
    Flow,
    FunctionAgent,
    Human,
    Nested,
    Parallel,
    Result,
    Runner,
    Scripted,
    State,
    View,
    canonical,
    days,
    failed,
    hours,
    minutes,
    raised,
    replay,
    resume,
    run,
    says,
    to,
    visited,
)
from stateflow.journal.event import ChildEnded, Recorded, TurnTaken
from stateflow.machine.deadline import shown
from stateflow.stores.memory import MemoryStore
from tests.support.branches import Stuck, asks, ends_of, hangs, one
from tests.support.cutting import Cut, CuttingStore
from tests.support.six_ways import same_again, texts


@dataclass
class Clock:
    """Time that passes when it is told to [s since the epoch]."""

    now: float = 1_000_000.0
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(clock=lambda: self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def late() -> State:
    """Return the state that a deadline leads to."""
    return State("late", Scripted("clerk", ["too late"]), to(None))


def letter() -> Flow:
    """Return a flow that asks a person who has a day."""
    person = Human("boss", "Accept it?")
    return Flow("letter", State("ask", person, to("late", after=days(1)), to(None)), late())


# Written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (hours(24), "24 h"),
        (days(2), "2 d"),
        (hours(36), "36 h"),
        (minutes(30), "30 min"),
        (90, "90 s"),
        (0.5, "0.5 s"),
    ],
)
def test_a_deadline_is_drawn_as_people_say_it(seconds: float, name: str) -> None:
    assert shown(seconds) == name
    assert to(None, after=seconds).guard_name == f"after {name}"
    assert to(None, after=seconds).when is not None


@pytest.mark.parametrize("after", [0, -1, math.nan, math.inf, True, "24 h"])
def test_what_is_no_time_to_come_is_refused(after: float) -> None:
    with pytest.raises(DefinitionError, match=r"is no time to come; write seconds, or hours\(24\)"):
        to(None, after=after)


# A person --------------------------------------------------------------------------------------


async def test_a_question_is_due_a_day_after_its_state_was_entered(clock: Clock) -> None:
    waiting = await run(letter(), "task", store=clock.store)

    (question,) = waiting.stop.questions
    assert question.due == clock.now + 86_400


async def test_before_its_deadline_a_run_waits_on(clock: Clock) -> None:
    waiting = await run(letter(), "task", store=clock.store)
    clock.now += 86_399

    still = await resume(letter(), waiting.run, store=clock.store)
    answered = await resume(letter(), waiting.run, store=clock.store, answer="yes")

    assert still.stop.kind == "waiting"
    assert texts(answered) == ["yes"]


async def test_after_its_deadline_a_run_goes_the_way_of_the_deadline(clock: Clock) -> None:
    flow = letter()
    waiting = await run(flow, "task", store=clock.store)
    clock.now += 86_400

    done = await resume(flow, waiting.run, store=clock.store)

    assert done.path == ("ask", "late")
    assert texts(done) == ["too late"]
    same_again(flow, done)


async def test_a_late_answer_is_refused_and_changes_nothing(clock: Clock) -> None:
    waiting = await run(letter(), "task", store=clock.store)
    clock.now += 100_000
    before = await clock.store.read(waiting.run)

    with pytest.raises(AnswerRefused, match="comes too late"):
        await resume(letter(), waiting.run, store=clock.store, answer="yes")

    assert await clock.store.read(waiting.run) == before
    assert texts(await resume(letter(), waiting.run, store=clock.store)) == ["too late"]


async def test_an_answer_that_was_in_time_counts_after_a_crash_too(clock: Clock) -> None:
    flow = letter()
    waiting = await run(flow, "task", store=clock.store)
    with pytest.raises(Cut):
        await resume(
            flow, waiting.run, store=CuttingStore(clock.store, 1, before=False), answer="yes"
        )
    clock.now += 100_000

    done = await resume(flow, waiting.run, store=clock.store)

    assert texts(done) == ["yes"]
    same_again(flow, done)


async def test_a_run_that_comes_late_to_its_question_asks_nobody(clock: Clock) -> None:
    flow = letter()
    with pytest.raises(Cut):
        async with Runner(store=CuttingStore(clock.store, 2, before=True)) as runner:
            await runner.start(flow, "task", run="cut")
    clock.now += 100_000

    done = await resume(flow, "cut", store=clock.store)

    assert texts(done) == ["too late"]
    same_again(flow, done)


async def test_each_entry_has_a_deadline_of_its_own(clock: Clock) -> None:
    again = to("ask", when=says("again") & ~visited("ask", at_least=2))
    person = Human("boss", "Accept it?")
    flow = Flow("letter", State("ask", person, to("late", after=100), again, to(None)), late())
    waiting = await run(flow, "task", store=clock.store)
    clock.now += 99

    asked = await resume(flow, waiting.run, store=clock.store, answer="again")

    (question,) = asked.stop.questions
    assert question.due == clock.now + 100
    clock.now += 99
    done = await resume(flow, waiting.run, store=clock.store, answer="well")
    assert texts(done) == ["again", "well"]


# Others ----------------------------------------------------------------------------------------


async def test_an_agent_that_takes_too_long_is_dropped() -> None:
    flow = Flow("f", State("say", Stuck("mute", []), to("late", after=0.001)), late())

    result = await run(flow, "task")

    assert texts(result) == ["too late"]
    same_again(flow, result)


async def test_an_agent_in_time_goes_its_own_way() -> None:
    flow = Flow("f", State("say", Scripted("s", ["x"]), to("late", after=60), to(None)), late())

    assert texts(await run(flow, "task")) == ["x"]


async def test_an_agent_is_not_asked_when_the_time_was_over_before(clock: Clock) -> None:
    asked: list[str] = []

    def slow(view: View) -> str:
        asked.append(view.state)
        return "said"

    flow = Flow("f", State("say", FunctionAgent("s", slow), to("late", after=60), to(None)), late())
    with pytest.raises(Cut):
        async with Runner(store=CuttingStore(clock.store, 2, before=True)) as runner:
            await runner.start(flow, "task", run="cut")
    assert asked == ["say"], "it was, and the crash has lost what it said"
    clock.now += 61

    done = await resume(flow, "cut", store=clock.store)

    assert asked == ["say"]
    assert texts(done) == ["too late"]
    same_again(flow, done)


async def test_a_deadline_is_a_fault_that_other_guards_can_take() -> None:
    mute, early = Stuck("mute", []), to("late", when=says("x"), after=0.001)
    states = [
        State("say", mute, early, to(None)),
        State("say", mute, early, to("late", when=failed)),
        State("say", mute, early, to("late", when=raised(DeadlinePassed))),
    ]

    stopped, *taken = [await run(Flow("f", state, late()), "task") for state in states]

    assert stopped.stop.kind == "failed"
    assert stopped.stop.fault is not None
    assert stopped.stop.fault.name == "DeadlinePassed"
    assert [texts(result) for result in taken] == [["too late"]] * 2


async def test_a_nested_run_that_asks_has_the_deadline_of_the_state_around_it(clock: Clock) -> None:
    flow = Flow("outer", Nested("nest", asks(), to("late", after=hours(1)), to(None)), late())
    waiting = await run(flow, "task", store=clock.store)
    (question,) = waiting.stop.questions
    clock.now += 3_600

    with pytest.raises(AnswerRefused, match="comes too late"):
        await resume(flow, waiting.run, store=clock.store, answer="yes")
    done = await resume(flow, waiting.run, store=clock.store)

    assert question.due == clock.now
    assert done.path == ("nest", "late")
    same_again(flow, done)


@pytest.mark.parametrize(
    ("inner_s", "outer_s", "said"),
    [
        pytest.param(10.0, 100.0, ["too late"], id="inner-first"),
        pytest.param(100.0, 10.0, ["outer is late"], id="outer-first"),
    ],
)
async def test_the_earlier_of_two_deadlines_counts(
    clock: Clock, inner_s: float, outer_s: float, said: list[str]
) -> None:
    person = Human("boss", "Accept it?")
    inner = Flow("inner", State("ask", person, to("late", after=inner_s), to(None)), late())
    flow = Flow(
        "outer",
        Nested("nest", inner, to("over", after=outer_s), to(None)),
        State("over", Scripted("o", ["outer is late"]), to(None)),
    )
    waiting = await run(flow, "task", store=clock.store)
    (question,) = waiting.stop.questions
    clock.now += 10

    done = await resume(flow, waiting.run, store=clock.store)

    assert question.due == clock.now
    assert texts(done) == said
    same_again(flow, done)


async def test_branches_that_are_late_take_the_state_with_them() -> None:
    branches = {"a": one("a"), "b": asks(), "c": hangs("c", [])}
    flow = Flow("outer", Parallel("p", branches, to("late", after=0.001), to(None)), late())

    result = await run(flow, "task")

    assert texts(result) == ["too late"]
    same_again(flow, result)


async def stopped_after(flow: Flow, store: MemoryStore, event: type) -> str:
    """Begin a run, stop it behind the first *event* of its nested runs, and return its name."""
    async with Runner(store=store) as runner:
        live = runner.start(flow, "task")
        async for heard in live:
            if isinstance(heard, Recorded) and isinstance(heard.event, event):
                live.stop()
        await live
    return live.run


async def test_branches_that_were_in_time_are_enough_where_the_join_says_so(clock: Clock) -> None:
    branches = {"a": one("a"), "c": hangs("c", [])}
    kept = Parallel("p", branches, to("late", after=60), to(None), join="any", others="keep")
    flow = Flow("outer", kept, late())
    stopped = await stopped_after(flow, clock.store, ChildEnded)
    clock.now += 60

    result = await resume(flow, stopped, store=clock.store)

    assert texts(result) == ["a is done"]
    same_again(flow, result)


async def test_a_nested_run_that_ended_in_time_counts_after_a_crash_too(clock: Clock) -> None:
    flow = Flow("outer", Nested("nest", one("inner"), to("late", after=60), to(None)), late())
    ended_at = 4  # the run, the nested run, where that starts, and its end
    with pytest.raises(Cut):
        async with Runner(store=CuttingStore(clock.store, ended_at, before=False)) as runner:
            await runner.start(flow, "task", run="cut")
    assert (await clock.store.journal("cut")).children["nest#1.0"].events
    clock.now += 61

    done = await resume(flow, "cut", store=clock.store)

    assert texts(done) == ["inner is done"]
    same_again(flow, done)


async def test_what_a_late_branch_used_up_counts_for_the_budget(clock: Clock) -> None:
    inner = Flow(
        "inner",
        State("say", Scripted("s", ["one"]), to("hang")),
        State("hang", Stuck("s", []), to(None)),
    )
    flow = Flow("outer", Nested("nest", inner, to("late", after=60), to(None)), late())
    stopped = await stopped_after(flow, clock.store, TurnTaken)
    clock.now += 60

    result = await resume(flow, stopped, store=clock.store)

    assert result.journal is not None
    (ended,) = ends_of(result.journal)
    assert ended.lost_turns == 1
    assert result.path == ("nest", "late")
    assert result.turns == 2
    same_again(flow, result)


async def test_a_replay_needs_no_clock(clock: Clock) -> None:
    flow = letter()
    waiting = await run(flow, "task", store=clock.store)
    clock.now += days(400)
    done: Result = await resume(flow, waiting.run, store=clock.store)
    clock.now = 0.0

    assert done.journal is not None
    again = replay(flow, done.journal)

    assert again.path == ("ask", "late")
    assert again.journal is not None
    assert canonical(again.journal) == canonical(done.journal)
