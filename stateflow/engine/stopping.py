"""Why a run stops where no transition takes the turn, and the way of ``on_error`` out of it."""

from __future__ import annotations

from stateflow.conversation.message import Fault
from stateflow.engine.stepping import Spoken, Stepping
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Decision, Event
from stateflow.machine.state import Final, Junction, Place, State

__all__ = ["retry_of", "stop_failed", "stop_final", "way_out"]


def way_out(
    flow: Flow,
    at: State | Junction,
    event: Event,
    decision: Decision,
    stepping: Stepping,
    spoken: Spoken,
) -> Decision | Stop:
    """Return the way of ``on_error`` where it may be gone, else why the run stops."""
    view = stepping.view
    on_error = flow.on_error
    visits = event == "exhausted" and view.exhausted.startswith("visits of")
    may = on_error is not None and on_error != at.name and not stepping.used_up(on_error)
    if may and (event == "raised" or visits):
        return Decision(decision.tried, None, on_error)
    tried = _named(at, decision.tried)
    if event == "said":
        why = "no guard held: " + ", ".join(f"{n}={v}" for n, v in tried if v is not None)
        return Stop("stuck", at.name, why if tried else "it has no transition", tried=tried)
    if event == "raised" and spoken.fault is not None:
        return stop_failed(flow, spoken.fault, at.name, decision.tried)
    which = view.exhausted
    if spoken.fault is not None:  # a call that the budget refused
        fault = spoken.fault
        return Stop("budget", at.name, fault.text, fault=fault, which=which, tried=tried)
    cure = "give resume a larger budget, or end it with when=exhausted"
    if visits:
        cure = f"allow it more in the flow, or give {at.name!r} a transition when=exhausted"
    why = f"{which} used up; {cure}"
    return Stop("budget", at.name, why, which=which, tried=tried)


def stop_failed(flow: Flow, fault: Fault, at: str, tried: tuple[bool | None, ...]) -> Stop:
    """Return the stop of a fault that nothing takes."""
    return Stop("failed", at, str(fault), fault=fault, tried=_named(flow.places[at], tried))


def stop_final(place: Final, why: str) -> Stop:
    """Return the stop of a run that has come to *place*."""
    return Stop("final", place.name, why, ok=place.ok)


def retry_of(stop: Stop) -> int | None:
    """Return the effect that a resumed run makes again, if one is to blame."""
    return stop.fault.ordinal if stop.fault is not None else None


def _named(at: Place, tried: tuple[bool | None, ...]) -> tuple[tuple[str, bool | None], ...]:
    rows = () if isinstance(at, Final) else at.transitions
    return tuple((row.guard_name, verdict) for row, verdict in zip(rows, tried, strict=False))
