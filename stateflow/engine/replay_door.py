"""The door of a replay: answers from the journal, and compares what is asked with what was.

It never performs.  The first difference ends the replay, and so does the end of the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from stateflow.conversation.effect import Effect, Key, Question, Result
from stateflow.conversation.file import File
from stateflow.conversation.transcript import Transcript
from stateflow.engine.branch import Branch, Join, given_json
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
from stateflow.machine.flow import Flow
from stateflow.value import Json, canonical_json

if TYPE_CHECKING:
    from stateflow.engine.replaying import Replay

__all__ = ["Repeat", "ReplayDoor", "Stopped"]

Repeat: TypeAlias = "Callable[[Flow, Journal, str], Awaitable[Replay]]"
Beginning: TypeAlias = EffectBegun | ChildStarted | HumanAsked
_BEGINNINGS = (EffectBegun, ChildStarted, HumanAsked)


class Stopped(BaseException):
    """Ends a replay: the journal goes no further, or a difference was found."""

    def __init__(self, divergence: ReplayDivergence | None = None) -> None:
        self.divergence = divergence


@dataclass(slots=True)
class ReplayDoor:
    """Answers from the journal, and compares."""

    flow: Flow
    journal: Journal
    requests: bool
    """Whether a changed request is a difference."""
    redactor: Redactor
    repeat: Repeat
    """Repeats a nested run: its flow, its journal, and its path."""
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
                raise Stopped(self._missing(effect.key, effect.call.op))
            self._begin(effect)
            if answer is None:
                unanswered.append(effect.call.op)
                continue
            self._compare(effect, answer)
            self._take(effect.key, answer)
            answers.append(answer)
        if any(op != "human.ask" for op in unanswered):
            raise Stopped  # it was under way when the recorded run was cut off
        if unanswered:
            raise Parked(self.fold.questions(self.path))
        return [result_of(answer) for answer in answers]

    async def children(self, branches: Sequence[Branch], join: Join, /) -> Mapping[int, ChildEnded]:
        """Replay the nested runs, and compare what they start from."""
        came_to: dict[int, Answer] = {}
        parked: list[Question] = []
        waits = False
        for one in branches:
            self._start(one)
        for one in branches:
            recorded = self._recorded.get(one.key)
            again = await self._again(one, recorded)
            if isinstance(recorded, ChildEnded):
                self._take(one.key, recorded)
                came_to[one.key.ordinal] = recorded
            elif again is not None and again.stop is not None:
                waits = waits or again.stop.kind in {"waiting", "paused"}
                parked += again.stop.questions
        if not join.closed(len(branches), came_to):
            if waits:
                raise Parked(tuple(parked))
            raise Stopped(self._missing(branches[0].key, "child"))
        return cast("dict[int, ChildEnded]", came_to)

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
        again = await self.repeat(branch.flow, nested, path)
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

    def begin(self, started: RunStarted) -> None:
        """Put the beginning on the new record, at the time of the recorded one."""
        self._stamps[id(started)] = self.journal.events[0].at
        self.apply(started)

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
            raise Stopped(None)
        recorded = self._expected.pop()
        self._stamps[id(event)] = self._stamps.get(id(recorded), 0.0)
        if not self.requests and isinstance(event, TurnTaken) and isinstance(recorded, TurnTaken):
            recorded = replace(recorded, usage=event.usage)
        if recorded != event:
            raise Stopped(ReplayDivergence(place, difference(self._names(), recorded, event)))

    def _refuse_unused(self, event: TurnTaken) -> None:
        turn = (event.state, event.visit)
        unused = [key for key in self._of_turn.get(turn, ()) if key not in self._used]
        if unused:
            raise Stopped(
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
            raise Stopped(None)
        else:
            text = f"recorded: the run went on; now: {stop}"
        raise Stopped(ReplayDivergence(self._place(), f"{text}{verdict_lines(stop)}"))

    def _compare(self, effect: Effect, answer: Answer) -> None:
        if isinstance(answer, HumanAnswered | ChildEnded):
            return
        if answer.op != effect.call.op:
            raise Stopped(
                ReplayDivergence(
                    f"effect {effect.key}",
                    f"the journal holds {answer.op!r}; the flow now asks for {effect.call.op!r}",
                )
            )
        args = self.redactor.json(effect.call.args)
        if self.requests and canonical_json(answer.args) != canonical_json(args):
            text = drift(answer.args, args) + prompt_drift(self._table(), self.flow.table())
            raise Stopped(ReplayDivergence(f"request {effect.key} ({answer.op})", text))

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
            raise Stopped(ReplayDivergence(f"request {effect.key} (human.ask)", text))
        self.apply(asked)

    def _compare_given(self, key: Key, before: Beginning | None, args: Json) -> None:
        if not (isinstance(before, ChildStarted) and self.requests):
            return
        if canonical_json(before.args) != canonical_json(args):
            text = drift(before.args, args)
            raise Stopped(ReplayDivergence(f"request {key} (child)", text))

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
