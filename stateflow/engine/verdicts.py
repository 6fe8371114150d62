"""Steps in words, and the verdicts of two tries of the same guards side by side."""

from __future__ import annotations

from collections.abc import Sequence

from stateflow.journal.event import Step
from stateflow.machine.table_json import Table, guards_of, places_in

__all__ = ["nth", "side_by_side", "target", "verdicts_of", "way", "ways"]


def nth(steps: Sequence[Step], at: int) -> Step | None:
    """Return step number *at*, from 0, if there is one."""
    return steps[at] if at < len(steps) else None


def target(step: Step | None) -> str:
    """Return where *step* leads, in a word."""
    return "nowhere" if step is None else step.to or "done"


def ways(steps: Sequence[Step]) -> str:
    """Return where *steps* lead, one after the other."""
    return ", ".join(f"{step.at!r} → {step.to or 'done'!r}" for step in steps)


def way(table: Table, step: Step | None) -> str:
    """Return which way *step* went, and which guard let it."""
    if step is None:
        return "no step"
    names = _names(table, step.at)
    by = "on_error" if step.taken is None else _name(names, step.taken)
    return f"{step.at!r} → {step.to or 'done'!r} by {by}"


def _names(table: Table, place: str) -> list[str]:
    return guards_of(places_in(table).get(place, {}))


def _name(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) else str(at)


def verdicts_of(table: Table, step: Step | None) -> list[tuple[str, bool | None]]:
    """Return every guard of the place that *step* leaves, with its verdict."""
    if step is None:
        return []
    names = _names(table, step.at)
    tried = step.tried
    return [
        (_name(names, at), tried[at] if at < len(tried) else None)
        for at in range(max(len(names), len(tried)))
    ]


def side_by_side(
    before: Sequence[tuple[str, bool | None]], now: Sequence[tuple[str, bool | None]]
) -> list[tuple[str, bool | None, bool | None]]:
    """Return guards with both verdicts, in the order of now; those that are gone come last.

    A guard that stands where another stood is told with both names.
    """
    old, new = _numbered(before), _numbered(now)
    fresh = [(at, key) for at, key in enumerate(new) if key not in old]
    gone = {at: key for at, key in enumerate(old) if key not in new}
    stood = {key: gone.pop(at) for at, key in fresh if at in gone}
    rows = [
        (f"{stood[key][0]} → {key[0]}", old[stood[key]], verdict)
        if key in stood
        else (key[0], old.get(key), verdict)
        for key, verdict in new.items()
    ]
    return [*rows, *((key[0], old[key], None) for key in gone.values())]


def _numbered(
    verdicts: Sequence[tuple[str, bool | None]],
) -> dict[tuple[str, int], bool | None]:
    """Return verdicts by name; of several guards with one name, by number too."""
    found: dict[tuple[str, int], bool | None] = {}
    for name, verdict in verdicts:
        number = 0
        while (name, number) in found:
            number += 1
        found[name, number] = verdict
    return found
