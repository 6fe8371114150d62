"""Counting what turns come by: of one version of a flow, and of all runs of this process.

A turn that could not be taken counts, too: its guards were asked.  Stops from outside, where
somebody pauses or cancels a run, say nothing of the flow and are not counted.  Numbers are kept and
no journal, and a flow is forgotten with those who made it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from stateflow.engine.observing import OBSERVERS
from stateflow.journal.event import ChildEnded, ChildStarted, EffectDone, Step, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.said import Answer
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.machine.table_json import Table, places_in
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.outline import ANY, ON_ERROR, Item, Outline, outline
from stateflow.testing.home import Home, home_of

__all__ = ["Counts", "Seen", "Watcher", "watched"]


_OUTSIDE = frozenset({"paused", "cancelled"})


class _Count:
    """How often one item was come by."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times = 0


class Counts(dict[Item, _Count]):
    """Counts by item; who keeps one need not look for it again."""

    def __missing__(self, item: Item) -> _Count:
        """Begin to count *item*."""
        count = self[item] = _Count()
        return count

    @property
    def seen(self) -> Counter[Item]:
        """What was come by, and how often [times]."""
        return Counter({item: count.times for item, count in self.items() if count.times})


class _Row(NamedTuple):
    """A transition: what is counted of it."""

    taken: _Count
    entered: _Count | None
    """``None``: it leads to done."""
    true: _Count | None
    """``None``: it asks nothing."""
    false: _Count | None


class _Place(NamedTuple):
    rows: Sequence[_Row]
    branches: Sequence[_Count]


