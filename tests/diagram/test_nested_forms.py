"""Flows in flows, as SVG by the real Graphviz and as Mermaid."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from stateflow.diagram.dot import to_dot
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import picture
from stateflow.diagram.svg import to_svg
from stateflow.machine.flow import Flow
from stateflow.machine.guards import failed
from stateflow.machine.nested import Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import State
from stateflow.machine.transition import to
from tests.diagram.flows import Speaker
from tests.diagram.nested_flows import (
    MADE,
    Caller,
    of_nasty_nested_names,
    outliner,
    with_parallel,
    with_steps,
)
from tests.diagram.test_svg import SVG, drawn_by_dot

ALL = pytest.mark.parametrize("make", MADE)


@ALL
@drawn_by_dot
def test_graphviz_has_nothing_to_say_against_it(make: Callable[[], Flow]) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=to_dot(make()).encode(),
        capture_output=True,
        check=True,
    )

    assert done.stderr == b""


@ALL
@drawn_by_dot
def test_svg_has_every_box_frame_and_arrow_once(make: Callable[[], Flow]) -> None:
    flow = make()
    root = ET.fromstring(to_svg(flow))  # noqa: S314 - our own drawing
    drawn = picture(flow)

    ids = [group.get("id") for group in root.iter(f"{SVG}g")][1:]
    loops = [a.id for a in drawn.arrows if a.source == a.target and drawn.box(a.source).open]
    assert Counter(ids) == Counter(
        [
            *(box.id for box in drawn.boxes),
            *(arrow.id for arrow in drawn.arrows),
            *(f"{one}-{part}" for one in loops for part in ("words", "back")),
        ]
    )
    titles = {group.get("id"): group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")}
    assert all(drawn.box(box.key).path in (titles[box.id] or "") for box in drawn.boxes)


@ALL
@drawn_by_dot
def test_every_colour_has_one_for_the_night(make: Callable[[], Flow]) -> None:
    root = ET.fromstring(to_svg(make()))  # noqa: S314 - our own drawing
    style = root.findtext(f"{SVG}style") or ""

    used = {element.get(word) for element in root.iter() for word in ("fill", "stroke")}
    assert all(f'"{colour}"' in style for colour in used - {None, "none", "transparent"})


@drawn_by_dot
def test_description_tells_what_is_nested() -> None:
    root = ET.fromstring(to_svg(with_parallel()))  # noqa: S314 - our own drawing
    told = root.findtext(f"{SVG}desc") or ""

    assert (
        "look (PARALLEL, join any · others kept, input brief) leads to look (on failed), then"
        in told
    )
    assert "look/web (FLOW, search) is a branch of look." in told
    assert "In look/web it starts at look/web/read." in told
    assert "look/web/read (LLM, reader) leads to look/web/done." in told
    assert "weigh/friend/rejected ends not ok." in told


@drawn_by_dot
def test_description_tells_the_order_of_steps() -> None:
    root = ET.fromstring(to_svg(with_steps()))  # noqa: S314 - our own drawing
    told = root.findtext(f"{SVG}desc") or ""

    assert "second/runner (CODE, runner) leads to second/review 2." in told
    assert "second/review 2 (FLOW, review (outliner)) is the last step of second." in told


@drawn_by_dot
def test_nasty_names_stay_text_in_svg() -> None:
    root = ET.fromstring(to_svg(of_nasty_nested_names()))  # noqa: S314 - our own drawing

    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "style", "g", "text", "path", "polygon", "polyline", "ellipse"),
    }


@ALL
def test_words_of_mermaid_are_unlike_in_the_whole_drawing(make: Callable[[], Flow]) -> None:
    lines = [line.strip() for line in to_mermaid(make()).splitlines()]

    named = [line.rstrip(" {").rsplit(" as ", 1)[1] for line in lines if line.startswith('state "')]
    frames = [line.rstrip(" {").rsplit(" as ", 1)[1] for line in lines if line.endswith(" {")]
    dots = {f"{one}{end}" for one in ("root", *frames) for end in ("_start", "_end")}
    assert len(set(named)) == len(named)
    assert not dots & set(named)
    assert lines.count("}") == len(frames)


def test_mermaid_has_one_region_a_branch() -> None:
    lines = [line.strip() for line in to_mermaid(with_parallel()).splitlines()]

    assert lines.count("--") == 1 + 2


def test_mermaid_draws_what_is_nested_in_a_branch_closed() -> None:
    text = to_mermaid(with_parallel())

    assert 'state "chapter<br/>FLOW editor (2 states)<br/>' in text
    assert "weigh_book_chapter_" not in text


def test_nasty_names_stay_text_in_mermaid() -> None:
    for number, row in enumerate(to_mermaid(of_nasty_nested_names()).splitlines()):
        for label in row.split('"')[1::2] + row.split(" : ")[1:]:
            bare = label.replace("<br/>", "")
            assert not set(bare) & set('"<>`{}[]%$\\&|*'), number


def test_mermaid_opens_fewer_flows_where_its_limit_is_met() -> None:
    states = [State(f"s{n}", Speaker("x" * 40), to(f"s{n + 1}")) for n in range(60)]
    inner = Flow("inner", *states, State("s60", Speaker("x"), to(None)))
    middle = Flow("middle", Parallel("p", {f"b{n}": inner for n in range(12)}, to(None)))
    flow = Flow("outer", Nested("n", middle, to(None, when=failed), to("n")))

    text = to_mermaid(flow)

    assert len(text) <= 50_000
    assert text == to_mermaid(flow, 1)
    assert len(to_mermaid(flow, 2)) > 50_000


def test_a_flow_that_is_a_tool_is_counted_in_the_caption() -> None:
    plan = outliner().as_tool("plan", description="Plan it.")
    flow = Flow("f", State("a", Caller("writer", toolbox=(plan,)), to(None)))

    assert picture(flow).caption.startswith("1 state · 1 transition · 1 nested flow · ")
