"""Playing a run: the real engine, a voice for everybody, and a clock that only a late answer moves.

Nothing is waited for: a person answers at once, or so late that the deadline has passed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast
from typing import Final as Constant

from pydantic import BaseModel

from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.conversation.effect import Question
from stateflow.engine.answering import place_of
from stateflow.engine.observing import OBSERVERS
from stateflow.engine.result import Result, result_from
from stateflow.engine.run import blocking
from stateflow.engine.runner import Runner
from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.state import State
from stateflow.testing.exploring.line import message_in
from stateflow.testing.exploring.stage import Ask, Stage, Voice
from stateflow.value import canonical_json

__all__ = ["Play", "Row", "play"]

_RUN: Constant = "explored"
_BEGINS: Constant = 1_750_000_000.0
"""What time it is in every run [s since the epoch]."""
_MOST_WAITS: Constant = 1_000
_APPROVED: Constant = "yes"


class Row(NamedTuple):
    """One transition, of the flow or of one nested in it."""

    flow: int
    """Which of ``flow.flows`` it is of."""
    place: str
    number: int
    """Which transition of the place, in the order in which they are tried."""


@dataclass(slots=True)
class Play:
    """A run that was played, and which transitions it took."""

    result: Result
    runs: list[list[Row]] = field(default_factory=list[list[Row]])
    """Of each run and nested run, in order."""

    def __iter__(self) -> Iterator[Row]:
        """Yield every transition that was taken."""
        return (row for rows in self.runs for row in rows)


def play(
    flow: Flow,
    voice: Voice,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    budget: Budget | None = None,
    real: Collection[str] = (),
) -> Play:
    """Run *flow* with *voice* speaking for all but *real*, and block until it stops.

    Raises:
        StateflowError: the flow or the data cannot be run.
    """
    watch = _Rows(flow, voice)
    OBSERVERS.append(watch)
    try:
        result = blocking(_Theatre(flow, voice, real).run(task, data, budget))
    finally:
        OBSERVERS.remove(watch)
    return Play(result, watch.rows)


@dataclass(slots=True)
class _Run:
    """One run or nested run."""

    number: int
    """Of its flow."""
    fold: Fold
    turns: int = 0
    rows: list[Row] = field(default_factory=list[Row])


class _Rows:
    """Notes the transitions that a run takes, and tells the voice of them if it listens."""

    def __init__(self, flow: Flow, voice: Voice) -> None:
        self._numbers = {id(one): number for number, one in enumerate(flow.flows)}
        self._hear: Any = getattr(voice, "took", None)
        self._runs: list[_Run] = []

    def turned(self, flow: Flow, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        number = self._numbers.get(id(flow))
        if number is None:
            return
        run = self._run(number, fold)
        run.turns = fold.turns + 1
        for step in turn.steps:
            if step.taken is not None:
                run.rows.append(Row(number, step.at, step.taken))
        if self._hear is not None:
            self._hear(flow, run.rows, stop)

    def _run(self, number: int, fold: Fold) -> _Run:
        """Return the run that *fold* is of; an answered question goes on with another fold."""
        for run in reversed(self._runs):
            if run.fold is fold:
                return run
        for run in reversed(self._runs):
            if fold.turns and run.number == number and run.turns == fold.turns:
                run.fold = fold
                return run
        self._runs.append(_Run(number, fold))
        return self._runs[-1]

    @property
    def rows(self) -> list[list[Row]]:
        """The transitions of each run, in order."""
        return [run.rows for run in self._runs]

    def stopped(self, flow: Flow, stop: Stop) -> None:
        del flow, stop


class _Theatre:
    """One run from its start to its stop, questions answered on the way."""

    def __init__(self, flow: Flow, voice: Voice, real: Collection[str]) -> None:
        self.flow = flow
        self.voice = voice
        self.stage = Stage(flow, voice, real)
        self.now = _BEGINS

    async def run(
        self, task: str, data: Mapping[str, Any] | BaseModel | None, budget: Budget | None
    ) -> Result:
        async with Runner(
            clock=lambda: self.now, operations=self.stage.operations, allow_local=True
        ) as runner:
            live = runner.start(self.flow, task, data=data, budget=budget, run=_RUN)
            stop = (await live).stop
            for _ in range(_MOST_WAITS):
                if stop.kind != "waiting":
                    break
                answers = await self._answers(runner, stop.questions)
                live = runner.resume(self.flow, _RUN, answers=answers)
                stop = (await live).stop
            journal = await runner.journal(_RUN)
            return result_from(self.flow, _RUN, live.door.fold, journal)

    async def _answers(self, runner: Runner, questions: Sequence[Question]) -> dict[str, str]:
        """Return what people answer; none of them, where one is so late that time has to pass."""
        found: dict[str, str] = {}
        for question in questions:
            run, key = place_of(_RUN, question.id)
            fold = fold_of(await runner.store.read(run))
            answer = self._answer(question, run, fold, key.ordinal)
            if answer is not None:
                found[question.id] = answer
            elif question.due is not None:
                self.now = max(self.now, question.due + 1.0)
                return {}
        return found

    def _answer(self, question: Question, run: str, fold: Fold, ordinal: int) -> str | None:
        flow = _flow_of(self.flow, fold)
        state = cast("State", flow.places[fold.state])
        agent = _asked(state, question, fold, ordinal)
        if agent is None and question.options == ("yes", "no"):
            return _APPROVED
        if agent is None:
            words = question.options
            names = [word if word in flow.places else None for word in words]
            return words[names.index(self.voice.pick(state.name, names, run))]
        line = self.stage.line_for(Ask(agent, flow, state, fold, run), (agent.name, ordinal))
        if isinstance(line, Exception):
            return None
        message = message_in(line)
        if message is None:
            return ""
        reply = message.reply
        return message.text if reply is None else json.dumps(reply, ensure_ascii=False)


def _flow_of(root: Flow, fold: Fold) -> Flow:
    """Return the flow that a nested run is of, as its journal names it."""
    started = fold.started
    name = root.name if started is None else started.flow
    same = [one for one in root.flows if one.name == name and fold.state in one.places]
    return same[0] if same else root


def _asked(state: State, question: Question, fold: Fold, ordinal: int) -> Agent | None:
    """Return the person in *state* who is asked; ``None``: it is leave, or a choice, that is asked.

    A person with a form or options is known by these; others are asked in their order.
    """
    people = [one for one in state.agents if isinstance(one, Human)]
    if not people or (state.choose is not None and question.text.endswith("Who is next?")):
        return None
    del fold
    form = canonical_json(question.form)
    fit = [
        one
        for one in people
        if one.options == question.options and canonical_json(one.schema) == form
    ]
    return fit[min(ordinal, len(fit) - 1)] if fit else None
