"""The events that a cassette tells, turn by turn or one by one."""

# pyright: reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# What is parsed is any JSON.
from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from stateflow.conversation.effect import Key
from stateflow.journal.canonical import canonical_events
from stateflow.journal.codec import event_json
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    Event,
    HumanAsked,
    Journal,
    RunChanged,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.testing.cassette.course import Asked, Course, Did
from stateflow.testing.cassette.emit import Block

__all__ = ["course_of", "effects_of", "is_timed", "json_of", "limits_of", "raw", "settled_events"]


def raw(journal: Journal, keep_table: Callable[[str, Mapping[str, Any]], str]) -> dict[str, Any]:
    """Return *journal* event by event."""
    events = settled_events(journal)
    events[1:1] = [
        one.event
        for one in journal.events
        if isinstance(one.event, RunResumed) and one.event.rename is not None
    ]
    lost = {str(e.key) for e in events if isinstance(e, ChildEnded) and e.cancelled}
    body: dict[str, Any] = {"events": [Block(_plain(event, journal)) for event in events]}
    children: dict[str, Any] = {}
    for key in sorted(journal.children.keys() - lost):
        child = journal.children[key]
        if child.events:
            table = keep_table(child.started.flow, child.started.table)
            children[key] = Block({"table": table, **raw(child, keep_table)})
    return {**body, **({"children": children} if children else {}), "end": "told"}


def _plain(event: Event, journal: Journal) -> dict[str, Any]:
    fields = {k: v for k, v in json_of(event).items() if k not in _VOLATILE}
    if isinstance(event, RunStarted):
        fields["table"] = {}
        limits = limits_of(journal)
        if limits is not None:
            fields["budget"] = limits
    return {"kind": type(event).__name__, **fields}


_VOLATILE: Final = frozenset({"attempts", "seconds", "forked", "grant", "prices", "due", "budget"})


def settled_events(journal: Journal) -> list[Event]:
    """Return what a cassette tells of *journal*: canonical, and where it stands paused."""
    events = canonical_events(r.event for r in journal.events)
    last = journal.events[-1].event
    return [*events, last] if isinstance(last, RunPaused) else events


def limits_of(journal: Journal) -> Any:  # noqa: ANN401 - JSON
    """Return the limits that replaced the flow's in the end."""
    found = None
    for recorded in journal.events:
        budget = getattr(recorded.event, "budget", None)
        found = budget if budget is not None else found
    return found


def is_timed(journal: Journal) -> bool:
    """Tell whether what the run does depends on the time."""
    limits = limits_of(journal) or journal.started.table.get("budget") or {}
    return limits.get("seconds") is not None


def effects_of(events: Sequence[Event]) -> list[Did]:
    """Put the events of a turn together, effect by effect."""
    found: dict[int, Did] = {}
    for event in events:
        key: Key = event.key  # type: ignore[union-attr]
        old = found.get(key.ordinal, Did(key.ordinal, None, None))
        if isinstance(event, EffectBegun | ChildStarted | HumanAsked):
            found[key.ordinal] = old._replace(begun=event)
        else:
            found[key.ordinal] = old._replace(came=event)  # type: ignore[arg-type]
    return [found[ordinal] for ordinal in sorted(found)]


def course_of(journal: Journal) -> Course:
    """Return the course of *journal* at its end, to tell what follows from it."""
    started = journal.started
    course = Course(started.table, started.flow, started.task, Asked())
    effects: list[Event] = []
    for event in settled_events(journal)[1:]:
        if isinstance(event, TurnTaken):
            course.take(event, effects_of(effects))
            effects = []
        elif not isinstance(event, RunChanged | RunEnded | RunPaused):
            effects.append(event)
    if not isinstance(journal.events[-1].event, RunEnded):
        course.stop = None
    return course


def json_of(event: Event) -> dict[str, Any]:
    """Return the fields of *event* as JSON, in values of their own."""
    fields: dict[str, Any] = json.loads(json.dumps(event_json(event)))
    return fields
