"""The tables of ``docs/sandboxes.md``: every cell is proven by a test, or held against the code."""

from __future__ import annotations

import ast
import re
from inspect import signature

import pytest

from stateflow import AzureSandbox, CodeRunner, DockerSandbox, LocalSandbox, MontySandbox
from tests.docs.tables import Page, missing

PAGE = Page("docs/sandboxes.md")
CELLS = PAGE.cells("Isolation by sandbox")
"""What the table says, by what is asked and sandbox."""
PROOFS = list(PAGE.proofs("What proves each answer"))
CLAIMS = [cell for cell, said in CELLS.items() if not said.startswith(("not held", "not tested"))]
KINDS: dict[str, type] = {
    "monty": MontySandbox,
    "docker": DockerSandbox,
    "local": LocalSandbox,
    "azure": AzureSandbox,
}
UNITS = {"_s": "[s]", "_mb": "[MiB]", "_bytes": "[bytes]"}


def defaults(kind: type) -> dict[str, object]:
    """Return what each argument of *kind* is if it is not given."""
    given = signature(kind).parameters.values()
    return {one.name: "" if one.default is one.empty else one.default for one in given}


def value(cell: str) -> object:
    """Return what *cell* says of a default: a number, or something of Python in backticks."""
    if not cell or cell.startswith("`"):
        return ast.literal_eval(cell.strip("`") or "''")
    return float(cell.replace(",", ""))


def test_the_table_has_every_sandbox() -> None:
    assert {sandbox for _, sandbox in CELLS} == set(KINDS)
    assert all(CELLS.values())


@pytest.mark.parametrize("cell", CLAIMS, ids="-".join)
def test_a_claim_is_proven_by_a_test_that_there_is(cell: tuple[str, str]) -> None:
    tests = [test for what, sandbox, test in PROOFS if (what, sandbox) == cell]

    assert tests, f"name the test of {cell} under 'What proves each answer' in {PAGE.path}"
    assert not [why for test in tests if (why := missing(test))]


def test_nothing_is_proven_that_is_not_claimed() -> None:
    """A misspelt row or sandbox would prove nothing."""
    assert {(what, sandbox) for what, sandbox, _ in PROOFS} == set(CLAIMS)


def test_no_proof_is_of_another_sandbox() -> None:
    """Tests of a sandbox lie in files that are named for it."""
    wrong = [
        f"{test} is not of {sandbox}"
        for _, sandbox, test in PROOFS
        if (of := re.match(r"tests/sandbox/test_([a-z]+)", test)) and of[1] != sandbox
    ]

    assert not wrong


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_limit_in_the_table_is_the_default_of_the_argument(cell: tuple[str, str]) -> None:
    """Such as ``512 MiB in all, `memory_mb```."""
    known = defaults(KINDS[cell[1]])

    limits = re.findall(r"(\d[\d,]*)[^`\d]*`(\w+)`", CELLS[cell])
    named = re.findall(r"`([a-z]+_[a-z_]+|[a-z_]+(?==))", CELLS[cell])

    assert {name: float(said.replace(",", "")) for said, name in limits} == {
        name: known[name] for _, name in limits
    }
    assert set(named) <= set(known)


@pytest.mark.parametrize(
    ("title", "column", "kind"),
    [
        pytest.param("Docker", "if not given", DockerSandbox, id="docker"),
        pytest.param("Limits of monty and of local", "monty", MontySandbox, id="monty"),
        pytest.param("Limits of monty and of local", "local", LocalSandbox, id="local"),
    ],
)
def test_every_argument_is_told_with_its_unit_and_default(
    title: str, column: str, kind: type
) -> None:
    head, *rows = PAGE.table(title)
    given = head.index(column)

    told = {row[0].strip("`"): value(row[given]) for row in rows if row[given] or "image" in row[0]}

    assert told == defaults(kind)
    for name, meaning in ((row[0].strip("`"), row[1]) for row in rows):
        unit = UNITS.get(f"_{name.rpartition('_')[2]}", "")
        assert unit in meaning, name


def test_every_argument_of_the_runner_is_told() -> None:
    rows = PAGE.table("Running code that agents write")[1:]

    assert [row[0].strip("`") for row in rows] == list(signature(CodeRunner).parameters)