class Seen:
    """What runs of one version of a flow came by."""

    __slots__ = ("_begun", "_counts", "_places")

    def __init__(self, table: Table, counts: Counts) -> None:
        """Count into *counts* what turns of the flow with this *table* come by."""
        self._counts = counts
        self._begun = counts[Item("place", str(table.get("initial", "")))]
        self._places = {
            name: _place(name, place, counts) for name, place in places_in(table).items()
        }

    def turned(self, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        """Count *turn*, with which *fold* has not moved on yet; see ``Observer.turned``."""
        if len(fold.entered) == 1:
            self._begun.times += 1
        for step in turn.steps:
            self._step(step)
        if stop is not None and stop.tried:
            self._verdicts(self._rows(stop.state), [verdict for _, verdict in stop.tried])
        if fold.begun:
            self._branches(fold)
        if fold.answers:
            for item in _tools(fold.answers, turn):
                self._counts[item].times += 1

    def stopped(self, stop: Stop) -> None:
        """Count *stop*."""
        if stop.kind in _OUTSIDE:
            return
        final = stop.state if stop.kind == "final" else ""
        self._counts[Item("stop", stop.kind, to=final)].times += 1
        if stop.resumable:
            self._counts[Item("stood", stop.state)].times += 1

    def _step(self, step: Step) -> None:
        rows = self._rows(step.at)
        self._verdicts(rows, step.tried)
        if step.taken is not None and step.taken < len(rows):
            row = rows[step.taken]
            row.taken.times += 1
            if row.entered is not None:
                row.entered.times += 1
        elif step.taken is None and step.to is not None:
            self._counts[Item("taken", ANY, guard=ON_ERROR, to=step.to)].times += 1
            self._counts[Item("error", step.at)].times += 1
            self._counts[Item("place", step.to)].times += 1

    def _rows(self, place: str) -> Sequence[_Row]:
        found = self._places.get(place)
        return found.rows if found is not None else ()

    def _verdicts(self, rows: Sequence[_Row], tried: Sequence[bool | None]) -> None:
        for row, verdict in zip(rows, tried, strict=False):
            count = None if verdict is None else row.true if verdict else row.false
            if count is not None:
                count.times += 1

    def _branches(self, fold: Fold) -> None:
        place = self._places.get(fold.state)
        if place is None or not place.branches:
            return
        for ordinal, begun in fold.begun.items():
            if isinstance(begun, ChildStarted) and ordinal < len(place.branches):
                place.branches[ordinal].times += 1


def _place(name: str, place: Table, counts: Counts) -> _Place:
    rows: list[_Row] = []
    for number, row in enumerate(place.get("to", ())):
        guard, to = str(row.get("name", "")), str(row["to"] or "")
        taken = Item("taken", name, number, guard, to)
        entered = counts[Item("place", to)] if to else None
        asked = [counts[taken._replace(kind=kind)] for kind in ("true", "false") if guard]
        true, false = asked or (None, None)
        rows.append(_Row(counts[taken], entered, true, false))
    flows: Sequence[Table] = place.get("flows", ()) if "join" in place else ()
    branches = [counts[Item("branch", name, to=str(one["as"]))] for one in flows]
    return _Place(rows, branches)


def _tools(answers: Mapping[int, Answer], turn: TurnTaken) -> Iterator[Item]:
    """Yield the tools that were called in *turn*, and once more those that failed."""
    for answer in answers.values():
        name = _tool(answer)
        if name:
            yield Item("tool", name)
            if _failed(answer):
                yield Item("fault", name)
    for said in turn.said:
        for of, index, ordinal in (said.part or {}).get("used", ()):
            asked = answers.get(of)
            if ordinal not in answers and isinstance(asked, EffectDone):  # written with the turn
                made: Any = asked.result
                yield Item("tool", str(made["calls"][index]["name"]))


def _tool(answer: Answer) -> str:
    """Return the tool whose call came to *answer*; nothing where it was something else."""
    args = cast("object", getattr(answer, "args", None))
    return (
        str(cast("Mapping[str, object]", args).get("tool", "")) if isinstance(args, Mapping) else ""
    )


def _failed(answer: Answer) -> bool:
    if isinstance(answer, EffectDone):
        made: Any = answer.result
        return made.get("ok", True) is False
    return not isinstance(answer, ChildEnded) or answer.result is None or not answer.result.ok


class Watcher:
    """Counts turns.

    Args:
        wanted: the flows to count, with nothing seen yet; ``None``: every flow that runs.
    """

    def __init__(self, wanted: Coverage | None = None) -> None:
        self._wanted = wanted
        self._outlines: dict[Home, Outline] = {} if wanted is None else dict(wanted.flows)
        self._counts: dict[Home, Counts] = {}
        self._flows: WeakKeyDictionary[Flow, Seen | None] = WeakKeyDictionary()

    def turned(self, flow: Flow, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        """Count *turn*; see ``Observer``."""
        seen = self._seen(flow)
        if seen is not None:
            seen.turned(fold, turn, stop)

    def stopped(self, flow: Flow, stop: Stop) -> None:
        """Count *stop*; see ``Observer``."""
        seen = self._seen(flow)
        if seen is not None:
            seen.stopped(stop)

    @property
    def coverage(self) -> Coverage:
        """What was seen until now."""
        counts = {name: one.seen for name, one in self._counts.items()}
        return Coverage(MappingProxyType(dict(self._outlines)), MappingProxyType(counts))

    def _seen(self, flow: Flow) -> Seen | None:
        try:
            return self._flows[flow]
        except KeyError:
            seen = self._flows[flow] = self._begun(flow)
            return seen

    def _begun(self, flow: Flow) -> Seen | None:
        """Return where turns of *flow* are counted; ``None``: nobody wants them."""
        name = home_of(flow)
        if self._wanted is None:
            told = outline(flow)
            known = self._outlines.get(name)
            self._outlines[name] = told if known is None else known + told
        elif name not in self._outlines:
            return None
        return Seen(flow.table(), self._counts.setdefault(name, Counts()))


@contextmanager
def watched(wanted: Coverage | None = None) -> Generator[Watcher]:
    """Count what runs come by in the body.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.engine.run import run_sync
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> flow = Flow("say", State("say", echo, to(None)))
        >>> with watched() as watcher:
        ...     _ = run_sync(flow, "Hello!")
        >>> {str(item): times for item, times in watcher.coverage.counted(home_of(flow)).items()}
        {'say': 1, 'done': 1, 'say → done [else]': 1}
    """
    watcher = Watcher(wanted)
    OBSERVERS.append(watcher)
    try:
        yield watcher
    finally:
        OBSERVERS.remove(watcher)
