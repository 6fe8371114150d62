"""Drawings as text: the golden forms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stateflow.diagram.dot import to_dot
from stateflow.diagram.look import shortened, width, wrapped
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import DONE, START, Picture, picture
from stateflow.diagram.table import rows, to_page, to_text
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.choose import Chat
from stateflow.machine.flow import Flow
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import to
from tests.diagram.flows import (
    NASTY,
    Speaker,
    add_comment,
    of_everything,
    of_nasty_names,
    write_run_review,
)
from tests.diagram.nested_flows import of_nasty_nested_names

GOLDEN = Path(__file__).parent / "golden"
ALL = pytest.mark.parametrize("flow", [write_run_review(), of_everything(), of_nasty_names()])


class Picks:
    """A chooser that is only drawn."""

    name = "in_turn"
    form = None
    composed = False

    async def choose(self, chat: Chat, turn: object, /) -> object:
        return None


def looks(drawn: Picture) -> dict[str, str]:
    return {box.key: box.look for box in drawn.boxes}


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("write_run_review.dot", to_dot),
        ("write_run_review.txt", to_text),
        ("write_run_review.mmd", to_mermaid),
        ("write_run_review.md", to_page),
    ],
)
def test_text_is_the_golden_one(name: str, write: object) -> None:
    golden = (GOLDEN / name).read_text(encoding="utf-8")

    assert callable(write)
    assert write(write_run_review()) == golden


@ALL
def test_every_arrow_is_a_transition_of_the_flow_and_none_is_missing(flow: Flow) -> None:
    drawn = [
        (arrow.source, arrow.target)
        for arrow in picture(flow).arrows
        if arrow.source != START and arrow.stroke != "error"
    ]

    declared = [
        (place.name, DONE if transition.target is None else transition.target)
        for place in flow.places.values()
        if not isinstance(place, Final)
        for transition in place.transitions
    ]
    assert drawn == declared
    assert sum(row.when != "on error" and bool(row.to) for row in rows(picture(flow))) == len(drawn)
    assert to_dot(flow).count(" -> ") == len(picture(flow).arrows)
    finals = sum(isinstance(place, Final) for place in flow.places.values())
    assert to_mermaid(flow).count(" --> ") == len(picture(flow).arrows) + finals


def test_every_kind_has_its_look_and_an_unknown_one_is_a_tool() -> None:
    drawn = looks(picture(of_everything()))

    assert drawn == {
        START: "start",
        "plan": "llm",
        "search": "tool",
        "write": "llm",
        "check": "code",
        "route": "junction",
        "review": "code",
        "approve": "human",
        "ship": "tool",
        "shipped": "final",
        "gave_up": "failed",
        DONE: "final",
    }


def test_limits_and_what_is_saved_stand_in_the_box() -> None:
    drawn = picture(of_everything())

    assert drawn.box("plan").notes == ("saves plan",)
    assert drawn.box("write").limits == ("≤ 1 visit",)
    assert drawn.box("check").limits == ("≤ 60 s",)


def test_steps_join_their_names_and_tags() -> None:
    box = picture(of_everything()).box("review")

    assert (box.tag, box.who) == ("LLM → CODE", "critic → base")


def test_done_is_drawn_only_where_a_transition_leads_there() -> None:
    flow = Flow("f", State("a", Speaker("a"), to("end")), Final("end"))

    assert DONE not in looks(picture(flow))


def test_order_is_told_only_where_there_is_more_than_one_exit() -> None:
    orders = [
        (a.source, a.order) for a in picture(write_run_review()).arrows if a.stroke != "error"
    ]

    assert orders == [
        (START, None),
        ("write", None),
        ("run", 1),
        ("run", 2),
        ("review", 1),
        ("review", 2),
    ]


def test_words_of_arrows_tell_faults_limits_and_actions() -> None:
    found = [(a.stroke, a.text) for a in picture(of_everything()).arrows if a.text]

    assert found == [
        ("fault", "on TimedOut, RateLimited"),
        ("fault", "on any fault"),
        ("else", "else"),
        ("limit", "exhausted"),
        ("else", "else"),
        ("plain", "succeeded"),
        ("else", "else"),
        ("plain", "says('LGTM') and not failed"),
        ("else", "else / add_comment"),
        ("plain", "answered('yes')"),
        ("else", "else"),
    ]


def test_on_error_is_drawn_from_few_states_and_told_beyond() -> None:
    few, many = picture(write_run_review()), picture(of_everything())

    assert [a.source for a in few.arrows if a.stroke == "error"] == ["write", "run", "review"]
    assert not [a for a in many.arrows if a.stroke == "error"]
    assert many.caption.endswith("any error leads to gave_up")
    assert many.box("gave_up").notes == ("takes any error",)


def test_chosen_state_tells_who_picks_and_has_no_else() -> None:
    flow = Flow(
        "f",
        State(
            "a",
            Speaker("a"),
            to("a"),
            to(None),
            choose=Picks(),
            entry=add_comment,
            exit=add_comment,
        ),
    )

    drawn = picture(flow)

    assert drawn.box("a").notes == (
        "chosen by in_turn",
        "entry / add_comment",
        "exit / add_comment",
    )
    assert [(a.order, a.text) for a in drawn.arrows[1:]] == [(1, ""), (2, "")]


@pytest.mark.parametrize(
    ("budget", "shown"),
    [
        (Budget(turns=30, usd=2), "budget $2.00, 30 turns"),
        (Budget(turns=1, tokens=10_000, calls=5), "budget 1 turn, 5 calls, 10,000 tokens"),
        (Budget(turns=UNLIMITED), "no budget"),
        (Budget(turns=UNLIMITED, seconds=0.5, usd=0.001), "budget $0.001, 0.5 s"),
    ],
)
def test_caption_tells_size_and_budget(budget: Budget, shown: str) -> None:
    flow = Flow("f", State("a", Speaker("a"), to(None)), budget=budget)

    assert picture(flow).caption == f"1 state · 1 transition · {shown}"


@pytest.mark.parametrize(
    ("model", "shown"),
    [("openai:gpt-5", "gpt-5"), ("llama:org/small", "small"), ("plain", "plain"), (" ", "")],
)
def test_model_is_shown_without_its_provider(model: str, shown: str) -> None:
    flow = Flow("f", State("a", Speaker("a", model=model), to(None)))

    assert picture(flow).box("a").by == shown


def test_place_called_done_or_start_is_not_taken_for_the_drawn_ones() -> None:
    flow = Flow("f", State("start", Speaker("a"), to("done"), to(None)), Final("done", ok=False))

    ids = [box.id for box in picture(flow).boxes]

    assert ids == ["start", "state-start", "state-done", "done"]


def test_ids_of_names_that_look_alike_stay_apart() -> None:
    names = ("a b", "a?b", "a!b", "??")
    flow = Flow("f", *(State(name, Speaker("a"), to(None)) for name in names))

    assert [box.id for box in picture(flow).boxes][1:-1] == [
        "state-a-b",
        "state-a-b.2",
        "state-a-b.3",
        "state-x",
    ]
    assert "as a_b__3" in to_mermaid(flow)


def test_words_of_mermaid_are_no_names_in_it() -> None:
    flow = Flow("f", State("end", Speaker("a"), to("1")), Junction("1", to("end"), to(None)))

    text = to_mermaid(flow)

    assert "as s_end\n" in text
    assert "state s_1 <<choice>>" in text


def test_nasty_names_stay_text_in_mermaid() -> None:
    text = to_mermaid(of_nasty_names())

    for number, row in enumerate(text.splitlines()):
        labels = row.split('"')[1::2] + row.split(" : ")[1:]
        for label in labels:
            bare = label.replace("<br/>", "")
            assert not set(bare) & set('"<>`{}[]%$\\&|*'), number
    assert "```" not in text


def test_nasty_names_stay_text_in_markdown() -> None:
    page = to_page(of_nasty_names())

    assert page.count("```") == 2
    assert [row for row in page.splitlines() if row.startswith("#")] == [page.splitlines()[0]]
    assert "<b>" not in page.replace("\\<b\\>", "")
    assert "\\- " in page
    assert "\n1\\. " in page
    cells = [row for row in page.splitlines() if row.startswith("|")]
    assert {row.replace("\\\\", "").replace("\\|", "").count("|") for row in cells} == {7}


def test_table_tells_long_names_in_full_on_the_lines_below() -> None:
    lines = to_text(of_nasty_names()).splitlines()

    head, tail = NASTY.split("</svg>")
    assert f"   {head.rstrip()}   end" in lines[2]
    assert lines[3].endswith(f"   </svg>{tail} ``` # heading")
    assert len(lines) == 8


def test_state_without_a_way_on_has_a_row() -> None:
    flow = Flow("f", State("a", Speaker("a"), to("b")), State("b", Speaker("b")))

    assert to_text(flow).splitlines()[-1].split() == ["b", "LLM", "b"]


def test_long_names_are_cut_in_pictures_and_whole_in_the_table() -> None:
    long = "w" * 60
    flow = Flow("f", State(long, Speaker("a"), to(None)))

    assert f"{'w' * 47}…" in to_dot(flow)
    assert f"{'w' * 47}…" in to_mermaid(flow)
    assert f"{'w' * 48}   LLM" in to_text(flow)
    assert to_text(flow).endswith(f"\n{'w' * 12}\n")


def test_text_is_cut_and_wrapped() -> None:
    assert shortened("x" * 60) == "x" * 47 + "…"
    assert wrapped("x" * 40) == ("x" * 40,)
    assert wrapped("a" * 20 + " " + "b" * 20) == ("a" * 20, "b" * 20)
    assert wrapped("not replied('iteration_needed')") == ("not replied('iteration_needed')",)
    assert width("e\u0301") == 1


@pytest.mark.parametrize("make", [of_everything, of_nasty_nested_names])
def test_same_flow_gives_the_same_bytes_whatever_the_hash_seed(make: Callable[[], Flow]) -> None:
    script = (
        f"from {make.__module__} import {make.__name__}; "
        "from stateflow.diagram.dot import to_dot; from stateflow.diagram.table import to_page; "
        f"f = {make.__name__}(); print(ascii(to_dot(f) + to_page(f)))"
    )
    root = Path(__file__).parents[2]

    outs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outs) == 1
