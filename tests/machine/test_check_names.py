"""Names that nobody has, and agents, tools and fields that nobody uses."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.function import FunctionAgent
from stateflow.conversation.agent import Agent
from stateflow.conversation.view import View
from stateflow.conversation.window import only
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import (
    answered,
    called,
    data_is,
    ended,
    handed_to,
    replied,
    says,
    spoke,
    visited,
)
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from stateflow.tools.function import tool
from stateflow.tools.handoff import handoff
from tests.machine.check_codes import BOSS, CODER, RUNNER, WRITER, of_code


class Grade(BaseModel):
    score: int = 0
    advice: str = ""

    @property
    def good(self) -> bool:
        return self.score > 7


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


@tool
def search(words: str) -> str:
    """Search.

    Args:
        words: what for.
    """
    return words


SEARCHER = Assistant("searcher", "scripted:Done.", tools=[search])
GRADER = Assistant("grader", 'scripted:{"score": 1, "advice": "a"}', reply=Grade)
OPAQUE = FunctionAgent("opaque", lambda _: "x")
INNER = Flow(
    "inner",
    State("s", CODER, to("rejected", when=says("NO", by=CODER)), to(None)),
    Final("rejected", ok=False),
)


def asking(agent: Agent, guard: Guard, data: type[BaseModel] | None = Grade) -> Flow:
    places = (
        State("write", agent, to(None, when=guard), to("read")),
        State("read", WRITER, to("write")),
    )
    return Flow("flow", *places, data=data)


@pytest.mark.parametrize(
    ("agent", "guard", "near"),
    [
        pytest.param(CODER, says("OK", by="codre"), "'coder'", id="speaker"),
        pytest.param(CODER, says("OK", by="writer"), None, id="speaker-elsewhere"),
        pytest.param(CODER, says("OK", by="user"), None, id="user"),
        pytest.param(CODER, ~spoke("wirter"), "'writer'", id="spoke"),
        pytest.param(CODER, visited("raed", at_least=2), "'read'", id="state"),
        pytest.param(CODER, visited("read", at_least=2), None, id="known-state"),
        pytest.param(SEARCHER, handed_to("raed"), "'read'", id="handoff"),
        pytest.param(SEARCHER, handed_to("writer"), None, id="handoff-to-an-agent"),
        pytest.param(OPAQUE, handed_to("billing"), None, id="an-agent-of-the-user-hands-anywhere"),
        pytest.param(SEARCHER, called("serach"), "'search'", id="tool"),
        pytest.param(SEARCHER, called("search"), None, id="known-tool"),
        pytest.param(OPAQUE, called("anything"), None, id="an-agent-of-the-user-calls-anything"),
        pytest.param(BOSS, answered("yse"), "'yes'", id="option"),
        pytest.param(INNER.as_agent(), ended("rejcted"), "'rejected'", id="final"),
        pytest.param(INNER.as_agent(), ended("done"), None, id="done"),
        pytest.param(GRADER, replied("scor"), "'score'", id="field-of-reply"),
        pytest.param(GRADER, replied("score", at_least=8), None, id="known-field-of-reply"),
        pytest.param(OPAQUE, replied("anything"), None, id="a-reply-that-nobody-knows"),
        pytest.param(CODER, data_is("scor"), "'score'", id="field-of-data"),
        pytest.param(CODER, data_is("good"), None, id="property-of-data"),
    ],
)
def test_a_name_is_somebodys(agent: Agent, guard: Guard, near: str | None) -> None:
    found = of_code("SF119", asking(agent, guard))

    assert [(one.severity, one.place, one.cure) for one in found] == (
        [("error", "write", f"write {near}")] if near else []
    )


def test_a_name_that_is_like_none_is_told_with_those_there_are() -> None:
    (finding,) = of_code("SF119", asking(CODER, says("OK", by="zzz")))

    assert finding.text == "says('OK', by='zzz') names no speaker: 'zzz' is nobody's name"
    assert finding.cure == "there are: 'user', 'coder', 'writer'"


def test_a_name_is_told_once_and_not_as_a_guard_that_never_holds() -> None:
    assert of_code("SF110", asking(BOSS, answered("yse"))) == []


def test_data_that_takes_any_field_is_not_judged() -> None:
    assert of_code("SF119", asking(CODER, data_is("anything"), Loose)) == []


def test_names_of_those_who_speak_in_nested_flows_count() -> None:
    flow = Flow("flow", Nested("n", INNER, to(None, when=says("NO", by="coder")), to("n")))

    assert of_code("SF119", flow) == []


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        pytest.param(State("s", CODER, to(None), sees=only("user", "wirter")), "wirter", id="sees"),
        pytest.param(State("s", CODER, to(None), sees=only("user")), None, id="user"),
        pytest.param(Nested("s", INNER, to(None), carryover=only("boos")), "boos", id="carryover"),
        pytest.param(State("s", CodeRunner("r", of="codre"), to(None)), "codre", id="whose-code"),
    ],
)
def test_windows_name_speakers_that_there_are(state: State, missing: str | None) -> None:
    found = of_code("SF119", Flow("flow", state))

    assert [repr(missing) in one.text for one in found] == ([True] if missing else [])


def test_a_handoff_names_a_state_or_an_agent() -> None:
    lost = Assistant("planner", "scripted:Done.", tools=[handoff("wirter")])
    flow = Flow("flow", State("plan", lost, to("write")), State("write", WRITER, to(None)))

    (finding,) = of_code("SF119", flow)

    assert (finding.place, finding.cure) == ("plan", "write 'writer'")


def test_a_handoff_may_mean_another_flow_that_the_agent_serves_in() -> None:
    agent = Assistant("planner", "scripted:Done.", tools=[handoff("elsewhere")])
    flow = Flow("flow", State("plan", agent, to(None)))
    other = Flow(
        "other", State("plan", agent, to("elsewhere")), State("elsewhere", CODER, to(None))
    )

    assert [one.code for one in of_code("SF119", flow)] == ["SF119"]
    assert of_code("SF119", flow, other) == []


def test_a_handoff_that_no_way_allows_is_never_offered() -> None:
    agent = Assistant("planner", "scripted:Done.", tools=[handoff("write")])
    flow = Flow("flow", State("plan", agent, to(None)), State("write", WRITER, to("plan")))

    (finding,) = of_code("SF117", flow)

    assert "never offered 'transfer_to_write': no way leads to 'write'" in finding.text


def test_tools_of_an_agent_that_may_call_none_are_told() -> None:
    agent = Assistant("searcher", "scripted:Done.", tools=[search], tool_choice="none")

    assert len(of_code("SF117", Flow("flow", State("s", agent, to(None))))) == 1


def test_agents_and_tools_that_are_declared_have_a_use() -> None:
    copy = Assistant("coder", "scripted:Done.")
    flow = Flow("flow", State("s", CODER, to(None)))
    declared = (CODER, copy, WRITER, search, flow, "text", 3, Assistant, View)

    assert [one.place for one in of_code("SF116", flow, *declared)] == ["writer"]
    assert [one.place for one in of_code("SF117", flow, *declared)] == ["search"]


def test_what_serves_in_another_flow_of_the_module_has_a_use() -> None:
    flow = Flow("flow", State("s", CODER, to(None)))
    other = Flow("other", Nested("n", Flow("deep", State("s", SEARCHER, to(None))), to(None)))

    assert of_code("SF116", flow, SEARCHER, search, other) == []
    assert of_code("SF117", flow, SEARCHER, search, other) == []


def test_the_tools_of_an_unused_agent_are_told_with_it() -> None:
    flow = Flow("flow", State("s", CODER, to(None)))

    assert len(of_code("SF116", flow, SEARCHER, search)) == 1
    assert of_code("SF117", flow, SEARCHER, search) == []


def no_change(view: View) -> None:
    """Change nothing, which nobody can know."""


@pytest.mark.parametrize(
    ("state", "told"),
    [
        pytest.param(State("s", CODER, to(None, when=data_is("score")), to("s")), True, id="never"),
        pytest.param(
            State("s", CODER, to(None, when=data_is("score")), to("s"), save="score"),
            False,
            id="save",
        ),
        pytest.param(
            State("s", CODER, to(None, when=data_is("score")), to("s"), save="advice"),
            True,
            id="other",
        ),
        pytest.param(
            State("s", CODER, to(None, when=data_is("score")), to("s", do=no_change)),
            False,
            id="do",
        ),
        pytest.param(
            State("s", CODER, to(None, when=data_is("score")), to("s"), entry=no_change),
            False,
            id="entry",
        ),
        pytest.param(
            Nested(
                "s",
                Flow("graded", State("g", CODER, to(None)), data=Grade),
                to(None, when=data_is("score")),
                to("s"),
                output={"score": "score"},
            ),
            False,
            id="output",
        ),
    ],
)
def test_a_field_that_is_read_is_written(state: State, told: bool) -> None:
    found = of_code("SF118", Flow("flow", state, data=Grade))

    assert [one.severity for one in found] == ["warning"] * told


def test_a_field_without_a_default_is_given_to_every_run() -> None:
    class Brief(BaseModel):
        urgent: bool

    assert of_code("SF118", asking(CODER, data_is("urgent"), Brief)) == []


def test_a_nested_flow_that_a_function_gives_data_to_is_not_judged() -> None:
    inner = asking(RUNNER, data_is("score"))
    given = Flow("outer", Nested("n", inner, to(None), input=lambda view: view.last.text))
    plain = Flow("outer", Nested("n", inner, to(None)))

    assert of_code("SF118", given) == []
    assert [one.place for one in of_code("SF118", plain)] == ["n/write"]
