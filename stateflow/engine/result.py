"""What a run came to, as its user sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stateflow.conversation.message import NO_USAGE, Message, Usage
from stateflow.journal.event import EffectDone, Journal
from stateflow.journal.fold import Fold, picks
from stateflow.journal.said import message_of
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow

__all__ = ["Result", "Spending", "result_from"]


@dataclass(frozen=True, slots=True)
class Spending(Usage):
    """What a run cost in all, and by state."""

    by_state: Mapping[str, Usage] | None = None
    choosing: Usage = NO_USAGE
    """Part of it that models were asked for who speaks next; nested runs count their own."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run that stopped."""

    run: str
    """Name of the run; ``resume`` and ``fork`` take it."""
    stop: Stop
    """Why it stopped: exactly one reason."""
    messages: Sequence[Message]
    """The transcript, the task first; what could not be taken last."""
    path: tuple[str, ...]
    """States that spoke, in order."""
    usage: Spending
    turns: int
    data: Any
    """The flow's typed data; ``None`` where it declares none."""
    seconds: float
    """Time under way [s], without pauses."""
    journal: Journal | None = None
    """Everything that happened; set by the module's shorthands."""


def result_from(flow: Flow, run: str, fold: Fold, journal: Journal | None = None) -> Result:
    """Return the result of *run*, whose events *fold* has seen."""
    usage = fold.spent
    messages = list(fold.transcript)
    if fold.paused is not None and fold.paused.turn is not None:
        turn = fold.paused.turn
        messages += [
            message_of(said, fold.answers, turn.usage)
            for said in turn.said
            if said.of in fold.answers or said.part is not None
        ]
    assert fold.stop is not None  # noqa: S101 - a run that stopped has a stop
    return Result(
        run,
        fold.stop,
        messages,
        tuple(fold.path),
        Spending(
            usage.calls,
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
            usage.usd,
            usage.written_tokens,
            dict(fold.usage_by_state),
            fold.choosing + _still_choosing(fold),
        ),
        fold.turns,
        flow.typed(fold.data) if flow.data is not None else None,
        fold.elapsed_s,
        journal,
    )


def _still_choosing(fold: Fold) -> Usage:
    """Return what the open turn has cost for picking a speaker, though nobody was picked."""
    asked = [one for one in fold.answers.values() if isinstance(one, EffectDone)]
    return sum((one.usage for one in asked if picks(one)), NO_USAGE)
