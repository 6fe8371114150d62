"""Replay: the same core behind a door that only reads.

Two things are checked apart: has a *request* changed (what an effect asks, by its print), and
has the *flow* changed (what a turn came to).  The first difference is raised; nothing is ever
performed.  What the recording holds and the replay does not come to is a difference, too, unless
the recording itself breaks off: it is then repeated as far as it goes, and ``Replay.cut`` says
where that was.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import cast

from stateflow.engine.allowance import Allowance
from stateflow.engine.conduct import Conductor
from stateflow.engine.matching import Match, check_match
from stateflow.engine.recorded import is_cancelled
from stateflow.engine.replay_beginning import opening_patch, refuse_gone
from stateflow.engine.replay_door import ReplayDoor, Stopped
from stateflow.engine.steady import Unsteady
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import (
    Journal,
    RunEnded,
    RunPaused,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import Fold
from stateflow.journal.redact import Redactor
from stateflow.journal.renaming import in_present_names
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
    """``None`` where the recorded run was cut off, or somebody asked it to pause."""
    turns: int = 0
    """Turns that were repeated, those of nested runs not counted [turns]."""
    cut: str = ""
    """Where the recording breaks off without a stop of its own, in words; empty: it does not."""

    @property
    def complete(self) -> bool:
        """Whether the recording was repeated to a stop of its own."""
        return not self.cut


@dataclass(slots=True)
class _Control:
    pausing: bool = False
    publish: None = None


@dataclass(frozen=True, slots=True)
class _Repeating:
    """How a run and those nested in it are repeated."""

    redactor: Redactor
    match: Match

    async def run(
        self, flow: Flow, journal: Journal, path: str = "", grant: Allowance | None = None
    ) -> Replay:
        """Repeat *journal* with *flow*; *grant*: what a nested run gets now.

        Raises:
            Stopped: at the first difference.
        """
        started = journal.events[0].event if journal.events else None
        if not isinstance(started, RunStarted):
            text = "the journal does not begin with RunStarted"
            raise Stopped(ReplayDivergence("event 1", text, kind="journal", run=path.rstrip("/")))
        allowance = Allowance.of(flow, journal, grant)
        door = ReplayDoor(flow, journal, self.match, self.redactor, self.run, allowance, path)
        refuse_gone(flow, started, journal, door.differing)
        patch = opening_patch(flow, started, door)
        door.begin(
            replace(started, table=dict(door.differing.now), print=flow.fingerprint(), patch=patch)
        )
        stop = await self._until_stop(flow, door)
        last = journal.events[-1].event
        if isinstance(last, RunEnded) and is_cancelled(last) and (stop is None or stop.resumable):
            stop = last.stop
            door.apply(last)
        elif stop is not None and not stop.resumable:
            door.finish()
        again = Journal(journal.run, tuple(door.made), door.nested)
        turns = sum(isinstance(one.event, TurnTaken) for one in door.made)
        cut = "" if stop is not None or isinstance(last, RunPaused) else door.place()
        return Replay(again, door.fold, stop, turns, cut)

    async def _until_stop(self, flow: Flow, door: ReplayDoor) -> Stop | None:
        """Take turns until the run stops; ``None``: the recording goes no further."""
        conductor = Conductor(flow, door, door.allowance.budget, ModelPool(), twice=True)
        try:
            return await conductor.until_stop(_Control())
        except Unsteady as unsteady:
            raise Stopped(door.differing.unsteady(door.fold, unsteady.text)) from None
        except Stopped as stopped:
            if stopped.divergence is not None:
                raise
        return None


async def replay_journal(
    flow: Flow, journal: Journal, *, match: Match = "strict", redactor: Redactor | None = None
) -> Replay:
    """Repeat *journal* with *flow* and no effects.

    Args:
        flow: the flow as it is now.
        journal: what was recorded.
        match: how requests are held against the recorded ones.
        redactor: what the run kept out of its journal; ``None``: what the environment names.

    Raises:
        DefinitionError: *match* is no way to match.
        ReplayDivergence: at the first difference.
    """
    check_match(match)
    repeating = _Repeating(redactor or Redactor.from_environment(os.environ), match)
    try:
        return await repeating.run(flow, in_present_names(journal))
    except Stopped as stopped:
        raise cast("ReplayDivergence", stopped.divergence) from None
