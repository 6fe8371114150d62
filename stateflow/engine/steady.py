"""Steadiness: on replay, Python functions of the flow are asked twice with the same view.

A guard or an action that a clock, chance or a counter decides makes a run that cannot be
repeated.  It is named where it answers twice and not the same; where a flow has no such
functions, nothing is asked twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stateflow.conversation.view import View
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.kernel import Decision, Event, Kernel, Verdicts

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["SteadyKernel", "Unsteady", "apart", "steady"]


class Unsteady(BaseException):
    """A function answered twice, and not the same.  No agent or guard may swallow it."""

    def __init__(self, place: str, text: str) -> None:
        """Keep the sentence."""
        self.place = place
        self.text = text


def steady(flow: Flow) -> Kernel | SteadyKernel:
    """Return the kernel of *flow*, which asks guards twice that are Python functions."""
    asked = {
        place.name: found
        for place in flow.places.values()
        if (found := [(n, one.when) for n, one in enumerate(place.transitions) if _open(one.when)])
    }
    return SteadyKernel(flow.kernel, asked) if asked else flow.kernel


def _open(guard: Guard | None) -> bool:
    """Tell whether a Python function decides *guard*, or part of it."""
    return guard is not None and not guard.exportable


class SteadyKernel:
    """A kernel that holds the verdicts of functions against what they answer a second time."""

    def __init__(self, kernel: Kernel, asked: dict[str, list[tuple[int, Guard | None]]]) -> None:
        """Ask the guards in *asked* twice, by place and number."""
        self._kernel = kernel
        self._asked = asked

    def step(self, state: str, event: Event, view: View) -> Decision:
        """Step as the kernel does."""
        decision = self._kernel.step(state, event, view)
        self._again(state, decision.tried, view)
        return decision

    def verdicts(self, state: str, view: View) -> Verdicts:
        """Return the verdicts that the kernel returns."""
        tried = self._kernel.verdicts(state, view)
        self._again(state, tried, view)
        return tried

    def take(self, state: str, index: int, tried: Verdicts) -> Decision:
        """Take the transition that was chosen."""
        return self._kernel.take(state, index, tried)

    def _again(self, state: str, tried: Verdicts, view: View) -> None:
        for at, guard in self._asked.get(state, ()):
            verdict = tried[at] if at < len(tried) else None
            if verdict is None or guard is None:
                continue
            try:
                again: object = guard(view)
            except Exception as error:  # noqa: BLE001 - the user's function
                again = f"raised {type(error).__name__}: {error}"
            if again != verdict:
                raise Unsteady(
                    state,
                    f"guard {guard.name!r} answered {verdict}, then {again}, on the same view: a "
                    "guard must depend on the view alone",
                )


def apart(view: View) -> View:
    """Return *view* with data of its own, so that who changes them in place is asked alike."""
    data: BaseModel | None = view.data
    return view if data is None else replace(view, data=data.model_copy(deep=True))
