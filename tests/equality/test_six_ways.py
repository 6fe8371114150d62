"""Uninterrupted = cut and resumed = replayed = sync = async = another hash seed, byte for byte.

All flows of the gallery are held to it, the desk with its tools, and teams whose speakers are
chosen.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

from stateflow import (
    Flow,
    FunctionAgent,
    Result,
    Runner,
    at_random,
    canonical,
    in_turn,
    replay,
    run_sync,
)
from stateflow import resume as go_on
from stateflow.engine.replaying import replay_journal
from stateflow.models.base import ModelClient
from stateflow.stores.memory import MemoryStore
from tests.support import desk, lab
from tests.support.cutting import RUN, answer, drive, every_cut

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Case:
    """A flow with a task, and scripted models where it needs real ones."""

    flow: Flow
    task: str
    models: Mapping[str, str | ModelClient] = field(default_factory=dict[str, str | ModelClient])


def _gallery() -> list[Case]:
    """Return the flows of the gallery, with their stand-ins."""
    names = sorted(path.stem for path in (ROOT / "flows").glob("[!_]*.py"))
    modules = [import_module(f"flows.{name}") for name in names]
    return [Case(one.flow, one.task, getattr(one, "stand_in", {})) for one in modules]


def _team(name: str, choose: object) -> Case:
    planner, executor, reviewer = (
        FunctionAgent(who, lambda view: f"turn {view.turns}")
        for who in ("planner", "executor", "reviewer")
    )
    table: dict[FunctionAgent, list[FunctionAgent | None]] = {
        planner: [executor],
        executor: [reviewer, planner],
        reviewer: [planner, None],
    }
    return Case(Flow.from_table(name, table, choose=choose), "go")


CASES = [
    *_gallery(),
    Case(desk.flow(), desk.task, desk.models()),
    _team("team_in_turn", in_turn()),
    _team("team_at_random", at_random(seed=7)),
]
every_flow = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)


def unheard(key: str) -> None:
    """Hear of an effect, and do nothing."""


def whole(case: Case) -> str:
    """Run it without a cut, by the functions that block."""
    store = MemoryStore()
    result: Result = run_sync(case.flow, case.task, models=case.models, store=store)
    while result.stop.kind == "waiting":
        answers = {one.id: answer(one) for one in result.stop.questions}
        result = asyncio.run(
            go_on(case.flow, result.run, store=store, models=case.models, answers=answers)
        )
    assert result.journal is not None
    return canonical(result.journal)


@every_flow
async def test_a_run_cut_at_any_commit_resumes_to_the_same_bytes(case: Case) -> None:
    """In memory, before and after each commit."""
    expected = await asyncio.to_thread(whole, case)
    cuts = every_cut(lambda store: drive(store, case.flow, case.task, models=case.models))
    async for place, store in cuts:
        await drive(store, case.flow, case.task, models=case.models)
        assert canonical(await store.journal(RUN)) == expected, place


@every_flow
async def test_sync_async_and_replayed_are_the_same_bytes(case: Case) -> None:
    """One engine core behind different doors."""
    expected = await asyncio.to_thread(whole, case)
    async with Runner(models=case.models) as runner:
        await drive(runner.store, case.flow, case.task, models=case.models)
        journal = await runner.journal(RUN)

    again = replay(case.flow, journal)

    assert again.journal is not None
    assert canonical(journal) == canonical(again.journal) == expected


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    """In a process of its own."""
    code = (
        "from tests.equality.test_six_ways import CASES, whole\n"
        "import sys; sys.stdout.write(''.join(map(whole, CASES)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode() == "".join(map(whole, CASES))


async def test_the_turn_that_does_everything_is_cut_at_every_commit() -> None:
    """The lab in memory: effects, a batch, questions, a nested run, a refusal."""
    uncut = MemoryStore()
    await lab.drive(uncut, unheard)
    journal = await uncut.journal(RUN)
    expected = canonical(journal)
    assert "Exhausted" in expected
    assert canonical((await replay_journal(lab.flow(), journal)).journal) == expected

    async for place, store in every_cut(lambda store: lab.drive(store, unheard)):
        await lab.drive(store, unheard, slow_first=True)
        assert canonical(await store.journal(RUN)) == expected, place
