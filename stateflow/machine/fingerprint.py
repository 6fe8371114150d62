"""The flow as JSON, and its print.

The table is journaled when a run starts, so that a journal can be read, drawn and compared
without the code that made it.  The print covers what decides where a run goes: names, order,
guards, caps, actions, rules.  Prompts and models are in the table and not in the print: they are
told apart by the print of each request.  What a model is told of tools, and the schema of its
reply, are in the table so that a replay can say what of them has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from stateflow.conversation.agent import Agent
from stateflow.conversation.summary import Summary, last_message
from stateflow.errors import DefinitionError
from stateflow.machine.guard import function_print
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Action, Transition
from stateflow.value import Json, digest

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["fingerprint", "table"]

_NOT_DECIDING = frozenset({"prompt", "agents", "description", "sees", "phase", "accept"})
_DEEPEST = 31
"""Levels of a table, the outermost included.  Readers of JSON give up at 200 brackets, and each
level takes five."""
_WHOLE = frozenset(
    {
        *("when", "choose", "entry", "exit", "do", "output", "input", "carryover", "summary"),
        *("restart", "rules"),
    }
)
"""Forms of guards, choosers, actions and rules: whatever words they hold, all of it decides."""


def table(flow: Flow) -> dict[str, Json]:
    """Return *flow* as JSON, places and transitions in definition order.

    Raises:
        DefinitionError: so many flows are nested in one another that no reader of JSON would
            follow them.
    """
    _check_depth(flow)
    budget = flow.budget
    limits: dict[str, Json] = {
        name: str(limit) if limit == float("inf") else limit
        for name in ("turns", "calls", "tokens", "usd", "seconds", "depth")
        if (limit := getattr(budget, name)) is not None
    }
    if budget.unpriced:
        limits["unpriced"] = True
    whole: dict[str, Json] = {
        "name": flow.name,
        "initial": flow.initial,
        "places": [_place(place, flow) for place in flow.places.values()],
        "budget": limits,
        "agents": [_agent(agent) for agent in flow.agents],
    }
    if flow.on_error is not None:
        whole["on_error"] = flow.on_error
    if flow.description:
        whole["description"] = flow.description
    if flow.rules:
        whole["rules"] = [rule.form for rule in flow.rules]
    if flow.accept:
        whole["accept"] = dict(flow.accept)
    if flow.data is not None:
        whole["data"] = {
            "model": flow.data.__name__,
            "schema": digest(flow.data.model_json_schema()),
        }
    return whole


def _check_depth(flow: Flow) -> None:
    level = [flow]
    for _ in range(_DEEPEST):
        inner = {
            id(agent.flow): agent.flow
            for one in level
            for agent in one.agents
            if isinstance(agent, FlowAgent) and agent.flow is not one
        }
        if not inner:
            return
        level = list(inner.values())
    raise DefinitionError(
        f"flow {flow.name!r} nests more than {_DEEPEST - 1} flows in one another; it can be "
        "checked, bounded and drawn, but its table is too deep to be run or recorded: nest fewer"
    )


def fingerprint(table: Mapping[str, Json]) -> str:
    """Return the print of the parts of *table* that decide where a run goes."""
    return digest(_deciding(table))


def _deciding(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {
            key: part if key in _WHOLE else _deciding(part)
            for key, part in value.items()
            if key not in _NOT_DECIDING
        }
    if isinstance(value, list | tuple):
        return [_deciding(part) for part in value]
    return value


def _place(place: Place, flow: Flow) -> dict[str, Json]:
    if isinstance(place, Final):
        return {
            "final": place.name,
            "ok": place.ok,
            **_action("entry", place.entry),
            **_phase(place),
        }
    rows: list[Json] = [_transition(transition) for transition in place.transitions]
    if not isinstance(place, State):
        return {"junction": place.name, "to": rows, **_phase(place)}
    return {
        "state": place.name,
        "speaks": [agent.name for agent in place.agents],
        "to": rows,
        **_nested(place, flow),
        **({"visits": place.visits} if place.visits is not None else {}),
        **({"prompt": _text_or_function(place.prompt)} if place.prompt else {}),
        **({"choose": place.choose.form} if place.choose is not None else {}),
        **({"save": place.save} if place.save is not None else {}),
        **({"sees": place.sees.form} if place.sees is not None else {}),
        **_action("output", place.output),
        **_action("entry", place.entry),
        **_action("exit", place.exit),
        **_phase(place),
    }


def _phase(place: Place) -> dict[str, Json]:
    return {"phase": place.phase} if place.phase else {}


def _nested(state: State, flow: Flow) -> dict[str, Json]:
    """Return the flows that run in *state*, by who speaks them, and how they are joined."""
    found: list[Json] = [
        {
            "as": agent.name,
            **({"flow": "itself"} if agent.flow is flow else {"flow": agent.flow.table()}),
            **({"input": _text_or_function(agent.input)} if agent.input is not None else {}),
            **({"carryover": agent.carryover.form} if agent.carryover is not None else {}),
            **_summary("summary", agent.summary),
        }
        for agent in state.agents
        if isinstance(agent, FlowAgent)
    ]
    if isinstance(state, Parallel):
        return {"flows": found, "join": state.need, "others": state.others}
    return {"flows": found} if found else {}


def _summary(word: str, summary: Summary | None) -> dict[str, Json]:
    """Return what tells *summary* from another; the last message needs no word."""
    if summary is None or summary is last_message:
        return {}
    form: Json = getattr(summary, "form", None)
    return {word: function_print(summary) if form is None else form}  # type: ignore[arg-type]  # a function then


def _transition(transition: Transition) -> dict[str, Json]:
    row: dict[str, Json] = {"to": transition.target}
    if transition.when is not None:
        row["when"] = transition.when.form
        row["name"] = transition.when.name
    if transition.restart is not None:
        row["restart"] = "last_message"
    return {**row, **_summary("restart", transition.restart), **_action("do", transition.do)}


def _action(word: str, action: Action | None) -> dict[str, Json]:
    if action is None:
        return {}
    form: Json = getattr(action, "form", None)  # of an output that names fields
    return {word: function_print(action) if form is None else form}


def _text_or_function(prompt: str | Callable[..., object]) -> Json:
    return prompt if isinstance(prompt, str) else function_print(prompt)


def _agent(agent: Agent) -> dict[str, Json]:
    described: dict[str, Json] = {"name": agent.name, "kind": getattr(agent, "kind", "tool")}
    for word in ("model", "prompt", "sandbox", "description"):
        value: object = getattr(agent, word, None)
        value = getattr(value, "name", value)  # of a model that is more than its name
        if isinstance(value, str) and value:
            described[word] = value
    tools: list[Json] = [tool.name for tool in getattr(agent, "toolbox", ())]
    tools += [f"{source.name}/*" for source in getattr(agent, "sources", ())]
    if tools:
        described["tools"] = tools
    told = _told(agent)
    if told:
        described["told"] = told
    return described


def _told(agent: Agent) -> dict[str, Json]:
    """Return what a model is told beside prompts: of each tool, and of the reply it is to give."""
    tools: dict[str, Json] = {
        tool.name: {"description": tool.description, "parameters": dict(tool.parameters)}
        for tool in getattr(agent, "toolbox", ())
    }
    schema: object = getattr(agent, "schema", None)
    reply: dict[str, Json] = {"reply": dict(schema)} if isinstance(schema, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]
    return {**({"tools": tools} if tools else {}), **reply}
