"""``stateflow render --depth``: how many flows are opened in one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.made import HEAD, Call

BOOK = (
    HEAD
    + """
checker = Flow("checker", State("check", Scripted("c", ["ok"]), to(None)))
editor = Flow("editor", Nested("verify", checker, to(None)))
flow = Flow("book", Nested("chapter", editor, to(None)))
"""
)


@pytest.fixture
def book(folder: Path) -> str:
    """Return the file of a flow in a flow in a flow."""
    (folder / "book.py").write_text(BOOK, "utf-8")
    return "book.py"


@pytest.mark.parametrize(("depth", "states"), [("0", 1), ("1", 2), ("2", 3), ("9", 3)])
def test_depth_opens_so_many_flows(sf: Call, book: str, depth: str, states: int) -> None:
    came = sf("render", book, "--format", "text", "--depth", depth)

    kinds = [row.split()[1] for row in came.out.splitlines()[2:] if "(●)" not in row]
    assert kinds == ["FLOW", "FLOW", "LLM"][:states]


def test_without_depth_all_is_opened(sf: Call, book: str) -> None:
    came = sf("render", book, "--format", "dot")

    assert came.out.count("subgraph") == 2


def test_page_is_checked_at_the_depth_that_it_was_drawn_at(
    sf: Call, folder: Path, book: str
) -> None:
    assert sf("render", book, "--format", "md", "--out", "diagrams", "--depth", "1").code == 0
    assert sf("render", book, "--check", "--depth", "1").code == 0

    came = sf("render", book, "--check", "--depth", "0")

    assert came.code == 1
    assert "draw it again: stateflow render book.py --depth 0" in came.err
    assert (folder / "diagrams/book.md").is_file()


def test_depth_below_none_is_refused(sf: Call, book: str) -> None:
    came = sf("render", book, "--depth=-1")

    assert came.code == 2
    assert "0 opens no flow in a flow" in came.err
