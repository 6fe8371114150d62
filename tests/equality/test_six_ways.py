"""Uninterrupted = cut and resumed = replayed = sync = async = another hash seed, byte for byte."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows import counting, one_agent, plan_execute_review, slogan
from stateflow import Flow, Runner, at_random, canonical, in_turn, replay, run, run_sync
from stateflow.engine.replaying import replay_journal
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import Cut, CuttingStore
from tests.support.lab import RUN, drive
from tests.support.lab import flow as lab_flow

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Case:
    """A flow of the gallery, with scripted models where it needs a real one."""

    module: str
    flow: Flow
    task: str
    models: Mapping[str, str] = field(default_factory=dict[str, str])


def _team(name: str, choose: object) -> Flow:
    from stateflow import FunctionAgent

    planner, executor, reviewer = (
        FunctionAgent(who, lambda view: f"turn {view.turns}")
        for who in ("planner", "executor", "reviewer")
    )
    table: dict[FunctionAgent, list[FunctionAgent | None]] = {
        planner: [executor],
        executor: [reviewer, planner],
        reviewer: [planner, None],
    }
    return Flow.from_table(name, table, choose=choose)


CASES = [
    Case("plan_execute_review", plan_execute_review.flow, plan_execute_review.task),
    Case("counting", counting.flow, counting.task),
    Case("one_agent", one_agent.flow, one_agent.task),
    Case("slogan", slogan.flow, slogan.task, slogan.stand_in),
    Case("", _team("team_in_turn", in_turn()), "go"),
    Case("", _team("team_at_random", at_random(seed=7)), "go"),
]
every_flow = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)


def unheard(key: str) -> None:
    """Hear of an effect, and do nothing."""


def _whole(case: Case) -> str:
    result = run_sync(case.flow, case.task, models=case.models)
    assert result.journal is not None
    return canonical(result.journal)


@every_flow
async def test_a_run_cut_at_any_commit_resumes_to_the_same_bytes(case: Case) -> None:
    """In memory, before and after each commit."""
    expected = await asyncio.to_thread(_whole, case)
    for before in (True, False):
        at, more = 0, True
        while more:
            at += 1
            more, text = await _cut(case, at, before=before)
            assert text == expected, f"cut {'before' if before else 'after'} commit {at}"


async def _cut(case: Case, at: int, *, before: bool) -> tuple[bool, str]:
    """Return whether the run was cut at commit *at*, and what it came to in the end."""
    store = MemoryStore()
    cutting = CuttingStore(store, at, before=before)
    was_cut = False
    async with Runner(store=cutting, models=case.models) as runner:
        try:
            await runner.start(case.flow, case.task, run="r")
        except Cut:
            was_cut = True
    async with Runner(store=store, models=case.models) as runner:
        begun = bool(await store.read("r"))
        live = (
            runner.resume(case.flow, "r") if begun else runner.start(case.flow, case.task, run="r")
        )
        await live
    return was_cut, canonical(await store.journal("r"))


@every_flow
async def test_sync_async_and_replayed_are_the_same_bytes(case: Case) -> None:
    """One engine core behind different doors."""
    expected = await asyncio.to_thread(_whole, case)
    result = await run(case.flow, case.task, models=case.models)
    assert result.journal is not None

    again = replay(case.flow, result.journal)

    assert again.journal is not None
    assert canonical(result.journal) == canonical(again.journal) == expected


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    """In a process of its own."""
    code = (
        "from tests.equality.test_six_ways import CASES, _whole\n"
        "import sys; sys.stdout.write(''.join(map(_whole, CASES)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode() == "".join(map(_whole, CASES))


async def test_the_turn_that_does_everything_is_cut_at_every_commit() -> None:
    """The lab in memory: effects, a batch, questions, a nested run, a refusal."""
    whole = MemoryStore()
    await drive(whole, unheard)
    journal = await whole.journal(RUN)
    expected = canonical(journal)
    assert "Exhausted" in expected
    assert canonical((await replay_journal(lab_flow(), journal)).journal) == expected

    for before in (True, False):
        at, more = 0, True
        while more:
            at += 1
            store, more = MemoryStore(), False
            try:
                await drive(CuttingStore(store, at, before=before), unheard)
            except Cut:
                more = True
            await drive(store, unheard, slow_first=True)
            assert canonical(await store.journal(RUN)) == expected, f"{at} {before}"
