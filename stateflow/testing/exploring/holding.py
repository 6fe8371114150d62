"""What must hold of every run, whatever was said in it.

A run stops for a reason that has a name.  It is never stuck, unless the flow accepts that; no
budget and no cap is exceeded; data fits its model; no rule is broken, no guard and no action
raises; what ``check`` rules out does not happen; and repeated from its journal it is the same,
byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from stateflow.conversation.message import Fault
from stateflow.engine.result import Result
from stateflow.engine.run import replay
from stateflow.engine.spending import budget_from
from stateflow.errors import StateflowError
from stateflow.journal.canonical import canonical
from stateflow.journal.event import Journal, TurnTaken
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.machine.check.check import check
from stateflow.machine.check.guards import shadowed
from stateflow.machine.flow import Flow
from stateflow.testing.exploring.line import MADE_UP
from stateflow.testing.exploring.play import Play

__all__ = ["Holding", "Holds"]

Holds = Callable[[Result], object]
"""A property of one's own: it raises, or returns ``False``, where it does not hold."""

_STUCK = ("SF102", "SF103")
"""Who accepts one of these accepts that a run gets stuck."""
_OURS = frozenset({"GuardRaised", "ActionRaised"})


class Holding:
    """What holds of the runs of one flow."""

    def __init__(self, flow: Flow, holds: Holds | None = None) -> None:
        """Ask ``check`` once what it rules out."""
        self.flow = flow
        self.holds = holds
        findings = check(flow, accepted=True)
        self._lost = {one.place for one in findings if one.code == "SF101"}
        self._idle = {
            (number, place.name, index): finding.text
            for number, one in enumerate(flow.flows)
            for place in one.places.values()
            for index, finding in shadowed(one, place).items()
            if finding.severity == "error"
        }

    def broken(self, play: Play) -> str:
        """Return what does not hold of *play*; ``""``: all does."""
        return next(self._broken(play), "")

    def _broken(self, play: Play) -> Iterator[str]:
        result = play.result
        journal = result.journal
        if journal is None:
            return
        yield from self._stopped(result.stop)
        for flow, one in self._runs(self.flow, journal):
            yield from _in_run(flow, one)
        yield from self._ruled_out(play)
        yield from self._repeated(journal)
        yield from self._own(result)

    def _stopped(self, stop: Stop) -> Iterator[str]:
        if stop.kind in {"waiting", "paused", "cancelled"}:
            yield f"the run does not end: {stop}"

    def _runs(self, flow: Flow, journal: Journal) -> Iterator[tuple[Flow, Journal]]:
        """Yield the run and its nested runs, each with its flow."""
        yield flow, journal
        for child in journal.children.values():
            name = child.started.flow
            inner = next((one for one in self.flow.flows if one.name == name), None)
            if inner is not None:
                yield from self._runs(inner, child)

    def _ruled_out(self, play: Play) -> Iterator[str]:
        for row in play:
            text = self._idle.get((row.flow, row.place, row.number))
            if text is not None:
                yield f"check says {text!r}, and it was taken"
        for name in play.result.path:
            if name in self._lost:
                yield f"check says that nothing leads to {name!r}, and it spoke"

    def _repeated(self, journal: Journal) -> Iterator[str]:
        try:
            again = replay(self.flow, journal).journal
        except StateflowError as error:
            yield f"repeated from its journal the run goes elsewhere: {error}"
            return
        if again is not None and canonical(again) != canonical(journal):
            yield "repeated from its journal the run is not the same, byte for byte"

    def _own(self, result: Result) -> Iterator[str]:
        if self.holds is None:
            return
        try:
            held = self.holds(result)
        except AssertionError as error:
            yield f"the property does not hold: {str(error) or 'it asserts otherwise'}"
            return
        except Exception as error:  # noqa: BLE001 - a property is anybody's
            yield f"the property raised {type(error).__name__}: {error}"
            return
        if held is False:
            yield "the property does not hold: it returned False"


def _in_run(flow: Flow, journal: Journal) -> Iterator[str]:
    """Yield what does not hold of one run, nested ones apart."""
    fold = fold_of(journal.events)
    stop = fold.stop
    if stop is None:
        yield f"a run of {flow.name!r} has no stop"
        return
    if stop.kind == "stuck" and not _accepts_stuck(flow, stop.state):
        yield f"stuck at {stop.state!r}: {stop.why}"
    fault = stop.fault
    if fault is not None and _is_ours(fault):
        yield f"{stop}"
    yield from _within(flow, journal)
    if flow.data is not None:
        try:
            flow.typed(fold.data)
        except StateflowError as error:
            yield str(error)


def _within(flow: Flow, journal: Journal) -> Iterator[str]:
    """Yield the limits that one run has exceeded."""
    fold = fold_of(journal.events)
    turns = [one.event for one in journal.events if isinstance(one.event, TurnTaken)]
    budget = flow.budget if fold.budget is None else budget_from(fold.budget)
    if fold.turns > budget.turns:
        yield f"{fold.turns} turns were taken, and the budget is {budget.turns:g}"
    if budget.calls is not None and fold.spent.calls > budget.calls:
        yield f"{fold.spent.calls} model calls were made, and the budget is {budget.calls:g}"
    spoke = Counter(one.state for one in turns if one.spoken)
    for state in flow.states:
        if state.visits is not None and spoke[state.name] > state.visits:
            yield f"{state.name!r} spoke {spoke[state.name]} times, and its cap is {state.visits}"


def _is_ours(fault: Fault) -> bool:
    """Tell whether *fault* is the flow's, or that of Python in it, and was not made up."""
    if fault.name in _OURS or fault.is_a("RuleBroken"):
        return True
    return fault.text != MADE_UP and not fault.is_a("StateflowError")


def _accepts_stuck(flow: Flow, state: str) -> bool:
    return any(code in flow.accept or f"{code} at {state}" in flow.accept for code in _STUCK)
