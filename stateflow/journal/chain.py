"""What a run takes on average: recorded runs as a Markov chain.

The chain knows the state a run is in and nothing else: how often each next state followed, and
what a visit took.  From that follow the visits of each state, the turns to the end and the chance
of each stop, also where no single recorded run went all of the way.  Where a run still waits or was
cut off, what it did counts, and how it will end is left open.

Source: J. G. Kemeny, J. L. Snell, "Finite Markov Chains", 1960, chapter III: the fundamental matrix
of an absorbing chain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.errors import DefinitionError
from stateflow.journal.event import (
    ChildEnded,
    Journal,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.stop import Stop

__all__ = ["OPEN", "Expected", "Spread", "expected"]

OPEN: Final = "still open"
"""The stop of runs from whose last state nobody knows a way to an end."""

_OPEN_STOPS: Final = frozenset({"waiting", "paused"})
_START: Final = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of the runs that stopped, as it was recorded."""

    p50: float
    """Half of the runs took as much or less."""
    p95: float
    """Of twenty runs nineteen took as much or less."""
    most: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run takes on average, by the runs that were recorded."""

    flow: str
    runs: int
    open: int
    """So many of them wait or were cut off."""
    turns: float
    """Turns to the end, those of nested runs included."""
    calls: float
    tokens: float
    usd: float | None
    """``None``: a price was not known."""
    visits: Mapping[str, float]
    """Of each state, in the order of the flow."""
    stops: Mapping[str, float]
    """Chance of each stop; a final by its name."""
    spread: Mapping[str, Spread]
    """``turns``, ``calls``, ``tokens`` and ``usd`` of the runs that stopped."""
    unseen: tuple[str, ...]
    """States that no recorded run came to."""
    versions: int = 1
    """So many versions of the flow they are of."""


@dataclass(slots=True)
class _Visit:
    """A stay in a state, and where it led."""

    state: str
    usage: Usage
    turns: int
    to: str | None = None
    """The next state; ``None``: *stop* tells."""
    stop: str = ""
    """Why the run went no further; ``""``: nobody knows."""


@dataclass(slots=True)
class _Run:
    """A recorded run."""

    visits: list[_Visit] = field(default_factory=list[_Visit])
    entered: str = ""
    """The state it stands in and has not spoken in."""
    over: bool = False

    @property
    def usage(self) -> Usage:
        return sum((one.usage for one in self.visits), NO_USAGE)

    @property
    def turns(self) -> int:
        return sum(one.turns for one in self.visits)


def expected(journals: Sequence[Journal]) -> Expected:
    """Return what a run takes on average, by the *journals* of runs of one flow.

    Raises:
        DefinitionError: there is none, or they are of several flows.
        StoreError: one of them does not say how its run began.

    Example:
        >>> from stateflow import Flow, Scripted, State, run_sync, says, to
        >>> flow = Flow(
        ...     "toss",
        ...     State(
        ...         "toss",
        ...         Scripted("coin", ["tails", "heads"]),
        ...         to(None, when=says("heads")),
        ...         to("toss"),
        ...     ),
        ... )
        >>> told = expected([run_sync(flow).journal])
        >>> told.turns, told.visits, told.stops
        (2.0, {'toss': 2.0}, {'done': 1.0})
    """
    started = [one.started for one in journals]
    names = dict.fromkeys(one.flow for one in started)
    if len(names) != 1:
        told = f"they are of {', '.join(map(repr, names))}" if names else "there are none"
        raise DefinitionError(f"expected(journals) takes runs of one flow, and {told}")
    runs = [_run(one) for one in journals]
    chain = _Chain(runs)
    visits = chain.visits()
    per = chain.per_visit()
    turns, calls, tokens, usd = (
        sum(visits[name] * per[name][figure] for name in visits) for figure in range(4)
    )
    states = _states(started[-1])
    order = [*states, *(name for name in visits if name not in states)]
    return Expected(
        flow=next(iter(names)),
        runs=len(runs),
        open=sum(not one.over for one in runs),
        turns=turns,
        calls=calls,
        tokens=tokens,
        usd=None if math.isnan(usd) else usd,
        visits={name: visits[name] for name in order if name in visits},
        stops=chain.stops(visits),
        spread=dict(_spreads([one for one in runs if one.over])),
        unseen=tuple(name for name in states if name not in visits),
        versions=len({one.print for one in started}),
    )


def _run(journal: Journal) -> _Run:
    """Return the visits of a run, in order."""
    started, below = journal.started, 0
    states = _states(started)
    initial = str(started.table.get("initial", ""))
    run = _Run(entered=initial if initial in states else "")
    last: RunPaused | RunResumed | RunEnded | None = None
    for recorded in journal.events:
        event = recorded.event
        if isinstance(event, ChildEnded):
            below += event.turns + event.lost_turns
        elif isinstance(event, TurnTaken):
            if event.state in states:  # nobody speaks in a junction
                _take(run, event, below)
            below = 0
        elif isinstance(event, RunPaused | RunResumed | RunEnded):
            last = event
    if isinstance(last, RunPaused | RunEnded) and last.stop.kind not in _OPEN_STOPS:
        _stop(run, last, below)
    return run


def _stop(run: _Run, last: RunPaused | RunEnded, below: int) -> None:
    """Note how *run* stopped; the turn that could not be taken is a visit, and no turn."""
    turn = last.turn if isinstance(last, RunPaused) else None
    if turn is not None:
        run.visits.append(_Visit(turn.state, turn.usage, below))
        run.entered = ""
    run.over = True
    if run.visits:
        run.visits[-1].to, run.visits[-1].stop = None, _told(last.stop)


def _states(started: RunStarted) -> list[str]:
    return [str(one["state"]) for one in started.table.get("places", ()) if "state" in one]


def _take(run: _Run, turn: TurnTaken, below: int) -> None:
    to = turn.steps[-1].to if turn.steps else None
    run.visits.append(_Visit(turn.state, turn.usage, int(turn.spoken) + below, to))
    run.entered = to or ""


def _told(stop: Stop) -> str:
    if stop.kind == "final":
        return stop.state
    return f"budget ({stop.which})" if stop.kind == "budget" else stop.kind


class _Chain:
    """How often each state was followed by what."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self.after: dict[str, dict[str, int]] = {_START: {}}
        self.ends: dict[str, dict[str, int]] = {}
        self.seen: dict[str, list[_Visit]] = {}
        cut: list[str] = []
        for run in runs:
            before = _START
            for visit in run.visits:
                _count(self.after.setdefault(before, {}), visit.state)
                self.seen.setdefault(visit.state, []).append(visit)
                before = visit.state
            if run.visits and run.visits[-1].stop:
                _count(self.ends.setdefault(before, {}), run.visits[-1].stop)
            else:
                cut.append(before)
                if run.entered:  # it stands there, and has not spoken
                    _count(self.after.setdefault(before, {}), run.entered)
                    self.seen.setdefault(run.entered, [])
                    cut[-1] = run.entered
        self._leave_open(cut)

    def _leave_open(self, cut: Sequence[str]) -> None:
        """Let runs that were cut off stay open, where nobody knows how they could have ended."""
        before: dict[str, list[str]] = {}
        for name, targets in self.after.items():
            for target in targets:
                before.setdefault(target, []).append(name)
        ahead, ending = list(self.ends), set(self.ends)
        while ahead:
            for name in before.get(ahead.pop(), ()):
                if name not in ending:
                    ending.add(name)
                    ahead.append(name)
        for name in cut:
            if name not in ending:
                _count(self.ends.setdefault(name, {}), OPEN)

    def chance(self, name: str, to: Mapping[str, int], target: str) -> float:
        """Return how likely *target*, one of those in *to*, is after *name*."""
        ways = (self.after.get(name, {}), self.ends.get(name, {}))
        return to[target] / sum(count for one in ways for count in one.values())

    def visits(self) -> dict[str, float]:
        """Return how often each state is entered on average: ``v = start + v Q``, solved."""
        names = list(self.seen)
        rows: dict[str, dict[str, float]] = {name: {name: 1.0} for name in names}
        right = dict.fromkeys(names, 0.0)
        for name, targets in self.after.items():
            for target in targets:
                chance = self.chance(name, targets, target)
                if name == _START:
                    right[target] += chance
                else:
                    rows[target][name] = rows[target].get(name, 0.0) - chance
        return _solved(names, rows, right)

    def per_visit(self) -> dict[str, tuple[float, float, float, float]]:
        """Return what a visit takes on average: turns, calls, tokens, and USD or NaN."""
        return {name: _means(visits) for name, visits in self.seen.items()}

    def stops(self, visits: Mapping[str, float]) -> dict[str, float]:
        """Return the chance of each stop, the likeliest first."""
        found: dict[str, float] = {}
        for name, ends in self.ends.items():
            for stop in ends:
                weight = visits.get(name, 1.0)  # the start is there once
                found[stop] = found.get(stop, 0.0) + weight * self.chance(name, ends, stop)
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _means(visits: Sequence[_Visit]) -> tuple[float, float, float, float]:
    if not visits:
        return 0.0, 0.0, 0.0, 0.0
    usages = [one.usage for one in visits]
    usd = [math.nan if one.usd is None else one.usd for one in usages]
    sums = (
        sum(one.turns for one in visits),
        sum(one.calls for one in usages),
        sum(one.tokens for one in usages),
        math.fsum(usd),
    )
    turns, calls, tokens, money = (one / len(visits) for one in sums)
    return turns, calls, tokens, money


