"""Flows in flows, at once, in themselves, late, failing: the same bytes whatever happens."""

from __future__ import annotations

import pytest

from tests.support.nested_flows import CASES
from tests.support.six_ways import Case, elsewhere, hold_cut, hold_replayed

every_flow = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)


@every_flow
async def test_a_run_cut_at_any_commit_resumes_to_the_same_bytes(case: Case) -> None:
    await hold_cut(case)


@every_flow
async def test_sync_async_and_replayed_are_the_same_bytes(case: Case) -> None:
    await hold_replayed(case)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    here, there = elsewhere("tests.support.nested_flows", CASES, seed)

    assert there == here
