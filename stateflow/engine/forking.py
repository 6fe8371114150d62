"""The part of a journal that a fork shares with its origin."""

from __future__ import annotations

from stateflow.errors import RunError
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import Event, Journal, RunEnded, TurnTaken

__all__ = ["first_turns"]


def first_turns(journal: Journal, at: int) -> list[Event]:
    """Return the events of the first *at* turns of *journal*.

    Raises:
        RunError: it has fewer.
    """
    events = canonical_events(recorded.event for recorded in journal.events)
    turns = [n for n, e in enumerate(events) if isinstance(e, TurnTaken) and e.spoken]
    if not 0 <= at <= len(turns):
        raise RunError(f"run {journal.run!r} has {len(turns)} turns; cannot fork it at {at}")
    end = turns[at - 1] + 1 if at else 1
    if at == len(turns) and any(_is_over(event) for event in events[end : end + 1]):
        end += 1  # all the turns of a run that is over end there too
    return events[:end]


def _is_over(event: Event) -> bool:
    return isinstance(event, RunEnded) and event.stop.kind != "cancelled"
