"""Forks: the part of a journal that one shares with its origin, and its copy."""

from __future__ import annotations

from dataclasses import replace

from stateflow.errors import RunError
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import (
    ChildStarted,
    Event,
    Journal,
    RunEnded,
    RunStarted,
    TurnTaken,
)
from stateflow.stores.base import Store

__all__ = ["copy_run", "first_turns"]


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


async def copy_run(
    store: Store, name: str, events: list[Event], journal: Journal, forked: str
) -> None:
    """Write *events* of *journal* as the run *name*, nested runs included."""
    first = events[0]
    if isinstance(first, RunStarted):
        events = [replace(first, forked=forked), *events[1:]]
    await store.append(name, after=0, events=events)
    for event in events:
        if isinstance(event, ChildStarted) and str(event.key) in journal.children:
            child = journal.children[str(event.key)]
            copied = [recorded.event for recorded in child.events]
            await copy_run(store, f"{name}/{event.key}", copied, child, forked)


def _is_over(event: Event) -> bool:
    return isinstance(event, RunEnded) and event.stop.kind != "cancelled"
