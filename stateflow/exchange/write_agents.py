"""Agents as parts of a document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent
from stateflow.conversation.window import Last
from stateflow.exchange.chooser import summary_form, window_form
from stateflow.exchange.data_class import schema_form
from stateflow.exchange.document import (
    AgentForm,
    AssistantForm,
    CodeForm,
    FlowAgentForm,
    HumanForm,
    ScriptedForm,
)
from stateflow.exchange.forms import FlowToolForm, LastForm, ToolForm
from stateflow.exchange.language import language_form
from stateflow.exchange.means import handoff_form, mcp_form, sandbox_settings
from stateflow.exchange.shape import shapes
from stateflow.exchange.unwritten import Unwritable, Unwritten, called, no_function
from stateflow.machine.flow_tool import FlowTool
from stateflow.machine.nested import FlowAgent
from stateflow.tools.handoff import Handoff
from stateflow.value import Json

__all__ = ["Models", "agent_form"]

T = TypeVar("T")

_PLAIN = Assistant("plain", "plain:plain")


@dataclass(slots=True)
class Models:
    """Data models by name, each once."""

    schemas: dict[str, dict[str, Json]] = field(default_factory=dict[str, "dict[str, Json]"])
    known: dict[str, object] = field(default_factory=dict[str, object])

    def key(self, model: type[BaseModel]) -> str:
        """Return the name under which *model* is written.

        Raises:
            Unwritable: it is more than its schema, or another one is called so.
        """
        name = model.__name__
        schema = schema_form(model)
        for shape in shapes(name, schema):
            if self.known.setdefault(shape.name, shape) != shape:
                raise Unwritable(f"model {shape.name!r}, a second one of that name,")
        self.schemas[name] = schema
        return name


def agent_form(
    agent: Agent, models: Models, flows: Mapping[int, str], unwritten: Unwritten
) -> AgentForm | None:
    """Return *agent* as it is written; ``None`` where it cannot be, which is kept.

    Args:
        agent: who speaks.
        models: where its data models are kept.
        flows: keys of flows by their identity.
        unwritten: what keeps all that cannot be written.
    """
    where = f"agent {agent.name!r}"

    def tried(write: Callable[[], T]) -> T | None:
        return unwritten.tried(where, write, of_agent=True)

    if type(agent) is Assistant:
        return _assistant(agent, models, flows, tried)
    if type(agent) is CodeRunner:
        return _code(agent, tried)
    if type(agent) is Human:
        return _human(agent, models, tried)
    if type(agent) is FlowAgent:
        return _flow(agent, flows, tried)
    if type(agent) is Scripted:
        return tried(lambda: _scripted(agent))
    kind = type(agent).__name__

    def refused() -> None:
        raise Unwritable(f"the code of a {kind}, which is Python,")

    return tried(refused)


def _assistant(
    agent: Assistant, models: Models, flows: Mapping[int, str], tried: Callable[..., Any]
) -> AgentForm:
    reply = agent.reply_type
    whole: Sequence[object] = [*agent.toolbox, *agent.sources]

    def schema() -> str | dict[str, Json] | None:
        if isinstance(reply, type):
            return models.key(reply)
        return None if reply is None else _plain("reply", reply)

    tools = [tried(lambda one=one: _tool(one, flows)) for one in whole]
    return AssistantForm(
        kind="assistant",
        name=agent.name,
        model=tried(lambda: language_form(agent.model)) or "",
        prompt=agent.prompt,
        reply=tried(schema),
        tools=[tool for tool in tools if tool is not None],
        tool_choice=agent.tool_choice,
        reflect=agent.reflect,
        rounds=None if agent.rounds == _PLAIN.rounds else agent.rounds,
        repairs=None if agent.repairs == _PLAIN.repairs else agent.repairs,
        vary_seed=agent.vary_seed,
        description=agent.description,
    )


def _plain(what: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return *given* if JSON holds it unchanged."""
    try:
        text = json.dumps(given, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unwritable(f"{what}, which is no JSON ({error}),") from error
    return cast("dict[str, Json]", json.loads(text))


def _tool(tool: object, flows: Mapping[int, str]) -> ToolForm:
    if isinstance(tool, Handoff):
        return handoff_form(tool)
    if isinstance(tool, FlowTool):
        return FlowToolForm(
            flow=flows[id(tool.flow)],
            name=tool.name,
            description=tool.description,
            approve=tool.approve,
        )
    if callable(getattr(tool, "open", None)):
        return mcp_form(tool)
    raise Unwritable(f"tool {called(tool)}, a Python function,")


def _code(agent: CodeRunner, tried: Callable[..., Any]) -> AgentForm:
    of = agent.of
    return CodeForm(
        kind="code",
        name=agent.name,
        sandbox=tried(lambda: sandbox_settings(agent.sandbox)) or "",
        languages=None if agent.languages is None else list(agent.languages),
        approve=tried(lambda: no_function("approve", agent.approve)) or "always",
        of=LastForm(last=of.count) if isinstance(of, Last) else cast("str | None", of),
        description=agent.description,
    )


def _human(agent: Human, models: Models, tried: Callable[..., Any]) -> AgentForm:
    form, default = agent.form, agent.default
    return HumanForm(
        kind="human",
        name=agent.name,
        ask=tried(lambda: no_function("ask", agent.ask)) or "",
        options=list(agent.options),
        form=None if form is None else tried(lambda: models.key(form)),
        default=json.loads(default) if form is not None and default else default or None,
        may_pass=default == "",
        description=agent.description,
    )


def _flow(agent: FlowAgent, flows: Mapping[int, str], tried: Callable[..., Any]) -> AgentForm:
    carryover = agent.carryover
    return FlowAgentForm(
        kind="flow",
        name=agent.name,
        flow=flows[id(agent.flow)],
        input=tried(lambda: no_function("input", agent.input)),
        carryover=None if carryover is None else tried(lambda: window_form(carryover)),
        summary=tried(lambda: summary_form(agent.summary)) or "last_message",
        description=agent.description,
    )


def _scripted(agent: Scripted) -> AgentForm:
    for number, line in enumerate(agent.lines, 1):
        if not isinstance(line, str):
            raise Unwritable(f"line {number}, which is no text but a {type(line).__name__},")
    return ScriptedForm(
        kind="scripted",
        name=agent.name,
        lines=[str(line) for line in agent.lines],
        drawn_as=agent.kind,
        description=agent.description,
    )
