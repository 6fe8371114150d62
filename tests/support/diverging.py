"""A flow recorded and another one replayed against it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow import Flow, ReplayDivergence, replay, run_sync
from stateflow.engine.matching import Match
from stateflow.journal.event import Journal, Recorded

__all__ = ["cut", "diverging", "recorded"]


def recorded(flow: Flow) -> Journal:
    """Return the journal of a run of *flow*."""
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return journal


def diverging(before: Flow, after: Flow, match: Match = "strict") -> ReplayDivergence:
    """Return how *after* differs from a run of *before*."""
    journal = recorded(before)
    with pytest.raises(ReplayDivergence) as told:
        replay(after, journal, match=match)
    return told.value


def cut(journal: Journal, events: Sequence[Recorded]) -> Journal:
    """Return *journal* with *events* in place of its own."""
    return Journal(journal.run, tuple(events), journal.children)
