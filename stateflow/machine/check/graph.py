"""What the graph of a flow shows: places nobody reaches or leaves, cycles that nothing stops.

The only importer of ``networkx`` among the checks.  Everything here grows with the number of
transitions, and no faster.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias
from typing import Final as Constant

import networkx as nx

from stateflow.machine.check.asked import args
from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.flow import Flow
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition
from stateflow.value import Json

__all__ = ["Moves", "is_limited", "traps", "uncapped", "unreachable", "way"]

Moves: TypeAlias = Mapping[str, Sequence[Transition]]
"""The transitions that can be taken, by place."""

_Graph: TypeAlias = "nx.DiGraph[str]"

_DONE: Constant = ""  # no place can be called so
_LONGEST: Constant = 12
"""So many places of a path are told."""


def unreachable(flow: Flow, moves: Moves) -> Iterator[Finding]:
    """Find the places that no path leads to (SF101), ``on_error`` and its ways included."""
    graph = _with_on_error(flow, _graph(flow, moves))
    reached: set[str] = nx.descendants(graph, flow.initial) | {flow.initial}  # pyright: ignore[reportUnknownMemberType] - the stub leaves a type open
    for name in flow.places:
        if name not in reached:
            text = f"cannot be reached from {flow.initial!r}"
            cure = f"lead to it with to({name!r}, ...), or remove it"
            yield Finding("SF101", "error", name, text, cure)


def traps(flow: Flow, moves: Moves) -> Iterator[Finding]:
    """Find the groups of places that are entered and never left (SF102), one finding each.

    A place that can only lead to them has no end either, and is told with the first of them.
    """
    graph = _graph(flow, moves)
    position = {name: index for index, name in enumerate(flow.places)}
    back: _Graph = graph.reverse(copy=False)
    ends = [_DONE, *(one.name for one in flow.places.values() if isinstance(one, Final))]
    ending = _from(back, ends)
    groups = [
        sorted(group, key=position.__getitem__)
        for group in nx.strongly_connected_components(graph)
        if ending.isdisjoint(group)
    ]
    ways = _ways(flow, moves) if groups else {}
    told = set(ending)
    for names in sorted(groups, key=lambda names: position[names[0]]):
        inside = frozenset(names)
        if all(target in inside for name in names for target in graph.successors(name)):
            told |= inside
            found = _from(back, names, told) - inside
            told |= found
            before = sorted(found, key=position.__getitem__)
            there = _told(ways, names[0]) if names[0] in ways else ""
            yield _trap(names, before, there, moves=bool(graph.out_degree(names[0])))


def _trap(names: Sequence[str], before: Sequence[str], there: str, *, moves: bool) -> Finding:
    text = "has no transition, so a run gets stuck here"
    if moves:
        text = f"no end can be reached from here: {listed(names)} only ever lead to each other"
        if len(names) == 1:
            text = "no end can be reached from here: it only ever leads to itself"
    if before:
        text += f"; nor from {listed(before)}, which lead nowhere else"
    cure = "lead to a Final or to None: to(None, when=...)"
    return Finding("SF102", "error", names[0], text, cure, there)


def uncapped(flow: Flow, moves: Moves) -> Iterator[Finding]:
    """Find the cycles that no cap and no exit bounds (SF105), in a flow without a limit.

    States with a cap are taken out, and so are transitions behind one that holds for good once
    it does: those are taken so many times, and never again.
    """
    bounded = {name: _before_the_exit(flow.places[name], moves[name]) for name in flow.places}
    loose = _with_on_error(flow, _graph(flow, bounded))
    loose.remove_nodes_from([state.name for state in flow.states if state.visits is not None])
    position = {name: index for index, name in enumerate(flow.places)}
    for group in nx.strongly_connected_components(loose):
        names = sorted(group - {_DONE}, key=position.__getitem__)
        if len(names) > 1 or (names and loose.has_edge(names[0], names[0])):
            yield Finding(
                "SF105",
                "error",
                names[0],
                f"nothing stops the cycle through {listed(names)}: no visits=, no limit, and no "
                "exit that comes for certain",
                f"write visits= on one of its states, or Budget(turns=...) on {flow.name!r}",
                _cycle(loose, names[0], group),
            )


def is_limited(flow: Flow) -> bool:
    """Tell whether any limit of the budget is finite; depth limits no cycle."""
    budget = flow.budget
    limits: list[float | None] = [
        budget.turns,
        budget.calls,
        budget.tokens,
        budget.usd,
        budget.seconds,
    ]
    return any(limit is not None and math.isfinite(limit) for limit in limits)


def _ways(flow: Flow, moves: Moves) -> dict[str, str]:
    """Return the place before each that can be reached, on the shortest way to it."""
    before: dict[str, str] = {flow.initial: ""}
    ahead = deque([flow.initial])
    while ahead:
        name = ahead.popleft()
        targets = [transition.target for transition in moves[name]]
        if isinstance(flow.places[name], State):
            targets.append(flow.on_error)
        for one in targets:
            if one is not None and one not in before:
                before[one] = name
                ahead.append(one)
    return before


def _told(before: Mapping[str, str], target: str) -> str:
    """Return the way to *target* as it is told."""
    names = [target]
    while before[names[-1]]:
        names.append(before[names[-1]])
    return way(names[::-1])


def way(names: Sequence[str]) -> str:
    """Return *names* as a way from the first to the last; a long one without its middle.

    Example:
        >>> way(["write", "review", "done"])
        'write → review → done'
    """
    if len(names) > _LONGEST:
        half = _LONGEST // 2
        names = [*names[:half], "…", *names[-half:]]
    return " → ".join(names)


def _graph(flow: Flow, moves: Moves) -> _Graph:
    """Return the *moves* as a graph."""
    graph: _Graph = nx.DiGraph()
    graph.add_nodes_from([*flow.places, _DONE])
    for name in flow.places:
        for transition in moves[name]:
            graph.add_edge(name, _DONE if transition.target is None else transition.target)
    return graph


def _with_on_error(flow: Flow, graph: _Graph) -> _Graph:
    """Return *graph* with the moves of raised turns that no transition takes.

    A turn that raised in ``on_error`` itself does not come to it again.
    """
    if flow.on_error is not None:
        graph.add_edges_from(
            (state.name, flow.on_error) for state in flow.states if state.name != flow.on_error
        )
    return graph


def _from(graph: _Graph, names: Sequence[str], without: AbstractSet[str] = frozenset()) -> set[str]:
    """Return *names*, and what can be reached from them past all that is *without*."""
    found = set(names)
    ahead = list(names)
    while ahead:
        successors = graph.successors(ahead.pop())
        fresh = [one for one in successors if one not in found and one not in without]
        found.update(fresh)
        ahead += fresh
    return found


def _cycle(graph: _Graph, start: str, group: AbstractSet[str]) -> str:
    """Return the shortest way from *start* to itself, which lies in its *group*."""
    before: dict[str, str] = {}
    ahead = deque([start])
    while ahead and start not in before:
        name = ahead.popleft()
        for one in graph.successors(name):
            if one in group and one not in before:
                before[one] = name
                ahead.append(one)
    names = [start]
    while len(names) == 1 or names[-1] != start:
        names.append(before[names[-1]])
    return way(names[::-1])


def _before_the_exit(place: Place, moves: Sequence[Transition]) -> list[Transition]:
    """Return the *moves* that may be taken without end: those before one that comes for certain.

    What asks for the opposite of such a thing is taken only until then.  What takes raised turns
    may always be taken, because a raised turn is offered to nobody else.
    """
    entered = place.name if isinstance(place, State) else ""  # visits of a junction do not count
    ordered = isinstance(place, State) and place.choose is None
    left: list[Transition] = []
    passed = False
    for transition in moves:
        guard = transition.when
        behind = passed and (guard is None or not guard.faults)
        if not behind and (guard is None or not _runs_out(guard.form, entered)):
            left.append(transition)
        passed = passed or (ordered and guard is not None and _for_good(guard.form, entered))
    return left


def _runs_out(form: Json, place: str) -> bool:
    """Tell whether *form* holds from some turn in *place* on no more, whatever is said."""
    match form:
        case {"or": [*parts]}:
            return all(_runs_out(part, place) for part in parts)
        case {"and": [*parts]}:
            return any(_runs_out(part, place) for part in parts)
        case {"not": part}:
            return _for_good(part, place)
        case _:
            return False


def _for_good(form: Json, place: str) -> bool:
    """Tell whether *form* holds from some turn in *place* on, whatever is said."""
    match form:
        case {"or": [*parts]}:
            return any(_for_good(part, place) for part in parts)
        case {"and": [*parts]}:
            return all(_for_good(part, place) for part in parts)
        case {"not": part}:
            return _runs_out(part, place)
        case {"guard": "turns_at_least"}:
            return True
        case {"guard": "visited"}:
            given: Any = form  # a mapping, by its pattern
            return args(given)[:1] == (place,)
        case _:
            return False
