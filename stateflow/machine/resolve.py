"""Resolving a flow's places: by name, with targets and nested flows in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chooser
from stateflow.machine.nested import FlowAgent, is_itself
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["by_name", "refuse_junction_loops"]


def by_name(
    whole: Flow, flow: str, places: tuple[Place, ...], choose: Chooser | None
) -> dict[str, Place]:
    """Return the *places* of *whole* by name, with targets and nested flows resolved.

    Args:
        whole: the flow that is being built; ``itself()`` stands for it.
        flow: its name.
        places: as they were declared; the first is the initial one.
        choose: who picks in states that name nobody.

    Raises:
        DefinitionError: there is no state, a name is used twice, or a target is an agent that
            serves no state or several.
    """
    if not any(isinstance(place, State) for place in places):
        sentence = f"flow {flow!r} has no state; give it one: State('write', agent, ...)"
        raise DefinitionError(sentence)
    named: dict[str, Place] = {}
    for place in places:
        if place.name in named:
            sentence = f"flow {flow!r} has two places called {place.name!r}; rename one"
            raise DefinitionError(sentence)
        named[place.name] = place
    if isinstance(places[0], Final):
        sentence = f"flow {flow!r} begins with the final {places[0].name!r}"
        raise DefinitionError(sentence)
    places = tuple(_nested(whole, place) for place in places)
    agents = _bound(places)
    return {place.name: _resolved(flow, place, agents, choose) for place in places}


def _bound(places: tuple[Place, ...]) -> dict[int, list[str]]:
    """Return the states that each agent is bound to, by the agent's identity."""
    bound: dict[int, list[str]] = {}
    for place in places:
        if isinstance(place, State):
            for agent in dict.fromkeys(map(id, place.agents)):
                bound.setdefault(agent, []).append(place.name)
    return bound


def _resolved(
    flow: str, place: Place, bound: Mapping[int, list[str]], choose: Chooser | None
) -> Place:
    """Return *place* with targets that were given as agents turned into states' names."""
    if isinstance(place, Final):
        return place
    transitions: list[Transition] = []
    for transition in place.transitions:
        agent = transition.agent
        if agent is None:
            transitions.append(transition)
            continue
        states = bound.get(id(agent), [])
        if len(states) != 1:
            serves = (
                f"serves {len(states)} states ({', '.join(states)})" if states else "serves none"
            )
            sentence = (
                f"flow {flow!r}: {place.name!r} leads to agent {agent.name!r}, which {serves}; "
                "name the state"
            )
            raise DefinitionError(sentence)
        transitions.append(replace(transition, target=states[0], agent=None))
    if isinstance(place, Junction):
        return place.changed(transitions=tuple(transitions))
    chooser = place.choose if place.choose is not None else choose
    return place.changed(transitions=tuple(transitions), choose=chooser)


def _nested(whole: Flow, place: Place) -> Place:
    """Return *place* with *whole* where it says ``itself()``."""
    if not isinstance(place, State) or not any(map(is_itself, place.agents)):
        return place
    agents = [_recursive(whole, agent) if is_itself(agent) else agent for agent in place.agents]
    return place.changed(agents=tuple(agents))


def _recursive(whole: Flow, agent: Agent) -> Agent:
    assert isinstance(agent, FlowAgent)  # noqa: S101 - nobody else is itself()
    return replace(agent, flow=whole, name=whole.name if agent.name == "itself" else agent.name)


def refuse_junction_loops(places: Mapping[str, Place], on_error: str | None) -> None:
    """Refuse junctions that lead back to themselves without anybody speaking.

    *on_error* is a way out of every other junction: it takes what leads to a used-up state.

    Raises:
        DefinitionError: one does.
    """
    for start in places.values():
        seen: list[str] = []
        ahead = [start.name] if isinstance(start, Junction) else []
        while ahead:
            name = ahead.pop()
            place = places[name]
            if name in seen or not isinstance(place, Junction):
                continue
            seen.append(name)
            targets = [t.target for t in place.transitions if t.target is not None]
            if on_error is not None and name != on_error:
                targets.append(on_error)
            if start.name in targets:
                sentence = (
                    f"junction {start.name!r} can lead back to itself with nobody speaking; put a "
                    "state in between"
                )
                raise DefinitionError(sentence)
            ahead.extend(targets)
