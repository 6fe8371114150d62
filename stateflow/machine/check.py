"""What is wrong with a flow that can be built: findings, each with a code and a cure.

Building a flow proves that its names resolve.  This proves more: that every place can be
reached and left, that no transition hides another, that no cycle is without a cap, that no join
waits for ever.  It reads the table that executes, nothing else, and asks no guard.  Nested flows
are read with the flow around them, each once.

``docs/check.md`` has a page on each code.  The only importer of ``networkx`` beside ``bound``;
nothing imports this module before somebody asks for a check.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final as Constant
from typing import TypeAlias

import networkx as nx

from stateflow.machine.check_finding import Finding, Severity
from stateflow.machine.check_guards import without_else
from stateflow.machine.check_nested import Nesting, flows_in, listed
from stateflow.machine.flow import Flow
from stateflow.machine.state import Final, State
from stateflow.machine.transition import Transition

__all__ = ["Finding", "Severity", "check"]

_Graph: TypeAlias = "nx.DiGraph[str]"
_Moves: TypeAlias = Mapping[str, Sequence[Transition]]

_DONE: Constant = ""  # no place can be called so
_SPEAKING: Constant = frozenset({"llm", "code", "flow"})  # the kinds that meet faults


def check(flow: Flow) -> tuple[Finding, ...]:
    """Return what is wrong with *flow*, in definition order of the places, then by code.

    What is wrong with a nested flow stands behind its state, under path names such as
    ``write/outline``; each flow is told once, where it is nested first.  What concerns the whole
    flow comes last.  The same flow gives the same findings.
    """
    return (*_Check(flow).of(flow, ""), *_faults_untaken(flow))


class _Check:
    """One check, of a flow and of all that are nested in it."""

    def __init__(self, flow: Flow) -> None:
        self.nesting = Nesting(flow)
        self.uncapped = _uncapped_flows(flow)
        self.told: set[int] = set()

    def of(self, flow: Flow, above: str) -> Iterator[Finding]:
        """Yield what is wrong with *flow*, whose places are called after the path *above*."""
        self.told.add(id(flow))
        found = self._own(flow)
        for name, place in flow.places.items():
            for finding in sorted(found, key=lambda one: one.code):
                if finding.place == name:
                    yield replace(finding, place=f"{above}{name}")
            for path, inner in flows_in(place):
                if id(inner) not in self.told:
                    yield from self.of(inner, f"{above}{path}/")

    def _own(self, flow: Flow) -> list[Finding]:
        hidden = self.nesting.hidden(flow)
        graph = _graph(flow, self.nesting.moves(flow))
        return [
            *_unreachable(flow, graph),
            *_traps(flow, graph),
            *(finding for place in flow.places.values() for finding in without_else(place)),
            *(finding for name in flow.places for finding in hidden[name].values()),
            *(_uncapped(flow, graph) if id(flow) in self.uncapped else ()),
            *self.nesting.findings(flow),
        ]


def _graph(flow: Flow, moves: _Moves) -> _Graph:
    """Return the moves that can happen as a graph."""
    graph: _Graph = nx.DiGraph()
    graph.add_nodes_from([*flow.places, _DONE])
    for name in flow.places:
        for transition in moves[name]:
            graph.add_edge(name, _DONE if transition.target is None else transition.target)
    return graph


def _with_on_error(flow: Flow, graph: _Graph) -> _Graph:
    """Return *graph* with the moves of raised turns that no transition takes."""
    if flow.on_error is None:
        return graph
    wider: _Graph = graph.copy()
    wider.add_edges_from((state.name, flow.on_error) for state in flow.states)
    return wider


def _unreachable(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    wider = _with_on_error(flow, graph)
    reached: set[str] = nx.descendants(wider, flow.initial) | {flow.initial}  # pyright: ignore[reportUnknownMemberType] - the stub leaves a type open
    for name in flow.places:
        if name not in reached:
            yield Finding(
                "SF101",
                "error",
                name,
                f"cannot be reached from {flow.initial!r}",
                f"lead to it with to({name!r}, ...), or remove it",
            )


def _traps(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    """Find the groups of places that are entered and never left, one finding each."""
    for group in nx.strongly_connected_components(graph):
        names = [name for name in flow.places if name in group]
        left = any(target not in group for name in names for target in graph.successors(name))
        if left or not names or isinstance(flow.places[names[0]], Final):
            continue
        text = "has no transition, so a run gets stuck here"
        if graph.out_degree(names[0]):
            text = f"no end can be reached from here: {listed(names)} only ever lead to each other"
            if len(names) == 1:
                text = "no end can be reached from here: it only ever leads to itself"
        cure = "lead to a Final or to None: to(None, when=...)"
        yield Finding("SF102", "error", names[0], text, cure)


def _uncapped_flows(flow: Flow) -> set[int]:
    """Return the flows that may run with no limit at all: no flow around them has one either."""
    found: set[int] = set()
    ahead = [flow]
    while ahead:
        one = ahead.pop()
        if id(one) not in found and not _limited(one):
            found.add(id(one))
            ahead += [inner for place in one.places.values() for _, inner in flows_in(place)]
    return found


def _limited(flow: Flow) -> bool:
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


def _uncapped(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    """Find the cycles that are left when every state with a cap is taken out."""
    loose: _Graph = _with_on_error(flow, graph).copy()
    loose.remove_nodes_from([state.name for state in flow.states if state.visits is not None])
    for group in nx.strongly_connected_components(loose):
        names = [name for name in flow.places if name in group]
        if len(names) > 1 or (names and loose.has_edge(names[0], names[0])):
            yield Finding(
                "SF105",
                "error",
                names[0],
                f"nothing stops the cycle through {listed(names)}: no visits=, no limit",
                f"write visits= on one of its states, or Budget(turns=...) on {flow.name!r}",
            )


def _faults_untaken(flow: Flow) -> Iterator[Finding]:
    """Find that nothing takes a fault, where somebody can meet one.

    A nested flow that takes none raises them in the flow around it, so only that is told.
    """
    exposed = [state for state in flow.states if _meets_faults(state)]
    if exposed and not _takes_faults(flow, exposed):
        names = [state.name for state in exposed]
        yield Finding(
            "SF106",
            "warning",
            flow.name,
            f"no fault is taken: a dead model or sandbox in {listed(names)} stops the run",
            "name a state in Flow(on_error=...), or write to(..., when=raised())",
        )


def _takes_faults(flow: Flow, states: Sequence[State]) -> bool:
    return flow.on_error is not None or any(
        transition.when is not None and transition.when.faults
        for state in states
        for transition in state.transitions
    )


def _meets_faults(state: State) -> bool:
    """Tell whether models, code, or nested flows that take no fault themselves speak here."""
    for agent in state.agents:
        inner: object = getattr(agent, "flow", None)
        if isinstance(inner, Flow):
            if not _takes_faults(inner, inner.states):
                return True
        elif getattr(agent, "kind", "tool") in _SPEAKING:
            return True
    return False
