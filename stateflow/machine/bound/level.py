"""Levels of nesting: which flows may run how deep, with how many turns to be granted.

What is left of a budget is granted to a nested run, without the turn that it is part of; branches
share it.  So no level has as many turns as the one above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final as Constant
from typing import Protocol

from stateflow.conversation.agent import Agent
from stateflow.machine.bound.figure import Most
from stateflow.machine.bound.graph import Ways
from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Place, State
from stateflow.machine.transition import Transition

__all__ = ["Costs", "Level", "levels_of", "nested_in", "turns_of"]

_LEVELS: Constant = 300
"""So deep nested runs are followed."""


class Costs(Protocol):
    """What single turns cost, by the figures but ``turns``; nested runs left aside."""

    def turn(self, state: State, said: float) -> Mapping[str, Most]:
        """Return what a turn in *state* takes where up to *said* messages were said before."""
        ...

    def lean(self, state: State) -> float:
        """Return the tokens that a turn in *state* takes where nothing was said, nor a task."""
        ...

    def restart(self, transition: Transition, said: float) -> Mapping[str, Most]:
        """Return what the summary of *transition* takes."""
        ...

    def runs(self, agent: Agent) -> float:
        """Return how often *agent* may call flows that are its tools in one turn."""
        ...

    def limit(self, flow: Flow, name: str) -> float:
        """Return the limit that the budget of *flow* sets to the figure *name*."""
        ...


@dataclass(frozen=True, slots=True)
class Level:
    """A flow as deep as it may be nested."""

    flow: Flow
    room: float
    """Most turns that it can be granted."""
    depth: float
    """How deep nested runs may go at all."""


def levels_of(flow: Flow, ways: Mapping[int, Ways], costs: Costs) -> list[dict[int, Level]]:
    """Return the flows that may run at each depth, the outermost first.

    The last is empty, unless they go deeper than anybody follows.
    """
    budget = flow.budget
    levels = [{id(flow): Level(flow, turns_of(budget.turns), budget.depth)}]
    while levels[-1] and len(levels) <= _LEVELS:
        deeper: dict[int, Level] = {}
        for level in levels[-1].values():
            if len(levels) <= level.depth:
                _nest(level, ways, costs, deeper)
        levels.append(deeper)
    return levels


def _nest(level: Level, ways: Mapping[int, Ways], costs: Costs, deeper: dict[int, Level]) -> None:
    """Put what is nested in *level* into the level below."""
    for name in ways[id(level.flow)].states:
        for inner, _, branches in nested_in(level.flow.places[name], costs):
            room = math.inf if math.isinf(level.room) else (level.room - 1) // branches
            room = min(room, turns_of(inner.budget.turns))
            depth = min(level.depth, inner.budget.depth)
            known = deeper.get(id(inner))
            if known is not None:
                room, depth = max(room, known.room), max(depth, known.depth)
            if room >= 1:
                deeper[id(inner)] = Level(inner, room, depth)


def nested_in(place: Place, costs: Costs) -> Iterator[tuple[Flow, float, int]]:
    """Yield the flows that run in *place*, how often in a turn, and how many share."""
    if not isinstance(place, State):
        return
    branches = len(place.agents) if isinstance(place, Parallel) else 1
    for agent in place.agents:
        if isinstance(agent, FlowAgent):
            yield agent.flow, 1, branches
        else:
            for inner in flows_of(agent):
                yield inner, costs.runs(agent), 1


def turns_of(limit: float) -> float:
    """Return how many turns a *limit* allows: one begins while there is anything left of it.

    Example:
        >>> turns_of(2.5)
        3
    """
    return limit if math.isinf(limit) else math.ceil(limit)
