"""What is declared and takes no part: agents of no state (SF116), tools nobody can call (SF117)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from stateflow.conversation.agent import Agent
from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.check.names import targets_of
from stateflow.machine.check.speakers import tools_of
from stateflow.machine.flow import Flow
from stateflow.machine.state import State

__all__ = ["unused", "unused_tools"]


def unused(flow: Flow, declared: Sequence[object]) -> Iterator[Finding]:
    """Find the agents and tools among *declared* that no flow has any use for.

    What serves in any flow of *declared*, or in one nested there, is used.  Names count as much
    as identity: a pattern may serve with a copy.
    """
    if not declared:
        return
    flows = [flow, *(one for one in declared if isinstance(one, Flow))]
    serving = [agent for one in flows for agent in one.everybody]
    bound = {agent.name for agent in serving}
    agents = _distinct([one for one in declared if _is_agent(one)])
    for agent in agents:
        if agent.name not in bound:
            text = f"agent {agent.name!r} is bound to no state, so it never speaks"
            cure = f"bind it: State({agent.name!r}, ...), or remove it"
            yield Finding("SF116", "warning", agent.name, text, cure, origin=flow.origin)
    held = [tool for agent in [*serving, *agents] for tool in tools_of(agent)]
    callable_names = {str(tool.name) for tool in held}
    for tool in _distinct([one for one in declared if _is_tool(one)]):
        if tool.name not in callable_names:
            text = f"tool {tool.name!r} is given to no agent, so no state can call it"
            cure = f"give it to one: tools=[{tool.name}], or remove it"
            yield Finding("SF117", "warning", str(tool.name), text, cure, origin=flow.origin)


def unused_tools(flow: Flow, others: Sequence[Flow] = ()) -> Iterator[Finding]:
    """Find the tools of agents of *flow* that they can call in none of their states.

    Args:
        flow: to look at.
        others: flows that the same agents may serve in.
    """
    bound: dict[int, tuple[Agent, list[tuple[Flow, State]]]] = {}
    for one in [flow, *(other for other in others if other is not flow)]:
        for state in one.states:
            for agent in state.agents:
                if tools_of(agent):
                    bound.setdefault(id(agent), (agent, []))[1].append((one, state))
    for agent, places in bound.values():
        if places[0][0] is flow:
            yield from _of_agent(agent, places)


def _of_agent(agent: Any, places: Sequence[tuple[Flow, State]]) -> Iterator[Finding]:  # noqa: ANN401 - agents live layers up
    state = places[0][1]
    names = [str(tool.name) for tool in tools_of(agent)]
    if getattr(agent, "tool_choice", "") == "none":
        text = f"{agent.name!r} may call no tool, and has {listed(names)}"
        cure = "write tool_choice='auto', or take tools= out"
        yield Finding("SF117", "warning", state.name, text, cure, origin=state.origin)
        return
    led = {name for flow, one in places for name in flow.targets(one.name)}
    there = {name for flow, _ in places for name in targets_of(flow)}
    for tool in tools_of(agent):
        target: object = getattr(tool, "target", None)
        if isinstance(target, str) and target in there and target not in led:
            text = f"{agent.name!r} is never offered {tool.name!r}: no way leads to {target!r}"
            cure = f"write to({target!r}, when=handed_to({target!r}))"
            yield Finding("SF117", "warning", state.name, text, cure, origin=state.origin)


def _is_agent(thing: object) -> bool:
    return isinstance(getattr(thing, "name", None), str) and callable(getattr(thing, "reply", None))


def _is_tool(thing: object) -> TypeGuard[Any]:
    """Tell a tool by what every tool has."""
    named = isinstance(getattr(thing, "name", None), str)
    return named and callable(getattr(thing, "call", None)) and hasattr(thing, "parameters")


def _distinct(things: Sequence[object]) -> list[Any]:
    """Return each once, in order, whatever names it goes by; classes apart."""
    found = {id(thing): thing for thing in things if not isinstance(thing, type)}
    return list(found.values())
