"""A rule held against the graph: every way that runs can go, whatever anybody says.

The moves of the flow and the automaton of the rule go side by side, breadth first, so that what
breaks a rule is the shortest path.  Guards are not asked: each transition that no earlier one
hides may be taken, and so may ``on_error`` where a fault can come to it.  ``visits=`` counts, for
it is part of the flow; budgets do not, for a run may be given another.  So a rule that holds here
holds in every run, and a path that is found breaks no limit of the flow.

A run that never ends breaks no ``always``: only an end that comes too early does.

Entries of a capped state are counted only once a path was found that the cap forbids, because
counting multiplies what has to be searched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast
from typing import Final as Constant

from stateflow.machine.rule.automaton import BROKEN, Automaton
from stateflow.machine.rule.rule import Rule
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["Moves", "Verdict", "verdict"]

Moves: TypeAlias = Mapping[str, Sequence[Transition]]
"""The transitions that can be taken, by place."""

Path: TypeAlias = tuple[str | None, ...]

_MOST: Constant = 50_000
_A_PLACE: Constant = 20
"""So many standings are searched for a rule, or so many a place; then it is left undecided."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the graph says of a rule."""

    rule: Rule
    holds: bool | None
    """``None``: caps and counts make too many standings to search."""
    path: Path = ()
    """The shortest way to break it: places as they are entered, ``None`` for done."""


class _Way(NamedTuple):
    """One way out of a place."""

    target: str | None
    used_up: tuple[str, ...] = ()
    """Open only where one of these may not be entered again; empty: always open."""


class _Standing(NamedTuple):
    """Where a run is, as far as a rule can tell."""

    place: str
    at: int
    entered: tuple[int, ...]
    """Entries of the states that are counted."""


class _TooMany(Exception):
    """There are more standings than are searched."""


def verdict(flow: Flow, automaton: Automaton, moves: Moves) -> Verdict:
    """Return whether the rule holds in every run of *flow*, or the shortest way to break it.

    Args:
        flow: whose rule it is.
        automaton: the rule, compiled for it.
        moves: the transitions that can be taken, by place.
    """
    search = _Search(flow, automaton, moves)
    try:
        path = search.shortest()
        while path is not None and (more := search.overlooked(path)):
            search.counted += more
            path = search.shortest()
    except _TooMany:
        return Verdict(automaton.rule, None)
    return Verdict(automaton.rule, path is None, path or ())


class _Search:
    """Runs of one flow beside one rule."""

    def __init__(self, flow: Flow, automaton: Automaton, moves: Moves) -> None:
        self.flow = flow
        self.automaton = automaton
        self.caps = {one.name: one.visits for one in flow.states if one.visits is not None}
        self.ways = {name: self._ways(place, moves[name]) for name, place in flow.places.items()}
        self.counted: list[str] = []
        """Capped states whose entries are counted."""
        self.left = max(_MOST, _A_PLACE * len(flow.places))

    def shortest(self) -> Path | None:
        """Return the shortest path that breaks the rule, given what is counted."""
        first = self.flow.initial
        begins = self.automaton.enter(self.automaton.start, first)
        start = _Standing(first, begins, tuple(int(name == first) for name in self.counted))
        came: dict[_Standing, _Standing | None] = {start: None}
        ahead = deque([start])
        while ahead:
            here = ahead.popleft()
            for target, entered in self._open(here):
                at = self.automaton.enter(here.at, target)
                if at == BROKEN:
                    return (*_path(came, here), target)
                if target is None or isinstance(self.flow.places[target], Final):
                    continue
                there = _Standing(target, at, entered)
                if there not in came:
                    came[there] = here
                    ahead.append(there)
            self.left -= 1
            if not self.left:
                raise _TooMany
        return None

    def overlooked(self, path: Path) -> list[str]:
        """Return the capped states that must be counted to see that *path* cannot be gone."""
        entered = dict.fromkeys(self.caps, 0)
        before: str | None = None
        for place in path:
            if before is not None:
                needs = self._needs(before, place)
                missing = [name for name in needs if name not in self.counted]
                if missing and not any(entered[name] >= self.caps[name] for name in needs):
                    return missing
            if place in self.caps:
                if entered[place] >= self.caps[place]:
                    return [place]
                entered[place] += 1
            before = place
        return []

    def _needs(self, before: str, target: str | None) -> tuple[str, ...]:
        """Return what must be used up for the way from *before* to *target*."""
        ways = [way.used_up for way in self.ways[before] if way.target == target]
        return () if () in ways else ways[0]

    def _open(self, here: _Standing) -> Iterator[tuple[str | None, tuple[int, ...]]]:
        """Yield where a run can go from *here*, and what it has entered then."""
        entered = dict(zip(self.counted, here.entered, strict=True))
        for target, used_up in self.ways[here.place]:
            if used_up and all(
                name in entered and entered[name] < self.caps[name] for name in used_up
            ):
                continue
            if target not in entered:
                yield target, here.entered
            elif entered[target] < self.caps[target]:
                yield target, tuple(n + (name == target) for name, n in entered.items())

    def _ways(self, place: Place, moves: Sequence[Transition]) -> list[_Way]:
        ways = [_Way(target) for target in dict.fromkeys(move.target for move in moves)]
        on_error = self.flow.on_error
        if on_error is None or on_error == place.name or isinstance(place, Final):
            return ways
        if isinstance(place, State) and not _takes_all_faults(place):
            return [*ways, _Way(on_error)]
        targets = (way.target for way in ways if way.target is not None)
        capped = tuple(target for target in targets if target in self.caps)
        return [*ways, _Way(on_error, capped)] if capped else ways


def _path(came: Mapping[_Standing, _Standing | None], last: _Standing) -> Path:
    """Return how the search came to *last*."""
    path: list[str] = []
    one: _Standing | None = last
    while one is not None:
        path.append(one.place)
        one = came[one]
    return tuple(reversed(path))


def _takes_all_faults(state: State) -> bool:
    """Tell whether no fault that is raised in *state* comes as far as ``on_error``."""
    return any(
        row.when is not None and _holds_for_faults(row.when.form) for row in state.transitions
    )


def _holds_for_faults(form: Json) -> bool:
    match form:
        case {"or": [*parts]}:
            return any(_holds_for_faults(cast("Json", part)) for part in parts)
        case {"guard": "failed"}:
            return True
        case {"guard": "raised", **rest}:
            return not rest.get("args")
        case _:
            return False
