"""What a check of a large flow costs, beside finding the components of the same graph once."""

from __future__ import annotations

import random
from statistics import median
from time import process_time

import networkx as nx

from stateflow import Final, Flow, FunctionAgent, State, failed, to, visited
from stateflow.machine.check.check import check

__all__ = ["measure"]

STATES = 1_000
TRANSITIONS = 5
"""Of each state."""


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return what a check costs, to ``networkx.strongly_connected_components`` of the same graph.

    ``seconds`` is for a thousand states with five thousand transitions, and ``growth`` is what a
    state costs in a flow of four times that size, to one of this.  Times of the processor.
    """
    repeats = 1 if quick else 5
    flow, graph = large(STATES)
    larger, _ = large(4 * STATES)
    checked_s = median(_check_s(flow) for _ in range(repeats))
    larger_s = median(_check_s(larger) for _ in range(repeats))
    components_s = median(_components_s(graph) for _ in range(20 * repeats))
    return {
        "seconds": checked_s,
        "to_components": checked_s / components_s,
        "growth": larger_s / checked_s / 4,
    }


def large(states: int) -> tuple[Flow, nx.DiGraph[str]]:
    """Return a flow of so many states, each of which leads to five, and its graph."""
    dice = random.Random(states)  # noqa: S311 - the same graph each time
    agents = [FunctionAgent(f"a{number}", lambda view: view.last.text) for number in range(20)]
    names = [f"s{number}" for number in range(states)]
    places: list[State | Final] = []
    for number, name in enumerate(names):
        ahead = dice.sample(range(2, states), TRANSITIONS - 3)
        others = [names[(number + far) % states] for far in ahead]
        places.append(
            State(
                name,
                agents[number % len(agents)],
                to("gave_up", when=failed),
                *(to(one, when=visited(one, at_least=number % 7 + 1)) for one in others),
                to(None, when=visited(name, at_least=9)),
                to(names[(number + 1) % states]),
            )
        )
    places.append(Final("gave_up", ok=False))
    graph: nx.DiGraph[str] = nx.DiGraph()
    for place in places:
        for transition in place.transitions:
            graph.add_edge(place.name, transition.target or "")
    return Flow("large", *places), graph


def _check_s(flow: Flow) -> float:
    began = process_time()
    findings = check(flow)
    took = process_time() - began
    assert not [one for one in findings if one.severity == "error"]
    return took


def _components_s(graph: nx.DiGraph[str]) -> float:
    began = process_time()
    count = sum(1 for _ in nx.strongly_connected_components(graph))
    took = process_time() - began
    assert count
    return took
