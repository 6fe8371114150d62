"""What a replay looks up in a recorded journal, and what an effect puts on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from stateflow.conversation.effect import Effect, Key
from stateflow.errors import ReplayDivergence
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    RunChanged,
    RunEnded,
    RunPaused,
    RunResumed,
    TurnTaken,
)
from stateflow.journal.said import Answer
from stateflow.value import Json

__all__ = ["Beginning", "Recording", "Stopped", "is_cancelled", "question_of", "stamps_of"]

Beginning: TypeAlias = EffectBegun | ChildStarted | HumanAsked


class Stopped(BaseException):
    """Ends a replay: the journal goes no further, or a difference was found."""

    def __init__(self, divergence: ReplayDivergence | None = None) -> None:
        """Keep the difference; ``None``: the journal goes no further."""
        self.divergence = divergence


def is_cancelled(event: Event) -> bool:
    """Tell whether *event* ends a run by its owner's decision, which no flow takes again."""
    return isinstance(event, RunEnded) and event.stop.kind == "cancelled"


@dataclass(slots=True)
class Recording:
    """A journal, by what a replay looks up in it."""

    following: list[TurnTaken | RunEnded] = field(default_factory=list[TurnTaken | RunEnded])
    """What is still to come, the next at the end."""
    answers: dict[Key, Answer] = field(default_factory=dict[Key, Answer])
    begun: dict[Key, Beginning] = field(default_factory=dict[Key, Beginning])
    of_turn: dict[tuple[str, int], list[Key]] = field(
        default_factory=dict[tuple[str, int], list[Key]]
    )
    """Places of the answers, by state and visit."""
    changes: dict[int, list[RunChanged]] = field(default_factory=dict[int, list[RunChanged]])
    """What a person changed where a fork left its origin, by the turns that were over."""
    stamps: dict[int, float] = field(default_factory=dict[int, float])
    """When each event came, by its identity."""

    @classmethod
    def of(cls, journal: Journal) -> Recording:
        """Return what *journal* holds, without a cancellation at its end: no flow takes that."""
        found = cls(stamps=stamps_of(journal))
        for event in canonical_events(recorded.event for recorded in journal.events):
            match event:
                case EffectDone() | EffectFailed() | HumanAnswered() | ChildEnded():
                    found.answers[event.key] = event
                case TurnTaken() | RunEnded():
                    found.following.append(event)
                case EffectBegun() | ChildStarted() | HumanAsked():
                    found.begun[event.key] = event
                case RunChanged():
                    found.changes.setdefault(len(found.following), []).append(event)
                case _:
                    pass
        for key in found.answers:
            found.of_turn.setdefault((key.state, key.visit), []).append(key)
        if found.following and is_cancelled(found.following[-1]):
            found.following.pop()
        found.following.reverse()
        return found


def stamps_of(journal: Journal) -> dict[int, float]:
    """Return when each event came, on a clock that stands still while the run does."""
    stamps: dict[int, float] = {}
    now = last = journal.events[0].at if journal.events else 0.0
    stands = False
    for recorded in journal.events:
        event, at = recorded.event, recorded.at
        kind = type(event)
        if kind is RunResumed:
            stands = False
        elif not stands and at > last:
            now += at - last
        if kind is RunPaused or kind is RunEnded:
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
