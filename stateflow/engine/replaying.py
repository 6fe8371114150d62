"""Replay: the same core behind a door that only reads.

Two things are checked apart: has a *request* changed (what an effect asks, by its print), and
has the *flow* changed (what a turn came to).  The first difference is raised; nothing is ever
performed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, cast

from stateflow.engine.conduct import Conductor
from stateflow.engine.recorded import is_cancelled
from stateflow.engine.replay_door import ReplayDoor, Stopped
from stateflow.engine.spending import budget_from
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import (
    Journal,
    RunEnded,
    RunStarted,
)
from stateflow.journal.fold import Fold
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.models.names import ModelPool

__all__ = ["Replay", "replay_journal"]


@dataclass(frozen=True, slots=True)
class Replay:
    """A run repeated from its journal."""

    journal: Journal
    """The events as the core made them again."""
    fold: Fold
    stop: Stop | None
    """``None`` where the recorded run was cut off."""


@dataclass(slots=True)
class _Control:
    pausing: bool = False
    publish: None = None


async def _replay(
    flow: Flow, journal: Journal, redactor: Redactor, *, requests: bool, path: str = ""
) -> Replay:
    async def repeat(inner: Flow, nested: Journal, below: str) -> Replay:
        return await _replay(inner, nested, redactor, requests=requests, path=below)

    door = ReplayDoor(flow, journal, requests, redactor, repeat, path)
    started = journal.events[0].event if journal.events else None
    if not isinstance(started, RunStarted):
        raise Stopped(ReplayDivergence("event 1", "the journal does not begin with RunStarted"))
    budget = flow.budget if started.budget is None else budget_from(cast("Any", started.budget))
    for recorded in journal.events:
        if (limits := getattr(recorded.event, "budget", None)) is not None:
            budget = budget_from(limits)
    table = door.redactor.json(flow.table())
    door.begin(replace(started, table=table, print=flow.fingerprint()))
    conductor = Conductor(flow, door, budget, ModelPool())
    stop: Stop | None = None
    try:
        stop = await conductor.until_stop(_Control())
    except Stopped as stopped:
        if stopped.divergence is not None:
            raise
    last = journal.events[-1].event
    if isinstance(last, RunEnded) and is_cancelled(last) and (stop is None or stop.resumable):
        stop = last.stop
        door.apply(last)
    return Replay(Journal(journal.run, tuple(door.made), door.nested), door.fold, stop)


async def replay_journal(
    flow: Flow, journal: Journal, *, requests: bool = True, redactor: Redactor | None = None
) -> Replay:
    """Repeat *journal* with *flow* and no effects.

    Args:
        flow: the flow as it is now.
        journal: what was recorded.
        requests: whether a changed request is a difference.
        redactor: what the run kept out of its journal; ``None``: what the environment names.

    Raises:
        ReplayDivergence: at the first difference.
    """
    try:
        redactor = redactor or Redactor.from_environment(os.environ)
        return await _replay(flow, journal, redactor, requests=requests)
    except Stopped as stopped:
        raise cast("ReplayDivergence", stopped.divergence) from None
