"""Two runs side by side: which turn of one is which of the other, and where they part.

Turns are matched by who spoke where and what was said; a state that was renamed in between counts
as the one it is now.  Nested runs are told like any other:
their turns stand before the one that they were a part of, under the path of their state.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.journal.event import ChildStarted, Journal, RunPaused, RunStarted, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.said import message_of
from stateflow.machine.difference.difference import Difference, difference
from stateflow.machine.table_json import Table, guards_of, nested_path, places_in
from stateflow.value import Json

__all__ = ["Aligned", "Given", "Pair", "Spoken", "aligned", "spoken"]

T = TypeVar("T")

_MOST: Final = 2_000
"""Beyond so many turns that are not the same at either end, turns are paired by their number."""

_GIVEN: Final = ("task", "data", "budget", "models", "sandboxes", "prices")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn, as far as two runs can be compared by it."""

    path: str
    """State; behind the paths of the states around it, where the run was nested."""
    by: tuple[str, ...]
    """Who spoke, in order."""
    text: str
    """What was said."""
    fault: str
    """What the turn raised instead."""
    led: tuple[str, ...]
    """Places it led to, ``done`` included; empty where no guard held."""
    verdicts: tuple[tuple[str, bool | None], ...]
    """Guards and their verdicts in the order of trial; ``None``: not asked."""
    usage: Usage

    @property
    def where(self) -> tuple[str, tuple[str, ...]]:
        """Who spoke in which state."""
        return self.path, self.by

    @property
    def came_to(self) -> tuple[object, ...]:
        """Everything that two runs must share to be the same up to here."""
        return (self.path, self.by, self.text, self.fault, self.led)


@dataclass(frozen=True, slots=True)
class Pair:
    """A turn of one run, and the one of the other that answers to it."""

    before: Spoken | None
    """``None``: only the other run has it."""
    after: Spoken | None

    @property
    def same(self) -> bool:
        """Whether both runs have it, word for word, and go on to the same place."""
        one, other = self.before, self.after
        return one is not None and other is not None and one.came_to == other.came_to


Given: TypeAlias = tuple[str, Json, Json]
"""Something two runs began with that is not the same: what, before, after."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Two runs, turn by turn; false where they are the same."""

    given: tuple[Given, ...]
    flows: Difference
    """How the flows differ that the two were made with."""
    pairs: tuple[Pair, ...]
    before: Fold
    """The one run as a whole: its path, its spending, its stop."""
    after: Fold

    @property
    def first(self) -> int | None:
        """Position of the first pair that is not the same; ``None``: there is none."""
        return next((at for at, pair in enumerate(self.pairs) if not pair.same), None)

    def __bool__(self) -> bool:
        """Tell whether anything differs: what was given, a turn, or the stop."""
        stops = [str(fold.stop) for fold in (self.before, self.after)]
        given = bool(self.given) or bool(self.flows)
        return given or self.first is not None or stops[0] != stops[1]


def aligned(before: Journal, after: Journal) -> Aligned:
    """Return the runs *before* and *after* side by side."""
    flows = difference(_table(before), _table(after))
    one = [_renamed(turn, flows.places) for turn in spoken(before)]
    other = list(spoken(after))
    return Aligned(
        tuple(_given(before, after)),
        flows,
        tuple(_pairs(one, other)),
        fold_of(before.events),
        fold_of(after.events),
    )


def spoken(journal: Journal, path: str = "") -> Iterator[Spoken]:
    """Yield the turns of *journal*, those of nested runs before the turn they are part of.

    Args:
        journal: of a run.
        path: what its states stand behind: ``write/`` for what runs in the state ``write``.
    """
    table, fold, left = _table(journal), Fold(), None
    places, around = places_in(table), str(table.get("name", ""))

    def below() -> Iterator[Spoken]:
        """Yield the turns of the nested runs that began in the open turn."""
        for ordinal, begun in sorted(fold.begun.items()):
            if isinstance(begun, ChildStarted) and str(begun.key) in journal.children:
                state = begun.key.state
                within = nested_path(state, places.get(state, {}), ordinal, begun.flow, around)
                yield from spoken(journal.children[str(begun.key)], f"{path}{within}/")

    for recorded in journal.events:
        event = recorded.event
        if isinstance(event, TurnTaken):
            yield from below()
            yield _spoken(event, fold, places, path)
            left = None
        elif isinstance(event, RunPaused) and event.turn is not None:
            left = _spoken(event.turn, fold, places, path)
        fold.apply(recorded)
    yield from below()
    if left is not None:
        yield left


