"""The rules of a flow beside a run that is under way: no step is taken that would break one.

Each rule remembers one number, which moves on with every place that is entered, so that a turn
late in a run costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Sequence

from stateflow.conversation.message import Fault
from stateflow.engine.faults import fault_of
from stateflow.errors import RuleBroken
from stateflow.machine.rule.automaton import BROKEN, Automaton
from stateflow.machine.rule.rule import Rule

__all__ = ["Watch", "broken"]


class Watch:
    """Where each rule of a flow stands in one run."""

    __slots__ = ("_at", "_automata", "_read", "_trial", "_tried")

    def __init__(self, automata: Sequence[Automaton]) -> None:
        """Stand before the first place."""
        self._automata = automata
        self._at = self._trial = [one.start for one in automata]
        self._read = self._tried = 0

    def begin(self, entered: Sequence[str | None]) -> None:
        """Stand where a turn begins: after all places that the run has *entered*."""
        if not self._automata:
            return
        if len(entered) == self._read + self._tried:  # the last turn was taken as it was tried
            self._at = self._trial
        else:
            for place in entered[self._read :]:
                self._at = self._after(self._at, place)
        self._trial = self._at
        self._read, self._tried = len(entered), 0

    def enter(self, place: str | None) -> Rule | None:
        """Enter *place* in the present turn, or return the first rule that this would break."""
        if not self._automata:
            return None
        trial = self._after(self._trial, place)
        if BROKEN in trial:
            return self._automata[trial.index(BROKEN)].rule
        self._trial = trial
        self._tried += 1
        return None

    def _after(self, at: Sequence[int], place: str | None) -> list[int]:
        return [one.enter(a, place) for one, a in zip(self._automata, at, strict=True)]


def broken(rule: Rule, at: str, target: str | None) -> Fault:
    """Return the fault of a step that would break *rule*."""
    leads = "to its end" if target is None else f"to {target!r}"
    return fault_of(
        RuleBroken(
            rule.name,
            f"{rule.name} does not let {at!r} lead {leads} now; mend the flow and resume, or lead "
            "elsewhere with to(..., when=raised('RuleBroken'))",
        )
    )
