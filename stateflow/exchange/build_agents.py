"""Agents as a document describes them, made as anybody would make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent
from stateflow.conversation.window import last
from stateflow.errors import DefinitionError
from stateflow.exchange.chooser import summary_of, window_of
from stateflow.exchange.document import AgentForm, AssistantForm, CodeForm, FlowAgentForm, HumanForm
from stateflow.exchange.forms import FlowToolForm, HandoffForm, ToolForm
from stateflow.exchange.language import language_of
from stateflow.exchange.means import handoff_of, mcp_of, sandbox_from
from stateflow.machine.flow import Flow

__all__ = ["agent_of"]

Lookup = Callable[[str], type[BaseModel]]


def agent_of(form: AgentForm, flows: Mapping[str, Flow], model: Lookup) -> Agent:
    """Return the agent that is written as *form*.

    Args:
        form: of the agent.
        flows: those that it may run, by their keys.
        model: finds a data model by its key.

    Raises:
        DefinitionError: it does not make sense.
    """
    if isinstance(form, AssistantForm):
        return _assistant(form, flows, model)
    if isinstance(form, CodeForm):
        of = form.of if form.of is None or isinstance(form.of, str) else last(form.of.last)
        return CodeRunner(
            form.name,
            sandbox=sandbox_from(form.sandbox),
            languages=form.languages,
            approve=form.approve,
            of=of,
            description=form.description,
        )
    if isinstance(form, HumanForm):
        return Human(
            form.name,
            form.ask,
            options=form.options,
            form=None if form.form is None else model(form.form),
            default=form.default,
            may_pass=form.may_pass,
            description=form.description,
        )
    if isinstance(form, FlowAgentForm):
        return _flow(form, flows)
    return Scripted(form.name, form.lines, form.drawn_as, form.description)


def _assistant(form: AssistantForm, flows: Mapping[str, Flow], model: Lookup) -> Assistant:
    given: dict[str, Any] = {}
    if form.rounds is not None:
        given["rounds"] = form.rounds
    if form.repairs is not None:
        given["repairs"] = form.repairs
    return Assistant(
        form.name,
        language_of(form.model),
        form.prompt,
        reply=model(form.reply) if isinstance(form.reply, str) else form.reply,
        tools=[_tool(one, flows) for one in form.tools],
        tool_choice=form.tool_choice,
        reflect=form.reflect,
        vary_seed=form.vary_seed,
        description=form.description,
        **given,
    )


def _tool(form: ToolForm, flows: Mapping[str, Flow]) -> Any:  # noqa: ANN401 - a tool, or a source
    if isinstance(form, HandoffForm):
        return handoff_of(form)
    if isinstance(form, FlowToolForm):
        flow = _found(form.flow, flows)
        return flow.as_tool(form.name, description=form.description, approve=form.approve)
    return mcp_of(form)


def _flow(form: FlowAgentForm, flows: Mapping[str, Flow]) -> Agent:
    flow = _found(form.flow, flows)
    if flow.description and not form.description:
        raise DefinitionError(
            f"agent {form.name!r} has no description, and its flow has one; write that"
        )
    return flow.as_agent(
        form.name,
        input=form.input,
        carryover=None if form.carryover is None else window_of(form.carryover),
        summary=summary_of(form.summary),
        description=form.description,
    )


def _found(key: str, flows: Mapping[str, Flow]) -> Flow:
    if key not in flows:
        raise DefinitionError(f"it runs flow {key!r}, which cannot be run here")
    return flows[key]
