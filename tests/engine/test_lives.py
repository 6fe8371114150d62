"""The holder of a run: stopping it at odd moments, leaving it, forking all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    PASS,
    AnswerRefused,
    Final,
    Flow,
    FunctionAgent,
    Human,
    Junction,
    ReplayDivergence,
    RunError,
    Runner,
    RunTaken,
    Scripted,
    State,
    View,
    canonical,
    fork,
    guard,
    replay,
    resume,
    run,
    run_sync,
    says,
    steps,
    stream,
    to,
)
from stateflow.journal.event import Event, Recorded, RunPaused
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore

ENDLESS = Flow(
    "endless", State("s", FunctionAgent("a", lambda _: asyncio.sleep(0.001, "x")), to("s"))
)


class Slow(MemoryStore):
    """Writes, and then takes its time to say so."""

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        recorded = await super().append(run, after=after, events=events)
        await asyncio.sleep(0.01)
        return recorded


@pytest.mark.parametrize("wait", [0.001, 0.005, 0.012, 0.018])
async def test_a_run_stopped_while_a_commit_is_under_way_knows_what_was_written(
    wait: float,
) -> None:
    """The store may have written it, though nobody waited for its answer."""
    store = Slow()
    async with Runner(store=store) as runner:
        live = runner.start(ENDLESS, "go", run="r")
        await asyncio.sleep(wait)
        live.stop()
        result = await live

    assert result.stop.kind == "paused"
    assert isinstance((await store.read("r"))[-1].event, RunPaused)


class Unlocked(MemoryStore):
    """Lies where no lock reaches, such as a disk of another machine."""

    async def hold(self, run: str, /) -> Callable[[], None]:
        return lambda: None


async def test_stopping_a_run_that_another_machine_took_does_not_pause_that_one() -> None:
    """The slower one is told; the journal of the other goes on."""
    store = Unlocked()
    gate = asyncio.Event()
    waits = Flow("waits", State("s", FunctionAgent("a", lambda _: wait_for(gate)), to(None)))
    async with Runner(store=store) as slow, Runner(store=store) as fast:
        live = slow.start(waits, run="r")
        await asyncio.sleep(0)
        taken = fast.resume(waits, "r")
        for _ in range(5):
            await asyncio.sleep(0)
        live.stop()
        with pytest.raises(RunTaken):
            await live
        gate.set()
        assert (await taken).stop.kind == "done"


async def wait_for(gate: asyncio.Event) -> str:
    await gate.wait()
    return "ok"


async def test_a_run_stopped_before_its_first_step_still_ends_its_stream() -> None:
    """Whoever listens does not wait for ever."""
    async with Runner() as runner:
        live = runner.start(ENDLESS)
        live.stop()
        async with asyncio.timeout(5):
            assert len([event async for event in live]) <= 2
            assert [event async for event in live] == []


async def test_a_timeout_around_a_run_is_a_timeout_and_the_run_is_paused() -> None:
    """Cancelling who waits is not swallowed: that would look like a normal return."""
    store = MemoryStore()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await run(ENDLESS, store=store)

    (summary,) = await store.runs()
    assert summary.stop == "paused"


async def test_a_runner_that_is_left_pauses_what_still_runs(tmp_path: Any) -> None:  # noqa: ANN401
    """No run outlives its runner, and none is left without a stop."""
    async with Runner(store=tmp_path / "runs.db") as runner:
        runner.start(ENDLESS, run="left")
        await asyncio.sleep(0.02)
    async for _ in stream(ENDLESS, store=tmp_path / "runs.db"):
        break
    await asyncio.sleep(0.02)

    store = SqliteStore(tmp_path / "runs.db")
    assert "paused" in {summary.stop for summary in await store.runs()}
    await store.aclose()


async def test_a_waiting_run_can_be_cancelled_for_good() -> None:
    """Cancelling is an end, also of a run that stands still; and its journal replays."""
    store = MemoryStore()
    async with Runner(store=store) as runner:
        live = runner.start(ENDLESS, run="r")
        await asyncio.sleep(0.02)
        live.cancel()
        assert (await live).stop.kind == "cancelled"
    journal = await store.journal("r")

    again = replay(ENDLESS, journal)

    assert again.stop.kind == "cancelled"
    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


@pytest.mark.parametrize("end", [None, "over"])
async def test_a_fork_at_the_last_turn_of_a_run_that_is_over_is_over_too(end: str | None) -> None:
    """There is no turn left to take."""
    store = MemoryStore()
    flow = Flow("f", State("s", Scripted("a", ["hi"]), to(end)), Final("over"))
    first = await run(flow, "go", store=store)

    forked = await fork(flow, first.run, at=1, store=store)

    assert (forked.stop, forked.path) == (first.stop, first.path)


async def test_a_flow_that_is_changed_back_is_proved_again() -> None:
    """What the changed flow did in between binds the old one too."""
    store = MemoryStore()
    speaker = Scripted("a", ["one", RuntimeError("broken")])

    def flow(target: str) -> Flow:
        first = State("s", speaker, to("t", when=says("never")), to(target, when=says("one")))
        return Flow("f", first, State("t", speaker, to(None)), State("u", speaker, to(None)))

    @guard
    def broken(view: View) -> bool:
        raise ValueError

    old = Flow(
        "f",
        State("s", speaker, to("t", when=broken)),
        State("t", speaker, to(None)),
        State("u", speaker, to(None)),
    )
    failed = await run(old, store=store)
    assert failed.stop.kind == "failed"
    await resume(flow("u"), failed.run, store=store)

    with pytest.raises(ReplayDivergence):
        await resume(old, failed.run, store=store)


def test_a_guard_behind_a_junction_that_raises_is_named_at_the_junction() -> None:
    """With the verdicts of the junction's own guards."""

    @guard
    def broken(view: View) -> bool:
        raise ValueError("oops")

    flow = Flow(
        "f",
        State("s", Scripted("a", ["hi"]), to("j", when=says("hi"))),
        Junction("j", to("s", when=says("no")), to(None, when=broken)),
    )

    stop = run_sync(flow).stop

    assert (stop.kind, stop.state, stop.tried) == ("failed", "j", (("says('no')", False),))


