"""Who may speak after whom, and the longest that can go on: the graph that bounds are read from.

Junctions and finals are folded into the ways between states, because nobody speaks there.  The
moves are those of ``check``: what an earlier transition hides is no way; ``on_error`` is one.
The only importer of ``networkx`` beside ``check``.

Source: R. K. Ahuja, T. L. Magnanti, J. B. Orlin, "Network Flows", 1993, section 1.2: a walk is a
circulation of one unit, so the dearest circulation is a bound on the dearest walk.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final as Constant
from typing import TypeAlias

import networkx as nx

from stateflow.machine.flow import Flow
from stateflow.machine.state import Junction, State
from stateflow.machine.transition import Transition

__all__ = ["START", "Ways", "cycle_of", "dearest", "in_turns", "ways_of"]

Weights: TypeAlias = Mapping[str, int]
"""What an entry of each state costs; no state is left out."""
_Graph: TypeAlias = "nx.DiGraph[str]"

_Cost: TypeAlias = Callable[[Sequence[str]], int]

START: Constant = "\0start"
_END: Constant = "\0end"
_WHOLE: Constant = 200
"""Most states of a flow whose dearest circulation is looked for as a whole."""
_STEPS: Constant = 2_000_000
"""Most steps of the count by turns: turns times moves."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a turn may lead, for every state that can be reached."""

    to: Mapping[str, Sequence[str | None]]
    """Next states, ``None`` for an end; from :data:`START`, the first ones."""
    restarts: Mapping[str, Sequence[Sequence[Transition]]]
    """Transitions that may clear the transcript after a turn: one of each group at most."""
    caps: Mapping[str, int]
    """``visits=`` of the states that have one."""

    @property
    def states(self) -> list[str]:
        """Names of the states that can be reached, nearest first."""
        return [name for name in self.to if name != START]


def ways_of(flow: Flow, moves: Mapping[str, Sequence[Transition]]) -> Ways:
    """Return the ways of *flow*, whose places have the *moves*."""
    to: dict[str, Sequence[str | None]] = {}
    restarts: dict[str, Sequence[Sequence[Transition]]] = {}
    ahead = deque([START])
    while ahead:
        name = ahead.popleft()
        if name in to:
            continue
        to[name], restarts[name] = _after(flow, moves, name)
        ahead.extend(one for one in to[name] if one is not None)
    caps = {s.name: s.visits for s in flow.states if s.visits is not None and s.name in to}
    return Ways(to, restarts, caps)


def _after(
    flow: Flow, moves: Mapping[str, Sequence[Transition]], name: str
) -> tuple[Sequence[str | None], Sequence[Sequence[Transition]]]:
    """Return where a turn in *name* leads, and the restarts on the way there."""
    first = flow.places[flow.initial if name == START else name]
    if name == START and isinstance(first, State):
        return [first.name], []
    found: dict[str | None, None] = {}
    groups: list[Sequence[Transition]] = []
    ahead, seen = [first.name], {first.name}
    for at in ahead:
        groups.append([one for one in moves[at] if one.restart is not None])
        targets = [one.target for one in moves[at]]
        if flow.on_error is not None and flow.on_error != at:
            targets.append(flow.on_error)
        for target in targets:
            place = None if target is None else flow.places[target]
            if not isinstance(place, Junction):
                found[place.name if isinstance(place, State) else None] = None
            elif place.name not in seen:
                seen.add(place.name)
                ahead.append(place.name)
    return list(found), [group for group in groups if group]


def cycle_of(ways: Ways, weights: Weights) -> list[str]:
    """Return a shortest cycle that costs something and that no cap breaks; ``[]``: there is none.

    Of several, one through the state that is nearest to the start.
    """
    loose = _loose(ways, ways.states)
    within = {name: group for group in nx.strongly_connected_components(loose) for name in group}
    for name in ways.states:
        group = within.get(name, ())
        around = len(group) > 1 or loose.has_edge(name, name)
        if weights[name] and name in loose and around:
            return _around(loose, name)
    return []


def _around(graph: _Graph, name: str) -> list[str]:
    """Return a shortest way from *name* back to it, *name* at both ends."""
    before: dict[str, str] = {}
    ahead = deque([name])
    while name not in before:
        at = ahead.popleft()
        for target in graph.successors(at):
            if target not in before:
                before[target] = at
                ahead.append(target)
    cycle = [name, before[name]]
    while cycle[-1] != name:
        cycle.append(before[cycle[-1]])
    return cycle[::-1]


def _loose(ways: Ways, names: Iterable[str]) -> _Graph:
    """Return what is left of the *names* when every state with a cap is taken out."""
    graph: _Graph = nx.DiGraph()
    kept = dict.fromkeys(name for name in names if name not in ways.caps)
    graph.add_nodes_from(kept)
    graph.add_edges_from((n, to) for n in kept for to in ways.to[n] if to in kept)
    return graph


def dearest(ways: Ways, weights: Weights) -> tuple[int, list[str]]:
    """Return the most that a walk can cost, and one that may reach it; no cycle is without end.

    The walk is empty where the flow is too large to look for one.
    """
    whole: _Graph = nx.DiGraph()
    whole.add_nodes_from(ways.states)
    whole.add_edges_from((n, to) for n in ways.states for to in ways.to[n] if to is not None)
    if nx.is_directed_acyclic_graph(whole):
        return _straight(ways, weights, whole)
    if len(weights) > _WHOLE:
        return _by_components(ways, weights), []
    return _circulation(ways, weights)


