"""Replay: the same core behind a door that only reads.

Two things are checked apart: has a *request* changed (what an effect asks, by its print), and
has the *flow* changed (what a turn came to).  The first difference is raised; nothing is ever
performed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from stateflow.conversation.effect import Effect, Key, Question, Result
from stateflow.conversation.file import File
from stateflow.conversation.transcript import Transcript
from stateflow.engine.branch import Branch, Join, given_json
from stateflow.engine.conduct import Conductor
from stateflow.engine.differing import (
    Names,
    difference,
    drift,
    guard_names,
    prompt_drift,
    verdict_lines,
)
from stateflow.engine.door import OnDelta, Parked
from stateflow.engine.faults import Said, cleaned
from stateflow.engine.recorded import is_cancelled, question_of, stamps_of
from stateflow.engine.scene import Scene
from stateflow.engine.spending import budget_from
from stateflow.errors import ReplayDivergence
from stateflow.journal.canonical import canonical_events
from stateflow.journal.codec import event_json
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import Fold, open_answers
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.journal.said import Answer, result_of
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.models.names import ModelPool
from stateflow.value import Json, canonical_json

__all__ = ["Replay", "replay_journal"]


Beginning: TypeAlias = EffectBegun | ChildStarted | HumanAsked
_BEGINNINGS = (EffectBegun, ChildStarted, HumanAsked)


class _Stopped(BaseException):
    """Ends a replay: the journal goes no further, or a difference was found."""

    def __init__(self, divergence: ReplayDivergence | None = None) -> None:
        self.divergence = divergence


@dataclass(frozen=True, slots=True)
class Replay:
    """A run repeated from its journal."""

    journal: Journal
    """The events as the core made them again."""
    fold: Fold
    stop: Stop | None
    """``None`` where the recorded run was cut off."""


@dataclass(slots=True)
class _Control:
    pausing: bool = False
    publish: None = None


@dataclass(slots=True)
class ReplayDoor:
    """Answers from the journal, and compares."""

    flow: Flow
    journal: Journal
    requests: bool
    """Whether a changed request is a difference."""
    redactor: Redactor
    path: str = ""
    fold: Fold = field(default_factory=Fold)
    scene: Scene = field(init=False)
    due: float | None = None
    """Nothing is late on replay: what was is on the record."""
    made: list[Recorded] = field(default_factory=list[Recorded])
    nested: dict[str, Journal] = field(default_factory=dict[str, Journal])
    _expected: list[Event] = field(default_factory=list[Event])
    _recorded: dict[Key, Answer] = field(default_factory=dict[Key, Answer])
    _begun: dict[Key, Beginning] = field(default_factory=dict[Key, Beginning])
    _of_turn: dict[tuple[str, int], list[Key]] = field(
        default_factory=dict[tuple[str, int], list[Key]]
    )
    _stamps: dict[int, float] = field(default_factory=dict[int, float])
    _used: set[Key] = field(default_factory=set[Key])

    def __post_init__(self) -> None:
        """Index the journal by key."""
        events = canonical_events(r.event for r in self.journal.events)
        self._expected = [e for e in events if isinstance(e, TurnTaken | RunEnded)]
        if self._expected and is_cancelled(self._expected[-1]):
            self._expected.pop()  # somebody's decision, which no flow takes again
        self._expected.reverse()
        self._recorded = open_answers(events)
        self._begun = {e.key: e for e in events if isinstance(e, _BEGINNINGS)}
        for key in self._recorded:
            self._of_turn.setdefault((key.state, key.visit), []).append(key)
        self._stamps = stamps_of(self.journal)

    async def perform(
        self, effects: Sequence[Effect], /, *, on_delta: OnDelta | None = None
    ) -> Sequence[Result]:
        """Answer *effects* from the journal."""
        del on_delta
        answers: list[Answer] = []
        unanswered: list[str] = []
        for effect in effects:
            answer = self._recorded.get(effect.key)
            if answer is None and self._expected:
                raise _Stopped(self._missing(effect.key, effect.call.op))
            self._begin(effect)
            if answer is None:
                unanswered.append(effect.call.op)
                continue
            self._compare(effect, answer)
            self._take(effect.key, answer)
            answers.append(answer)
        if any(op != "human.ask" for op in unanswered):
            raise _Stopped  # it was under way when the recorded run was cut off
        if unanswered:
            raise Parked(self.fold.questions(self.path))
        return [result_of(answer) for answer in answers]

    async def children(self, branches: Sequence[Branch], join: Join, /) -> Mapping[int, ChildEnded]:
        """Replay the nested runs, and compare what they start from."""
        ended: dict[int, Answer] = {}
        parked: list[Question] = []
        waits = False
        for one in branches:
            self._start(one)
        for one in branches:
            recorded = self._recorded.get(one.key)
            again = await self._again(one, recorded)
            if isinstance(recorded, ChildEnded):
                self._take(one.key, recorded)
                ended[one.key.ordinal] = recorded
            elif again is not None and again.stop is not None:
                waits = waits or again.stop.kind in {"waiting", "paused"}
                parked += again.stop.questions
        if not join.closed(len(branches), ended):
            if waits:
                raise Parked(tuple(parked))
            raise _Stopped(self._missing(branches[0].key, "child"))
        return cast("dict[int, ChildEnded]", ended)

    def _start(self, branch: Branch) -> None:
        begun = self._begun.get(branch.key)
        if begun is None and branch.key in self._recorded:
            return  # refused before it began
        args: Json = self.redactor.json(given_json(branch.given))
        self._compare_given(branch.key, begun, args)
        self.apply(ChildStarted(branch.key, branch.flow.name, args))

    async def _again(self, branch: Branch, recorded: Answer | None) -> Replay | None:
        """Repeat one nested run; one that was cancelled counts for nothing, and is kept."""
        place = str(branch.key)
        nested = self.journal.children.get(place)
        if nested is None:
            return None
        if isinstance(recorded, ChildEnded) and recorded.cancelled:
            self.nested[place] = nested
            return None
        path = f"{self.path}{place}/"
        again = await _replay(branch.flow, nested, self.redactor, requests=self.requests, path=path)
        self.nested[place] = again.journal
        return again

    async def heard(self, key: Key, /) -> Transcript:
        """Return what was said in the nested run at *key*."""
        return fold_of(self.nested[str(key)].events).transcript

    async def commit(self, *events: Event) -> None:
        """Compare *events* with the recorded ones."""
        for event in events:
            if isinstance(event, TurnTaken | RunEnded):
                self._settle(event)
            elif isinstance(event, RunPaused):
                self._pause(event)
            self.apply(event)

    async def keep(self, *files: File) -> None:
        """Leave them where they are: a replay needs no content."""

    def redact(self, value: Json, /) -> Json:
        """Return *value* as it may be journaled."""
        redacted: Json = self.redactor.json(value)
        return redacted

    def clean(self, value: Said, /) -> Said:
        """Return a message or a fault as it may be journaled."""
        return cleaned(value, self.redactor)

    def answers(self) -> Mapping[int, Answer]:
        """Return what the open turn's effects came to."""
        return self.fold.answers

    def _take(self, key: Key, answer: Answer) -> None:
        if key not in self._used:
            self._used.add(key)
            self.apply(answer)

    def apply(self, event: Event) -> None:
        """Put *event* on the new record, stamped as the recorded one."""
        last = self.made[-1].at if self.made else 0.0
        at = max(last, self._stamps.get(id(event), last))
        recorded = Recorded(len(self.made) + 1, at, event, self.journal.run)
        self.made.append(recorded)
        self.fold.apply(recorded)

    def _settle(self, event: TurnTaken | RunEnded) -> None:
        """Hold a turn, or the end, against the recorded one.  Their stamps are the same."""
        place = self._place()
        if isinstance(event, TurnTaken):
            self._refuse_unused(event)
        if not self._expected:
            raise _Stopped(None)
        recorded = self._expected.pop()
        self._stamps[id(event)] = self._stamps.get(id(recorded), 0.0)
        if not self.requests and isinstance(event, TurnTaken) and isinstance(recorded, TurnTaken):
            recorded = replace(recorded, usage=event.usage)
        if recorded != event:
            raise _Stopped(ReplayDivergence(place, difference(self._names(), recorded, event)))

    def _refuse_unused(self, event: TurnTaken) -> None:
        turn = (event.state, event.visit)
        unused = [key for key in self._of_turn.get(turn, ()) if key not in self._used]
        if unused:
            raise _Stopped(
                ReplayDivergence(
                    f"effect {unused[0]}",
                    "the journal holds it, and the flow no longer asks for it",
                )
            )

    def _pause(self, event: RunPaused) -> None:
        """A pause that follows from the flow alone must be the recorded one."""
        last = self.journal.events[-1].event if self.journal.events else None
        stop = event.stop
        if stop.kind not in {"stuck", "failed", "budget"}:
            return
        if isinstance(last, RunPaused) and not self._expected:
            same = (stop.kind, stop.state, stop.which, stop.tried)
            if same == (last.stop.kind, last.stop.state, last.stop.which, last.stop.tried):
                return
            text = f"recorded: {last.stop}; now: {stop}"
        elif not self._expected and last is not None and not _is_end(last):
            raise _Stopped(None)
        else:
            text = f"recorded: the run went on; now: {stop}"
        raise _Stopped(ReplayDivergence(self._place(), f"{text}{verdict_lines(stop)}"))

    def _compare(self, effect: Effect, answer: Answer) -> None:
        if isinstance(answer, HumanAnswered | ChildEnded):
            return
        if answer.op != effect.call.op:
            raise _Stopped(
                ReplayDivergence(
                    f"effect {effect.key}",
                    f"the journal holds {answer.op!r}; the flow now asks for {effect.call.op!r}",
                )
            )
        args = self.redactor.json(effect.call.args)
        if self.requests and canonical_json(answer.args) != canonical_json(args):
            text = drift(answer.args, args) + prompt_drift(self._table(), self.flow.table())
            raise _Stopped(ReplayDivergence(f"request {effect.key} ({answer.op})", text))

    def _begin(self, effect: Effect) -> None:
        """Put on the new record that *effect* began, where the old one says so."""
        if effect.call.op == "human.ask":
            self._ask(effect)
            return
        begun = self._begun.get(effect.key)
        if isinstance(begun, EffectBegun) and effect.key not in self._used:
            self.apply(begun)

    def _ask(self, effect: Effect) -> None:
        """Put the question on the new record; a changed one is a changed request."""
        before = self._begun.get(effect.key)
        if before is None and effect.key in self._recorded:
            return  # it was too late to ask
        due = before.due if isinstance(before, HumanAsked) else None
        asked = question_of(effect, self.redactor.json, due)
        if isinstance(before, HumanAsked) and self.requests and before != asked:
            text = drift(*map(event_json, (before, asked)))
            raise _Stopped(ReplayDivergence(f"request {effect.key} (human.ask)", text))
        self.apply(asked)

    def _compare_given(self, key: Key, before: Beginning | None, args: Json) -> None:
        if not (isinstance(before, ChildStarted) and self.requests):
            return
        if canonical_json(before.args) != canonical_json(args):
            text = drift(before.args, args)
            raise _Stopped(ReplayDivergence(f"request {key} (child)", text))

    def _missing(self, key: Key, op: str) -> ReplayDivergence | None:
        if not self._expected:
            return None  # the recorded run was cut off here
        return ReplayDivergence(
            f"effect {key}",
            f"the flow now asks for {op!r}, and the journal holds nothing here",
        )

    def _table(self) -> Mapping[str, Any]:
        """Return the flow as it was recorded."""
        started = self.journal.events[0].event
        return started.table if isinstance(started, RunStarted) else {}

    def _names(self) -> tuple[Names, Names]:
        """Return the guards' names as they were recorded, and as they are now."""
        return guard_names(self._table()), guard_names(self.flow.table())

    def _place(self) -> str:
        return f"turn {self.fold.turns + 1} (state {self.fold.state!r}, visit {self.fold.visit})"


