"""Recursion that nothing bounds, or next to nothing (SF115)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final as Constant

from stateflow.machine.check.finding import Finding, Severity
from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.nested import FlowAgent

__all__ = ["depths", "too_deep"]

_DEEP: Constant = 100
"""More nested runs in one another than anybody means [nested runs]."""


def depths(flow: Flow) -> Mapping[int, float]:
    """Return how deep nested runs may go in *flow* and in each flow nested in it."""
    found: dict[int, float] = {}
    ahead: list[tuple[Flow, float]] = [(flow, math.inf)]
    while ahead:
        one, granted = ahead.pop()
        depth = min(granted, one.budget.depth)
        if depth > found.get(id(one), -1.0):
            found[id(one)] = depth
            ahead += [(inner, depth) for agent in one.agents for inner in flows_of(agent)]
    return found


def too_deep(flow: Flow, depth: float, *, unlimited: bool) -> Iterator[Finding]:
    """Find the states of *flow* that run it again with no bound on how deep that goes.

    Args:
        flow: to look at.
        depth: how deep nested runs may go, by its budget and those around it.
        unlimited: whether no other limit ends it.
    """
    if depth <= _DEEP:
        return
    for state in flow.states:
        if any(isinstance(one, FlowAgent) and one.flow is flow for one in state.agents):
            severity: Severity = "error" if unlimited else "warning"
            told = "no limit" if math.isinf(depth) else f"a limit of {depth:g}"
            text = f"runs {flow.name!r} in itself with {told} on how deep that goes"
            if unlimited:
                text += ", and nothing else ends it"
            cure = f"write Budget(depth=5) on {flow.name!r}"
            yield Finding("SF115", severity, state.name, text, cure, origin=state.origin)
