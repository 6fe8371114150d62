"""Stopping a run: by its holder, by another process, and by nobody who knows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from stateflow import (
    AnswerRefused,
    Budget,
    Flow,
    FunctionAgent,
    Human,
    Nested,
    Parallel,
    Result,
    RunError,
    Runner,
    RunTaken,
    Scripted,
    State,
    UnknownRun,
    canonical,
    to,
)
from stateflow.engine.live import Live
from stateflow.engine.outside import OUTSIDE, stop_below
from stateflow.engine.replaying import replay_journal
from stateflow.journal.event import (
    Event,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    TurnTaken,
)
from stateflow.stores.memory import MemoryStore


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Let the others work until it *holds*."""
    for _ in range(10_000):
        if await holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never does")


async def ends_with(store: MemoryStore, run: str, kind: type[Event]) -> bool:
    """Tell whether the last event of *run* is of *kind*."""
    events = await store.read(run)
    return bool(events) and isinstance(events[-1].event, kind)


def last_of(journal: Journal) -> Event:
    return journal.events[-1].event


@dataclass
class Desk:
    """A flow with a branch that works, one that waits for a person, and one nested twice."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    flow: Flow = field(init=False)

    def __post_init__(self) -> None:
        works = Flow(
            "works", State("work", FunctionAgent("worker", lambda _: self.hang()), to(None))
        )
        asks = Flow("asks", State("ask", Human("boss", ask="ok?", options=("yes", "no")), to(None)))
        deep = Flow("deep", Nested("in", works, to(None)))
        self.flow = Flow("desk", Parallel("all", [works, asks, deep], to(None)))
        self.working = 0

    async def hang(self) -> str:
        self.working += 1
        if self.working == 2:
            self.begun.set()
        await asyncio.Event().wait()
        return "never"

    async def until_busy(self, store: MemoryStore, run: str) -> None:
        """Wait until two branches work and the third one waits."""
        await self.begun.wait()
        await until(lambda: ends_with(store, f"{run}/all#1.1", RunPaused))


@dataclass
class Steps:
    """A flow whose only agent speaks as often as it is let."""

    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @property
    def flow(self) -> Flow:
        return Flow("steps", State("s", FunctionAgent("a", lambda _: self._speak()), to("s")))

    async def _speak(self) -> str:
        await self.allowed.acquire()
        return "x"


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def runner(store: MemoryStore) -> AsyncIterator[Runner]:
    async with Runner(store=store) as runner:
        yield runner


# By its holder ---------------------------------------------------------------------------------


def cancel(live: Live, runner: Runner) -> Awaitable[None]:
    live.cancel()
    return asyncio.sleep(0)


async def stop(live: Live, runner: Runner) -> None:
    await runner.stop(live.run)


@pytest.mark.parametrize("end", [cancel, stop])
async def test_a_run_that_is_ended_while_branches_wait_and_work_leaves_no_task_and_no_open_journal(
    store: MemoryStore, runner: Runner, end: Callable[[Live, Runner], Awaitable[None]]
) -> None:
    desk = Desk()
    live = runner.start(desk.flow, run="r")
    await desk.until_busy(store, "r")

    await end(live, runner)
    result = await live

    assert result.stop.kind == "cancelled"
    assert asyncio.all_tasks() == {asyncio.current_task()}
    journal = await store.journal("r")
    branches = list(journal.children.values())
    nested = [one for branch in branches for one in branch.children.values()]
    assert (len(branches), len(nested)) == (3, 1)
    assert {type(last_of(one)) for one in [journal, *branches, *nested]} == {RunEnded}
    again = await replay_journal(desk.flow, journal)
    assert canonical(again.journal) == canonical(journal)


async def test_a_run_whose_stop_is_being_recorded_is_not_disturbed_by_a_second_stop() -> None:
    """Else whoever waits for it would be told that they were cancelled themselves."""

    class Slow(MemoryStore):
        async def append(
            self, run: str, /, *, after: int, events: Sequence[Event]
        ) -> list[Recorded]:
            if isinstance(events[-1], RunPaused):
                live.stop()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return await super().append(run, after=after, events=events)

    async with Runner(store=Slow()) as runner:
        live = runner.start(Steps().flow, run="r")
        await asyncio.sleep(0)
        live.stop()

        assert (await live).stop.kind == "paused"


# By anybody who has the store ------------------------------------------------------------------


@pytest.mark.parametrize(("pause", "kind"), [(False, "cancelled"), (True, "paused")])
async def test_a_run_stopped_from_outside_stops_at_its_next_commit(
    store: MemoryStore, runner: Runner, pause: bool, kind: str
) -> None:
    steps = Steps()
    live = runner.start(steps.flow, run="r")
    steps.allowed.release()
    await asyncio.sleep(0)
    async with Runner(store=store) as other:
        stopped = await other.stop("r", pause=pause)
    steps.allowed.release()

    result = await live

    assert (stopped.kind, stopped.why) == (kind, OUTSIDE)
    assert result.stop == stopped


async def test_what_is_put_into_the_journal_from_outside_is_heard_by_who_listens(
    store: MemoryStore, runner: Runner
) -> None:
    steps = Steps()
    live = runner.start(steps.flow, run="r")
    heard: list[object] = []
    async for event in live:
        heard.append(event)
        if len(heard) == 1:
            async with Runner(store=store) as other:
                await other.stop("r")
            steps.allowed.release()

    assert heard == await store.read("r")
    await live


async def test_a_run_that_is_paused_from_outside_goes_on_where_it_was(
    store: MemoryStore, runner: Runner
) -> None:
    """Branches that worked work again; the question is still open."""
    desk = Desk()
    live = runner.start(desk.flow, run="r")
    await desk.until_busy(store, "r")
    assert (await runner.stop("r", pause=True)).kind == "paused"
    assert (await live).stop.kind == "paused"
    assert asyncio.all_tasks() == {asyncio.current_task()}

    again = Desk()
    live = runner.resume(again.flow, "r", answer="yes")
    await again.begun.wait()
    live.cancel()
    await live

    journal = await store.journal("r")
    assert type(journal.children["all#1.1"].events[-1].event) is RunEnded
    worker = [type(one.event) for one in journal.children["all#1.0"].events]
    assert worker[1:3] == [RunPaused, RunResumed]


async def test_a_stop_that_came_only_as_far_as_a_nested_run_is_carried_on_to_the_root(
    store: MemoryStore, runner: Runner
) -> None:
    """Whoever began it may have died on the way."""
    steps = Steps()
    flow = Flow("outer", Nested("n", Flow("mid", Nested("m", steps.flow, to(None))), to(None)))
    live = runner.start(flow, run="r")
    steps.allowed.release()
    await until(lambda: ends_with(store, "r/n#1.0/m#1.0", TurnTaken))
    await stop_below(store, "r/n#1.0", "paused", OUTSIDE)
    steps.allowed.release()

    result = await live

    assert (result.stop.kind, result.stop.why) == ("paused", OUTSIDE)
    (middle,) = (await store.journal("r")).children.values()
    assert isinstance(last_of(middle), RunPaused)


class Busy(MemoryStore):
    """Lets the run write each time that somebody is about to end it, so often."""

    def __init__(self, steps: Steps, times: int) -> None:
        super().__init__()
        self.steps = steps
        self.times = times

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        if isinstance(events[-1], RunEnded) and self.times:
            self.times -= 1
            self.steps.allowed.release()
            await until(lambda: self._longer(run, after))
        return await super().append(run, after=after, events=events)

    async def _longer(self, run: str, after: int) -> bool:
        return len(await self.read(run)) > after


async def test_a_run_that_writes_in_between_is_stopped_all_the_same() -> None:
    steps = Steps()
    store = Busy(steps, times=3)
    async with Runner(store=store) as runner, Runner(store=store) as other:
        live = runner.start(steps.flow, run="r")
        await asyncio.sleep(0)
        await other.stop("r")
        steps.allowed.release()

        assert (await live).stop.why == OUTSIDE
    turns = [one for one in await store.read("r") if isinstance(one.event, TurnTaken)]
    assert len(turns) == 3


async def test_a_run_that_always_writes_in_between_is_told_as_taken() -> None:
    steps = Steps()
    store = Busy(steps, times=1000)
    async with Runner(store=store) as runner, Runner(store=store) as other:
        runner.start(steps.flow, run="r", budget=Budget(turns=500))
        await asyncio.sleep(0)
        with pytest.raises(RunTaken):
            await other.stop("r")


async def waiting(runner: Runner) -> Result:
    asks = Flow("asks", State("ask", Human("boss", ask="ok?", options=("yes", "no")), to(None)))
    return await runner.start(Flow("outer", Nested("n", asks, to(None))), run="r")


async def test_a_run_that_waits_is_ended_with_what_is_nested_in_it(
    store: MemoryStore, runner: Runner
) -> None:
    await waiting(runner)

    stopped = await runner.stop("r")

    journal = await store.journal("r")
    assert last_of(journal) == RunEnded(stopped)
    assert isinstance(last_of(journal.children["n#1.0"]), RunEnded)
    with pytest.raises(AnswerRefused, match="is over"):
        await runner.resume(Flow("f", State("s", Scripted("a", ["x"]), to(None))), "r", answer="y")


async def test_a_run_that_waits_needs_no_pause(store: MemoryStore, runner: Runner) -> None:
    """It keeps its questions, and is not written to."""
    result = await waiting(runner)
    before = await store.read("r")

    assert await runner.stop("r", pause=True) == result.stop
    assert await store.read("r") == before


async def test_a_run_that_is_paused_can_still_be_ended(store: MemoryStore, runner: Runner) -> None:
    await waiting(runner)
    store_events = await store.read("r")
    assert isinstance(store_events[-1].event, RunPaused)
    assert (await runner.stop("r")).kind == "cancelled"


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize("end", ["done", "stopped"])
async def test_a_run_that_is_over_is_not_stopped_again(
    store: MemoryStore, runner: Runner, end: str, pause: bool
) -> None:
    flow = Flow("f", State("s", Scripted("a", ["x"]), to(None)))
    await (runner.start(flow, run="r") if end == "done" else waiting(runner))
    if end == "stopped":
        await runner.stop("r")
    before = await store.read("r")

    with pytest.raises(RunError, match=r"run 'r' is over \(.*\); there is nothing left to stop"):
        await runner.stop("r", pause=pause)
    assert await store.read("r") == before


async def test_a_run_that_nobody_knows_is_not_stopped(runner: Runner) -> None:
    with pytest.raises(UnknownRun):
        await runner.stop("r")


async def test_the_name_of_a_run_that_was_stopped_is_still_taken(
    store: MemoryStore, runner: Runner
) -> None:
    """A new run under it is an error, not a run that was stopped."""
    await waiting(runner)
    await runner.stop("r")

    with pytest.raises(RunTaken):
        await runner.start(Steps().flow, run="r")


async def test_a_run_that_was_stopped_for_good_is_not_gone_on_with(runner: Runner) -> None:
    await waiting(runner)
    stopped = await runner.stop("r")
    flow = Flow("f", State("s", Scripted("a", ["x"]), to(None)))

    assert (await runner.resume(flow, "r")).stop == stopped
