"""The fold: state, transcript, spending and data of a run, from its events alone.

The engine keeps one per live run and applies each event as it is committed; nothing else is
kept beside the journal.  Applying an event costs the same in the first turn and the
ten-thousandth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from stateflow.conversation.effect import Key, Made, Question
from stateflow.conversation.message import NO_USAGE, SILENCE, Message, Usage
from stateflow.conversation.summary import SUMMARY_SPEAKER
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
    RunChanged,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.renaming import rename_fold
from stateflow.journal.said import Answer, made_of, message_of
from stateflow.journal.stop import Stop

__all__ = ["TASK_SPEAKER", "Fold", "fold", "open_answers", "picks"]

TASK_SPEAKER = "user"
"""Who the task is said by."""


@dataclass(slots=True, eq=False)
class Fold:
    """A run at rest, and while it moves."""

    started: RunStarted | None = None
    seq: int = 0
    state: str = ""
    """Where the run is; ``""`` once it is done."""
    transcript: Transcript = field(default_factory=Transcript)
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    visits: dict[str, int] = field(default_factory=dict[str, int])
    spoken: dict[str, int] = field(default_factory=dict[str, int])
    seen: Mapping[str, int] = field(init=False)
    """``visits``, read only, for views."""
    heard: Mapping[str, int] = field(init=False)
    """``spoken``, read only, for views."""
    turns: int = 0
    path: list[str] = field(default_factory=list[str])
    entered: list[str | None] = field(default_factory=list[str | None])
    """Places in the order in which they were entered; ``None`` is done."""
    usage: Usage = NO_USAGE
    lost: Usage = NO_USAGE
    """Spent on effects that failed and were made again after a pause, and on branches that were
    cancelled; not in ``usage``, which guards read, and which is the same however often the run was
    resumed."""
    lost_turns: int = 0
    """Turns of branches that were cancelled; budgets count them, too."""
    entered_at: float = 0.0
    """When the present state was entered, as the store stamped it [s since the epoch]."""
    usage_by_state: dict[str, Usage] = field(default_factory=dict[str, Usage])
    choosing: Usage = NO_USAGE
    """Part of ``usage`` that models were asked for who speaks next."""
    elapsed_s: float = 0.0
    """Time the run was under way [s], without pauses."""
    answers: dict[int, Answer] = field(default_factory=dict[int, Answer])
    """What the open turn's effects came to, by ordinal."""
    begun: dict[int, EffectBegun | ChildStarted | HumanAsked] = field(
        default_factory=dict[int, EffectBegun | ChildStarted | HumanAsked]
    )
    """Effects of the open turn that began, by ordinal."""
    kept: dict[str, Made] = field(default_factory=dict[str, Made])
    """Effects of earlier turns that their agents asked to keep, by name; the latest."""
    stop: Stop | None = None
    """Set while the run is paused or over."""
    paused: RunPaused | None = None
    ended: bool = False
    budget: Mapping[str, Any] | None = None
    reply: str | None = None
    """What the next to speak says, who is not asked: a person said so."""
    _task: Message = SILENCE
    _keeps: bool = False
    """Whether an effect of the open turn may ask to be kept."""
    _losing: Usage = NO_USAGE
    """What is lost once the run is resumed."""
    _before: tuple[Usage, Usage, int] = (NO_USAGE, NO_USAGE, 0)
    """Spending, the present state's spending, and turns, without the open turn."""
    _last_at: float = math.inf

    def __post_init__(self) -> None:
        """Stand before the first event."""
        self.seen, self.heard = MappingProxyType(self.visits), MappingProxyType(self.spoken)

    @property
    def visit(self) -> int:
        """Which visit to the present state this is, from 1."""
        return self.visits.get(self.state, 0)

    @property
    def said(self) -> Message:
        """The last message that somebody said, not the task; ``SILENCE`` if nobody did."""
        last = self.transcript.last
        return SILENCE if last is self._task else last

    def before(self, ordinal: int) -> Fold:
        """Spending as it was before effect *ordinal* of the open turn: what branches share.

        What the turn did before that counts, so that the branches of a second round of tools do not
        share it again; those that began together count as if none had.
        """
        usage, _, turns = self._before
        bare = Fold()
        bare.lost, bare.lost_turns, bare.elapsed_s = self.lost, self.lost_turns, self.elapsed_s
        for number, answer in sorted(self.answers.items()):
            if number < ordinal:
                usage += getattr(answer, "usage", NO_USAGE)
                turns += answer.turns if isinstance(answer, ChildEnded) else 0
            elif isinstance(answer, ChildEnded):
                bare.lost -= answer.lost
                bare.lost_turns -= answer.lost_turns
        bare.usage, bare.turns = usage, turns
        return bare

    @property
    def spent(self) -> Usage:
        """Everything the run has cost, what was lost included; budgets count with this."""
        return self.usage + self.lost

    def apply(self, recorded: Recorded) -> None:
        """Move on by one event."""
        self.seq = recorded.seq
        event = recorded.event
        self._clock(recorded.at, event)
        match event:
            case EffectDone() | EffectFailed():
                self.answers[event.key.ordinal] = event
                self._spend(event.key.state, event.usage)
                if event.args is not None:
                    self._keeps = True
            case TurnTaken():
                self._turn(event)
                self.entered_at = recorded.at
            case HumanAnswered():
                self.answers[event.key.ordinal] = event
            case ChildEnded():
                self._join(event)
            case EffectBegun():
                self.begun[event.key.ordinal] = event
                self.answers.pop(event.key.ordinal, None)  # not done before, a person said
            case ChildStarted() | HumanAsked():
                self.begun[event.key.ordinal] = event
            case _:
                self._stand(event)

    def _join(self, event: ChildEnded) -> None:
        """Count what a nested run came to, and what it lost."""
        self.answers[event.key.ordinal] = event
        self._spend(event.key.state, event.usage)
        self.turns += event.turns
        self.lost += event.lost
        self.lost_turns += event.lost_turns

    def _clock(self, at: float, event: Event) -> None:
        """Count the time since the last event, unless the run stood still."""
        before = self._last_at
        if self.stop is None and at > before and not isinstance(event, RunResumed):
            self.elapsed_s += at - before
        self._last_at = at

    def _stand(self, event: RunStarted | RunPaused | RunResumed | RunChanged | RunEnded) -> None:
        """Begin, pause, go on, or end."""
        match event:
            case RunStarted():
                self._start(event)
                self.entered_at = self._last_at
            case RunPaused():
                self._pause(event)
            case RunChanged():
                self._change(event)
            case RunResumed():
                self._resume(event)
            case RunEnded():
                self.stop = event.stop
                self.ended = True

    def questions(self, prefix: str = "") -> tuple[Question, ...]:
        """Return what the open turn has asked and nobody has answered."""
        return tuple(
            Question(
                f"{prefix}{asked.key}",
                asked.text,
                asked.options,
                asked.form,
                asked.default,
                asked.due,
            )
            for ordinal, asked in sorted(self.begun.items())
            if isinstance(asked, HumanAsked) and ordinal not in self.answers
        )

    def open_children(self) -> Iterator[ChildStarted]:
        """Yield the nested runs of the open turn that began and have not ended, in order."""
        for ordinal, begun in sorted(self.begun.items()):
            if isinstance(begun, ChildStarted) and ordinal not in self.answers:
                yield begun

    def enter(self, state: str) -> None:
        """Count an entry of *state*."""
        self.entered.append(state)
        self.visits[state] = self.visits.get(state, 0) + 1

    def _start(self, event: RunStarted) -> None:
        self.started = event
        self.state = str(event.table["initial"])
        self.enter(self.state)
        self.budget = event.budget  # type: ignore[assignment]  # checked when written
        if event.task or event.files:
            self._task = Message(event.task, TASK_SPEAKER, files=event.files)
            self.transcript = self.transcript.append(self._task)
        if isinstance(event.data, Mapping):
            self.data = {**event.data, **(event.patch or {})}

    def _resume(self, event: RunResumed) -> None:
        if self.paused is not None and self.paused.retry is not None:
            self._settle()  # a nested run that goes on counts when it ends
            self.lost += self._losing
        if not self.ended:  # what is nested and over takes on new names all the same
            self.stop = self.paused = None
        if event.budget is not None:
            self.budget = event.budget  # type: ignore[assignment]  # checked when written
        if event.rename is not None:
            rename_fold(self, event)

    def _change(self, event: RunChanged) -> None:
        if event.patch:
            self.data = {**self.data, **event.patch}
        self.reply = event.reply

    def _turn(self, event: TurnTaken) -> None:
        if len(self.answers) > 1 or self._keeps:
            self._settle()
            self._keep()
        self._hear(event)
        if event.spoken:
            self.turns += 1
            self.path.append(event.state)
        if event.patch:
            self.data = {**self.data, **event.patch}
        for step in event.steps:
            if step.to is None:
                self.entered.append(None)
            else:
                self.enter(step.to)
        self.state = (event.steps[-1].to if event.steps else None) or ""
        self.answers.clear()
        self.begun.clear()
        self.reply = None
        of_state = self.usage_by_state.get(self.state, NO_USAGE)
        self._before = (self.usage, of_state, self.turns)

    def _hear(self, event: TurnTaken) -> None:
        """Add what was said to the transcript, or clear it to its summary."""
        for said in event.said:
            self.spoken[said.by] = self.spoken.get(said.by, 0) + 1
            if said.of is not None or said.part is not None:
                message = message_of(said, self.answers, event.usage)
                self.transcript = self.transcript.append(message)
        if event.restart is not None:
            self.transcript = Transcript().append(Message(event.restart, SUMMARY_SPEAKER))

    def _keep(self) -> None:
        """Keep what the turn asked to keep, and what its choice cost.

        Not before it is whole, so that it resumes the same.
        """
        self._keeps = False
        for _, answer in sorted(self.answers.items()):
            args = answer.args if isinstance(answer, EffectDone) else None
            if not isinstance(args, Mapping):
                continue
            if "keep" in args:
                self.kept[str(args["keep"])] = made_of(answer)
            if picks(answer):
                self.choosing += getattr(answer, "usage", NO_USAGE)

    def _pause(self, event: RunPaused) -> None:
        """Pause; the effect at fault, and what failed after it, is made again on resume."""
        self.stop = event.stop
        self.paused = event
        retry = event.retry
        self._losing = NO_USAGE
        if retry is not None:
            for ordinal in [n for n in self.answers if n >= retry]:
                answer = self.answers[ordinal]
                fault = getattr(answer, "fault", None)
                if ordinal == retry or fault is not None:
                    self._forget(ordinal)
                    if isinstance(answer, EffectDone | EffectFailed):
                        self._losing += answer.usage
                    late = fault is not None and fault.is_a("TimedOut")  # it may have been done
                    if isinstance(self.begun.get(ordinal), EffectBegun) and not late:
                        del self.begun[ordinal]
            self._take_back()

    def _take_back(self) -> None:
        """Let branches that were cancelled for the sake of a failed one go on, as it does."""
        for ordinal, answer in list(self.answers.items()):
            if isinstance(answer, ChildEnded) and answer.cancelled:
                self._forget(ordinal)

    def _forget(self, ordinal: int) -> None:
        """Take back an answer; a nested run counts what it lost when it ends again."""
        answer = self.answers.pop(ordinal)
        if picks(answer):
            self.choosing += getattr(answer, "usage", NO_USAGE)  # paid, though nobody was picked
        if isinstance(answer, ChildEnded):
            self.lost -= answer.lost
            self.lost_turns -= answer.lost_turns

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


def fold(events: Iterable[Recorded]) -> Fold:
    """Return the fold over *events*."""
    folded = Fold()
    for recorded in events:
        folded.apply(recorded)
    return folded


def picks(answer: Answer) -> bool:
    """Tell whether *answer* is what a chooser was told: its effect names who may speak next."""
    args = answer.args if isinstance(answer, EffectDone) else None
    return isinstance(args, Mapping) and "candidates" in args


def open_answers(events: Iterable[Event]) -> dict[Key, Answer]:
    """Return every answer in *events* by key; of several, the last."""
    return {
        event.key: event
        for event in events
        if isinstance(event, EffectDone | EffectFailed | HumanAnswered | ChildEnded)
    }