def test_who_passes_in_between_does_not_repeat_the_one_before() -> None:
    """And who speaks twice in a turn says two lines."""
    heard: list[list[str]] = []

    def hear(view: View) -> str:
        heard.append([message.text for message in view.transcript])
        return "heard"

    twice = Scripted("twice", ["one", "two"])
    silent = Scripted("silent", [PASS])
    flow = Flow("f", State("s", steps(twice, silent, FunctionAgent("x", hear), twice), to(None)))

    result = run_sync(flow, "go")

    assert heard == [["go", "one"]]
    assert [message.text for message in result.messages] == ["go", "one", "heard", "two"]


def test_a_prompt_that_raises_is_a_fault_of_the_turn() -> None:
    """The run stops failed and can go on; it does not blow up."""

    def prompt(view: View) -> str:
        raise LookupError("no such role")

    result = run_sync(Flow("f", State("s", Scripted("a", ["hi"]), to(None), prompt=prompt)))

    assert (result.stop.kind, result.stop.why) == ("failed", "LookupError: no such role")


class Counted(BaseModel):
    """Data with a counter."""

    n: int = 0


def test_an_entry_action_that_counts_is_not_run_twice_by_replay() -> None:
    """The first state's entry belongs to the start, which the journal holds."""
    flow = Flow(
        "f",
        State("s", Scripted("a", ["hi"]), to(None), entry=lambda view: {"n": view.data.n + 1}),
        data=Counted,
    )
    result = run_sync(flow)
    assert result.journal is not None

    assert (result.data.n, replay(flow, result.journal).data.n) == (1, 1)


def test_an_entry_action_that_raises_at_the_start_is_told_as_a_run_error() -> None:
    """Nothing was begun, so there is nothing to resume."""
    flow = Flow(
        "f", State("s", Scripted("a", ["hi"]), to(None), entry=lambda _: {"m": 1}), data=Counted
    )
    with pytest.raises(RunError, match="unknown data 'm'"):
        run_sync(flow)


async def test_a_live_run_that_waits_goes_on_with_its_answer() -> None:
    """In the hands of whoever started it; what it asks is known once it has stopped."""
    flow = Flow("f", State("ask", Human("boss", "ok?", options=("yes", "no")), to(None)))
    async with Runner() as runner:
        live = runner.start(flow, "go")
        with pytest.raises(RunError, match="is under way; await it, then answer"):
            live.answer("yes")
        waiting = await live
        with pytest.raises(AnswerRefused, match="is none of its options"):
            await live.answer("perhaps")
        done = await live.answer(answers={waiting.stop.questions[0].id: "yes"})
        with pytest.raises(AnswerRefused, match="is over"):
            await live.answer("no")

    assert (waiting.stop.kind, done.stop.kind) == ("waiting", "done")
    assert done.messages[-1].answer == "yes"
