"""What it takes to hold a flow to six ways: one run, however it came about, has the same bytes.

The ways: uninterrupted, cut and resumed at any commit, replayed, blocking, async, and under
another hash seed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stateflow import Flow, Result, Runner, canonical, replay, run_sync
from stateflow import resume as go_on
from stateflow.models.base import ModelClient
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, answer, drive, every_cut

__all__ = ["ROOT", "Case", "elsewhere", "hold_cut", "hold_replayed", "same_again", "texts", "whole"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Case:
    """A flow with a task, and scripted models where it needs real ones."""

    flow: Flow
    task: str
    models: Mapping[str, str | ModelClient] = field(default_factory=dict[str, str | ModelClient])


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


async def hold_cut(case: Case) -> None:
    """Cut it in memory, before and after each commit; resumed, it comes to the same bytes."""
    expected = await asyncio.to_thread(whole, case)
    cuts = every_cut(lambda store: drive(store, case.flow, case.task, models=case.models))
    async for place, store in cuts:
        await drive(store, case.flow, case.task, models=case.models)
        assert canonical(await store.journal(RUN)) == expected, place


async def hold_replayed(case: Case) -> None:
    """Run it async, and replay that; both come to the bytes of the run that blocks."""
    expected = await asyncio.to_thread(whole, case)
    async with Runner(models=case.models) as runner:
        await drive(runner.store, case.flow, case.task, models=case.models)
        journal = await runner.journal(RUN)

    again = replay(case.flow, journal)

    assert again.journal is not None
    assert canonical(journal) == canonical(again.journal) == expected


def same_again(flow: Flow, result: Result) -> None:
    """Replay what *result* is of, and compare the bytes."""
    assert result.journal is not None
    again = replay(flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)


def texts(result: Result) -> list[str]:
    """Return what was said after the task."""
    return [message.text for message in result.messages[1:]]


def elsewhere(module: str, cases: Iterable[Case], seed: str) -> tuple[str, str]:
    """Return the bytes of *cases*, the list ``CASES`` of *module*: here, and under a hash seed."""
    code = (
        f"from {module} import CASES\n"
        "from tests.support.six_ways import whole\n"
        "import sys; sys.stdout.write(''.join(map(whole, CASES)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )
    return "".join(map(whole, cases)), done.stdout.decode()
