"""What a replay looks up in a recorded journal, and what an effect puts on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stateflow.conversation.effect import Effect
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import (
    Event,
    HumanAsked,
    Journal,
    RunChanged,
    RunEnded,
    RunPaused,
    RunResumed,
    TurnTaken,
)
from stateflow.value import Json

__all__ = ["Stopped", "changes_of", "is_cancelled", "question_of", "stamps_of"]


class Stopped(BaseException):
    """Ends a replay: the journal goes no further, or a difference was found."""

    def __init__(self, divergence: ReplayDivergence | None = None) -> None:
        """Keep the difference; ``None``: the journal goes no further."""
        self.divergence = divergence


def is_cancelled(event: Event) -> bool:
    """Tell whether *event* ends a run by its owner's decision, which no flow takes again."""
    return isinstance(event, RunEnded) and event.stop.kind == "cancelled"


def changes_of(events: Iterable[Event]) -> dict[int, list[RunChanged]]:
    """Return what a person changed where a fork left its origin, by the turns taken before."""
    turns = 0
    found: dict[int, list[RunChanged]] = {}
    for event in events:
        if isinstance(event, TurnTaken):
            turns += 1
        elif isinstance(event, RunChanged):
            found.setdefault(turns, []).append(event)
    return found


def stamps_of(journal: Journal) -> dict[int, float]:
    """Return when each event came, on a clock that stands still while the run does."""
    stamps: dict[int, float] = {}
    now = last = journal.events[0].at if journal.events else 0.0
    stands = False
    for recorded in journal.events:
        event, at = recorded.event, recorded.at
        if isinstance(event, RunResumed):
            stands = False
        elif not stands and at > last:
            now += at - last
        if isinstance(event, RunPaused | RunEnded):
            stands = True
        last = at
        stamps[id(event)] = now
    return stamps


def question_of(
    effect: Effect, redact: Callable[[Json], Json], due: float | None = None
) -> HumanAsked:
    """Return the question that the ``human.ask`` *effect* asks; *due*: when it is too late."""
    args: Any = redact(effect.call.args)
    options = tuple(args.get("options", ()))
    text, form, default = str(args["text"]), args.get("form"), args.get("default")
    return HumanAsked(effect.key, text, options, form, default, due)
