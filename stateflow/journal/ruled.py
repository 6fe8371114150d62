"""Rules held against journals: the first entry that broke one, where a run broke it.

A journal says by itself which places were entered and which of them were ends, so a run can be
held against rules that were written after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from stateflow.errors import StoreError
from stateflow.journal.event import Recorded, RunStarted, TurnTaken
from stateflow.machine.rule.automaton import BROKEN, Automaton, shown_path
from stateflow.machine.rule.rule import Rule
from stateflow.machine.table_json import Table, places_in

__all__ = ["Violation", "violation"]


@dataclass(frozen=True, slots=True)
class Violation:
    """How a run broke a rule.

    Example:
        >>> from stateflow.machine.rule.rule import never
        >>> str(Violation(never("b"), 7, ("a", "b")))
        "never('b') is broken at event 7: a → b"
    """

    rule: Rule
    seq: int
    """The event that broke it: position in the journal, from 1."""
    path: tuple[str | None, ...]
    """Places as they were entered until then; ``None`` is done."""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.rule} is broken at event {self.seq}: {shown_path(self.path)}"


def violation(events: Iterable[Recorded], rule: Rule) -> Violation | None:
    """Return how the run whose journal *events* are first broke *rule*; ``None``: it did not.

    A run that goes on, is paused, or was cancelled owes nothing yet.

    Raises:
        StoreError: the journal does not begin with the start of a run.
    """
    rows = iter(events)
    first = next(rows, None)
    if first is None or not isinstance(first.event, RunStarted):
        raise StoreError("the journal does not begin with RunStarted")
    table = first.event.table
    automaton = Automaton(rule, _ends(table))
    at, path = automaton.start, list[str | None]()
    for seq, place in chain([(first.seq, str(table["initial"]))], _entered(rows)):
        path.append(place)
        at = automaton.enter(at, place)
        if at == BROKEN:
            return Violation(rule, seq, tuple(path))
    return None


def _entered(events: Iterable[Recorded]) -> Iterator[tuple[int, str | None]]:
    """Yield the places that turns led to, each with the event that tells of it."""
    for recorded in events:
        if isinstance(recorded.event, TurnTaken):
            for step in recorded.event.steps:
                yield recorded.seq, step.to


def _ends(table: Table) -> dict[str, bool | None]:
    """Return the places of the flow that *table* describes, as rules see them."""
    return {
        name: bool(place["ok"]) if "final" in place else None
        for name, place in places_in(table).items()
    }
