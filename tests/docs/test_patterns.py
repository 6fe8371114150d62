"""The pages on patterns: each has one program, which prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "patterns").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the fenced blocks of *page*, each with its language."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_program_prints_what_the_page_says(page: Path) -> None:
    """In a process of its own, offline, with warnings as errors."""
    (language, program), (other, expected) = blocks(page)

    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (language, other) == ("python", "text")
    assert done.stderr == ""
    assert done.stdout == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_says_what_it_replaces(page: Path) -> None:
    """In a paragraph that begins the same on each."""
    text = page.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert len(re.findall(r"^From AutoGen: ", text, re.MULTILINE)) == 1
    assert all(len(line) <= 110 for line in text.splitlines())


def test_every_pattern_has_its_page() -> None:
    names = {page.stem for page in PAGES}

    assert {"two_agents", "in_sequence", "round_robin", "selector", "manual", "group_chat"} <= names
