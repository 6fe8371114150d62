"""Findings about guards: gaps with a witness, hidden and idle transitions, overlaps."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.function import FunctionAgent
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.conversation.view import View
from stateflow.machine.check.check import check
from stateflow.machine.check.finding import Finding
from stateflow.machine.check.guards import moves_of, overlapping, shadowed, without_else
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard, guard
from stateflow.machine.guards import (
    answered,
    data_is,
    ended,
    exhausted,
    exit_code,
    failed,
    raised,
    replied,
    says,
    spoke,
    succeeded,
    turns_at_least,
    visited,
)
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition, to

ECHO = FunctionAgent("echo", lambda view: view.last.text)
BOSS = Human("boss", options=["yes", "no"])
RUNNER = CodeRunner("runner")
G, H = says("G"), says("H")


class Data(BaseModel):
    kind: Literal["a", "b"] = "a"
    ready: bool = False


@guard
def decided(view: View) -> bool:
    return view.turns > 3


def nobody(last: object, chat: object) -> None:
    """Pick done."""


def one(agent: Agent, *transitions: Transition, data: type[BaseModel] | None = None) -> Flow:
    return Flow(
        "flow",
        State("s", agent, *transitions),
        State("t", ECHO, to("s"), visits=2),
        Final("spent", ok=False),
        data=data,
    )


def gaps(flow: Flow, place: str = "s") -> list[tuple[str, str]]:
    return [(each.severity, each.witness) for each in without_else(flow, flow.places[place])]


def hidden(flow: Flow, place: str = "s") -> dict[int, Finding]:
    return shadowed(flow, flow.places[place])


@pytest.mark.parametrize(
    ("agent", "guards", "gap"),
    [
        pytest.param(ECHO, [G], [("error", "'echo' says \"Hello.\"")], id="speech"),
        pytest.param(ECHO, [G, ~G], [], id="opposites"),
        pytest.param(ECHO, [visited("t"), ~visited("t", at_least=2)], [], id="numbers"),
        pytest.param(ECHO, [spoke()], [("error", "nobody says anything")], id="silence"),
        pytest.param(
            ECHO, [succeeded, failed], [("error", "'echo' says \"Hello.\"")], id="no-outcome"
        ),
        pytest.param(RUNNER, [succeeded, failed], [], id="code-has-an-outcome"),
        pytest.param(RUNNER, [exit_code(0), failed], [], id="code-ended-well-or-not"),
        pytest.param(BOSS, [answered("yes"), answered("no")], [], id="all-options"),
        pytest.param(BOSS, [says("yes"), says("no")], [], id="options-are-said"),
        pytest.param(BOSS, [spoke()], [], id="always-an-answer"),
        pytest.param(BOSS, [answered("yes")], [("error", "'boss' says \"no\"")], id="an-option"),
        pytest.param(
            ECHO,
            [visited("t")],
            [("error", "'echo' says \"Hello.\"")],
            id="never-visited-at-first",
        ),
        pytest.param(
            ECHO,
            [visited("t"), turns_at_least(1) & G, ~turns_at_least(2) & ~G],
            [("error", "'echo' says \"Hello.\", turn 2")],
            id="later-on",
        ),
    ],
)
def test_a_gap_is_an_error_where_those_who_speak_can_fall_into_it(
    agent: Agent, guards: list[Guard], gap: list[tuple[str, str]]
) -> None:
    assert gaps(one(agent, *(to(None, when=each) for each in guards))) == gap


def test_a_gap_that_only_a_function_knows_of_is_a_warning() -> None:
    flow = one(ECHO, to(None, when=decided), to("t", when=~decided & G))
    sure = one(ECHO, to(None, when=decided), to("t", when=~decided))

    assert [severity for severity, _ in gaps(flow)] == ["error"]
    assert gaps(sure) == []


def test_a_gap_that_needs_data_or_counts_of_another_kind_is_a_warning() -> None:
    kinds = one(ECHO, to(None, when=data_is("kind", "a")), data=Data)
    both = one(
        ECHO, to(None, when=data_is("kind", "a")), to("t", when=data_is("kind", "b")), data=Data
    )
    been = Flow("flow", State("a", ECHO, to("b")), State("b", ECHO, to(None, when=visited("a"))))

    assert gaps(kinds) == [("warning", '\'echo\' says "Hello.", data kind="b"')]
    assert gaps(both) == []
    assert [severity for severity, _ in gaps(been, "b")] == ["warning"]


def test_a_junction_has_no_gap_for_what_does_not_come_there() -> None:
    asked = State("s", BOSS, to("which", when=answered("no")), to(None))
    sound = Flow("flow", asked, Junction("which", to("s", when=~answered("yes"))))
    gap = Flow("flow", asked, Junction("which", to("s", when=answered("yes") | G)))

    assert gaps(sound, "which") == []
    assert gaps(gap, "which") == [("error", "'boss' says \"no\"")]


def test_branches_have_a_gap_where_none_of_them_says_so() -> None:
    inner = Flow(
        "inner", State("s", ECHO, to(None), to("bad", when=failed)), Final("bad", ok=False)
    )
    branches = {"x": inner, "y": inner}
    sound = Flow("flow", Parallel("p", branches, to(None, when=succeeded), to("p", when=failed)))
    gap = Flow(
        "flow", Parallel("p", branches, to(None, when=says("A", by="x")), to("p", when=failed))
    )

    assert gaps(sound, "p") == []
    assert [severity for severity, _ in gaps(gap, "p")] == ["error"]


@pytest.mark.parametrize(
    "guards",
    [
        pytest.param([G, G & H], id="and"),
        pytest.param([G | H, G], id="or"),
        pytest.param([says("DONE"), says("ALL DONE")], id="words"),
        pytest.param([visited("t", at_least=1), visited("t", at_least=2)], id="numbers"),
        pytest.param([failed, exit_code(1) & failed], id="outcome"),
        pytest.param([raised(), raised("RateLimited")], id="faults"),
        pytest.param([exhausted, exhausted & G], id="limits"),
        pytest.param([decided, decided & G], id="function"),
    ],
)
def test_a_narrow_guard_behind_a_wide_one_is_hidden(guards: list[Guard]) -> None:
    flow = one(ECHO, *(to("spent", when=each) for each in guards), to(None))
    turned = one(ECHO, *(to("spent", when=each) for each in reversed(guards)), to(None))

    finding = hidden(flow)[1]

    assert (finding.code, finding.severity) == ("SF104", "error")
    assert "before it holds wherever it does" in finding.text
    assert hidden(turned) == {}


def test_guards_that_take_all_between_them_hide_a_third() -> None:
    guards = [visited("t"), ~visited("t", at_least=2), G]
    flow = one(ECHO, *(to("spent", when=each) for each in guards))

    (finding,) = hidden(flow).values()

    assert finding.code == "SF104"
    assert "those before it take all it could" in finding.text


def test_of_many_guards_the_same_one_far_before_is_found() -> None:
    guards = [says(f"W{number}") for number in range(60)]
    flow = one(ECHO, *(to("spent", when=each) for each in [*guards, guards[3]]), to(None))

    assert list(hidden(flow)) == [60]


def test_a_bare_transition_behind_guards_that_take_all_is_no_fault() -> None:
    assert hidden(one(RUNNER, to("t", when=failed), to("spent", when=succeeded), to(None))) == {}


@pytest.mark.parametrize(
    ("agent", "idle", "why"),
    [
        pytest.param(BOSS, answered("yess"), "'boss' answers one of 'yes', 'no'", id="option"),
        pytest.param(BOSS, exit_code(1), "'boss' runs no code", id="exit-code"),
        pytest.param(RUNNER, answered("yes"), "'runner' is no person", id="nobody-answers"),
        pytest.param(RUNNER, ended("done"), "'runner' is no nested flow", id="no-flow"),
        pytest.param(BOSS, says("A", by="bos"), "only 'boss' speaks last here", id="speaker"),
        pytest.param(ECHO, visited("u"), "there is no state 'u' to visit", id="no-state"),
        pytest.param(ECHO, visited("t", at_least=3), "'t' is entered 2 times at most", id="cap"),
        pytest.param(ECHO, data_is("redy"), "Data has no field 'redy'", id="no-field"),
        pytest.param(ECHO, data_is("kind", "c"), "'kind' of Data is never so", id="literal"),
        pytest.param(RUNNER, replied("score"), "the reply of 'runner'", id="no-reply"),
        pytest.param(ECHO, raised("Exhausted") & ~spoke(), "with exhausted", id="limit-raised"),
        pytest.param(ECHO, G & ~says("G", case=False), "contradicts itself", id="contradiction"),
        pytest.param(ECHO, ~visited("s"), "the opposite always holds at 's'", id="opposite"),
        pytest.param(RUNNER, succeeded & exit_code(3), "never all so at once", id="together"),
    ],
)
def test_a_guard_that_can_never_hold_is_idle_and_the_reason_is_said(
    agent: Agent, idle: Guard, why: str
) -> None:
    flow = one(agent, to("spent", when=idle), to(None), data=Data)

    finding = hidden(flow)[0]

    assert (finding.code, finding.severity, finding.place) == ("SF110", "error", "s")
    assert why in finding.text
    assert finding.origin == flow.places["s"].transitions[0].origin
    found: dict[str, dict[int, Finding]] = {name: {} for name in flow.places}
    moves = moves_of(flow, {**found, "s": {0: finding}})
    assert [row.target for row in moves["s"]] == [None]


def test_an_idle_guard_that_is_asked_elsewhere_too_is_a_note() -> None:
    """One stop for all, whoever speaks: where it cannot hold it does no harm."""
    stop = says("STOP", by="echo")
    flow = Flow(
        "flow",
        State("s", RUNNER, to(None, when=stop), to("t")),
        State("t", ECHO, to(None, when=stop), to("s")),
    )

    assert [each.severity for each in hidden(flow).values()] == ["note"]
    assert hidden(flow, "t") == {}


def test_a_chosen_state_has_idle_guards_and_no_hidden_ones() -> None:
    flow = Flow(
        "flow",
        State(
            "s", BOSS, to(None), to("s", when=answered("maybe")), to("s"), choose=chooser_of(nobody)
        ),
    )

    assert [each.code for each in hidden(flow).values()] == ["SF110"]


def test_guards_that_can_both_hold_overlap_with_a_witness() -> None:
    flow = one(ECHO, to("t", when=G), to("spent", when=H), to("spent", when=G & H), to(None))

    (finding,) = overlapping(flow, flow.places["s"])

    assert (finding.code, finding.severity) == ("SF111", "note")
    assert finding.witness == "'echo' says \"G H\""
    assert finding.origin == flow.places["s"].transitions[1].origin


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param([to("t", when=G & H), to("spent", when=G)], id="narrow-first"),
        pytest.param([to("t", when=G), to("t", when=H)], id="one-target"),
        pytest.param([to("t", when=G), to("spent", when=H & ~G)], id="excluded"),
        pytest.param([to("t", when=G), to("spent")], id="else"),
    ],
)
def test_guards_that_exclude_each_other_or_narrow_do_not_overlap(moves: list[Transition]) -> None:
    flow = one(ECHO, *moves)

    assert list(overlapping(flow, flow.places["s"])) == []


class _Colour(Enum):
    RED = "red"
    BLUE = "blue"


class _Painted(BaseModel):
    colour: _Colour
    other: _Colour | None = _Colour.RED
    share: float = Field(ge=0, lt=1)


@pytest.mark.parametrize(
    "guards",
    [
        pytest.param([replied("colour", "red"), replied("colour", "blue")], id="enumeration"),
        pytest.param([replied("other", one) for one in ("red", "blue", None)], id="optional"),
        pytest.param([replied("share", at_least=0.5), replied("share", at_most=0.5)], id="range"),
    ],
)
def test_guards_on_a_typed_reply_that_cover_all_it_can_hold_leave_no_gap(
    guards: list[Guard],
) -> None:
    painter = Assistant("painter", model="scripted:x", reply=_Painted)
    flow = Flow("paint", State("a", painter, *(to(None, when=one) for one in guards)))

    assert [one.code for one in check(flow) if one.code in {"SF103", "SF110"}] == []


def test_a_value_of_an_enumeration_that_is_missing_is_a_gap_with_a_witness() -> None:
    painter = Assistant("painter", model="scripted:x", reply=_Painted)
    flow = Flow("paint", State("a", painter, to(None, when=replied("colour", "red"))))

    (gap,) = [one for one in check(flow) if one.code == "SF103"]

    assert gap.severity == "error"
    assert "blue" in gap.witness


def test_what_failed_has_not_succeeded() -> None:
    """Also where nobody runs code: who raised has said nothing that could have."""
    state = State(
        "s", FunctionAgent("a", lambda _: "x"), to(None, when=failed & succeeded), to("s")
    )

    assert [one.code for one in check(Flow("f", state, Final("end")))][-2:] == ["SF110", "SF101"]
