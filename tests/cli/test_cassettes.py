"""Commands that take a run take a cassette."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stateflow import run_sync
from stateflow.engine.finding import find_flow
from stateflow.journal.event import Journal
from stateflow.testing import write_cassette
from tests.cli.made import Call


@pytest.fixture
def kept(folder: Path) -> str:
    """Return a recorded run of ``done.py``, as a cassette in the present folder."""
    journal = run_sync(find_flow("done.py").flow, "go").journal
    assert journal is not None
    first, *rest = journal.events
    started = first._replace(event=replace(journal.started, source=str(folder / "done.py")))
    write_cassette(Journal("x", (started, *rest)), folder / "kept.yaml")
    return "kept.yaml"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["show", "kept.yaml"], "in kept.yaml", id="show"),
        pytest.param(["show", "kept.yaml", "--json"], '"RunStarted"', id="lines"),
        pytest.param(["replay", "kept.yaml"], "identical", id="replay"),
        pytest.param(["diff", "kept.yaml", "kept.yaml"], "same", id="diff"),
        pytest.param(["render", "done.py", "--run", "kept.yaml", "--out", "x"], "x/", id="render"),
        pytest.param(["bound", "done.py", "--runs", "kept.yaml"], "turns", id="bound"),
        pytest.param(["coverage", "done.py", "kept.yaml"], "transition", id="coverage"),
    ],
)
def test_a_cassette_stands_where_a_run_may_stand(
    words: list[str], told: str, kept: str, sf: Call
) -> None:
    assert kept in words

    came = sf(*words)

    assert (came.code, told in came.out + came.err) == (0, True), came


def test_a_broken_cassette_is_told_in_a_sentence(kept: str, sf: Call) -> None:
    path = Path(kept)
    path.write_text(path.read_text("utf-8").replace("by: ", "bye: ", 1), "utf-8")

    came = sf("show", kept)

    assert came.code != 0
    assert "'bye' is no key of a turn" in " ".join(came.err.split())
