"""Two versions of a flow in one picture."""

from __future__ import annotations

import pytest

from stateflow.agents.scripted import Scripted
from stateflow.diagram import dot, mermaid, table
from stateflow.diagram.box import Mark, Picture
from stateflow.diagram.diff import compared
from stateflow.machine.flow import Flow
from stateflow.machine.guards import says, succeeded
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from tests.diagram.flows import of_everything, of_nasty_names, write_run_review

CODER, CRITIC, SCANNER = (Scripted(name, ["ok"]) for name in ("coder", "critic", "scanner"))
LGTM = says("LGTM")

MAIN = Flow(
    "code",
    State("write", CODER, to("review")),
    State("review", CRITIC, to("approve", when=LGTM), to("write")),
    State("approve", CRITIC, to(None)),
)
BRANCH = Flow(
    "code",
    State("write", CODER, to("review")),
    State("review", CRITIC, to("scan", when=LGTM), to("write"), visits=3),
    State("scan", SCANNER, to("approve", when=succeeded), to("write")),
    State("approve", CRITIC, to(None)),
)


def marked(drawn: Picture, mark: Mark) -> list[str]:
    """Return what has *mark*: boxes, and arrows as ``source → target``."""
    boxes = [box.key for box in drawn.boxes if box.mark == mark]
    return boxes + [f"{a.source} → {a.target}" for a in drawn.arrows if a.mark == mark]


def test_what_was_added_removed_and_changed_is_marked_and_counted() -> None:
    drawn = compared(MAIN, BRANCH, was="main", now="this branch")

    assert drawn.caption == (
        "main → this branch: + 1 state, ~ 1 state, + 3 transitions, − 1 transition, + 1 agent"
    )
    assert marked(drawn, "added") == [
        "scan",
        "review → scan",
        "scan → approve",
        "scan → write",
    ]
    assert marked(drawn, "removed") == ["review → approve"]
    assert marked(drawn, "changed") == ["review"]
    assert drawn.box("review").notes == ("~ visits",)


def test_a_state_that_is_gone_stands_where_it_stood() -> None:
    drawn = compared(BRANCH, MAIN)

    assert [(box.key, box.mark) for box in drawn.boxes] == [
        ("/start", "kept"),
        ("write", "kept"),
        ("review", "changed"),
        ("scan", "removed"),
        ("approve", "kept"),
        ("/done", "kept"),
    ]
    assert marked(drawn, "removed") == ["scan", "review → scan", "scan → approve", "scan → write"]


def test_a_renamed_state_keeps_its_arrows_and_tells_its_old_name() -> None:
    after = Flow(
        "code",
        State("draft", CODER, to("review")),
        State("review", CRITIC, to("approve", when=LGTM), to("draft")),
        State("approve", CRITIC, to(None)),
    )

    drawn = compared(MAIN, after)

    assert marked(drawn, "changed") == ["draft"]
    assert drawn.box("draft").notes == ("was write",)
    assert marked(drawn, "added") == marked(drawn, "removed") == []


def test_another_order_of_trial_marks_the_transitions_that_moved() -> None:
    after = Flow(
        "code",
        State("write", CODER, to("review")),
        State("review", CRITIC, to("write"), to("approve", when=LGTM)),
        State("approve", CRITIC, to(None)),
    )

    drawn = compared(MAIN, after)

    assert marked(drawn, "changed") == ["review", "review → write", "review → approve"]


def test_another_first_state_and_another_end_are_drawn() -> None:
    before = Flow("f", State("a", CODER, to("b")), State("b", CRITIC, to(None)))
    after = Flow("f", State("b", CRITIC, to("end")), State("a", CODER, to("b")), Final("end"))

    drawn = compared(before, after)

    assert "/start → b" in marked(drawn, "added")
    assert {"/done", "/start → a", "b → /done"} <= set(marked(drawn, "removed"))


def _paper(*inner: State, name: str = "draft") -> Flow:
    return Flow("paper", Nested(name, Flow("inner", *inner), to(None)))


def test_flows_in_flows_are_compared_in_their_frames() -> None:
    outline, expand = State("outline", CODER, to("expand")), State("expand", CODER, to(None))
    before = _paper(outline, expand)
    after = _paper(State("outline", CODER, to(None)), name="write")

    drawn = compared(before, after)

    assert marked(drawn, "changed") == ["write"]
    assert marked(drawn, "removed") == [
        "write/expand",
        "write/outline → write/expand",
        "write/expand → write//done",
    ]
    assert drawn.box("write/expand").within == "write"


def test_a_frame_that_is_gone_is_drawn_with_what_was_in_it() -> None:
    before = Flow(
        "f",
        State("a", CODER, to("draft")),
        Nested("draft", Flow("inner", State("say", CRITIC, to(None))), to(None)),
    )
    after = Flow("f", State("a", CODER, to(None)))

    drawn = compared(before, after)

    assert {"draft", "draft/say", "draft//start", "draft//done"} <= set(marked(drawn, "removed"))


def test_what_was_in_a_frame_that_is_none_any_more_has_no_room() -> None:
    before = _paper(State("outline", CODER, to(None)))
    after = Flow("paper", State("draft", CODER, to(None)))

    drawn = compared(before, after)

    assert [box.key for box in drawn.boxes] == ["/start", "draft", "/done"]
    assert drawn.box("draft").mark == "changed"


def test_on_error_is_marked_where_it_has_changed_and_not_where_states_became_many() -> None:
    def flow(*names: str, on_error: str | None) -> Flow:
        states = [State(name, CODER, to(None)) for name in names]
        return Flow("f", *states, Final("sorry", ok=False), on_error=on_error)

    few, many = flow("a", "b", on_error="sorry"), flow(*"abcdefgh", on_error="sorry")

    assert marked(compared(flow("a", "b", on_error=None), few), "added") == [
        "a → sorry",
        "b → sorry",
    ]
    assert "a → sorry" not in marked(compared(few, many), "removed")
    assert "a → sorry" not in marked(compared(many, few), "added")


@pytest.mark.parametrize(
    "flow", [write_run_review(), of_everything(), of_nasty_names(), BRANCH], ids=lambda f: f.name
)
def test_a_flow_against_itself_is_all_kept(flow: Flow) -> None:
    drawn = compared(flow, flow, was="a", now="b")

    assert {box.mark for box in drawn.boxes} == {"kept"} == {a.mark for a in drawn.arrows}
    assert drawn.caption == "a → b: no difference"


@pytest.mark.parametrize(
    ("before", "after"),
    [(MAIN, BRANCH), (MAIN, of_nasty_names()), (of_nasty_names(), of_everything())],
    ids=["branch", "to nasty names", "from nasty names"],
)
def test_every_form_is_written_twice_the_same(before: Flow, after: Flow) -> None:
    for write in (dot.write, mermaid.write, table.write):
        drawn = compared(before, after)
        assert write(drawn) == write(compared(before, after))
        assert len({box.id for box in drawn.boxes}) == len(drawn.boxes)
        assert len({box.key for box in drawn.boxes}) == len(drawn.boxes)
        assert len({arrow.id for arrow in drawn.arrows}) == len(drawn.arrows)