def _circulation(ways: Ways, weights: Weights) -> tuple[int, list[str]]:
    """Return the dearest circulation; of equal ones a long one, which hangs together."""
    turning = {
        n
        for group in nx.strongly_connected_components(_loose(ways, ways.states))
        if len(group) > 1
        for n in group
    }
    unit = (sum(ways.caps.values()) + 1) * len(weights) + 1  # more than all entries together
    graph: nx.DiGraph[tuple[str, bool]] = nx.DiGraph()
    for name in ways.states:
        cap = {"capacity": ways.caps[name]} if name in ways.caps else {}
        free = name not in ways.caps and (name in turning or name in ways.to[name])
        worth = weights[name] * unit + (0 if free else 1)
        graph.add_edge((name, False), (name, True), weight=-worth, **cap)
        graph.add_edge((name, True), (_END, False), capacity=1)
        for to in ways.to[name]:
            if to is not None:
                graph.add_edge((name, True), (to, False))
    for to in ways.to[START]:
        if to is not None:
            graph.add_edge((START, True), (to, False), capacity=1)
    graph.add_node((START, True), demand=-1)
    graph.add_node((_END, False), demand=1)
    cost, flows = nx.network_simplex(graph)
    taken = {
        at: {to: n for (to, _), n in flows[at, True].items() if n} for at in (START, *ways.states)
    }
    return -cost // unit, _walk(taken)


def _straight(ways: Ways, weights: Weights, graph: _Graph) -> tuple[int, list[str]]:
    """Return the dearest path of a *graph* without cycles."""
    best: dict[str, int] = {}
    then: dict[str, str | None] = {}
    for name in reversed(list(nx.topological_sort(graph))):
        then[name] = max(graph.successors(name), key=best.__getitem__, default=None)
        to = then[name]
        best[name] = weights[name] + (0 if to is None else best[to])
    at = max((to for to in ways.to[START] if to is not None), key=best.__getitem__, default=None)
    most, path = 0 if at is None else best[at], list[str]()
    while at is not None:
        path.append(at)
        at = then[at]
    return most, path


def _walk(taken: Mapping[str, dict[str, int]]) -> list[str]:
    """Return the states of a walk that uses each way as often as it is *taken*.

    Ways that do not hang together with the start are left out.

    Source: C. Hierholzer, "Ueber die Möglichkeit, einen Linienzug ohne Wiederholung und ohne
    Unterbrechung zu umfahren", Mathematische Annalen 6, 1873.
    """
    stack, walk = [START], list[str]()
    while stack:
        left = taken.get(stack[-1])
        if left:
            to = next(iter(left))
            left[to] -= 1
            if not left[to]:
                del left[to]
            stack.append(to)
        else:
            walk.append(stack.pop())
    return [name for name in reversed(walk) if name not in {START, _END}]


def _by_components(ways: Ways, weights: Weights) -> int:
    """Return the dearest path over the condensation, each component at its most."""
    graph: _Graph = nx.DiGraph()
    graph.add_nodes_from(ways.states)
    graph.add_edges_from((n, to) for n in ways.states for to in ways.to[n] if to is not None)
    return _dearest_path(graph, lambda group: _component(ways, weights, graph, group))


def _component(ways: Ways, weights: Weights, graph: _Graph, group: Sequence[str]) -> int:
    """Return the most that a stay in *group* can cost.

    Each entry of a state with a cap is followed by one walk through those that have none.
    """
    if len(group) == 1 and not graph.has_edge(group[0], group[0]):
        return weights[group[0]]
    capped = [name for name in group if name in ways.caps]
    entries = sum(ways.caps[name] for name in capped)
    most = sum(ways.caps[name] * weights[name] for name in capped)
    between = _loose(ways, group)
    return most + (entries + 1) * _dearest_path(
        between, lambda names: sum(weights[name] for name in names)
    )


def _dearest_path(graph: _Graph, cost: _Cost) -> int:
    """Return the dearest path over the condensation of *graph*, whose groups *cost* something."""
    order: list[list[str]] = [sorted(group) for group in nx.strongly_connected_components(graph)]
    of = {name: number for number, group in enumerate(order) for name in group}
    best: list[int] = []
    for number, group in enumerate(order):  # successors come first
        after = [
            best[of[to]] for name in group for to in graph.successors(name) if of[to] != number
        ]
        best.append(cost(group) + max(after, default=0))
    return max(best, default=0)


def in_turns(ways: Ways, weights: Weights, turns: float) -> tuple[int, list[str]] | None:
    """Return the most that so many *turns* can cost, caps left aside, and a walk that does.

    ``None``: there is no end of turns, or the count would take too long.
    """
    moves = [(name, [to for to in ways.to[name] if to is not None]) for name in ways.states]
    if turns * (sum(len(to) for _, to in moves) + len(moves)) > _STEPS:
        return None
    best = dict.fromkeys(ways.states, 0)
    choices: list[dict[str, str | None]] = []
    for _ in range(math.ceil(turns)):
        next_best, choice = dict[str, int](), dict[str, str | None]()
        for name, targets in moves:
            to = max(targets, key=best.__getitem__, default=None)
            next_best[name] = weights[name] + (best[to] if to is not None else 0)
            choice[name] = to
        best = next_best
        choices.append(choice)
    firsts = [to for to in ways.to[START] if to is not None]
    at = max(firsts, key=best.__getitem__, default=None)
    most = 0 if at is None else best[at]
    return most, list(_followed(at, choices)) if choices else []


def _followed(at: str | None, choices: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    for choice in reversed(choices):
        if at is None:
            return
        yield at
        at = choice[at]
