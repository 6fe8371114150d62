"""XState: a flow as the JSON of a machine that Stately, VS Code and ``createMachine`` open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.exchange.read import json_in
from stateflow.exchange.write import document_of
from stateflow.exchange.xstate_config import config_of
from stateflow.exchange.xstate_foreign import foreign
from stateflow.exchange.xstate_ours import ours
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard

__all__ = ["flow_from_xstate", "to_xstate"]


def to_xstate(flow: Flow) -> str:
    """Return *flow* as the JSON of an XState 5 machine, the same bytes for the same flow.

    Args:
        flow: what is written; flows nested in it stand in the states that they run in.  Where an
            agent is Python, or holds what may be a secret, no agent is written, and the machine
            is to look at.

    Raises:
        DefinitionError: it holds Python functions beside its agents, which no JSON can; or, with
            its nested flows laid out, it is too deep or too large.

    Example:
        >>> from stateflow import Flow, Scripted, State, says, to
        >>> critic = Scripted("critic", ["FINE"])
        >>> flow = Flow("check", State("judge", critic, to(None, when=says("FINE")), to("judge")))
        >>> json.loads(to_xstate(flow))["states"]["judge"]["on"]["said"][0]["guard"]
        {'type': 'says', 'params': {'args': ['FINE']}}
    """
    config = config_of(flow, document_of(flow, "XState", agents=False))
    return f"{json.dumps(config, ensure_ascii=False, indent=2)}\n"


def flow_from_xstate(
    source: str | bytes | Path,
    *,
    agents: Mapping[str, Agent] | None = None,
    guards: Mapping[str, Guard] | None = None,
    model: str | None = None,
) -> Flow:
    """Return the flow that an XState machine is: one of ours, or anybody's.

    A machine that :func:`to_xstate` wrote comes back as it was, with what was changed in an editor
    since.  In any other machine a state waits for an event; here its agent says which: an
    assistant replies with its name, a person answers it, any other agent says it.

    Args:
        source: JSON text of a machine of XState 4 or 5, or the path of a file.
        agents: who speaks in a state, by the state's name.
        guards: what a guard's name means; built-in ones are known.
        model: who speaks in all other states, as in ``openai:gpt-5``; each is told the state's
            description and its events.

    Raises:
        DefinitionError: it is no machine; a state has nobody to speak; or it holds what a flow
            has no place for, which is named, all of it, each with its place.

    Example:
        >>> machine = (
        ...     '{"id": "ask", "initial": "a", "states": {"a": {"on": {"YES": "b"}}, "b": {}}}'
        ... )
        >>> flow_from_xstate(machine, model="openai:gpt-5")
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: machine 'ask' holds what no flow can: $.states.b: ...
    """
    value = json_in(source)
    if not isinstance(value, Mapping) or not isinstance(value.get("states"), Mapping):
        raise DefinitionError('this JSON is no XState machine: it has no object "states"')
    machine = cast("dict[str, Any]", value)
    meta = machine.get("meta")
    if isinstance(meta, Mapping) and "stateflow" in meta:
        if agents or guards or model:
            raise DefinitionError(
                "this machine brings its own agents and guards (meta.stateflow); leave out "
                "agents=, guards= and model=, or delete every meta.stateflow from it"
            )
        return ours(machine)
    return foreign(machine, agents or {}, guards or {}, model)
