"""A guide: what to say in each state of a talk to come to a certain place.

What takes a transition is told by the witnesses of the product; whether it does so, the run shows.
Now and then something else is said, for what takes more than the shortest way.
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final, TypeAlias

from stateflow import (
    PASS,
    Flow,
    Junction,
    Message,
    RateLimited,
    Refused,
    State,
    TimedOut,
    View,
    errors,
)
from stateflow.conversation.agent import Reply
from stateflow.conversation.message import SILENCE, Fault
from stateflow.machine.algebra.witness import view_taking

__all__ = ["FAULTS", "Line", "around", "guided", "line_of"]

Line: TypeAlias = "Reply | BaseException"
"""What is said in a turn, or raised."""

FAULTS: Final = (RateLimited("no"), Refused("no"), TimedOut("no"), ValueError("no"))


def line_of(view: View) -> Line:
    """Return what to say or to raise for a turn to be as *view* has it."""
    if view.fault is None:
        return PASS if view.last is SILENCE else replace(view.last, usage=view.usage)
    name = view.fault.name
    known: object = getattr(errors, name, getattr(builtins, name, None))
    own = isinstance(known, type) and issubclass(known, Exception)
    kind: type[Exception] = known if own else type(name, (Exception,), {})  # type: ignore[assignment]  # an error
    return kind("no")


def guided(
    flow: Flow, goal: str, there: Mapping[str, Line], chance: Random
) -> Callable[[View, str], Line | None]:
    """Return a plan that leads to *goal*.

    Args:
        flow: whose places they are.
        goal: a place.
        there: what is said in states that are come to for it, mostly.
        chance: what decides between ways.
    """
    ways = _ways(flow)
    far = _far(ways, goal)

    def plan(view: View, name: str) -> Line | None:
        if view.state in there and chance.random() < 0.7:
            line = there[view.state]
            return PASS if isinstance(line, Message) and line.speaker != name else line
        known = ways.get(view.state, [])
        if not known or chance.random() < 0.15:
            return None
        if chance.random() < 0.3:
            return chance.choice(known)[1]
        least = min(far.get(target, 99) for target, _ in known)
        return chance.choice([line for target, line in known if far.get(target, 99) == least])

    return plan


def around(flow: Flow, cycle: Sequence[str], chance: Random) -> Callable[[View, str], Line | None]:
    """Return a plan that leads to the first place of *cycle*, and on around it for good.

    Args:
        flow: whose places they are.
        cycle: places in the order in which they are come to.
        chance: what decides between ways.
    """
    ways = _ways(flow)
    states = [one for one in cycle if not isinstance(flow.places[one], Junction)]
    after = dict(zip(states, [*states[1:], *states[:1]], strict=True))
    toward = guided(flow, states[0], {}, chance)

    def plan(view: View, name: str) -> Line | None:
        known = ways.get(view.state, [])
        lines = [line for target, line in known if target == after.get(view.state)]
        line = lines[view.turns % len(lines)] if lines else toward(view, name)
        return PASS if isinstance(line, Message) and line.speaker not in {name, ""} else line

    return plan


_Ways: TypeAlias = "dict[str, list[tuple[str, Line]]]"


def _ways(flow: Flow) -> _Ways:
    """Return where each state leads, and what to say for it."""
    ways: _Ways = {name: [] for name in flow.places}
    ways[""] = []  # nobody speaks before a junction that a run begins with
    for place in flow.places.values():
        for index, row in enumerate(place.transitions):
            view = view_taking(flow, place, index)
            if view is not None and not view.exhausted:
                ways[view.state].append((row.target or "", line_of(view)))
        if isinstance(place, State):
            ways[place.name] += _raising(flow, place)
    return ways


def _raising(flow: Flow, state: State) -> Iterator[tuple[str, Line]]:
    """Yield where *state* leads when something is raised."""
    for fault in FAULTS:
        kinds = tuple(one.__name__ for one in type(fault).__mro__)
        view = View(state.name, fault=Fault(type(fault).__name__, kinds=kinds))
        decision = flow.kernel.step(state.name, "raised", view)
        if decision.taken is not None:
            yield decision.target or "", fault
        elif flow.on_error not in {None, state.name}:
            yield flow.on_error or "", fault


def _far(ways: _Ways, goal: str) -> Mapping[str, int]:
    """Return how far each place is from *goal*."""
    far = {goal: 0}
    ahead = deque([goal])
    while ahead:
        name = ahead.popleft()
        for state, rows in ways.items():
            if state not in far and any(target == name for target, _ in rows):
                far[state] = far[name] + 1
                ahead.append(state)
    return far
