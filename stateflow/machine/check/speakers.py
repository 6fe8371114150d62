"""Who can have spoken last in a place, and what is known of the words of an agent.

Agents live layers up, so they are known by what they have: a sandbox, options, a reply's model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel

from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import Transition

__all__ = [
    "ends_of",
    "fields_of",
    "kind_of",
    "last_speakers",
    "model_fields",
    "options_of",
    "tools_of",
]


def last_speakers(flow: Flow) -> dict[str, tuple[Agent, ...]]:
    """Return who can have said what the guards of each place read, by place.

    In a state it is its agent, or its branches; in a junction those of all states that lead to it.
    """
    found: dict[str, dict[int, Agent]] = {name: {} for name in flow.places}
    for state in flow.states:
        own = state.agents if isinstance(state, Parallel) else (state.agent,)
        found[state.name] = {id(agent): agent for agent in own}
    ahead = list(_into_junctions(flow, flow.states))
    while ahead:
        source, target = ahead.pop()
        fresh = {key: one for key, one in found[source].items() if key not in found[target]}
        if fresh:
            found[target].update(fresh)
            ahead += _into_junctions(flow, [flow.places[target]])
    return {name: tuple(agents.values()) for name, agents in found.items()}


def _into_junctions(
    flow: Flow, places: Sequence[State | Junction | Final]
) -> Iterator[tuple[str, str]]:
    for place in places:
        for target in dict.fromkeys(transition.target for transition in place.transitions):
            if target is not None and isinstance(flow.places[target], Junction):
                yield place.name, target


def kind_of(agent: object) -> str:
    """Return what *agent* is drawn as."""
    return str(getattr(agent, "kind", "tool"))


def options_of(agent: object) -> tuple[str, ...]:
    """Return the options that a person is given; nobody else has some."""
    given: object = getattr(agent, "options", ())
    return tuple(map(str, cast("Sequence[object]", given))) if isinstance(given, tuple) else ()


def ends_of(agent: object) -> tuple[str, ...]:
    """Return the ends that a nested flow can come to; of any other agent, none."""
    if not isinstance(agent, FlowAgent):
        return ()
    finals = [one.name for one in agent.flow.places.values() if isinstance(one, Final)]
    return ("done", *finals) if _is_done(agent.flow) else tuple(finals)


def _is_done(flow: Flow) -> bool:
    rows: Iterator[Transition] = (row for one in flow.places.values() for row in one.transitions)
    return any(row.target is None for row in rows)


def tools_of(agent: object) -> tuple[Any, ...]:
    """Return the tools that *agent* has of its own; those of servers are not known."""
    return tuple(getattr(agent, "toolbox", ()))


def fields_of(agent: object) -> tuple[str, ...] | None:
    """Return the fields that a structured reply of *agent* can have; ``None``: nobody knows."""
    if isinstance(agent, FlowAgent):
        return () if agent.flow.data is None else model_fields(agent.flow.data)
    if not getattr(agent, "composed", False):
        return None
    if getattr(agent, "schema", None) is None:
        return ()
    model: object = getattr(agent, "reply_type", None) or getattr(agent, "form", None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model_fields(model)
    return None


def model_fields(model: type[BaseModel]) -> tuple[str, ...] | None:
    """Return the names that *model* knows its fields by; ``None``: it takes any."""
    if model.model_config.get("extra") == "allow":
        return None
    found: dict[str, None] = {}
    known: Mapping[str, Any] = {**model.model_fields, **model.model_computed_fields}
    for name, field in known.items():
        aliases = (name, field.alias, getattr(field, "serialization_alias", None))
        found.update(dict.fromkeys(one for one in aliases if one))
    return tuple(found)
