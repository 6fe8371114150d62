"""What a replay looks up in a recorded journal."""

from __future__ import annotations

from typing import Any

from stateflow.journal.event import Event, Journal, RunEnded
from stateflow.journal.fold import Fold

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


def question_of(args: Any) -> tuple[str, tuple[str, ...]]:  # noqa: ANN401 - of a ``human.ask``
    """Return the text and the options that *args* ask."""
    return str(args["text"]), tuple(args.get("options", ()))
