"""The fold: state, transcript, spending and data of a run, from its events alone.

The engine keeps one per live run and applies each event as it is committed; nothing else is
kept beside the journal.  Applying an event costs the same in the first turn and the
ten-thousandth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

from stateflow.conversation.effect import Key, Question
from stateflow.conversation.message import NO_USAGE, Message, Usage, message_from
from stateflow.conversation.transcript import Transcript
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    Said,
    TurnTaken,
)
from stateflow.journal.stop import Stop

__all__ = ["TASK_SPEAKER", "Answer", "Fold", "fold", "message_of"]

TASK_SPEAKER = "user"
"""Who the task is said by."""

Answer: TypeAlias = EffectDone | EffectFailed | HumanAnswered | ChildEnded
"""What the journal holds for an effect that came to something."""


class Fold:
    """A run at rest, and while it moves."""

    def __init__(self) -> None:
        """Stand before the first event."""
        self.started: RunStarted | None = None
        self.seq = 0
        self.state = ""
        """Where the run is; ``""`` once it is done."""
        self.transcript = Transcript()
        self.data: dict[str, Any] = {}
        self.visits: dict[str, int] = {}
        self.spoken: dict[str, int] = {}
        self.turns = 0
        self.path: list[str] = []
        self.usage = NO_USAGE
        self.usage_by_state: dict[str, Usage] = {}
        self.elapsed_s = 0.0
        """Time the run was under way [s], without pauses."""
        self.answers: dict[int, Answer] = {}
        """What the open turn's effects came to, by ordinal."""
        self.begun: dict[int, EffectBegun | ChildStarted | HumanAsked] = {}
        """Effects of the open turn that began, by ordinal."""
        self.stop: Stop | None = None
        """Set while the run is paused or over."""
        self.paused: RunPaused | None = None
        self.ended = False
        self.budget: Mapping[str, Any] | None = None
        self.seen = MappingProxyType(self.visits)
        self.heard = MappingProxyType(self.spoken)
        self._before = (NO_USAGE, NO_USAGE, 0)
        """Spending, the present state's spending, and turns, without the open turn."""
        self._last_at = math.inf

    @property
    def visit(self) -> int:
        """Which visit to the present state this is, from 1."""
        return self.visits.get(self.state, 0)

    def apply(self, recorded: Recorded) -> None:
        """Move on by one event."""
        self.seq = recorded.seq
        event = recorded.event
        self._clock(recorded.at, event)
        match event:
            case EffectDone() | EffectFailed():
                self.answers[event.key.ordinal] = event
                self._spend(event.key.state, event.usage)
            case TurnTaken():
                self._turn(event)
            case HumanAnswered():
                self.answers[event.key.ordinal] = event
            case ChildEnded():
                self.answers[event.key.ordinal] = event
                self._spend(event.key.state, event.usage)
                self.turns += event.turns
            case EffectBegun() | ChildStarted() | HumanAsked():
                self.begun[event.key.ordinal] = event
            case _:
                self._stand(event)

    def _clock(self, at: float, event: Event) -> None:
        """Count the time since the last event, unless the run stood still."""
        before = self._last_at
        if self.stop is None and at > before and not isinstance(event, RunResumed):
            self.elapsed_s += at - before
        self._last_at = at

    def _stand(self, event: RunStarted | RunPaused | RunResumed | RunEnded) -> None:
        """Begin, pause, go on, or end."""
        match event:
            case RunStarted():
                self._start(event)
            case RunPaused():
                self._pause(event)
            case RunResumed():
                if self.paused is not None and self.paused.retry is not None:
                    self._settle()  # a nested run that goes on counts when it ends
                self.stop = self.paused = None
                if event.budget is not None:
                    self.budget = event.budget  # type: ignore[assignment]  # checked when written
            case RunEnded():
                self.stop = event.stop
                self.ended = True

    def questions(self, prefix: str = "") -> tuple[Question, ...]:
        """Return what the open turn has asked and nobody has answered."""
        return tuple(
            Question(f"{prefix}{asked.key}", asked.text, asked.options)
            for ordinal, asked in sorted(self.begun.items())
            if isinstance(asked, HumanAsked) and ordinal not in self.answers
        )

    def enter(self, state: str) -> None:
        """Count an entry of *state*."""
        self.visits[state] = self.visits.get(state, 0) + 1

    def _start(self, event: RunStarted) -> None:
        self.started = event
        self.state = str(event.table["initial"])
        self.enter(self.state)
        self.budget = event.budget  # type: ignore[assignment]  # checked when written
        if event.task:
            self.transcript = self.transcript.append(Message(event.task, TASK_SPEAKER))
        if isinstance(event.data, Mapping):
            self.data = dict(event.data)

    def _turn(self, event: TurnTaken) -> None:
        if len(self.answers) > 1:
            self._settle()
        for said in event.said:
            self.spoken[said.by] = self.spoken.get(said.by, 0) + 1
            if said.of is not None or said.part is not None:
                message = message_of(said, self.answers, event.usage)
                self.transcript = self.transcript.append(message)
        if event.spoken:
            self.turns += 1
            self.path.append(event.state)
        if event.patch:
            self.data = {**self.data, **event.patch}
        for step in event.steps:
            if step.to is not None:
                self.enter(step.to)
        self.state = (event.steps[-1].to if event.steps else None) or ""
        self.answers.clear()
        self.begun.clear()
        of_state = self.usage_by_state.get(self.state, NO_USAGE)
        self._before = (self.usage, of_state, self.turns)

    def _pause(self, event: RunPaused) -> None:
        self.stop = event.stop
        self.paused = event
        if event.retry is not None:
            for ordinal in [n for n in self.answers if n >= event.retry]:
                if getattr(self.answers[ordinal], "fault", None) is not None:
                    del self.answers[ordinal]
                    if isinstance(self.begun.get(ordinal), EffectBegun):
                        del self.begun[ordinal]

    def _settle(self) -> None:
        """Sum up the open turn in the order of its effects, whichever came first."""
        usage, of_state, turns = self._before
        for ordinal in sorted(self.answers):
            answer = self.answers[ordinal]
            spent = getattr(answer, "usage", NO_USAGE)
            usage += spent
            of_state += spent
            turns += answer.turns if isinstance(answer, ChildEnded) else 0
        self.usage, self.turns = usage, turns
        if of_state != NO_USAGE or self.state in self.usage_by_state:
            self.usage_by_state[self.state] = of_state

    def _spend(self, state: str, usage: Usage) -> None:
        if usage is not NO_USAGE and usage != NO_USAGE:
            self.usage += usage
            self.usage_by_state[state] = self.usage_by_state.get(state, NO_USAGE) + usage


def message_of(said: Said, answers: Mapping[int, Answer], usage: Usage) -> Message:
    """Return the message that *said* refers to."""
    if said.of is None:
        message = message_from(said.part or {"text": ""}, said.by)
    else:
        source = answers[said.of]
        result: Any = source.result if isinstance(source, EffectDone) else None
        if said.part is not None:
            result = {"text": result["text"], **said.part}
        message = message_from(result, said.by)
    if usage is NO_USAGE or usage == NO_USAGE:
        return message
    return replace(message, usage=usage)


def fold(events: Iterable[Recorded]) -> Fold:
    """Return the fold over *events*."""
    folded = Fold()
    for recorded in events:
        folded.apply(recorded)
    return folded


def open_answers(events: Iterable[Event]) -> dict[Key, Answer]:
    """Return every answer in *events* by key; of several, the last."""
    return {
        event.key: event
        for event in events
        if isinstance(event, EffectDone | EffectFailed | HumanAnswered | ChildEnded)
    }
