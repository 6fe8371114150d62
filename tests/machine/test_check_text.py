"""Guards that read words: whose, and whether there is something better to read."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import equals, failed, matches, says, succeeded
from stateflow.machine.nested import Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import to
from tests.machine.check_codes import BOSS, CODER, RUNNER, WRITER, of_code


class Grade(BaseModel):
    score: int


PERSON = Human("person")
GRADER = Assistant("grader", 'scripted:{"score": 1}', reply=Grade)
PLAIN = Flow("plain", State("s", CODER, to(None)))
NAMED = Flow("named", State("s", CODER, to("bad", when=failed), to(None)), Final("bad", ok=False))


def asking(agent: Agent, guard: Guard) -> Flow:
    return Flow("flow", State("s", agent, to(None, when=guard), to("s")))


@pytest.mark.parametrize(
    ("agent", "guard", "severity"),
    [
        pytest.param(CODER, says("DONE"), "note", id="one-model"),
        pytest.param(CODER, says("DONE", by=CODER), None, id="named"),
        pytest.param(CODER, says("DONE", by=CODER) | says("END"), "note", id="one-of-two-unnamed"),
        pytest.param(CODER, ~matches("MORE"), "note", id="negated"),
        pytest.param(CODER, failed, None, id="no-text"),
        pytest.param(PERSON, says("exit"), "warning", id="a-person-may-quote"),
        pytest.param(PERSON, equals("exit"), "note", id="a-quote-equals-nothing"),
    ],
)
def test_a_text_guard_names_its_speaker(agent: Agent, guard: Guard, severity: str | None) -> None:
    found = of_code("SF112", asking(agent, guard))

    assert [one.severity for one in found] == ([] if severity is None else [severity])


def test_a_nested_flow_may_quote() -> None:
    flow = Flow("flow", Nested("n", PLAIN, to(None, when=says("DONE")), to("n")))

    assert [one.severity for one in of_code("SF112", flow)] == ["warning"]


def test_branches_are_several_speakers_and_are_named() -> None:
    branches = {"left": PLAIN, "right": PLAIN}
    flow = Flow("flow", Parallel("p", branches, to(None, when=says("DONE")), to("p")))

    (finding,) = of_code("SF112", flow)

    assert finding.severity == "warning"
    assert "any of 'left', 'right' can set it off" in finding.text


def test_a_junction_hears_whoever_leads_to_it_through_junctions_too() -> None:
    flow = Flow(
        "flow",
        State("write", WRITER, to("first")),
        State("code", CODER, to("second")),
        Junction("first", to("second")),
        Junction("second", to(None, when=says("DONE")), to("code")),
    )

    (finding,) = of_code("SF112", flow)

    assert (finding.place, finding.severity) == ("second", "warning")
    assert "'coder', 'writer'" in finding.text or "'writer', 'coder'" in finding.text


def test_the_finding_lies_at_the_line_of_its_transition() -> None:
    transition = to(None, when=says("DONE"))
    flow = Flow("flow", State("s", CODER, transition, to("s")))

    (finding,) = of_code("SF112", flow)

    assert finding.origin == transition.origin is not None


@pytest.mark.parametrize(
    ("agent", "guard", "cure"),
    [
        pytest.param(RUNNER, says("error"), "exit_code(...)", id="code"),
        pytest.param(RUNNER, says("error", by=RUNNER), "exit_code(...)", id="code-by-name"),
        pytest.param(RUNNER, succeeded & says("3 passed"), None, id="both-are-asked"),
        pytest.param(BOSS, says("yes"), "answered('yes')", id="options"),
        pytest.param(GRADER, matches("8"), "replied(", id="typed-reply"),
        pytest.param(PERSON, says("yes"), None, id="free-answer"),
        pytest.param(CODER, says("DONE"), None, id="plain-model"),
        pytest.param(NAMED.as_agent(), says("bad"), "ended('bad')", id="named-final"),
        pytest.param(PLAIN.as_agent(), says("bad"), None, id="only-done"),
    ],
)
def test_what_is_typed_is_not_read_as_text(agent: Agent, guard: Guard, cure: str | None) -> None:
    found = of_code("SF113", asking(agent, guard))

    assert [cure in one.cure for one in found if cure] == ([True] if cure else [])
    assert len(found) == (cure is not None)


def test_one_guard_is_told_for_one_reason() -> None:
    flow = asking(BOSS, says("yes"))

    assert of_code("SF112", flow) == []
