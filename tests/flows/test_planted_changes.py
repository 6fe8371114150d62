"""Twenty changes to the gallery are each noticed, by the right replay tests and by no other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stateflow.journal.event import Journal
from tests.flows.planted_changes import CHANGES, PAGE, Change, cassettes, noticed, page


@pytest.fixture(scope="module")
def runs() -> Mapping[str, Journal]:
    return cassettes()


@pytest.fixture(scope="module")
def found(runs: Mapping[str, Journal]) -> list[dict[str, str]]:
    return [noticed(change, runs) for change in CHANGES]


def test_there_are_twenty_of_every_kind() -> None:
    assert len(CHANGES) == 20
    kinds = ("prompt", "guard", "order", "target", "schema of a tool", "name of a model")
    for kind in (*kinds, "budget", "data"):
        assert any(change.what.startswith(kind) for change in CHANGES)


@pytest.mark.parametrize(
    ("number", "change"),
    [pytest.param(i, one, id=f"{i + 1}-{one.flow}") for i, one in enumerate(CHANGES)],
)
def test_a_change_fails_the_right_tests_and_is_named(
    number: int, change: Change, found: list[dict[str, str]]
) -> None:
    noticed_by = found[number]

    assert tuple(noticed_by) == change.fails
    says = noticed_by[change.fails[0]]
    assert [word for word in change.says if word not in says] == [], says


def test_the_page_tells_what_comes_out(
    found: list[dict[str, str]], runs: Mapping[str, Journal]
) -> None:
    assert PAGE.read_text("utf-8") == page(found, len(runs)), (
        "write it anew: python -m tests.flows.planted_changes"
    )
