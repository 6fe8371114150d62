"""Uninterrupted = cut and resumed = replayed = sync = async = another hash seed, byte for byte.

All flows of the gallery are held to it, the desk with its tools, teams whose speakers are chosen,
every pattern, and flows in flows: at once, in themselves, late, failing.
"""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from stateflow import Flow, FunctionAgent, at_random, canonical, in_turn
from stateflow.engine.replaying import replay_journal
from stateflow.stores.memory import MemoryStore
from tests.equality import patterns
from tests.support import desk, lab, nested_flows
from tests.support.cutting import RUN, every_cut
from tests.support.six_ways import ROOT, Case, elsewhere, hold_cut, hold_replayed, whole


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
    *patterns.CASES,
    *nested_flows.CASES,
]
every_flow = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)


def unheard(key: str) -> None:
    """Hear of an effect, and do nothing."""


@every_flow
async def test_a_run_cut_at_any_commit_resumes_to_the_same_bytes(case: Case) -> None:
    await hold_cut(case)


@every_flow
async def test_sync_async_and_replayed_are_the_same_bytes(case: Case) -> None:
    """One engine core behind different doors."""
    await hold_replayed(case)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    """In a process of its own."""
    here, there = elsewhere(__name__, CASES, seed)

    assert there == here


@every_flow
def test_no_case_stops_before_its_end(case: Case) -> None:
    """A run that fails the same way six times would prove little."""
    events = [json.loads(line) for line in whole(case).splitlines()]

    end = [one for one in events if not one["place"]][-1]
    assert (end["kind"], end["stop"]["kind"] in {"done", "final"}) == ("RunEnded", True)


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
