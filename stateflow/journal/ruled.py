"""Rules held against journals: the first entry that broke one, where a run broke it.

A journal says by itself which places were entered and which of them were ends, so a run can be
held against rules that were written after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stateflow.errors import StoreError
from stateflow.journal.event import Recorded, RunStarted, TurnTaken
from stateflow.machine.rule.automaton import BROKEN, Automaton, shown_path
from stateflow.machine.rule.rule import Rule

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
    automaton: Automaton | None = None
    path: list[str | None] = []
    at = 0
    for seq, place, table in _entries(events):
        if automaton is None:
            automaton = Automaton(rule, _ends(table))
            at = automaton.start
        path.append(place)
        at = automaton.enter(at, place)
        if at == BROKEN:
            return Violation(rule, seq, tuple(path))
    return None


def _entries(
    events: Iterable[Recorded],
) -> Iterator[tuple[int, str | None, Mapping[str, Any]]]:
    """Yield the places entered, each with the event that tells of it, and the flow's table."""
    table: Mapping[str, Any] | None = None
    for recorded in events:
        event = recorded.event
        if isinstance(event, RunStarted):
            table = event.table
            yield recorded.seq, str(table["initial"]), table
        elif isinstance(event, TurnTaken):
            if table is None:
                raise StoreError("the journal does not begin with RunStarted")
            for step in event.steps:
                yield recorded.seq, step.to, table


def _ends(table: Mapping[str, Any]) -> dict[str, bool | None]:
    """Return the places of the flow that *table* describes, as rules see them."""
    return {
        str(row.get("final") or row.get("state") or row.get("junction")): (
            bool(row["ok"]) if "final" in row else None
        )
        for row in table["places"]
    }
