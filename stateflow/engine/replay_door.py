"""The door of a replay: answers from the journal, and compares what is asked with what was.

It never performs.  The first difference ends the replay, and so does the end of the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from stateflow.conversation.effect import Effect, Key, Question, Result
from stateflow.conversation.file import File
from stateflow.conversation.transcript import Transcript
from stateflow.engine.branch import Branch, Join, given_json
from stateflow.engine.differing import Differing
from stateflow.engine.door import OnDelta, Parked
from stateflow.engine.drifting import recorded_prompts
from stateflow.engine.faults import Said, cleaned
from stateflow.engine.matching import Asked, Match, matches
from stateflow.engine.recorded import Stopped, changes_of, is_cancelled, question_of, stamps_of
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
    RunChanged,
    RunEnded,
    RunPaused,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import Fold, open_answers
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.journal.said import Answer, made_of, result_of
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.value import Json, canonical_json

if TYPE_CHECKING:
    from stateflow.engine.replaying import Replay

__all__ = ["Repeat", "ReplayDoor", "Stopped"]

Repeat: TypeAlias = "Callable[[Flow, Journal, str], Awaitable[Replay]]"
Beginning: TypeAlias = EffectBegun | ChildStarted | HumanAsked
_BEGINNINGS = (EffectBegun, ChildStarted, HumanAsked)


@dataclass(slots=True)
class ReplayDoor:
    """Answers from the journal, and compares."""

    flow: Flow
    journal: Journal
    match: Match
    """How requests are held against the recorded ones."""
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
    differing: Differing = field(init=False)
    """Tells the first difference."""
    _expected: list[TurnTaken | RunEnded] = field(default_factory=list[TurnTaken | RunEnded])
    _recorded: dict[Key, Answer] = field(default_factory=dict[Key, Answer])
    _begun: dict[Key, Beginning] = field(default_factory=dict[Key, Beginning])
    _of_turn: dict[tuple[str, int], list[Key]] = field(
        default_factory=dict[tuple[str, int], list[Key]]
    )
    _stamps: dict[int, float] = field(default_factory=dict[int, float])
    _used: set[Key] = field(default_factory=set[Key])
    _changes: dict[int, list[RunChanged]] = field(default_factory=dict[int, list[RunChanged]])
    """What a person changed, by the turns that were over."""
    _over: int = 0
    _agreed: int = 0
    """How much of what was said was as recorded, when a request last told [messages]."""

    def __post_init__(self) -> None:
        """Index the journal by key."""
        started = self.journal.events[0].event
        before = started.table if isinstance(started, RunStarted) else {}
        self.differing = Differing(before, self.redactor.json(self.flow.table()), self.path)
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
        self._changes = changes_of(events)

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
            args = self.redactor.json(given_json(branches[0].given))
            raise Stopped(self._missing(branches[0].key, "child", args))
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
            if isinstance(event, TurnTaken):
                self._over += 1
                self._change()

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
        for changed in self._changes.get(self._over, ()):
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
        if isinstance(event, TurnTaken):
            self._refuse_unused(self._of_turn.get((event.state, event.visit), ()))
        if not self._expected:
            raise Stopped(None)
        recorded = self._expected.pop()
        self._stamps[id(event)] = self._stamps.get(id(recorded), 0.0)
        now = event if self.match == "strict" else _at_the_cost_of(recorded, event)
        if recorded == now:
            return
        raise Stopped(self.differing.turn(self.fold, recorded, event))

    def _refuse_unused(self, keys: Iterable[Key]) -> None:
        unused = [key for key in keys if key not in self._used]
        if unused:
            answer = self._recorded[unused[0]]
            op = made_of(answer).op
            raise Stopped(self.differing.unused(self.fold, unused[0], op, len(unused) - 1))

    def finish(self) -> None:
        """Refuse what the recording still holds, once the run is over."""
        if self._expected:
            raise Stopped(self.differing.left(self.fold, self._expected[-1], len(self._expected)))
        self._refuse_unused(self._recorded)

    @property
    def left(self) -> int:
        """How many recorded turns were not taken again."""
        return sum(isinstance(one, TurnTaken) for one in self._expected)

    def _pause(self, event: RunPaused) -> None:
        """A pause that follows from the flow alone must be the recorded one."""
        last = self.journal.events[-1].event if self.journal.events else None
        stop = event.stop
        if stop.kind not in {"stuck", "failed", "budget"}:
            return
        if isinstance(last, RunPaused) and not self._expected:
            same = (stop.kind, stop.state, stop.which, stop.tried)
            if same == (last.stop.kind, last.stop.state, last.stop.which, last.stop.tried):
                turn = (self.fold.state, self.fold.visit)
                self._refuse_unused(self._of_turn.get(turn, ()))
                return
            raise Stopped(self.differing.stop(self.fold, last.stop, stop))
        if not self._expected and last is not None and not _is_end(last):
            raise Stopped(None)
        raise Stopped(self.differing.stop(self.fold, self._went_on(), stop))

    def _went_on(self) -> TurnTaken | Stop | None:
        """Return how the recorded run went on from here."""
        following = self._expected[-1] if self._expected else None
        if isinstance(following, RunEnded):
            return following.stop
        return following if isinstance(following, TurnTaken) else None

    def _compare(self, effect: Effect, answer: Answer) -> None:
        if isinstance(answer, HumanAnswered | ChildEnded):
            return
        call, scene = effect.call, self.scene
        if answer.op != call.op:
            asked = self._asked(effect.key, call.op, self.redactor.json(call.args))
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
        recorded, asked = self._recorded_ask(key, op, before), self._asked(key, op, now)
        try:
            passes = matches(self.match, recorded, asked)
        except Exception as error:
            told = self.differing.unmatched(self.fold, asked, error)
            raise Stopped(told) from error
        if not passes:
            heard = self.scene.turn.view.transcript
            told = self.differing.request(self.fold, recorded, asked, heard, self._agreed)
            raise Stopped(told)

    def _asked(self, key: Key, op: str, args: Json) -> Asked:
        """Return what is asked for now, with its texts."""
        scene = self.scene
        prompt: object = getattr(scene.agent, "prompt", None)
        told = op == "model.call" and scene.chooser is None and isinstance(prompt, str)
        prompts = (cast("str", prompt), scene.turn.role) if told else None
        return Asked(key, op, args, scene.turn.agent, prompts)

    def _recorded_ask(self, key: Key, op: str, args: Json) -> Asked:
        """Return what was asked for, with its texts where the recording has them."""
        turn = self.scene.turn
        told = op == "model.call" and self.scene.chooser is None
        table = self.differing.before
        prompts = recorded_prompts(args, table, turn.agent, turn.state, turn.role) if told else None
        return Asked(key, op, args, turn.agent, prompts)

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
        if isinstance(before, HumanAsked) and before != asked:
            old, new = (_question(one) for one in (before, asked))
            self._hold(effect.key, "human.ask", old, new)
        self.apply(asked)

    def _compare_given(self, key: Key, before: Beginning | None, args: Json) -> None:
        if isinstance(before, ChildStarted) and before.args != args:
            self._hold(key, "child", before.args, args)

    def _missing(self, key: Key, op: str, args: Json) -> ReplayDivergence | None:
        if not self._expected:
            return None  # the recorded run was cut off here
        return self.differing.missing(self.fold, self._asked(key, op, args))

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
