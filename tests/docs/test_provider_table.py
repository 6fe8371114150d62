"""The tables of ``docs/models.md``: every cell is proven by a test, or held against the code."""

from __future__ import annotations

import re

import pytest

from stateflow import FallbackModel, Fault, FaultError, Retry
from stateflow.models import names
from tests.docs.tables import ROOT, Page, missing, named_in
from tests.models.test_providers import PROVIDERS

PAGE = Page("docs/models.md")
CELLS = PAGE.cells("What each provider can do")
"""What the table says, by provider and column."""
ANSWERS = {"yes", "server", "text", "no", "list", "given", "free"}
FAULTS = "Trying again, and trying elsewhere"
COLUMNS = (
    "stream",
    "tools",
    "parallel tools",
    "structured reply",
    "reasoning",
    "images",
    "documents",
    "token count",
    "cost",
)


def proofs() -> dict[tuple[str, str], list[str]]:
    """Return the tests that prove each cell, by provider and column."""
    found: dict[tuple[str, str], list[str]] = {}
    for column, provider, test in PAGE.proofs("What proves it"):
        found.setdefault((provider, column), []).append(test)
    return found


def test_the_table_has_every_provider_and_every_column() -> None:
    """Those that are reached over a network, the embedded model, and the scripts."""
    providers = {*PROVIDERS, "llama", "scripted"}

    assert set(CELLS) == {(provider, column) for provider in providers for column in COLUMNS}
    assert set(CELLS.values()) <= ANSWERS


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_cell_is_proven_by_a_test_that_there_is(cell: tuple[str, str]) -> None:
    """Also where it says no."""
    tests = proofs().get(cell, [])

    assert tests, f"name the test of {cell} under 'What proves it' in docs/models.md"
    assert not [why for test in tests if (why := missing(test))]


def test_no_proof_is_of_something_that_the_table_does_not_say() -> None:
    """A misspelt provider or column would prove nothing."""
    assert set(proofs()) <= set(CELLS)


def test_a_test_of_many_providers_is_really_made_with_each() -> None:
    """Its decorator names the provider, or is the one that stands for all."""
    path = "tests/models/test_providers.py"
    wrong = [
        f"{test} is not made with {provider}"
        for (provider, _), tests in proofs().items()
        for test in tests
        if test.startswith(path)
        and not {provider, "every"} & named_in(path)[test.partition("::")[2]]
    ]

    assert not wrong


def test_the_table_of_faults_says_what_is_tried_again_and_elsewhere() -> None:
    """As ``Retry()`` and ``FallbackModel`` have it when nothing else is said."""
    said = {fault.strip("`"): (again, other) for fault, _, again, other in PAGE.table(FAULTS)[1:]}
    elsewhere = FallbackModel("scripted:one", "scripted:two").on

    assert set(said) <= {kind.__name__ for kind in FaultError.__subclasses__()}
    assert {*Retry().on, *elsewhere} <= set(said)
    for fault, answers in said.items():
        expected = (Retry().takes(Fault(fault)), fault in elsewhere)
        assert answers == tuple("yes" if one else "no" for one in expected), fault


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_a_page_names_every_way_to_a_model(page: str) -> None:
    """The module that reads the names tells of them in its docstring."""
    text = (ROOT / page).read_text(encoding="utf-8")
    prefixes = set(re.findall(r"``([a-z-]+[:+])", names.__doc__ or ""))

    assert {"openai:", "anthropic+", "scripted:"} <= prefixes
    assert not [prefix for prefix in sorted(prefixes) if f"`{prefix}" not in text]
