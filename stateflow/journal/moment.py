"""A run as it stood after one of its turns, read from its journal alone.

Turns are counted as a fork counts them: those in which somebody spoke, from 1; 0 is before the
first, and numbers below none count from the end.  Turns of nested runs are reached by the ids of
their places, as questions are: ``ask#1.0/2`` is the second turn of the nested run that effect 0 of
the first visit to ``ask`` was.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from stateflow.errors import StoreError
from stateflow.journal.event import Journal, RunChanged, RunPaused, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.said import message_of

__all__ = ["Moment", "count_moments", "moment", "moments", "nested_at"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A run as it stood after a turn, and how it came there."""

    journal: Journal
    """Of the run, or of the nested run."""
    path: str
    """Keys from the root run down to this one, each with a ``/`` behind."""
    number: int
    """The turn, from 1; 0 is before the first.  A turn that nobody spoke in counts to the last."""
    fold: Fold
    """As it stood after the turn."""
    before: Fold
    """As it stood when the turn was about to be taken, with what its effects had come to."""
    turn: TurnTaken | None = None
    """``None`` before the first."""
    stopped: RunPaused | None = None
    """Set where the turn could not be taken: how the run stopped instead."""

    @property
    def said(self) -> list[str]:
        """What was said in the turn."""
        if self.turn is None:
            return []
        spoken = (one for one in self.turn.said if one.of is not None or one.part is not None)
        return [message_of(one, self.before.answers, self.turn.usage).text for one in spoken]


def moments(journal: Journal, path: str = "") -> Iterator[Moment]:
    """Yield *journal* before its first turn, then after each; last a turn that could not be taken.

    What a person changed right after a turn belongs to it: a fork went on with that.
    """
    fold = Fold()
    before, turn, ready = fold, None, False
    last = len(journal.events) - 1
    for number, recorded in enumerate(journal.events):
        event = recorded.event
        if ready and not isinstance(event, RunChanged):
            yield Moment(journal, path, len(fold.path), _copied(fold), before, turn)
            ready = False
        taken = isinstance(event, TurnTaken)
        stopped = isinstance(event, RunPaused) and event.turn is not None and number == last
        if taken or stopped:
            before = _copied(fold)
        fold.apply(recorded)
        if taken or not number:
            turn, ready = event if isinstance(event, TurnTaken) else None, True
        if stopped and isinstance(event, RunPaused):
            yield Moment(journal, path, len(fold.path) + 1, fold, before, event.turn, event)
    if ready:
        yield Moment(journal, path, len(fold.path), fold, before, turn)


def _copied(fold: Fold) -> Fold:
    """Return *fold* as it stands, whatever is applied to it later."""
    now = copy(fold)
    now.visits, now.spoken = dict(fold.visits), dict(fold.spoken)
    now.seen, now.heard = MappingProxyType(now.visits), MappingProxyType(now.spoken)
    now.usage_by_state, now.kept = dict(fold.usage_by_state), dict(fold.kept)
    now.answers, now.begun = dict(fold.answers), dict(fold.begun)
    now.path, now.entered = [*fold.path], [*fold.entered]
    return now


def moment(journal: Journal, at: int | str) -> Moment:
    """Return *journal* as it stood after turn *at*.

    Args:
        journal: of a run.
        at: the turn; or the path of a nested run and a turn of that: ``"ask#1.0/2"``.

    Raises:
        StoreError: it has no such turn, or no such nested run.
    """
    place, _, number = str(at).rpartition("/")
    try:
        turn = int(number)
    except ValueError:
        raise StoreError(
            f"{at!r} is no turn; give its number, such as 3 or -1, and for one of a nested run the "
            "place before it: 'ask#1.0/2'"
        ) from None
    nested = nested_at(journal, place)
    last = sum(isinstance(one.event, TurnTaken) and one.event.spoken for one in nested.events)
    wanted = turn + last + 1 if turn < 0 else turn
    if not 0 <= wanted <= last:
        raise StoreError(
            f"run {nested.run!r} has no turn {turn}: give 0 (before the first) to {last} (the "
            "last), or -1 for the last"
        )
    spoken = (
        one
        for one in moments(nested, f"{place}/" if place else "")
        if one.stopped is None and (one.turn is None or one.turn.spoken)
    )
    return next(islice(spoken, wanted, None))


def nested_at(journal: Journal, place: str) -> Journal:
    """Return the nested run at *place*, keys from the root run down.

    Raises:
        StoreError: there is none.
    """
    for key in place.split("/") if place else ():
        if key not in journal.children:
            there = ", ".join(map(repr, journal.children)) or "none"
            raise StoreError(
                f"run {journal.run!r} has no nested run at {key!r}; there are: {there}"
            )
        journal = journal.children[key]
    return journal


def count_moments(journal: Journal) -> int:
    """Return how many :func:`moments` of *journal* there are."""
    last = journal.events[-1].event if journal.events else None
    stopped = isinstance(last, RunPaused) and last.turn is not None
    return sum(isinstance(one.event, TurnTaken) for one in journal.events) + 1 + stopped
