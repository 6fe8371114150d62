"""The gallery's recorded runs notice nearly all small mistakes in four of its flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from stateflow.testing.mutate.session import Tried, score
from tests.flows.gallery_mutants import FLOWS, PAGE, came_to, written

pytestmark = pytest.mark.timeout(600)  # [s]: 150 mutants, each with tests of its own

LEAST = 90.0
"""So many mutants are noticed, of those that could be [%]."""


@pytest.fixture(scope="module")
def came() -> Mapping[str, Sequence[Tried]]:
    return came_to()


@pytest.mark.parametrize("name", FLOWS)
def test_nearly_all_are_killed_and_survivors_are_explained(
    name: str, came: Mapping[str, Sequence[Tried]]
) -> None:
    assert score(came[name]) >= LEAST
    assert [one.mutant.id for one in came[name] if one.fate == "survived"] == []


def test_the_page_tells_what_comes_out(came: Mapping[str, Sequence[Tried]]) -> None:
    assert PAGE.read_text("utf-8") == written(came), (
        "write it anew: python -m tests.flows.gallery_mutants"
    )
