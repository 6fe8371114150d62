"""What has changed in a flow since a run of it began."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.console import console, say
from stateflow.journal.event import Journal
from stateflow.journal.redact import Redactor
from stateflow.machine.flow import Flow

if TYPE_CHECKING:
    from stateflow.machine.difference.change import Change

__all__ = ["changes", "tell_changes"]


def tell_changes(flow: Flow, journal: Journal) -> None:
    """Say on stderr what has changed in *flow* since the run began, if anything has."""
    now = Redactor.from_environment(os.environ).json(flow.table())
    changed = "; ".join(changes(journal.started.table, now))
    if changed:
        sentence = f"the flow has changed since the run began ({changed}); replay will tell of it"
        say(console("stderr"), clean(sentence), MUTED)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what has changed from one table of a flow to another, a few words each."""
    from stateflow.machine.difference.difference import difference

    return [_named(change) for change in difference(before, now).changes]


def _named(change: Change) -> str:
    from stateflow.machine.difference.words import told

    if change.part or change.kind not in {"added", "removed"}:
        return told(change)
    return f"{change.what} {change.path!r}: {'new' if change.kind == 'added' else 'gone'}"