def _is_end(event: Event) -> bool:
    """Tell whether the flow came to its end with *event*."""
    return isinstance(event, RunEnded) and not is_cancelled(event)


async def _replay(
    flow: Flow, journal: Journal, redactor: Redactor, *, requests: bool, path: str = ""
) -> Replay:
    door = ReplayDoor(flow, journal, requests, redactor, path)
    started = journal.events[0].event if journal.events else None
    if not isinstance(started, RunStarted):
        raise _Stopped(ReplayDivergence("event 1", "the journal does not begin with RunStarted"))
    budget = flow.budget if started.budget is None else budget_from(cast("Any", started.budget))
    for recorded in journal.events:
        if (limits := getattr(recorded.event, "budget", None)) is not None:
            budget = budget_from(limits)
    table = door.redactor.json(flow.table())
    door.apply(replace(started, table=table, print=flow.fingerprint()))
    conductor = Conductor(flow, door, budget, ModelPool())
    stop: Stop | None = None
    try:
        stop = await conductor.until_stop(_Control())
    except _Stopped as stopped:
        if stopped.divergence is not None:
            raise
    last = journal.events[-1].event
    if isinstance(last, RunEnded) and is_cancelled(last) and (stop is None or stop.resumable):
        stop = last.stop
        door.apply(last)
    return Replay(Journal(journal.run, tuple(door.made), door.nested), door.fold, stop)


async def replay_journal(
    flow: Flow, journal: Journal, *, requests: bool = True, redactor: Redactor | None = None
) -> Replay:
    """Repeat *journal* with *flow* and no effects.

    Args:
        flow: the flow as it is now.
        journal: what was recorded.
        requests: whether a changed request is a difference.
        redactor: what the run kept out of its journal; ``None``: what the environment names.

    Raises:
        ReplayDivergence: at the first difference.
    """
    try:
        redactor = redactor or Redactor.from_environment(os.environ)
        return await _replay(flow, journal, redactor, requests=requests)
    except _Stopped as stopped:
        raise cast("ReplayDivergence", stopped.divergence) from None
