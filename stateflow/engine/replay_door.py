"""The door of a replay: answers from the journal, and compares what is asked with what was.

It never performs.  The first difference ends the replay, and so does the end of the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from stateflow.conversation.effect import Effect, Key, Question, Result
from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE
from stateflow.conversation.transcript import Transcript
from stateflow.engine.allowance import Allowance
from stateflow.engine.branch import Branch, Join, given_json
from stateflow.engine.differing import Differing
from stateflow.engine.door import OnDelta, Parked
from stateflow.engine.faults import Said, cleaned
from stateflow.engine.matching import Match, asked_before, asked_now, matches
from stateflow.engine.recorded import Beginning, Recording, Stopped, is_cancelled, question_of
from stateflow.engine.scene import Scene
from stateflow.errors import ReplayDivergence
from stateflow.journal.codec import event_json
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
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
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.journal.said import Answer, made_of, result_of
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.value import Json, canonical_json

if TYPE_CHECKING:
    from stateflow.engine.replaying import Replay

__all__ = ["Repeat", "ReplayDoor", "Stopped"]

Repeat: TypeAlias = "Callable[[Flow, Journal, str, Allowance], Awaitable[Replay]]"


@dataclass(slots=True)
class ReplayDoor:
    """Answers from the journal, and compares."""

    flow: Flow
    journal: Journal
    match: Match
    """How requests are held against the recorded ones."""
    redactor: Redactor
    repeat: Repeat
    """Repeats a nested run: its flow, its journal, its path, and what it is granted now."""
    allowance: Allowance
    path: str = ""
    fold: Fold = field(default_factory=Fold)
    scene: Scene = field(init=False, repr=False)
    due: float | None = None
    """Nothing is late on replay: what was is on the record."""
    made: list[Recorded] = field(default_factory=list[Recorded])
    nested: dict[str, Journal] = field(default_factory=dict[str, Journal])
    differing: Differing = field(init=False)
    """Tells the first difference."""
    _was: Recording = field(init=False)
    _stamps: dict[int, float] = field(init=False)
    _used: set[Key] = field(default_factory=set[Key])
    _over: int = 0
    """How many turns are over."""
    _agreed: int = 0
    """How much of what was said was as recorded, when a request last told [messages]."""

    def __post_init__(self) -> None:
        """Look up what the journal holds."""
        started = self.journal.events[0].event
        before = started.table if isinstance(started, RunStarted) else {}
        self.differing = Differing(before, self.redactor.json(self.flow.table()), self.path)
        self._was = Recording.of(self.journal)
        self._stamps = self._was.stamps

    async def perform(
        self, effects: Sequence[Effect], /, *, on_delta: OnDelta | None = None
    ) -> Sequence[Result]:
        """Answer *effects* from the journal."""
        del on_delta
        answers: list[Answer] = []
        unanswered: list[str] = []
        if self.allowance.lowered:
            self._refuse_costly(effects)
        for effect in effects:
            answer = self._was.answers.get(effect.key)
            if answer is None and self._was.following:
                args = self.redactor.json(effect.call.args)
                raise Stopped(self._missing(effect.key, effect.call.op, args))
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

    def _refuse_costly(self, effects: Sequence[Effect]) -> None:
        """Refuse a call that was made, and that the budget of now would not allow."""
        spent, asked = self.fold.spent, 0
        for effect in effects:
            if not isinstance(self._was.answers.get(effect.key), EffectDone):
                continue  # it failed, of the budget perhaps
            which, why = self.allowance.refusal(effect.call, spent, asked)
            if which:
                args = self.redactor.json(effect.call.args)
                asked_for = asked_now(effect.key, effect.call.op, args, self.scene)
                limit = getattr(self.allowance.budget, which)
                raise Stopped(
                    self.differing.refused(self.fold, asked_for, f"{which}={limit:g}", why)
                )
            asked += effect.call.ceiling is not NO_USAGE

    async def children(self, branches: Sequence[Branch], join: Join, /) -> Mapping[int, ChildEnded]:
        """Replay the nested runs, and compare what they start from."""
        came_to: dict[int, Answer] = {}
        parked: list[Question] = []
        waits = False
        for one in branches:
            self._start(one)
        grant = self.allowance.grant(self.fold, branches[0].key.ordinal, len(branches))
        for one in branches:
            recorded = self._was.answers.get(one.key)
            again = await self._again(one, recorded, grant)
            if isinstance(recorded, ChildEnded):
                self._take(one.key, recorded)
                came_to[one.key.ordinal] = recorded
            elif again is not None and again.stop is not None:
                waits = waits or again.stop.kind in {"waiting", "paused"}
                parked += again.stop.questions
        if not join.closed(len(branches), came_to):
            if waits:
                raise Parked(tuple(parked))
            args = self.redactor.json(given_json(branches[0].given))
            raise Stopped(self._missing(branches[0].key, "child", args))
        return cast("dict[int, ChildEnded]", came_to)

    def _start(self, branch: Branch) -> None:
        begun = self._was.begun.get(branch.key)
        if begun is None and branch.key in self._was.answers:
            return  # refused before it began
        args: Json = self.redactor.json(given_json(branch.given))
        self._compare_given(branch.key, begun, args)
        self.apply(ChildStarted(branch.key, branch.flow.name, args))

    async def _again(
        self, branch: Branch, recorded: Answer | None, grant: Allowance
    ) -> Replay | None:
        """Repeat one nested run; one that was cancelled counts for nothing, and is kept."""
        place = str(branch.key)
        nested = self.journal.children.get(place)
        if nested is None:
            return None
        if isinstance(recorded, ChildEnded) and recorded.cancelled:
            self.nested[place] = nested
            return None
        path = f"{self.path}{place}/"
        again = await self.repeat(branch.flow, nested, path, grant)
        self.nested[place] = again.journal
        return again

    async def heard(self, key: Key, /) -> Transcript:
        """Return what was said in the nested run at *key*."""
        return fold_of(self.nested[str(key)].events).transcript

    async def commit(self, *events: Event) -> None:
        """Compare *events* with the recorded ones."""
        for event in events:
            if isinstance(event, TurnTaken):
                self._refuse_unused(self._was.of_turn.get((event.state, event.visit), ()))
                self._settle(event)
                self.apply(event)
                self._over += 1
                self._change()
                continue
            if isinstance(event, RunEnded):
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
        self._change()

    def _change(self) -> None:
        """Put on the new record what a person changed here, where a fork left its origin."""
        for changed in self._was.changes.get(self._over, ()):
            self.apply(changed)

    def apply(self, event: Event) -> None:
        """Put *event* on the new record, stamped as the recorded one."""
        last = self.made[-1].at if self.made else 0.0
        at = max(last, self._stamps.get(id(event), last))
        recorded = Recorded(len(self.made) + 1, at, event, self.journal.run)
        self.made.append(recorded)
        self.fold.apply(recorded)

    def _settle(self, event: TurnTaken | RunEnded) -> None:
        """Hold a turn, or the end, against the recorded one.  Their stamps are the same."""
        if not self._was.following:
            raise Stopped(None)
        recorded = self._was.following.pop()
        self._stamps[id(event)] = self._stamps.get(id(recorded), 0.0)
        now = event if self.match == "strict" else _at_the_cost_of(recorded, event)
        if recorded == now:
            return
        raise Stopped(self.differing.turn(self.fold, recorded, event))

    def _refuse_unused(self, keys: Iterable[Key]) -> None:
        unused = [key for key in keys if key not in self._used]
        if unused:
            answer = self._was.answers[unused[0]]
            op = made_of(answer).op
            raise Stopped(self.differing.unused(self.fold, unused[0], op, len(unused) - 1))

    def finish(self) -> None:
        """Refuse what the recording still holds, once the run is over."""
        left = self._was.following
        if left:
            raise Stopped(self.differing.left(self.fold, left[-1], len(left)))
        self._refuse_unused(self._was.answers)

    @property
    def left(self) -> int:
        """How many recorded turns were not taken again."""
        return sum(isinstance(one, TurnTaken) for one in self._was.following)

    def _pause(self, event: RunPaused) -> None:
        """A pause that follows from the flow alone must be the recorded one."""
        last = self.journal.events[-1].event if self.journal.events else None
        stop = event.stop
        if stop.kind not in {"stuck", "failed", "budget"}:
            return
        if isinstance(last, RunPaused) and not self._was.following:
            same = (stop.kind, stop.state, stop.which, stop.tried)
            if same == (last.stop.kind, last.stop.state, last.stop.which, last.stop.tried):
                turn = (self.fold.state, self.fold.visit)
                self._refuse_unused(self._was.of_turn.get(turn, ()))
                return
            raise Stopped(self.differing.stop(self.fold, last.stop, stop))
        if not self._was.following and last is not None and not _is_end(last):
            raise Stopped(None)
        raise Stopped(self.differing.stop(self.fold, self._went_on(), stop))

    def _went_on(self) -> TurnTaken | Stop | None:
        """Return how the recorded run went on from here."""
        following = self._was.following[-1] if self._was.following else None
        if isinstance(following, RunEnded):
            return following.stop
        return following if isinstance(following, TurnTaken) else None

    def _compare(self, effect: Effect, answer: Answer) -> None:
        if isinstance(answer, HumanAnswered | ChildEnded):
            return
        call, scene = effect.call, self.scene
        if answer.op != call.op:
            asked = asked_now(effect.key, call.op, self.redactor.json(call.args), scene)
            raise Stopped(self.differing.other(self.fold, answer.op, asked))
        if answer.args != call.args:
            self._hold(effect.key, call.op, answer.args, self.redactor.json(call.args))
        self._agreed = len(scene.turn.view.transcript)

    def _hold(self, key: Key, op: str, before: Json, now: Json) -> None:
        """Hold what is asked *now* against what was *before*.

        Raises:
            Stopped: it is another request, and what was chosen does not let it pass.
        """
        if self.match == "state" or canonical_json(before) == canonical_json(now):
            return
        recorded = asked_before(key, op, before, self.differing.before, self.scene)
        asked = asked_now(key, op, now, self.scene)
        try:
            passes = matches(self.match, recorded, asked)
        except Exception as error:
            told = self.differing.unmatched(self.fold, asked, error)
            raise Stopped(told) from error
        if not passes:
            heard = self.scene.turn.view.transcript
            told = self.differing.request(self.fold, recorded, asked, heard, self._agreed)
            raise Stopped(told)

    def _begin(self, effect: Effect) -> None:
        """Put on the new record that *effect* began, where the old one says so."""
        if effect.call.op == "human.ask":
            self._ask(effect)
            return
        begun = self._was.begun.get(effect.key)
        if isinstance(begun, EffectBegun) and effect.key not in self._used:
            self.apply(begun)

    def _ask(self, effect: Effect) -> None:
        """Put the question on the new record; a changed one is a changed request."""
        before = self._was.begun.get(effect.key)
        if before is None and effect.key in self._was.answers:
            return  # it was too late to ask
        due = before.due if isinstance(before, HumanAsked) else None
        asked = question_of(effect, self.redactor.json, due)
        if isinstance(before, HumanAsked) and before != asked:
            old, new = (_question(one) for one in (before, asked))
            self._hold(effect.key, "human.ask", old, new)
        self.apply(asked)

    def _compare_given(self, key: Key, before: Beginning | None, args: Json) -> None:
        if isinstance(before, ChildStarted) and before.args != args:
            self._hold(key, "child", before.args, args)

    def _missing(self, key: Key, op: str, args: Json) -> ReplayDivergence | None:
        if not self._was.following:
            return None  # the recorded run was cut off here
        return self.differing.missing(self.fold, asked_now(key, op, args, self.scene))

    def place(self) -> str:
        """Return where the replay stands, in words."""
        return self.differing.place(self.fold)


def _question(asked: HumanAsked) -> dict[str, Json]:
    """Return *asked* as it is compared: when it is too late is no part of it."""
    told = event_json(asked)
    return {name: told[name] for name in ("text", "options", "form", "default") if name in told}


def _at_the_cost_of(recorded: TurnTaken | RunEnded, now: TurnTaken | RunEnded) -> Event:
    """Return *now* as if it had cost what was recorded: another request may cost otherwise."""
    if isinstance(recorded, TurnTaken) and isinstance(now, TurnTaken):
        return replace(now, usage=recorded.usage)
    return now


def _is_end(event: Event) -> bool:
    """Tell whether the flow came to its end with *event*."""
    return isinstance(event, RunEnded) and not is_cancelled(event)
