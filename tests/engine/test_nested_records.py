"""Nested runs on the record: what has changed is told, what was lost counts, no fault is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from stateflow import (
    Flow,
    FunctionAgent,
    Human,
    Nested,
    Parallel,
    ReplayDivergence,
    Runner,
    Scripted,
    State,
    StoreError,
    matches,
    replay,
    resume,
    run,
    says,
    to,
)
from stateflow.journal.event import Event, Recorded
from stateflow.machine.guard import Guard
from stateflow.stores.memory import MemoryStore
from tests.support.branches import Stuck, after_rounds, counts, ends_of, hangs, one
from tests.support.cutting import CuttingStore
from tests.support.six_ways import same_again, texts


def asked(guard: Guard, task: str = "Look.") -> Flow:
    """Return a flow whose nested flow goes on by *guard* and then asks."""
    inner = Flow(
        "inner",
        State("say", Scripted("s", ["one", "two"]), to("say", when=guard), to("ask")),
        State("ask", Human("boss", "Accept it?"), to(None)),
    )
    return Flow("outer", Nested("nest", inner, to(None), input=task))


# What has changed ------------------------------------------------------------------------------


async def test_another_task_for_a_nested_run_is_another_request() -> None:
    result = await run(asked(says("one")), "task")
    assert result.journal is not None
    journal = result.journal

    with pytest.raises(ReplayDivergence, match=r"(?s)nest#1\.0 \(child\).*Look.*Look again"):
        await asyncio.to_thread(replay, asked(says("one"), "Look again."), journal)
    await asyncio.to_thread(replay, asked(says("one"), "Look again."), journal, match="state")


async def test_a_changed_nested_flow_goes_on_only_if_it_would_have_come_the_same_way() -> None:
    store = MemoryStore()
    waiting = await run(asked(says("one")), "task", store=store)
    before = await store.journal(waiting.run)

    with pytest.raises(ReplayDivergence, match=r"says\('one'\) → says\('three'\)  True +False"):
        await resume(asked(says("three")), waiting.run, store=store, answer="yes")
    assert await store.journal(waiting.run) == before, "nothing was written"
    done = await resume(asked(matches("one")), waiting.run, store=store, answer="yes")

    assert texts(done) == ["yes"]


async def test_a_replay_finds_the_first_difference_below() -> None:
    def flow(word: str) -> Flow:
        inner = Flow("inner", State("say", Scripted("s", ["one"]), to(None, when=says(word))))
        return Flow("outer", Nested("deep", Flow("deep", Nested("n", inner, to(None))), to(None)))

    result = await run(flow("one"), "task")
    assert result.journal is not None

    with pytest.raises(ReplayDivergence, match=r"turn 1 \(state 'say', visit 1\)"):
        await asyncio.to_thread(replay, flow("two"), result.journal)


# What was lost ---------------------------------------------------------------------------------


async def test_turns_that_were_open_deep_below_a_dropped_branch_count_as_lost() -> None:
    deepest = Flow(
        "deepest",
        State("say", Scripted("s", ["once"]), to("hang")),
        State("hang", Stuck("s", []), to(None)),
    )
    deep = Flow("deep", Nested("below", deepest, to(None)))
    branches = {"deep": deep, "quick": after_rounds("quick", 20)}
    flow = Flow("outer", Parallel("p", branches, to(None), join="any"))

    result = await run(flow, "task")

    assert result.journal is not None
    assert [one.lost_turns for one in ends_of(result.journal) if one.cancelled] == [1]
    assert result.turns == 2
    same_again(flow, result)


async def test_however_often_a_branch_is_tried_again_its_turns_count_once() -> None:
    tries: list[str] = []

    def moody(view: object) -> str:
        del view
        tries.append("try")
        if len(tries) < 4:
            raise ValueError("not yet")
        return "at last"

    inner = Flow(
        "inner",
        State("first", Scripted("f", ["once"]), to("second")),
        State("second", FunctionAgent("moody", moody), to(None)),
    )
    flow = Flow("outer", Parallel("p", {"a": inner, "b": counts("b", 2)}, to(None)))
    store = MemoryStore()

    result = await run(flow, "task", store=store)
    while result.stop.kind == "failed":
        same_again(flow, result)
        result = await resume(flow, result.run, store=store)

    assert len(tries) == 4
    assert texts(result) == ["at last", "2"]
    assert result.turns == 5
    same_again(flow, result)


# What the store says ---------------------------------------------------------------------------


@dataclass
class FullStore(CuttingStore):
    """Has no room left for the nested runs called *name*."""

    inner: MemoryStore = field(default_factory=MemoryStore)
    name: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.inner, 0, before=True)

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        if self.name and self.name in run:
            raise StoreError("the disk is full")
        return await super().append(run, after=after, events=events)


@pytest.mark.parametrize("name", ["p#1.0", "p#1.1"])
async def test_a_store_that_fails_for_one_branch_is_no_fault_of_the_flow(name: str) -> None:
    dropped: list[str] = []
    branches = {"a": counts("a", 3), "b": one("b"), "s": hangs("s", dropped)}
    flow = Flow("outer", Parallel("p", branches, to(None), join=2))
    store = FullStore(name=name)
    before = asyncio.all_tasks()

    with pytest.raises(StoreError, match="the disk is full"):
        async with Runner(store=store) as runner:
            await runner.start(flow, "task", run="full")
    assert asyncio.all_tasks() == before
    done = await resume(flow, "full", store=store.inner)

    assert texts(done) == ["3", "b is done"]
    same_again(flow, done)
