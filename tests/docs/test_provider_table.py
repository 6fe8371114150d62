"""The tables of ``docs/models.md``: every cell is proven by a test, or held against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from stateflow import FallbackModel, Fault, FaultError, Retry
from stateflow.models import names
from tests.models.test_providers import PROVIDERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
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


def table(title: str) -> list[list[str]]:
    """Return the rows of the table under *title*, its head first."""
    _, _, part = PAGE.partition(f"\n## {title}\n")
    lines = re.findall(r"^\|(.*)\|$", part.partition("\n## ")[0], re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in rows if set(row[0]) != {"-"}]


def proofs() -> dict[tuple[str, str], list[str]]:
    """Return the tests that prove each cell, by provider and column."""
    found: dict[tuple[str, str], list[str]] = {}
    for column, providers, test in table("What proves it")[1:]:
        for provider in providers.split(", "):
            found.setdefault((provider, column), []).append(test.strip("`"))
    return found


def cells() -> dict[tuple[str, str], str]:
    """Return what the table says, by provider and column."""
    (_, *columns), *rows = table("What each provider can do")
    return {
        (provider, column): answer
        for provider, *answers in rows
        for column, answer in zip(columns, answers, strict=True)
    }


@cache
def named_in(path: str) -> dict[str, set[str]]:
    """Return the tests of a file, each with the texts that stand in its decorators."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        one.name: {word for decorator in one.decorator_list for word in words(decorator)}
        for one in tree.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def words(code: ast.AST) -> Iterator[str]:
    """Yield the names and texts in *code*."""
    for node in ast.walk(code):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_table_has_every_provider_and_every_column() -> None:
    """Those that are reached over a network, the embedded model, and the scripts."""
    providers = {*PROVIDERS, "llama", "scripted"}

    assert set(cells()) == {(provider, column) for provider in providers for column in COLUMNS}
    assert set(cells().values()) <= ANSWERS


@pytest.mark.parametrize("cell", cells(), ids="-".join)
def test_a_cell_is_proven_by_a_test_that_there_is(cell: tuple[str, str]) -> None:
    """Also where it says no."""
    tests = proofs().get(cell, [])

    assert tests, f"name the test of {cell} under 'What proves it' in docs/models.md"
    for test in tests:
        path, _, name = test.partition("::")
        assert name.startswith("test_")
        assert name in named_in(path), f"{test} does not exist"


def test_no_proof_is_of_something_that_the_table_does_not_say() -> None:
    """A misspelt provider or column would prove nothing."""
    assert set(proofs()) <= set(cells())


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
    said = {fault.strip("`"): (again, other) for fault, _, again, other in table(FAULTS)[1:]}
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
