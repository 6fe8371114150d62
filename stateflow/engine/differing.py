"""Differences between a recorded run and its replay, in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from stateflow.journal.event import Event, RunEnded, TurnTaken
from stateflow.journal.stop import Stop
from stateflow.machine.table_json import guards_of, places_in
from stateflow.value import Json, canonical_json

__all__ = ["Names", "difference", "drift", "guard_names", "prompt_drift", "verdict_lines"]


_MOST: Final = 20
"""So many changed lines of prompts are shown."""


def _prompt_lines(table: Mapping[str, Any]) -> list[str]:
    """Return prompts and models of a flow's *table*, a line each."""
    lines: list[str] = []
    for kind, rows in (("agent", table.get("agents", ())), ("state", table.get("places", ()))):
        for row in rows:
            name = row.get("name") or row.get("state")
            if row.get("prompt"):
                lines += [f"{kind} {name}: {line}" for line in str(row["prompt"]).splitlines()]
            if row.get("model"):
                lines.append(f"{kind} {name}: model {row['model']}")
    return lines


def prompt_drift(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return what changed in the prompts from one table to the other, line by line."""
    told = difflib.unified_diff(_prompt_lines(before), _prompt_lines(after), lineterm="", n=0)
    lines = [line for line in told if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    return "".join(f"\n    {line}" for line in lines[:_MOST])


def drift(before: Json, after: Json) -> str:
    """Return which parts of a request changed."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return f"asked {canonical_json(before)}; now asks {canonical_json(after)}"
    parts = [
        f"{name}: {canonical_json(before.get(name))} → {canonical_json(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return "the request has changed: " + "; ".join(parts)


Names: TypeAlias = Mapping[str, Sequence[str]]
"""Names of the guards of each place, in order."""


def guard_names(table: Mapping[str, Any]) -> Names:
    """Return the guards' names by place, from a flow's *table*."""
    return {name: guards_of(place) for name, place in places_in(table).items()}


def difference(names: tuple[Names, Names], recorded: Event, now: Event) -> str:
    """Return how two turns differ, with every verdict under the name it had."""
    if isinstance(recorded, TurnTaken) and isinstance(now, TurnTaken):
        if recorded.steps != now.steps:
            return f"recorded: {_steps(names[0], recorded)}; now: {_steps(names[1], now)}"
        for name in ("state", "visit", "said", "fault", "exhausted", "patch", "usage", "spoken"):
            before, after = getattr(recorded, name), getattr(now, name)
            if before != after:
                return f"{name} recorded: {before!r}; now: {after!r}"
    return f"recorded: {_named(recorded)}; now: {_named(now)}"


def _named(event: Event) -> str:
    if isinstance(event, RunEnded):
        return f"the run ends, {event.stop}"
    return f"a turn of {event.state!r}" if isinstance(event, TurnTaken) else type(event).__name__


def _steps(names: Names, turn: TurnTaken) -> str:
    shown: list[str] = []
    for step in turn.steps:
        rows = names.get(step.at, ())
        verdicts = ", ".join(
            f"{rows[i] if i < len(rows) else i}={verdict}"
            for i, verdict in enumerate(step.tried)
            if verdict is not None
        )
        shown.append(f"{step.at!r} → {step.to or 'done'!r} [{verdicts or 'on_error'}]")
    return ", ".join(shown)


def verdict_lines(stop: Stop) -> str:
    """Return the verdicts of *stop*, a line each."""
    return "".join(f"\n    {name} = {verdict}" for name, verdict in stop.tried)
