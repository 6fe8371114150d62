"""``stateflow replay``: what it says, and how requests are matched."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow.engine.finding import find_flow
from stateflow.stores.file import write_file
from tests.cli.made import Call
from tests.support.diverging import cut, recorded


def change(path: Path, before: str, after: str) -> None:
    """Change a text in the flow at *path*."""
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_a_prompt_that_has_changed_is_told_line_by_line(sf: Call, folder: Path) -> None:
    sf("run", "model.py")
    change(folder / "model.py", 'prompt="Write."', 'prompt="Sing."')

    came = sf("replay", "last")

    assert came.code == 1
    assert "the request has changed: prompt" in came.err
    assert "- Write." in came.err
    assert "+ Sing." in came.err


@pytest.mark.parametrize(
    ("match", "prompt", "code"),
    [
        ("strict", " Write.", 1),
        ("whitespace", " Write.", 0),
        ("whitespace", "Sing.", 1),
        ("state", "Sing.", 0),
    ],
)
def test_requests_are_matched_as_is_asked(
    sf: Call, folder: Path, match: str, prompt: str, code: int
) -> None:
    sf("run", "model.py")
    change(folder / "model.py", 'prompt="Write."', f'prompt="{prompt}"')

    assert sf("replay", "last", "--match", match).code == code


def test_another_way_to_match_is_refused(sf: Call) -> None:
    sf("run", "model.py")

    came = sf("replay", "last", "--match", "loose")

    assert came.code != 0
    assert "loose" in came.err


def test_a_recording_that_breaks_off_says_where(sf: Call, folder: Path) -> None:
    journal = recorded(find_flow("done.py").flow)
    write_file(cut(journal, journal.events[:4]), folder / "part.jsonl")

    came = sf("replay", "part.jsonl", "--flow", "done.py")

    assert "the recording breaks off at turn 2" in came.out + came.err
