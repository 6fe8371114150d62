"""The pages on patterns: each has one program, what it prints, and its drawing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.patterns import PAGES, ROOT, blocks, drawn, listed

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@every_page
def test_the_program_prints_what_the_page_says(page: Path) -> None:
    """In a process of its own, offline, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-c", blocks(page)["python"]]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout == blocks(page)["text"]


@every_page
def test_the_page_carries_the_drawing_of_its_flow(page: Path) -> None:
    """``python -m tests.docs.patterns`` draws them anew."""
    assert page.read_text(encoding="utf-8") == drawn(page)


@every_page
def test_the_page_says_what_it_replaces(page: Path) -> None:
    """In a paragraph that begins the same on each."""
    text = page.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert len(re.findall(r"^From AutoGen: ", text, re.MULTILINE)) == 1
    assert all(len(line) <= 110 for line in text.partition("```mermaid")[0].splitlines())


def test_every_pattern_has_its_page() -> None:
    assert {page.stem for page in PAGES} == listed()
