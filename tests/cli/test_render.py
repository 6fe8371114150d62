"""``stateflow render``: phases closed, directions, colours, and runs drawn over a flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.made import Call

TALK = """
from stateflow import Flow, Nested, Scripted, State, says, to

inner = Flow("inner", State("look", Scripted("looker", ["seen"]), to(None)))
flow = Flow(
    "talk",
    State("ask", Scripted("a", ["go"] * 3), to("answer"), phase="first"),
    State("answer", Scripted("b", ["no", "OK"]), to("check", when=says("OK")), to("ask"),
          phase="first", visits=5),
    Nested("check", inner, to(None)),
)
"""


@pytest.fixture
def talk(folder: Path) -> str:
    """Return the file of a flow with a phase and a nested flow."""
    (folder / "talk.py").write_text(TALK, "utf-8")
    return "talk.py"


def test_a_phase_is_drawn_closed(sf: Call, talk: str) -> None:
    came = sf("render", talk, "--format", "text", "--closed", "first")

    assert "first        PHASE   (2 states)" in came.out
    assert "\nask " not in came.out
    assert "check/look" in came.out


def test_all_is_drawn_closed(sf: Call, talk: str) -> None:
    came = sf("render", talk, "--format", "dot", "--closed", "all")

    assert "subgraph" not in came.out


def test_several_are_drawn_closed(sf: Call, talk: str) -> None:
    came = sf("render", talk, "--format", "mermaid", "--closed", "first", "--closed", "check")

    assert "{" not in came.out.replace("state {", "")
    assert "(1 state)" in came.out


def test_closing_what_is_not_there_is_told(sf: Call, talk: str) -> None:
    came = sf("render", talk, "--format", "text", "--closed", "nowhere")

    assert came.code == 1
    assert "--closed 'nowhere'" in came.err
    assert "there is: first, check" in came.err


def test_direction_is_for_every_drawing(sf: Call, talk: str) -> None:
    assert "rankdir=LR" in sf("render", talk, "--format", "dot", "--direction", "lr").out
    assert "direction LR" in sf("render", talk, "--format", "mermaid", "--direction", "lr").out


def test_pages_are_checked_as_they_were_drawn(sf: Call, talk: str) -> None:
    options = ("--closed", "first", "--direction", "lr")
    assert sf("render", talk, "--format", "md", "--out", "diagrams", *options).code == 0
    assert sf("render", talk, "--check", *options).code == 0

    came = sf("render", talk, "--check", "--closed", "first")

    assert came.code == 1
    assert "stateflow render talk.py --closed first" in came.err


def test_theme_is_for_what_cannot_follow_its_reader(sf: Call, talk: str) -> None:
    assert 'bgcolor="#12161d"' in sf("render", talk, "--format", "dot", "--theme", "dark").out

    came = sf("render", talk, "--theme", "dark")

    assert came.code == 2
    assert "an svg follows the reader's own" in came.err


def test_runs_are_counted_over_the_drawing(sf: Call, talk: str) -> None:
    sf("run", talk, "--input", "x")
    sf("run", talk, "--input", "x")

    came = sf("render", talk, "--format", "text", "--runs", "all")

    assert "answer ×4" in came.out
    assert "check/look ×2" in came.out
    page = sf("render", talk, "--format", "md", "--runs", "last").out
    assert "*1 recorded run · states 4/4 visited · transitions 5/5 taken*" in page


def test_the_way_of_a_run_is_drawn(sf: Call, talk: str) -> None:
    sf("run", talk, "--input", "x")

    came = sf("render", talk, "--format", "text", "--run", "last")

    assert "» answer ×2" in came.out


def test_runs_of_another_flow_are_refused(sf: Call, talk: str, folder: Path) -> None:
    (folder / "other.py").write_text(TALK.replace('"talk"', '"other"'), "utf-8")
    sf("run", talk, "--input", "x")

    came = sf("render", "other.py", "--format", "text", "--run", "last")

    assert came.code == 1
    assert "is one of flow 'talk', not of 'other'" in came.err


def test_no_run_is_told(sf: Call, talk: str) -> None:
    came = sf("render", talk, "--format", "text", "--runs", "all")

    assert came.code == 1
    assert "no run of flow 'talk' is recorded" in came.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--check", "--runs", "all"), "leave out --runs and --run"),
        (("--runs", "last", "--run", "last", "--format", "text"), "ask for one of them"),
        (("--runs", "all"), "would be written over the pages in diagrams/"),
        (("--format", "pdf"), "needs --out"),
        (("--check", "--format", "pdf"), "differs with Graphviz"),
    ],
)
def test_what_does_not_go_together_is_refused(
    sf: Call, talk: str, options: tuple[str, ...], why: str
) -> None:
    came = sf("render", talk, *options)

    assert came.code == 2
    assert why in came.err


def test_runs_are_drawn_over_one_flow(sf: Call, talk: str, folder: Path) -> None:
    (folder / "other.py").write_text(TALK.replace('"talk"', '"other"'), "utf-8")

    came = sf("render", talk, "other.py", "--format", "text", "--run", "last")

    assert came.code == 2
    assert "2 are given; name one" in came.err
