"""What has changed in a flow since a run of it began."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.console import console, say
from stateflow.journal.event import Journal, RunStarted
from stateflow.journal.redact import Redactor
from stateflow.machine.flow import Flow
from stateflow.value import canonical_json

__all__ = ["changes", "tell_changes"]

_KINDS = ("name", "state", "junction", "final")
"""Where the name of a row of the table stands."""


def tell_changes(flow: Flow, journal: Journal) -> None:
    """Say on stderr what has changed in *flow* since the run began, if anything has."""
    started = journal.events[0].event
    if not isinstance(started, RunStarted):
        return
    now = Redactor.from_environment(os.environ).json(flow.table())
    changed = "; ".join(changes(started.table, now))
    if changed:
        told = f"the flow has changed since the run began ({changed}); replay will tell of it"
        say(console("stderr"), clean(told), MUTED)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the parts of a flow's table that differ.

    Example:
        >>> changes({"agents": [{"name": "a", "prompt": "x"}]}, {"agents": [{"name": "a"}]})
        ["agent 'a': prompt"]
    """
    return [
        change
        for part in sorted({*before, *now})
        if not _same(before.get(part), now.get(part))
        for change in _changes(part, before.get(part), now.get(part))
    ]


def _changes(part: str, before: object, now: object) -> Iterator[str]:
    old, new = _rows(before), _rows(now)
    if not (old or new):
        yield part
        return
    if list(old) != list(new) and set(old) == set(new):
        yield f"order of {part}"
    for name in {**old, **new}:
        was, is_now = old.get(name), new.get(name)
        if was is None or is_now is None:
            yield f"{name}: {'new' if was is None else 'gone'}"
            continue
        keys = [k for k in {**was, **is_now} if not _same(was.get(k), is_now.get(k))]
        if keys:
            yield f"{name}: {', '.join(keys)}"


def _rows(part: object) -> dict[str, Mapping[str, Any]]:
    """Return agents or places by what they are called; nothing for any other part."""
    found: dict[str, Mapping[str, Any]] = {}
    rows = cast("Iterable[Any]", part) if isinstance(part, list | tuple) else ()
    for row in rows:
        kind = next((kind for kind in _KINDS if isinstance(row, Mapping) and kind in row), "")
        if not kind:
            return {}
        found[f"{'agent' if kind == 'name' else kind} {row[kind]!r}"] = row
    return found


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    return canonical_json(one) == canonical_json(other)
