"""Phases: frames of places, drawn open or closed, and the direction of a drawing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from stateflow.diagram import dot, mermaid, svg, table
from stateflow.diagram.box import Picture
from stateflow.diagram.closed import at_depth, close, frames
from stateflow.diagram.picture import picture
from stateflow.errors import StateflowError
from stateflow.machine.flow import Flow
from stateflow.machine.state import State
from stateflow.machine.transition import to
from tests.diagram.flows import Speaker
from tests.diagram.nested_flows import nested_in_nested, with_nested, with_parallel
from tests.diagram.phased_flows import phased

SVG = "{http://www.w3.org/2000/svg}"

drawn_by_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"),
    reason="Graphviz is not installed: apt-get install graphviz, or brew install graphviz",
)


def ways(drawn: Picture) -> list[tuple[str, str, str]]:
    return [(arrow.source, arrow.target, arrow.text) for arrow in drawn.arrows]


def test_a_phase_holds_its_places_wherever_they_are_written() -> None:
    drawn = picture(phased())

    assert [box.key for box in drawn.boxes] == [
        *("/start", "/phase first", "ask", "sort", "/phase second", "write", "judge"),
        *("check", "check//start", "check/look", "check//done", "done", "gave_up"),
    ]
    assert [box.key for box in drawn.inside("/phase first")] == ["ask", "sort"]
    assert [box.key for box in drawn.inside("/phase second")] == ["write", "judge"]
    assert [box.path for box in drawn.boxes if box.phase] == ["ask", "sort", "write", "judge"]


def test_phases_are_frames_in_dot_and_are_ranked_together() -> None:
    text = dot.to_dot(phased())

    assert 'subgraph "cluster//phase first"' in text
    assert "newrank=true" in text
    assert "newrank" not in dot.to_dot(with_nested())


def test_an_arrow_stands_in_a_phase_only_where_it_does_not_leave_it() -> None:
    rows = mermaid.to_mermaid(phased()).splitlines()

    assert "    write --> judge" in rows
    assert "  sort --> write : (2) else" in rows
    assert "  [*] --> ask" in rows
    assert 'state "first" as first {' in "\n".join(rows)


def test_the_table_tells_the_phase_before_its_places() -> None:
    rows = [row[:2] for row in table.rows(picture(phased())) if row.state]

    assert rows[:6] == [
        ("first", "PHASE"),
        ("ask", "LLM"),
        ("sort", "JUNCTION"),
        ("second", "PHASE"),
        ("write", "LLM"),
        ("judge", "LLM"),
    ]


@drawn_by_dot
def test_the_description_tells_what_a_phase_holds() -> None:
    root = ET.fromstring(svg.to_svg(phased()))  # noqa: S314 - our own drawing

    assert "The phase first holds ask, sort." in (root.findtext(f"{SVG}desc") or "")
    assert "phase-first" in {group.get("id") for group in root.iter(f"{SVG}g")}


def test_a_closed_phase_is_a_box_with_one_arrow_to_each_end() -> None:
    drawn = close(picture(phased()), ["second"])

    box = drawn.box("/phase second")
    assert (box.open, box.holds) == (False, "(2 states)")
    assert drawn.inside("/phase second") == ()
    assert [way for way in ways(drawn) if "/phase second" in way] == [
        ("sort", "/phase second", "else"),
        ("/phase second", "gave_up", "on error"),
        ("/phase second", "check", "says('OK')"),
        ("/phase second", "gave_up", "exhausted"),
    ]


def test_what_leads_from_phase_to_phase_is_told_once() -> None:
    drawn = close(picture(phased()), ["first", "second"])

    between = [way for way in ways(drawn) if way[0] == "/phase first"]
    assert ("/phase first", "/phase second", "") in between
    assert len([way for way in between if way[1] == "/phase second"]) == 1
    assert 'state "second<br/>(2 states)" as second' in mermaid.write(drawn)
    assert ("second", "PHASE", "(2 states)") in [row[:3] for row in table.rows(drawn)]
    assert "(2 states)" in dot.write(drawn)


def test_nested_flows_are_closed_by_name_or_path() -> None:
    drawn = close(picture(nested_in_nested()), ["chapter/verify"])

    assert [box.key for box in drawn.boxes if box.key.startswith("chapter/verify/")] == []
    assert drawn.box("chapter/verify").holds
    assert close(picture(nested_in_nested()), ["verify"]) == drawn


def test_all_closes_everything() -> None:
    drawn = close(picture(phased()), ["all"])

    assert frames(drawn) == ()
    assert [box.key for box in drawn.boxes] == [
        *("/start", "/phase first", "/phase second", "check", "done", "gave_up"),
    ]


def test_what_takes_errors_may_stand_in_a_closed_phase() -> None:
    person = Speaker("p")
    flow = Flow(
        "f",
        State("a", person, to(None), phase="one"),
        State("sorry", person, to(None), phase="one"),
        on_error="sorry",
    )

    drawn = close(picture(flow), ["one"])

    assert (drawn.initial, drawn.on_error) == ("one", "/phase one")
    assert table.write(drawn).splitlines()[-1].split() == ["(any)", "!", "on", "error", "one"]


def test_closing_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(StateflowError, match=r"'thrid'.*it has: first, second, check"):
        close(picture(phased()), ["thrid"])

    assert close(picture(phased()), ["thrid"], strict=False) == picture(phased())


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("make", [nested_in_nested, with_parallel, with_nested, phased])
def test_closing_to_a_depth_is_drawing_to_that_depth(make: Callable[[], Flow], depth: int) -> None:
    flow = make()

    assert at_depth(picture(flow), depth) == picture(flow, depth)


def test_left_to_right_is_said_to_graphviz_and_mermaid() -> None:
    drawn = replace(picture(phased()), direction="lr")

    assert "rankdir=LR" in dot.write(drawn)
    assert "  direction LR" in mermaid.write(drawn).splitlines()
    assert "direction TB" not in mermaid.write(drawn)


def test_the_night_has_every_colour_and_leaves_names_alone() -> None:
    drawn = replace(picture(phased()), name='color="#ffffff"')

    night = dot.write(drawn, theme="dark")

    assert night.count("#ffffff") == 2
    assert 'bgcolor="#12161d"' in night
    assert dot.write(drawn).count("\n") == night.count("\n")
