"""Flows in flows: frames, paths, branches, recursion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stateflow.diagram.box import DONE, START
from stateflow.diagram.dot import to_dot
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import BRANCHES, picture
from stateflow.diagram.table import rows, to_page, to_text
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent, Nested, itself
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from tests.diagram.flows import Speaker
from tests.diagram.nested_flows import (
    MADE,
    Caller,
    nested_in_nested,
    outliner,
    with_itself,
    with_many_branches,
    with_nested,
    with_parallel,
    with_steps,
)

GOLDEN = Path(__file__).parent / "golden"
ALL = pytest.mark.parametrize("make", MADE)
WRITERS: dict[str, Callable[[Flow], str]] = {
    "dot": to_dot,
    "txt": to_text,
    "mmd": to_mermaid,
    "md": to_page,
}


def declared(flow: Flow, path: str = "", around: tuple[Flow, ...] = ()) -> Iterator[str]:
    """Yield ``source → target`` for every transition of *flow* and of those nested in it."""
    around = (*around, flow)
    for place in flow.places.values():
        for transition in () if isinstance(place, Final) else place.transitions:
            target = DONE if transition.target is None else transition.target
            yield f"{path}{place.name} → {path}{target}"
        agents = place.agents if isinstance(place, State) else ()
        for agent in agents:
            if isinstance(agent, FlowAgent) and all(agent.flow is not one for one in around):
                part = f"{agent.name}/" if len(agents) > 1 else ""
                yield from declared(agent.flow, f"{path}{place.name}/{part}", around)


@pytest.mark.parametrize(
    ("make", "form"),
    [
        *((make, form) for make in MADE[:4] for form in ("dot", "txt", "mmd")),
        (with_nested, "md"),
    ],
)
def test_text_is_the_golden_one(make: Callable[[], Flow], form: str) -> None:
    golden = (GOLDEN / f"{make.__name__}.{form}").read_text(encoding="utf-8")

    assert WRITERS[form](make()) == golden


@pytest.mark.parametrize("make", [with_nested, nested_in_nested, with_parallel, with_itself])
def test_every_transition_of_every_flow_is_drawn_once(make: Callable[[], Flow]) -> None:
    drawn = picture(make())

    shown = [
        f"{arrow.source} → {arrow.target}"
        for arrow in drawn.arrows
        if arrow.stroke != "error" and drawn.box(arrow.source).look != "start"
    ]
    assert Counter(shown) == Counter(declared(make()))
    told = [row for row in rows(drawn) if row.to and not row.state.endswith("(●)")]
    assert sum(row.when != "on error" for row in told) == len(shown)


@ALL
def test_keys_and_ids_are_unlike_in_the_whole_drawing(make: Callable[[], Flow]) -> None:
    drawn = picture(make())

    keys = [box.key for box in drawn.boxes]
    ids = [*(box.id for box in drawn.boxes), *(arrow.id for arrow in drawn.arrows)]
    assert len(set(keys)) == len(keys)
    assert len(set(ids)) == len(ids)


def test_names_of_what_is_nested_are_paths() -> None:
    drawn = picture(with_parallel())

    assert drawn.box("weigh/friend/expand").path == "weigh/friend/expand"
    assert drawn.box("weigh/friend/expand").id == "state-weigh/friend/expand"
    assert drawn.box("look/web/read").within == "look/web"
    assert drawn.box(f"look/web/{START}").id == "start-look/web"
    assert drawn.box(f"look/web/{DONE}").path == "look/web/done"


def test_frame_tells_what_goes_in_and_what_comes_out() -> None:
    box = picture(with_nested()).box("write")

    assert (box.look, box.tag, box.who, box.open) == ("flow", "FLOW", "outliner", True)
    assert box.limits == ("≤ 4 visits",)
    assert box.notes == (
        'input "Outline it."',
        "carryover last(3)",
        "summary headlines",
        "output outline ← points",
    )


def test_parallel_frame_tells_its_join_and_what_all_branches_are_given() -> None:
    drawn = picture(with_parallel())

    look = drawn.box("look")
    assert (look.tag, look.who, look.notes) == (
        "PARALLEL",
        "join any · others kept",
        ("input brief",),
    )
    assert drawn.box("look/web").notes == ()
    assert drawn.box("weigh").who == "join 2 of 3"
    assert drawn.box("weigh/critic").notes == ('input "Find faults."',)


def test_budget_of_a_nested_flow_is_told_where_it_has_one_of_its_own() -> None:
    drawn = picture(nested_in_nested())

    assert drawn.box("chapter").limits == ("budget $1.00, 10 turns",)
    assert drawn.box("chapter/verify").limits == ()
    assert drawn.caption == "2 states · 3 transitions · 2 nested flows · budget 100 turns"


def test_name_of_the_agent_is_told_where_neither_state_nor_flow_has_it() -> None:
    drawn = picture(with_steps())

    assert drawn.box("first").who == "review (outliner)"
    assert drawn.box("second/review").who == "outliner"


def test_steps_with_a_flow_are_a_frame_in_which_they_follow_each_other() -> None:
    drawn = picture(with_steps())

    assert drawn.box("second").tag == "FLOW → CODE"
    ways = [(a.source, a.target) for a in drawn.arrows if a.within == "second"]
    assert ways == [("second/review", "second/runner"), ("second/runner", "second/review 2")]


def test_deadline_is_a_limit_and_restart_is_told_in_one_word() -> None:
    drawn = picture(with_nested())

    found = [(a.stroke, a.text) for a in drawn.arrows if a.within == "" and a.text]
    assert found == [
        ("error", "on error"),
        ("plain", "ended('rejected') / clear, restart"),
        ("limit", "after 30 min"),
        ("else", "else"),
        ("error", "on error"),
        ("plain", "answered('no') / restart"),
        ("limit", "after 24 h and raised('DeadlinePassed')"),
        ("limit", "after 24 h"),
        ("else", "else"),
        ("error", "on error"),
    ]


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_depth_says_how_many_flows_are_opened_in_one_another(depth: int) -> None:
    drawn = picture(nested_in_nested(), depth)

    opened = [box.key for box in drawn.boxes if box.open]
    assert opened == ["chapter", "chapter/verify"][:depth]
    assert "chapter" in to_dot(nested_in_nested(), depth)


def test_closed_flow_is_a_round_box_that_tells_its_size() -> None:
    flow = with_parallel()

    dot, text = to_dot(flow, 0), to_text(nested_in_nested(), 0)
    assert "subgraph" not in dot
    assert "compound" not in dot
    assert "join any · others kept (2 branches)" in dot
    assert "editor (2 states)  budget $1.00, 10 turns" in text
    assert "checker (1 state)" in to_mermaid(nested_in_nested(), 1)
    assert "chapter/" not in text


def test_table_of_a_page_is_whole_however_little_is_drawn() -> None:
    page = to_page(nested_in_nested(), 0)

    assert "chapter_verify" not in page
    assert "| chapter/verify/check | CODE |" in page


def test_recursion_is_told_and_not_followed() -> None:
    boxes = [box for box in picture(with_itself()).boxes if box.who == "itself (recursion)"]

    assert [(box.key, box.open, box.frame) for box in boxes] == [
        ("part", False, ""),
        ("both/left", False, ""),
    ]


def test_recursion_of_a_nested_flow_is_its_own() -> None:
    inner = Flow("inner", State("a", Speaker("a"), to("b")), Nested("b", itself(), to(None)))

    drawn = picture(Flow("outer", Nested("n", inner, to("m")), Nested("m", inner, to(None))))

    assert drawn.box("n/b").who == drawn.box("m/b").who == "itself (recursion)"


def test_flow_that_is_a_tool_is_told_in_the_box() -> None:
    agent = Caller("writer", toolbox=(outliner().as_tool("plan", description="Plan it."),))

    box = picture(Flow("f", State("a", agent, to(None)))).box("a")

    assert box.notes == ("tool plan is flow outliner (2 states)",)


@pytest.mark.parametrize(("count", "more"), [(12, None), (13, 1), (100, 88)])
def test_twelve_branches_are_drawn_and_all_are_in_the_table(count: int, more: int | None) -> None:
    flow = with_many_branches(count)
    drawn = picture(flow)

    names = [box.name for box in drawn.inside("read")]
    assert names[:BRANCHES] == [f"reader {number}" for number in range(1, BRANCHES + 1)]
    assert names[BRANCHES:] == ([] if more is None else [f"and {more} more"])
    assert (f"and {more} more" in to_dot(flow)) == (more is not None)
    assert (f"and {more} more" in to_mermaid(flow)) == (more is not None)
    assert to_text(flow).count("/read ") == count
    assert to_page(flow).count("| LLM |") == count


def test_errors_of_a_nested_flow_have_a_row_of_their_own() -> None:
    text = to_text(nested_in_nested())

    row = next(row for row in text.splitlines() if row.startswith("chapter/verify/(any)"))
    assert row.split() == ["chapter/verify/(any)", "!", "on", "error", "◎", "chapter/verify/broken"]


def test_arrows_are_cut_at_the_frames_that_they_leave_and_enter() -> None:
    dot = to_dot(with_parallel()).splitlines()

    on = next(row for row in dot if 'id="edge-look-2"' in row)
    assert on.startswith('  "look//out" -> "weigh//in" ')
    assert 'ltail="cluster/look", lhead="cluster/weigh"' in on


def test_arrow_that_leads_up_is_written_downwards() -> None:
    dot = to_dot(with_nested()).splitlines()

    back = next(row for row in dot if 'id="edge-write-1"' in row)
    assert back.startswith('  "plan" -> "write//start" ')
    assert back.endswith('lhead="cluster/write", dir=back]')


def test_ways_to_an_end_are_written_downwards_wherever_it_was_declared() -> None:
    inner = Flow(
        "inner", State("a", Speaker("a"), to("end")), Final("end"), State("b", Speaker("b"))
    )
    flow = Flow(
        "f", State("s", Speaker("s"), to("n")), Final("over"), Nested("n", inner, to("over"))
    )

    dot = to_dot(flow)

    assert '  "n/end" -> "over" [id="edge-n-1"' in dot
    assert "dir=back" not in dot
