"""Runs by name: nested ones lie under their root, ``root/state#visit.ordinal/...``.

All that stores share: which run a person means, how journals nest, a run on one line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stateflow.errors import UnknownRun
from stateflow.journal.event import (
    Event,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
)
from stateflow.journal.renaming import in_present_names
from stateflow.stores.base import Summary

__all__ = ["find_run", "is_root", "journal_tree", "last_stop", "summary_of"]

LAST = "last"
"""What people call the run that started last."""


def is_root(run: str) -> bool:
    """Tell whether *run* is nested in no other."""
    return "/" not in run


def find_run(names: Sequence[str], wanted: str) -> str:
    """Return the one of *names*, oldest first, that *wanted* means.

    Raises:
        UnknownRun: none is called, begins or ends like it, or more than one begins or ends so.

    Example:
        >>> find_run(["2026-11-21T03-20_code_review_k3f9", "2026-11-22T10-00_tagline_x7aa"], "k3f9")
        '2026-11-21T03-20_code_review_k3f9'
    """
    if wanted in names:
        return wanted
    if wanted == LAST and names:
        return names[-1]
    meant = [n for n in names if wanted and (n.startswith(wanted) or n.endswith(wanted))]
    if len(meant) != 1:
        raise UnknownRun(wanted, candidates=meant)
    return meant[0]


def journal_tree(run: str, journals: Mapping[str, Sequence[Recorded]]) -> Journal:
    """Return *run* with its nested runs, from *journals* by full name, in its present names.

    Raises:
        UnknownRun: *run* has no events.
    """
    if not journals.get(run):
        raise UnknownRun(run)
    root = Journal(run, tuple(journals[run]))
    for name in sorted(journals):
        if not name.startswith(f"{run}/"):
            continue
        journal, path = root, run
        for key in name[len(run) + 1 :].split("/"):
            path = f"{path}/{key}"
            if key not in journal.children:
                journal.children[key] = Journal(path, tuple(journals.get(path, ())))
            journal = journal.children[key]
    return in_present_names(root)


def summary_of(run: str, first: Recorded, events: int, stopped: Event | None) -> Summary:
    """Return *run* on one line, from its first event and the last that paused or moved it."""
    started = first.event
    return Summary(
        run,
        started.flow if isinstance(started, RunStarted) else "",
        first.at,
        events,
        stopped.stop.kind if isinstance(stopped, RunPaused | RunEnded) else "running",
    )


def last_stop(events: Sequence[Recorded]) -> Event | None:
    """Return the last of *events* that paused the run, moved it again, or ended it."""
    for recorded in reversed(events):
        if isinstance(recorded.event, RunPaused | RunResumed | RunEnded):
            return recorded.event
    return None
