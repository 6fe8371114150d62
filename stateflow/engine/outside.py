"""Stops from outside: of a run that another process has under way, or nobody.

The journal is the only channel.  The stop is put behind the last event of each open nested run,
deepest first, then of the root.  Whoever has the run under way meets ``RunTaken`` at its next
commit, reads, and stops; what it did since the last commit is lost, as in a crash.

Whoever meets the stop in a nested run carries it on to the root, so that a stopper that dies
half-way leaves nothing half stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from stateflow.errors import RunError, RunTaken
from stateflow.journal.event import Event, Recorded, RunEnded, RunPaused
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.stores.base import Store, Tailed

__all__ = ["OUTSIDE", "carry_on", "outside_stop", "stop_below", "stop_from_outside"]

OUTSIDE: Final = "stopped from outside"
"""The reason of such a stop."""
_TRIES: Final = 50
"""How often to try where the process of the run has written in between."""

_Kind = Literal["cancelled", "paused"]


def outside_stop(events: Sequence[Recorded]) -> Stop | None:
    """Return the stop that somebody outside has put at the end of *events*; ``None``: nobody."""
    last = events[-1].event if events else None
    if isinstance(last, RunEnded | RunPaused) and last.stop.why == OUTSIDE:
        return last.stop if last.stop.kind in {"cancelled", "paused"} else None
    return None


async def stop_from_outside(store: Store, run: str, *, pause: bool) -> Stop:
    """End, or pause, *run* and what is nested in it; return the stop it has then.

    A run that is to be paused and stands still is left as it is.

    Raises:
        RunError: it is over; nothing was written.
        RunTaken: its process wrote each time that it was to be stopped.
    """
    stop = fold_of(await store.read(run)).stop
    if stop is not None and stop.resumable and pause:
        return stop
    if stop is None or stop.resumable:
        stop = await _stop_all(store, run, "paused" if pause else "cancelled")
        if stop.resumable or (stop.why == OUTSIDE and not pause):
            return stop
    raise RunError(f"run {run!r} is over ({stop}); there is nothing left to stop")


async def carry_on(store: Store, run: str, taken: RunTaken) -> list[Recorded] | None:
    """Return the events of *run* where a stop from outside is why we met *taken*, else ``None``."""
    if taken.run != run and not taken.run.startswith(f"{run}/"):
        return None
    stop = outside_stop(await store.read(taken.run))
    if stop is None:
        return None
    if taken.run != run:
        await _stop_all(store, run, "cancelled" if stop.kind == "cancelled" else "paused")
    events = await store.read(run)
    return events if outside_stop(events) is not None else None


async def _stop_all(store: Store, run: str, kind: _Kind) -> Stop:
    await stop_below(store, run, kind, OUTSIDE)
    stop = await _stop_here(store, run, kind, OUTSIDE)
    await stop_below(store, run, kind, OUTSIDE)  # what began in between
    return stop


async def stop_below(store: Store, run: str, kind: _Kind, why: str) -> None:
    """Stop the nested runs of *run* that are open, deepest first.

    Raises:
        RunTaken: its process wrote each time that one of them was to be stopped.
    """
    for begun in fold_of(await store.read(run)).open_children():
        child = f"{run}/{begun.key}"
        await stop_below(store, child, kind, why)
        await _stop_here(store, child, kind, why)


async def _stop_here(store: Store, run: str, kind: _Kind, why: str) -> Stop:
    """Put a stop behind the last event of *run*, unless it stands still as *kind* wants it."""
    folded = fold_of(await store.read(run))
    left = _TRIES
    while True:
        stop = Stop(kind, folded.state, why)
        if folded.started is None:
            return stop  # a nested run that has not begun
        if folded.stop is not None and (folded.ended or kind == "paused"):
            return folded.stop
        event: Event = RunEnded(stop) if kind == "cancelled" else RunPaused(stop)
        try:
            await store.append(run, after=folded.seq, events=[event])
        except RunTaken:
            left -= 1
            if not left:
                raise
        else:
            return stop
        for recorded in await _fresh(store, run, folded.seq):
            folded.apply(recorded)


async def _fresh(store: Store, run: str, after: int) -> list[Recorded]:
    """Return what was written to *run* since, quickly: its process goes on writing."""
    if isinstance(store, Tailed):
        return await store.tail(run, after=after)
    return (await store.read(run))[after:]
