"""What is wrong with nested and parallel states: joins, shares, and recursion without an end.

A place of a nested flow is called by its path: ``write/outline`` is the place ``outline`` of the
flow that runs in the state ``write``; where several run in one state, ``review/critic/read`` says
which.  Only what is certain is found: whatever agents say, it cannot be otherwise.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.check.guards import Hidden, moves_of, shadowed
from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition

__all__ = ["Nesting", "flows_in"]


def flows_in(place: Place) -> Iterator[tuple[str, Flow]]:
    """Yield the flows that run in *place*, or that a model may call there, by their paths."""
    if not isinstance(place, State):
        return
    alone = len(place.agents) == 1
    for agent in place.agents:
        own: object = getattr(agent, "flow", None)
        if isinstance(own, Flow):
            yield (place.name if alone else f"{place.name}/{agent.name}"), own
        for tool in getattr(agent, "toolbox", ()):
            called: object = getattr(tool, "flow", None)
            if isinstance(called, Flow):
                yield f"{place.name}/{called.name}", called


class Nesting:
    """What is known of a flow and of all that are nested in it."""

    def __init__(self, flow: Flow) -> None:
        """Read the tables of all of them once; ``inner_first`` has each behind what it nests."""
        self._hidden: dict[int, dict[str, Hidden]] = {
            id(one): {name: shadowed(one, place) for name, place in one.places.items()}
            for one in flow.flows
        }
        self._moves = {id(one): moves_of(one, self._hidden[id(one)]) for one in flow.flows}
        self.inner_first = _inner_first(flow)
        self._ends: dict[int, bool] = {}
        for one in self.inner_first:
            self._ends[id(one)] = self._reaches_end(one)
        self._before = {id(one): self._turns_before(one) for one in flow.flows}
        self._room = self._rooms(flow)

    def hidden(self, flow: Flow) -> Mapping[str, Hidden]:
        """Return what is found about transitions of *flow* that are never taken, by place."""
        return self._hidden[id(flow)]

    def moves(self, flow: Flow) -> Mapping[str, Sequence[Transition]]:
        """Return the transitions of *flow* that can be taken, by place."""
        return self._moves[id(flow)]

    def findings(self, flow: Flow) -> Iterator[Finding]:
        """Find what is wrong with the nested and parallel states of *flow*."""
        for state in flow.states:
            if isinstance(state, Parallel):
                yield from self._never_joined(flow, state)
                yield from self._without_turns(flow, state)
        yield from self._endless(flow)

    def _never_joined(self, flow: Flow, state: Parallel) -> Iterator[Finding]:
        """Find a join that needs more branches than can come to an end."""
        endless = [
            agent.name
            for agent in state.branches
            if agent.flow is not flow and not self._ends[id(agent.flow)]
        ]
        able = len(state.branches) - len(endless)
        if able < state.need:
            text = (
                f"the join can never fire: it needs {state.need} of {len(state.branches)} "
                f"branches, and no end can be reached in {listed(endless)}"
            )
            yield Finding("SF107", "error", state.name, text, "lead each branch to an end")

    def _without_turns(self, flow: Flow, state: Parallel) -> Iterator[Finding]:
        """Find branches whose fixed share of the turns is none."""
        before = self._before[id(flow)].get(state.name)
        if before is None:
            return
        branches = len(state.branches)
        room = self._room[id(flow)] - before - 1  # the turn that they are part of
        if room < branches:
            left = f"{max(room, 0):g} turns" if room != 1 else "1 turn"
            least = f"Budget(turns={before + branches + 1})"
            text = f"{branches} branches share at most {left}, which gives none a turn"
            cure = f"write at least {least} on {flow.name!r}"
            if flow.budget.turns > before + branches:
                cure = f"give the flows around {flow.name!r} turns enough to leave it {least}"
            yield Finding("SF108", "error", state.name, text, cure)

    def _endless(self, flow: Flow) -> Iterator[Finding]:
        """Find recursion that every way to an end leads through."""
        again = [state.name for state in flow.states if _recurses(flow, state)]
        if not again or self._ends[id(flow)] or not self._reaches_end(flow, recursion=True):
            return
        reached = self._before[id(flow)]
        first = next(name for name in again if name in reached)
        text = f"every way to an end runs {flow.name!r} again, so that no run of it can end"
        cure = f"lead to a Final or to None past {first!r}: to(None, when=...)"
        yield Finding("SF109", "error", first, text, cure)

    def _reaches_end(self, flow: Flow, *, recursion: bool = False) -> bool:
        """Tell whether an end of *flow* can be reached, taking *recursion* to end or not."""
        moves = self._moves[id(flow)]
        ahead, seen = [flow.initial], {flow.initial}
        while ahead:
            place = flow.places[ahead.pop()]
            if isinstance(place, Final):
                return True
            spoken = not isinstance(place, State) or self._comes_back(flow, place, recursion)
            targets = [
                transition.target
                for transition in moves[place.name]
                if spoken or _takes_trouble(transition, _recurses(flow, place))
            ]
            if None in targets:
                return True
            if isinstance(place, State) and not _recurses(flow, place):
                targets.append(flow.on_error)  # where a turn that raised goes
            fresh = [one for one in dict.fromkeys(targets) if one is not None and one not in seen]
            seen.update(fresh)
            ahead += fresh
        return False

    def _comes_back(self, flow: Flow, state: State, recursion: bool) -> bool:  # noqa: FBT001 - passed on
        """Tell whether the nested runs of *state* can come to what it needs of them."""
        nested = [agent for agent in state.agents if isinstance(agent, FlowAgent)]
        able = [recursion if one.flow is flow else self._ends[id(one.flow)] for one in nested]
        return sum(able) >= state.need if isinstance(state, Parallel) else all(able)

    def _turns_before(self, flow: Flow) -> dict[str, int]:
        """Return the fewest turns in which each place can be reached."""
        moves = self._moves[id(flow)]
        fewest: dict[str, int] = {}
        ahead = deque([(flow.initial, 0)])
        while ahead:
            name, turns = ahead.popleft()
            if name in fewest:
                continue
            fewest[name] = turns
            speaks = isinstance(flow.places[name], State)
            targets = [transition.target for transition in moves[name]]
            if speaks:
                targets.append(flow.on_error)
            for target in targets:
                if target is None:
                    continue
                if speaks:
                    ahead.append((target, turns + 1))
                else:
                    ahead.appendleft((target, turns))
        return fewest

    def _rooms(self, flow: Flow) -> dict[int, float]:
        """Return the most turns that each flow can be granted, wherever it is nested."""
        rooms: dict[int, float] = {}
        ahead: list[tuple[Flow, float]] = [(flow, math.inf)]
        while ahead:
            one, granted = ahead.pop()
            room = min(granted, one.budget.turns)
            if room <= rooms.get(id(one), -math.inf):
                continue
            rooms[id(one)] = room
            for name, turns in self._before[id(one)].items():
                place = one.places[name]
                left = max(room - turns - 1, 0)  # the turn that they are part of
                if isinstance(place, Parallel) and left != math.inf:
                    left //= len(place.branches)
                ahead += [(inner, left) for _, inner in flows_in(place)]
        return {id(one): rooms.get(id(one), math.inf) for one in flow.flows}


def _inner_first(flow: Flow) -> tuple[Flow, ...]:
    """Return *flow* and all that are nested in it, each behind those nested in itself."""
    found: dict[int, Flow] = {}
    entered: set[int] = set()
    ahead: list[tuple[Flow, bool]] = [(flow, False)]
    while ahead:
        one, left = ahead.pop()
        if left:
            found[id(one)] = one
        elif id(one) not in entered:
            entered.add(id(one))
            ahead.append((one, True))
            ahead += [(inner, False) for agent in one.agents for inner in flows_of(agent)]
    return tuple(found.values())


def _recurses(flow: Flow, place: Place) -> bool:
    agents = place.agents if isinstance(place, State) else ()
    return any(isinstance(agent, FlowAgent) and agent.flow is flow for agent in agents)


def _takes_trouble(transition: Transition, recursing: bool) -> bool:  # noqa: FBT001 - passed on
    """Tell whether *transition* may be taken where a nested run did not come to an end.

    Recursion without end meets the limit of depth, which only ``exhausted`` takes.
    """
    guard = transition.when
    return guard is not None and (guard.exhausts or (guard.faults and not recursing))
