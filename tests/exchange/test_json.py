"""A flow as JSON, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import BaseModel, field_validator

from stateflow import (
    Assistant,
    AzureSandbox,
    CodeRunner,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Human,
    LocalSandbox,
    Message,
    Model,
    Nested,
    Scripted,
    Settings,
    State,
    View,
    by_model,
    data_is,
    failed,
    guard,
    in_turn,
    itself,
    mcp_http,
    mcp_stdio,
    says,
    to,
)
from stateflow.diagram.dot import to_dot
from stateflow.exchange.json_form import flow_from_json, to_json
from stateflow.exchange.python import to_python
from stateflow.exchange.scxml import to_scxml
from stateflow.exchange.write import document_of
from stateflow.exchange.xstate import to_xstate
from tests.exchange.whole import whole
from tests.support.random_flows import flows

GALLERY = sorted(path.stem for path in Path("flows").glob("*.py"))
WRITTEN = {"approval", "docs_graph", "feedback_loop", "grade", "one_agent"}


def _same(one: Flow, other: Flow) -> None:
    assert other.table() == one.table()
    assert other.fingerprint() == one.fingerprint()
    assert to_dot(other) == to_dot(one)
    assert to_json(other) == to_json(one)


@settings(max_examples=60, deadline=None)
@given(flows())
def test_a_flow_comes_back_as_it_was(flow: Flow) -> None:
    _same(flow, flow_from_json(to_json(flow)))


def test_every_part_comes_back_as_it_was() -> None:
    flow = whole()

    _same(flow, flow_from_json(to_json(flow)))


def test_what_the_table_does_not_tell_comes_back() -> None:
    read = flow_from_json(to_json(whole()))

    coder, boss = read.states[0].agents[0], read.states[3].agent
    assert isinstance(coder, Assistant)
    assert isinstance(boss, Human)
    assert coder.repairs == 0
    assert [tool.name for tool in coder.toolbox] == [
        *("transfer_to_review", "ask_somebody", "look_up")
    ]
    assert [source.name for source in coder.sources] == ["npx -y server's files", "host"]
    assert boss.default == "no"
    assert read.states[0].timeout_s == 30.0


def test_a_chooser_of_several_states_is_one() -> None:
    read = flow_from_json(to_json(whole()))

    assert read.states[0].choose is read.states[1].choose


def test_nothing_points_to_a_line_of_python() -> None:
    read = flow_from_json(to_json(whole()))

    assert read.origin is None
    assert read.states[0].origin is None
    assert read.states[0].transitions[0].origin is None


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_comes_back_or_is_refused_by_name(name: str) -> None:
    flow: Flow = import_module(f"flows.{name}").flow

    if name in WRITTEN:
        _same(flow, flow_from_json(to_json(flow)))
    else:
        with pytest.raises(DefinitionError, match=f"flow '{flow.name}' cannot be written as JSON"):
            to_json(flow)


def test_200_flows_in_each_other_come_back() -> None:
    flow = Flow("f0", State("say", Scripted("a", ["x"]), to(None)))
    for number in range(1, 201):
        flow = Flow(f"f{number}", Nested("in", flow, to(None)))

    text = to_json(flow)

    assert to_json(flow_from_json(text)) == text


@guard
def long_winded(view: View) -> bool:
    return len(view.last.text) > 1000


def noted(view: View) -> Mapping[str, Any]:
    return {"text": view.last.text}


def told(view: View) -> str:
    return view.last.text


class Odd(BaseModel):
    text: str = ""

    @field_validator("text")
    @classmethod
    def short(cls, text: str) -> str:
        return text[:3]


class Plain(BaseModel):
    text: str = ""


class Mine(Assistant):
    """Overrides what it says."""


def _say(*rows: Any, agent: Any = None, **how: Any) -> Flow:  # noqa: ANN401 - parts of a flow
    data = how.pop("data", None)
    speaker = agent or Scripted("bob", ["hi"])
    return Flow("talk", State("say", speaker, *(rows or [to(None)]), **how), data=data)


def _asks(**how: Any) -> Flow:  # noqa: ANN401 - settings
    given: dict[str, Any] = {"model": "scripted:x", **how}
    return _say(agent=Assistant("bob", **given))


def _nests(**how: Any) -> Flow:  # noqa: ANN401 - settings
    return Flow("nest", Nested("in", _say(), to(None), **how))


def _search(words: str) -> str:
    """Search."""
    return words


class _Credential:
    def get_token(self, *scopes: str) -> Any:  # noqa: ANN401 - never called
        raise NotImplementedError


def pick(last: object, chat: object) -> None:
    return None


def cut(messages: Sequence[Message]) -> str:
    return messages[-1].text[:9]


def _chosen() -> Flow:
    talk = _say().states[0].agent
    return Flow.from_table("talk", {talk: [talk, None]}, choose=pick)


def _cut() -> Flow:
    return _say(to(None, restart=cut))


REFUSED: list[tuple[str, Callable[[], Flow]]] = [
    (
        "guard 'long_winded', a Python function, of state 'say'",
        lambda: _say(to(None, when=long_winded), to("say")),
    ),
    (
        "guard '(failed and not long_winded)', a Python function, of state 'say'",
        lambda: _say(to(None, when=failed & ~long_winded), to("say")),
    ),
    (
        "guard 'mine', which is not the built-in one of that form, of state 'say'",
        lambda: _say(to(None, when=Guard("mine", lambda _: True, {"guard": "failed"}))),
    ),
    (
        "guard \"data_is('text', (1, 2))\", which is not the built-in one",
        lambda: _say(to(None, when=data_is("text", (1, 2))), data=Plain),
    ),
    (
        "guard 'other' ('other' is no built-in guard",
        lambda: _say(to(None, when=Guard("other", lambda _: True, {"guard": "other"}))),
    ),
    (
        "do 'noted', a Python function, of a transition of state 'say'",
        lambda: _say(to(None, do=noted), data=Plain),
    ),
    ("entry 'noted', a Python function, of state 'say'", lambda: _say(entry=noted, data=Plain)),
    ("exit 'noted', a Python function, of state 'say'", lambda: _say(exit=noted, data=Plain)),
    ("prompt 'told', a Python function, of state 'say'", lambda: _say(prompt=told)),
    ("summary 'cut', a Python function, of a transition of state 'say'", _cut),
    ("chooser 'pick', which is Python, of flow 'talk'", _chosen),
    (
        "the code of a FunctionAgent, which is Python, of agent 'bob'",
        lambda: _say(agent=FunctionAgent("bob", told)),
    ),
    (
        "the code of a Mine, which is Python, of agent 'bob'",
        lambda: _say(agent=Mine("bob", "scripted:x")),
    ),
    (
        "line 2, which is no text but a Message, of agent 'bob'",
        lambda: _say(agent=Scripted("bob", ["a", Message("b")])),
    ),
    ("tool '_search', a Python function, of agent 'bob'", lambda: _asks(tools=[_search])),
    ("ask 'told', a Python function, of agent 'bob'", lambda: _say(agent=Human("bob", told))),
    (
        "approve 'told', a Python function, of agent 'bob'",
        lambda: _say(agent=CodeRunner("bob", approve=told)),  # type: ignore[arg-type]
    ),
    (
        "credential of sandbox 'azure:pool', which is Python, of agent 'bob'",
        lambda: _say(
            agent=CodeRunner("bob", sandbox=AzureSandbox("pool", credential=_Credential()))
        ),
    ),
    ("input 'told', a Python function, of agent 'talk'", lambda: _nests(input=told)),
    ("summary 'len', a Python function, of agent 'talk'", lambda: _nests(summary=len)),
    (
        "output 'noted', a Python function, of state 'in'",
        lambda: Flow("nest", Nested("in", _say(), to(None), output=noted), data=Plain),
    ),
    (
        "model 'Odd', which holds a validator, a Python function, of flow 'talk'",
        lambda: _say(data=Odd),
    ),
    ("model 'Odd', which holds a validator, a Python", lambda: _asks(reply=Odd)),
    (
        "'api_key', which may hold a secret, of agent 'bob'",
        lambda: _asks(model=Model("openai:x", Settings(extra={"a": [{"api_key": "sk-1"}]}))),
    ),
    (
        "'extra_headers', which may hold a secret, of agent 'bob'",
        lambda: _asks(model=Model("openai:x", Settings(extra={"extra_headers": {"a": "sk-1"}}))),
    ),
    (
        "env 'TOKEN' of MCP server 'x', which may hold a secret, of agent 'bob'",
        lambda: _asks(tools=[mcp_stdio("x", env={"TOKEN": "sk-1"})]),
    ),
    (
        "headers 'Authorization' of MCP server 'h', which may hold a secret, of agent 'bob'",
        lambda: _asks(tools=[mcp_http("https://h", headers={"Authorization": "sk-1"}, name="h")]),
    ),
    (
        "what stands beside host and path in the address of MCP server 'h' of agent 'bob'",
        lambda: _asks(tools=[mcp_http("https://me:sk-1@h/mcp", name="h")]),
    ),
    (
        "what stands beside host and path in the address of MCP server 'h' of agent 'bob'",
        lambda: _asks(tools=[mcp_http("https://h/mcp?key=sk-1", name="h")]),
    ),
    (
        "guard 'long_winded', a Python function, of state 'say' of flow 'talk'",
        lambda: Flow("nest", Nested("in", _say(to(None, when=long_winded)), to(None))),
    ),
]


@pytest.mark.parametrize(("what", "make"), REFUSED, ids=[what for what, _ in REFUSED])
def test_what_no_file_can_hold_is_refused_by_name(what: str, make: Callable[[], Flow]) -> None:
    with pytest.raises(DefinitionError, match=re.escape(what)) as caught:
        to_json(make())

    assert "sk-1" not in str(caught.value)


def test_all_that_is_refused_is_told_at_once() -> None:
    flow = _say(to(None, when=long_winded), agent=FunctionAgent("bob", told), prompt=told)

    with pytest.raises(DefinitionError) as caught:
        to_json(flow)

    assert str(caught.value) == (
        "flow 'talk' cannot be written as JSON, for it holds what is no plain data, or may be a "
        "secret: "
        "guard 'long_winded', a Python function, of state 'say'; "
        "prompt 'told', a Python function, of state 'say'; "
        "the code of a FunctionAgent, which is Python, of agent 'bob'; "
        "use what is built in there, or keep it in Python"
    )


def test_agents_may_be_left_out_of_what_is_refused() -> None:
    flow = _say(agent=FunctionAgent("bob", told))

    assert document_of(flow, "SCXML", agents=False).agents == {}
    with pytest.raises(DefinitionError, match="cannot be written as SCXML"):
        document_of(flow, "SCXML")


@pytest.mark.parametrize("write", [to_json, to_python, to_scxml, to_xstate])
def test_a_number_of_the_wrong_kind_is_told_in_every_form(write: Callable[[Flow], str]) -> None:
    with pytest.raises(DefinitionError, match=r"'talk' cannot be written as .*: visits: "):
        write(_say(visits=2.0))


def test_a_guard_that_is_too_deep_is_refused() -> None:
    deep = reduce(lambda left, right: left & right, [says(f"w{n}") for n in range(150)])

    with pytest.raises(DefinitionError, match="more than 100 levels deep"):
        to_json(_say(to(None, when=deep)))


def test_half_a_character_comes_back_from_a_file(tmp_path: Path) -> None:
    flow, path = _say(prompt="\ud800 is half"), tmp_path / "talk.json"

    path.write_text(to_json(flow), "utf-8")

    _same(flow, flow_from_json(path))


def test_agents_and_flows_of_one_name_are_kept_apart() -> None:
    one, other = Scripted("bob", ["a"]), Scripted("bob", ["b"])
    inner = Flow("in", State("x", one, to(None)))
    twin = Flow("in", State("x", other, to(None)))
    flow = Flow("out", Nested("a", inner, to("b")), Nested("b", twin, to(None)))

    written = json.loads(to_json(flow))

    assert list(written["flows"]) == ["out", "in", "in (2)"]
    assert written["agents"]["bob (2)"]["lines"] == ["b"]
    _same(flow, flow_from_json(to_json(flow)))


def test_a_name_that_looks_numbered_is_not_taken_for_another() -> None:
    agents = [Scripted("bob", ["a"]), Scripted("bob (2)", ["b"]), Scripted("bob", ["c"])]
    flow = Flow("f", *(State(f"s{n}", one, to(None)) for n, one in enumerate(agents)))

    _same(flow, flow_from_json(to_json(flow)))


def test_a_nested_state_takes_the_choice_of_its_flow() -> None:
    flow = Flow("f", Nested("in", _say(), to(None), to("in")), choose=in_turn())

    _same(flow, flow_from_json(to_json(flow)))


def test_a_flow_in_itself_comes_back_as_itself() -> None:
    bob = Scripted("bob", ["a"])
    flow = Flow(
        "f",
        State("say", bob, to("in")),
        Nested("in", itself(), to(None), summary=by_model("a:b")),
        description="It digs.",
    )

    read = flow_from_json(to_json(flow))

    _same(flow, read)
    assert read.states[1].agent.flow is read  # type: ignore[attr-defined]


def test_a_limit_of_a_sandbox_comes_back() -> None:
    flow = _say(agent=CodeRunner("bob", sandbox=LocalSandbox(memory_mb=64)))

    agent: Any = flow_from_json(to_json(flow)).states[0].agent

    assert agent.sandbox == LocalSandbox(memory_mb=64)


def test_a_final_keeps_what_it_says() -> None:
    flow = Flow("f", State("s", Scripted("a", []), to("end")), Final("end", ok=False, phase="p"))

    final = flow_from_json(to_json(flow)).places["end"]

    assert final == replace(Final("end", ok=False, phase="p"))
