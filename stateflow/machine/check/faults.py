"""Faults that nobody takes (SF106)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final as Constant

from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import State

__all__ = ["faults_untaken"]

_SPEAKING: Constant = frozenset({"llm", "code", "flow"})  # the kinds that meet faults


def faults_untaken(flow: Flow) -> Iterator[Finding]:
    """Find that nothing takes a fault, where somebody can meet one.

    A nested flow that takes none raises them in the flow around it, so only that is told.
    """
    exposed = [state for state in flow.states if _meets_faults(state)]
    if exposed and not _takes_faults(flow, exposed):
        names = [state.name for state in exposed]
        yield Finding(
            "SF106",
            "warning",
            "",
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
        if isinstance(agent, FlowAgent):
            if not _takes_faults(agent.flow, agent.flow.states):
                return True
        elif getattr(agent, "kind", "tool") in _SPEAKING:
            return True
    return False
