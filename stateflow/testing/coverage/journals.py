"""Coverage of recorded runs: what journals tell, counted as it is counted live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stateflow.journal.event import Journal, RunEnded, RunPaused, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.machine.flow import Flow
from stateflow.testing.coverage.coverage import Coverage, nothing_seen
from stateflow.testing.coverage.watch import Counts, Seen
from stateflow.testing.home import Home, home_of

__all__ = ["coverage_of"]


def coverage_of(flow: Flow, journals: Iterable[Journal]) -> Coverage:
    """Return what *journals* came by, of *flow* and of all that are nested in it.

    Nested journals count for the nested flow of their name, whichever version it was.

    Args:
        flow: as it is now.
        journals: recorded runs; those of other flows count nothing.

    Raises:
        StoreError: one does not begin with the start of a run.

    Example:
        >>> from stateflow.agents.scripted import Scripted
        >>> from stateflow.engine.run import run_sync
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> flow = Flow("say", State("say", Scripted("bo", ["Hello!"]), to(None)))
        >>> told = coverage_of(flow, [run_sync(flow).journal])
        >>> sum(told.counted(home_of(flow)).values())
        3
    """
    flows: dict[str, list[Flow]] = {}
    for one in flow.flows:
        flows.setdefault(one.name, []).append(one)
    counts: dict[Home, Counts] = {}
    for journal in journals:
        _count(journal, flows, counts)
    return nothing_seen([flow]) + Coverage({}, {name: one.seen for name, one in counts.items()})


def _count(
    journal: Journal, flows: Mapping[str, Sequence[Flow]], counts: dict[Home, Counts]
) -> None:
    started = journal.started
    named = flows.get(started.flow, ())
    same = [one for one in named if one.fingerprint() == started.print] or named
    if same:
        seen = Seen(started.table, counts.setdefault(home_of(same[0]), Counts()))
        _run(journal, seen)
    for child in journal.children.values():
        _count(child, flows, counts)


def _run(journal: Journal, seen: Seen) -> None:
    fold = Fold()
    for recorded in journal.events:
        event = recorded.event
        match event:
            case TurnTaken():
                seen.turned(fold, event, None)
            case RunPaused():
                if event.turn is not None:
                    seen.turned(fold, event.turn, event.stop)
                seen.stopped(event.stop)
            case RunEnded():
                seen.stopped(event.stop)
            case _:
                pass
        fold.apply(recorded)