def _table(journal: Journal) -> Table:
    """Return the flow that *journal* was made with; an empty one where it does not say."""
    started = journal.events[0].event if journal.events else None
    empty: Table = {"places": (), "agents": ()}
    return {**empty, **started.table} if isinstance(started, RunStarted) else empty


def _renamed(turn: Spoken, names: Mapping[str, str]) -> Spoken:
    """Return *turn* with places under the names that they have in the other run."""
    within = turn.path.rpartition("/")[0]
    led = [names.get(f"{within}/{name}" if within else name, name) for name in turn.led]
    called = tuple(name.rpartition("/")[2] for name in led)
    return replace(turn, path=names.get(turn.path, turn.path), led=called)


def _spoken(turn: TurnTaken, fold: Fold, places: Mapping[str, Table], path: str) -> Spoken:
    said = [
        message_of(one, fold.answers, NO_USAGE).text
        for one in turn.said
        if one.of is not None or one.part is not None
    ]
    return Spoken(
        f"{path}{turn.state}",
        tuple(one.by for one in turn.said),
        "\n".join(said),
        str(turn.fault or turn.exhausted or ""),
        tuple(step.to or "done" for step in turn.steps if step.taken is not None or step.to),
        tuple(_verdicts(turn, places)),
        turn.usage,
    )


def _verdicts(turn: TurnTaken, places: Mapping[str, Table]) -> Iterator[tuple[str, bool | None]]:
    for step in turn.steps:
        names = guards_of(places.get(step.at, {}))
        for at, verdict in enumerate(step.tried):
            yield names[at] if at < len(names) else "?", verdict


def _given(before: Journal, after: Journal) -> Iterator[Given]:
    """Yield what the two did not begin with alike."""
    one, other = before.events[0].event, after.events[0].event
    for word in _GIVEN:
        values: list[Json] = [getattr(started, word, None) for started in (one, other)]
        if values[0] != values[1]:
            yield word, values[0], values[1]


def _pairs(before: Sequence[Spoken], after: Sequence[Spoken]) -> Iterator[Pair]:
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    one, other = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from map(Pair, before[:head], after[:head])
    if max(len(one), len(other)) > _MOST:
        yield from _numbered(one, other)
    else:
        yield from _matched(one, other)
    yield from map(Pair, before[len(before) - tail :], after[len(after) - tail :])


def _alike(before: Sequence[Spoken], after: Sequence[Spoken]) -> int:
    """Return how many turns are the same from the first on."""
    both = zip(before, after, strict=False)
    differ = (at for at, (one, other) in enumerate(both) if one.came_to != other.came_to)
    return next(differ, min(len(before), len(after)))


def _matched(before: Sequence[Spoken], after: Sequence[Spoken]) -> Iterator[Pair]:
    """Match what was said word for word, and between that, who spoke where."""
    exact = _blocks([turn.came_to[:3] for turn in before], [turn.came_to[:3] for turn in after])
    for _, a, b, c, d in exact:
        where = _blocks([turn.where for turn in before[a:b]], [turn.where for turn in after[c:d]])
        for tag, e, f, g, h in where:
            one, other = before[a + e : a + f], after[c + g : c + h]
            yield from map(Pair, one, other) if tag == "equal" else _apart(one, other)


def _blocks(one: Sequence[T], other: Sequence[T]) -> list[tuple[str, int, int, int, int]]:
    return [*difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()]


def _numbered(before: Sequence[Spoken], after: Sequence[Spoken]) -> Iterator[Pair]:
    for one, other in zip(before, after, strict=False):
        yield from [Pair(one, other)] if one.where == other.where else _apart([one], [other])
    most = min(len(before), len(after))
    yield from _apart(before[most:], after[most:])


def _apart(before: Sequence[Spoken], after: Sequence[Spoken]) -> Iterator[Pair]:
    yield from (Pair(turn, None) for turn in before)
    yield from (Pair(None, turn) for turn in after)
