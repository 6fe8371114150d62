"""What a replay looks up in a recorded journal, and what an effect puts on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stateflow.conversation.effect import Effect
from stateflow.journal.event import Event, HumanAsked, Journal, RunEnded
from stateflow.journal.fold import Fold
from stateflow.value import Json

__all__ = ["is_cancelled", "question_of", "stamps_of"]


def is_cancelled(event: Event) -> bool:
    """Tell whether *event* ends a run by its owner's decision, which no flow takes again."""
    return isinstance(event, RunEnded) and event.stop.kind == "cancelled"


def stamps_of(journal: Journal) -> dict[int, float]:
    """Return when each event came, on a clock that stands still while the run does."""
    fold = Fold()
    stamps: dict[int, float] = {}
    for recorded in journal.events:
        fold.apply(recorded)
        stamps[id(recorded.event)] = journal.events[0].at + fold.elapsed_s
    return stamps


def question_of(
    effect: Effect, redact: Callable[[Json], Json], due: float | None = None
) -> HumanAsked:
    """Return the question that the ``human.ask`` *effect* asks; *due*: when it is too late."""
    args: Any = redact(effect.call.args)
    options = tuple(args.get("options", ()))
    text, form, default = str(args["text"]), args.get("form"), args.get("default")
    return HumanAsked(effect.key, text, options, form, default, due)
