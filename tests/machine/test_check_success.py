"""Success that is only claimed: which ways pass a check, and which go around."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import (
    answered,
    called,
    exit_code,
    failed,
    replied,
    says,
    succeeded,
    turns_at_least,
)
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import to
from stateflow.tools.function import tool
from stateflow.tools.handoff import handoff
from tests.machine.check_codes import BOSS, CODER, RUNNER, WRITER, of_code


class Grade(BaseModel):
    score: int


@tool
def look(words: str) -> str:
    """Look something up.

    Args:
        words: what.
    """
    return words


MAY = Assistant("may", 'scripted:{"score": 1}', tools=[look], reply=Grade)
MUST = Assistant("must", "scripted:Done.", tools=[look], tool_choice="required")
HANDS = Assistant("hands", "scripted:Done.", tools=[handoff("s")], tool_choice="required")
CLAIMED = Flow("claimed", State("s", CODER, to(None)))
RUN = Flow("run", State("s", RUNNER, to("bad", when=failed), to(None)), Final("bad", ok=False))


def severities(flow: Flow) -> list[tuple[str, str]]:
    return [(one.place, one.severity) for one in of_code("SF120", flow)]


@pytest.mark.parametrize(
    ("agent", "checked"),
    [
        pytest.param(CODER, False, id="model"),
        pytest.param(MAY, False, id="model-that-may-call"),
        pytest.param(MUST, True, id="model-that-must-call"),
        pytest.param(HANDS, False, id="model-that-must-hand-over"),
        pytest.param(RUNNER, True, id="code"),
        pytest.param(BOSS, True, id="person"),
        pytest.param(RUN.as_agent(), True, id="nested-and-checked"),
        pytest.param(CLAIMED.as_agent(), False, id="nested-and-claimed"),
    ],
)
def test_a_check_is_executed_by_code_a_tool_or_a_person(agent: Agent, checked: bool) -> None:
    found = severities(Flow("flow", State("s", agent, to(None))))

    assert [one for one in found if one[0] == "s"] == ([] if checked else [("s", "note")])


@pytest.mark.parametrize(
    ("guard", "checked"),
    [
        pytest.param(succeeded, True, id="succeeded"),
        pytest.param(exit_code(0) & says("ok", by=MAY), True, id="and"),
        pytest.param(called("look"), True, id="called"),
        pytest.param(answered() | succeeded, True, id="either-is-a-check"),
        pytest.param(succeeded | says("ok", by=MAY), False, id="or-words"),
        pytest.param(~failed, False, id="not-failed"),
        pytest.param(replied("score"), False, id="a-typed-claim"),
        pytest.param(turns_at_least(3), False, id="a-count"),
    ],
)
def test_a_transition_may_need_an_outcome(guard: Guard, checked: bool) -> None:
    flow = Flow("flow", State("s", MAY, to(None, when=guard), to("s")))

    assert (severities(flow) == []) is checked


def test_a_way_around_the_check_is_told_with_the_way() -> None:
    flow = Flow(
        "flow",
        State("write", WRITER, to("route")),
        Junction("route", to("run", when=says("```", by=WRITER)), to("help")),
        State("run", RUNNER, to("write", when=failed), to(None)),
        State("help", CODER, to(None)),
    )

    (finding,) = of_code("SF120", flow)

    assert (finding.place, finding.severity) == ("help", "warning")
    assert finding.witness == "write → route → help → done"
    assert finding.origin == flow.places["help"].transitions[0].origin


def test_where_no_outcome_decides_a_way_around_is_a_note() -> None:
    flow = Flow(
        "flow",
        State("ask", BOSS, to("write")),
        State("write", WRITER, to(None)),
        State("other", CODER, to("ask", when=says("ASK", by=CODER)), to(None)),
    )
    other = Flow("flow", flow.places["other"], flow.places["ask"], flow.places["write"])

    assert severities(flow) == []
    assert severities(other) == [("other", "note")]


def test_each_place_that_goes_around_is_told() -> None:
    flow = Flow(
        "flow",
        State(
            "a", WRITER, to("b", when=says("B", by=WRITER)), to("good", when=succeeded), to(None)
        ),
        State("b", CODER, to("good")),
        Final("good"),
    )

    assert severities(flow) == [("a", "warning"), ("b", "warning")]


def test_an_end_that_is_not_ok_claims_nothing() -> None:
    flow = Flow(
        "flow",
        State("write", WRITER, to("gave_up", when=says("NO", by=WRITER)), to("run")),
        State("run", RUNNER, to(None)),
        Final("gave_up", ok=False),
        on_error="gave_up",
    )

    assert severities(flow) == []


def test_trouble_that_ends_well_is_a_claim() -> None:
    flow = Flow(
        "flow",
        State("run", CODER, to("fine", when=succeeded), to("run")),
        Final("fine"),
        on_error="fine",
    )

    assert severities(flow) == [("run", "warning")]


@pytest.mark.parametrize(("join", "checked"), [("all", True), (2, True), (1, False)])
def test_branches_are_checked_where_one_that_counts_must_be(join: int, checked: bool) -> None:
    flow = Flow("flow", Parallel("p", {"a": CLAIMED, "b": RUN}, to(None), join=join))

    assert ([one for one in severities(flow) if one[0] == "p"] == []) is checked


@pytest.mark.parametrize(
    ("agent", "expected"), [(CODER, [("s", "note")]), (RUNNER, [])], ids=["claimed", "checked"]
)
def test_recursion_is_checked_where_its_other_ways_are(
    agent: Agent, expected: list[tuple[str, str]]
) -> None:
    flow = Flow(
        "flow",
        State("s", agent, to("again", when=says("MORE", by=agent)), to(None)),
        Nested("again", itself(), to(None)),
    )

    assert severities(flow) == expected
