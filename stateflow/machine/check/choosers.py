"""Choosers that may name nobody, where nothing says what then (SF114)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.flow import Flow
from stateflow.machine.state import State

__all__ = ["without_fallback"]


def without_fallback(flow: Flow) -> Iterator[Finding]:
    """Find the states in which a chooser that may fail has nothing to fall back to.

    Such a chooser has a ``fallback``.  A person is asked until the answer fits, and a function
    answers for itself.
    """
    for state in flow.states:
        targets = list(dict.fromkeys(transition.target for transition in state.transitions))
        if len(targets) > 1 and hasattr(state.choose, "fallback"):
            yield from _unsafe(state, targets)


def _unsafe(state: State, targets: Sequence[str | None]) -> Iterator[Finding]:
    chooser: Any = state.choose
    given = chooser.fallback
    names = (given,) if isinstance(given, str) else tuple(given or ())
    if any(name in targets for name in names):
        return
    text = f"{chooser.name} may name none of the candidates, and nothing says who is next then"
    if names:
        text = f"{chooser.name} may name none of the candidates, and {listed(names)} is none here"
    named = [target for target in targets if target is not None]
    cure = f"say whom to take then: fallback={named[0]!r}"
    yield Finding("SF114", "warning", state.name, text, cure, origin=state.origin)