def _solved(
    names: Sequence[str], rows: dict[str, dict[str, float]], right: dict[str, float]
) -> dict[str, float]:
    """Return the solution of the system, by elimination; what is left open ends every chain."""
    column: dict[str, dict[str, None]] = {name: {} for name in names}
    for row, entries in rows.items():
        for name in entries:
            column[name][row] = None
    for pivot in names:
        own, scale = rows[pivot], rows[pivot][pivot]
        for row in [one for one in column[pivot] if one != pivot and rows[one].get(pivot)]:
            factor = rows[row].pop(pivot) / scale
            for name, value in own.items():
                if name != pivot:
                    rows[row][name] = rows[row].get(name, 0.0) - factor * value
                    column[name][row] = None
            right[row] -= factor * right[pivot]
    return {name: right[name] / rows[name][name] for name in names}


def _spreads(runs: Sequence[_Run]) -> Iterator[tuple[str, Spread]]:
    figures: Iterable[tuple[str, list[float]]] = (
        ("turns", [one.turns for one in runs]),
        ("calls", [one.usage.calls for one in runs]),
        ("tokens", [one.usage.tokens for one in runs]),
        ("usd", [usd for one in runs if (usd := one.usage.usd) is not None]),
    )
    for name, values in figures:
        if values:
            values.sort()
            yield name, Spread(_rank(values, 0.5), _rank(values, 0.95), values[-1])


def _rank(values: Sequence[float], share: float) -> float:
    """Return the smallest of sorted *values* that this *share* of them does not exceed."""
    return values[math.ceil(share * len(values)) - 1]
