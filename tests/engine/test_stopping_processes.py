"""Stopping a run that another process has under way, through a real SQLite file."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from stateflow import (
    Budget,
    Flow,
    Human,
    Parallel,
    Runner,
    Scripted,
    State,
    canonical,
    says,
    to,
)
from stateflow.engine.outside import OUTSIDE
from stateflow.engine.replaying import replay_journal
from stateflow.journal.event import (
    Event,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.stores.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]

TEAM = """
import asyncio
from stateflow import Flow, FunctionAgent, Nested, Parallel, State, to

async def speak(view):
    await asyncio.sleep(0.001)
    return f"line {view.turns}"

def endless(name):
    return Flow(name, State("s", FunctionAgent("a", speak), to("s")))

flow = {
    "plain": endless("plain"),
    "nested": Flow("outer", Nested("n", endless("inner"), to(None))),
    "parallel": Flow("both", Parallel("p", [endless("one"), endless("two")], to(None))),
}
"""

LIFE = """
import asyncio, runpy, sys
from stateflow import Budget, Runner

async def main(folder, shape):
    flow = runpy.run_path(f"{folder}/team.py")["flow"][shape]
    async with Runner(store=f"{folder}/runs.db") as runner:
        live = runner.start(flow, run="r", budget=Budget(turns=10**6))
        live.listen()
        async for event in live:
            if getattr(event, "run", "").count("/") == (shape != "plain") and event.seq == 20:
                print("busy", flush=True)
        result = await live
    assert asyncio.all_tasks() == {asyncio.current_task()}
    print(f"{result.stop.kind}: {result.stop.why}")

asyncio.run(main(*sys.argv[1:]))
"""


def last_of(journal: Journal) -> Event:
    return journal.events[-1].event


@pytest.mark.parametrize("pause", [False, True], ids=["for good", "for now"])
@pytest.mark.parametrize("shape", ["plain", "nested", "parallel"])
async def test_a_run_of_another_process_is_stopped_and_loses_only_what_was_under_way(
    tmp_path: Path, shape: str, pause: bool
) -> None:
    (tmp_path / "team.py").write_text(TEAM, "utf-8")
    process = subprocess.Popen(  # noqa: ASYNC220 - it must live beside us
        [sys.executable, "-c", LIFE, str(tmp_path), shape],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    store = SqliteStore(tmp_path / "runs.db")
    async with Runner(store=store) as runner:
        stopped = await runner.stop("r", pause=pause)
        out, err = process.communicate(timeout=60)

        assert (out.split("\n")[-2], err) == (f"{stopped.kind}: {OUTSIDE}", "")
        journal = await store.journal("r")
        runs = [journal, *journal.children.values()]
        assert len(runs) == {"plain": 1, "nested": 2, "parallel": 3}[shape]
        assert {type(last_of(one)) for one in runs} == {RunPaused if pause else RunEnded}
        flow = runpy.run_path(str(tmp_path / "team.py"))["flow"][shape]
        if not pause:
            again = await replay_journal(flow, journal)
            assert canonical(again.journal) == canonical(journal)
            await store.aclose()
            return
        before = [len(one.events) for one in runs]
        live = runner.resume(flow, "r", budget=Budget(turns=10**6))
        async for event in live:
            if isinstance(event, Recorded) and isinstance(event.event, TurnTaken):
                break
        live.cancel()
        await live
    again_runs = [await store.journal("r")]
    again_runs += again_runs[0].children.values()
    await store.aclose()
    for one, events in zip(again_runs, before, strict=True):
        assert isinstance(one.events[events].event, RunResumed | RunEnded)
    replayed = await replay_journal(flow, again_runs[0])
    assert canonical(replayed.journal) == canonical(again_runs[0])


async def test_the_end_of_a_journal_is_read_without_the_rest(tmp_path: Path) -> None:
    """Else a run with a long journal would always have written on when it is to be stopped."""
    store = SqliteStore(tmp_path / "runs.db")
    start = RunStarted("f", {"initial": "s"}, "0")
    await store.append("r", after=0, events=[start, RunResumed(), RunResumed()])

    tail = await store.tail("r", after=2)

    assert tail == (await store.read("r"))[2:]
    assert await store.tail("r", after=3) == await store.tail("nobody", after=0) == []
    await store.aclose()


STUCK = Flow("stuck", State("s", Scripted("a", ["no"]), to(None, when=says("yes"))))
FAILED = Flow("failed", State("s", Scripted("a", [ValueError("boom")]), to(None)))
SPENT = Flow("spent", State("s", Scripted("a", ["x", "y"]), to("s")), budget=Budget(turns=1))
ASKS = Flow("asks", State("s", Human("boss", ask="ok?", options=("yes", "no")), to(None)))
BOTH = Flow("both", Parallel("p", [ASKS, STUCK], to(None)))


@pytest.mark.parametrize("flow", [STUCK, FAILED, SPENT, ASKS, BOTH], ids=lambda flow: flow.name)
async def test_a_run_that_stood_still_and_was_ended_replays_to_that_end(flow: Flow) -> None:
    async with Runner() as runner:
        before = await runner.start(flow, run="r")
        assert before.stop.resumable
        stopped = await runner.stop("r")
        journal = await runner.journal("r")

    again = await replay_journal(flow, journal)

    assert again.stop == stopped
    assert canonical(again.journal) == canonical(journal)
