"""The live door: performs and journals.

What the journal holds is never performed again.  What came back is committed before the next
effect begins; the last of a turn shares its transaction with the turn itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stateflow.conversation.effect import Call, Effect, Key, Result
from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.engine.branch import Branch, Join
from stateflow.engine.door import Delta, OnDelta, Parked
from stateflow.engine.doubt import confirmed, is_doubtful, was_it_done
from stateflow.engine.environment import Control, Environment
from stateflow.engine.faults import Said, cleaned, fault_of, same_operation, same_question
from stateflow.engine.instead import said_instead
from stateflow.engine.making import make
from stateflow.engine.nested import run_branches
from stateflow.engine.pricing import ceiling_of
from stateflow.engine.recorded import question_of
from stateflow.engine.scene import Scene
from stateflow.engine.spending import granted, refusal
from stateflow.engine.tape import apart, taped
from stateflow.errors import RunError
from stateflow.journal.codec import encode
from stateflow.journal.event import (
    ChildEnded,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Recorded,
)
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.said import Answer, result_of
from stateflow.machine.budget import Budget
from stateflow.value import Json

__all__ = ["LiveDoor"]

_ANSWERS = (EffectDone, EffectFailed, ChildEnded)


@dataclass(slots=True)
class LiveDoor:
    """Performs and journals."""

    run: str
    environment: Environment
    control: Control
    budget: Budget
    fold: Fold = field(default_factory=Fold)
    depth: int = 0
    path: str = ""
    """Keys from the root run down to this one, each with a ``/`` behind."""
    due: float | None = None
    """When the present state must have been left [s since the epoch]; ``None``: never."""
    due_above: float | None = None
    """The same of the states around this nested run."""
    source: str | None = None
    scene: Scene = field(init=False, repr=False)
    _held: list[Event] = field(default_factory=list[Event])
    _writing: Sequence[Event] = ()

    async def commit(self, *events: Event) -> None:
        """Append what is held back and *events* as one transaction."""
        batch = [*self._held, *events]
        if not batch:
            return
        self._writing = batch
        recorded = await self.environment.store.append(self.run, after=self.fold.seq, events=batch)
        self._written(recorded)

    def _written(self, recorded: Sequence[Recorded]) -> None:
        self._held.clear()
        publish = self.control.publish
        for one in recorded:
            self.fold.apply(one)
            if publish is not None:
                publish(one)

    async def reload(self) -> Fold:
        """Stand where the store stands: a commit that was cut off may be written all the same.

        What somebody else wrote is left alone, so that the next commit tells of it.
        """
        written = (await self.environment.store.read(self.run))[self.fold.seq :]
        if written and [encode(one.event) for one in written] == list(map(encode, self._writing)):
            self._written(written)
        return self.fold

    async def perform(
        self, effects: Sequence[Effect], /, *, on_delta: OnDelta | None = None
    ) -> Sequence[Result]:
        """Make those of *effects* that the journal does not hold."""
        answers: dict[int, Answer] = {}
        fresh = False
        for effect in effects:
            known = self.fold.answers.get(effect.key.ordinal)
            if known is None and self._held:
                known = self._held_answer(effect.key)
            if isinstance(known, HumanAnswered):
                if self._was_in_doubt(effect):
                    known = self._settled(effect, known)
                else:
                    same_question(effect, self.fold.begun.get(effect.key.ordinal), self.redact)
            if known is None:
                fresh = True
            else:
                same_operation(effect, known)
                answers[effect.key.ordinal] = known
        if fresh:
            await self._make_all(effects, answers, on_delta or self._stream)
        return [result_of(answers[effect.key.ordinal]) for effect in effects]

    def _was_in_doubt(self, effect: Effect) -> bool:
        """Tell whether the question that was asked in the place of *effect* was about it."""
        asked = self.fold.begun.get(effect.key.ordinal)
        return is_doubtful(effect) and asked == was_it_done(effect, self.environment.redactor)

    def _settled(self, effect: Effect, answer: HumanAnswered) -> EffectDone | None:
        """Return what a person said *effect* came to; ``None``: it was not done."""
        done = confirmed(effect, answer.answer, self.environment.redactor)
        if done is not None:
            self._held.append(done)
        return done

    async def _make_all(
        self, effects: Sequence[Effect], answers: dict[int, Answer], on_delta: OnDelta
    ) -> None:
        if self._held:
            await self.commit()
        if self.fold.reply is not None and await self._said_instead(effects, answers):
            return
        if len(effects) == 1 and _is_plain(effects[0].call):
            done = await self._make(effects[0], on_delta)
            answers[done.key.ordinal] = done
            self._held.append(done)
            return
        allowed = self._reserve(effects, answers)
        made, before = self._openings(allowed)
        if before:
            await self.commit(*before)
        if len(made) == 1:
            done = await self._make(made[0], on_delta)
            answers[done.key.ordinal] = done
            self._held.append(done)
        elif made:
            await self._make_together(made, answers, on_delta)
        if len(answers) < len(effects):  # the others are questions
            await self.commit()
            raise Parked(self.fold.questions(self.path))

    async def _said_instead(self, effects: Sequence[Effect], answers: dict[int, Answer]) -> bool:
        """Let a person's reply be what the next speaker says, if that is asked for here."""
        effect, *others = effects
        if others:
            return False
        asked = self._asked(effect) if effect.call.op == "human.ask" else None
        args = None if effect.call.args is None else self.redact(effect.call.args)
        told = said_instead(self.fold, self.fold.answers.values(), effect, args, asked)
        if told is None:
            return False
        answers[effect.key.ordinal] = told
        if asked is None:
            self._held.append(told)
        else:
            await self.commit(asked, told)
        return True

    def _openings(self, allowed: list[Effect]) -> tuple[list[Effect], list[Event]]:
        """Return what is made here and now, and what has to be on the record before."""
        made: list[Effect] = []
        before: list[Event] = []
        for effect in allowed:
            call, ordinal = effect.call, effect.key.ordinal
            if call.op == "human.ask":
                if self._is_late(ordinal):
                    made.append(effect)
                elif ordinal not in self.fold.begun:
                    before.append(self._asked(effect))
                continue
            if not call.repeat and ordinal in self.fold.begun and ordinal not in self.fold.answers:
                if not self._was_in_doubt(effect):
                    before.append(was_it_done(effect, self.environment.redactor))
                continue
            made.append(effect)
            if not call.repeat:
                args = self.environment.redactor.json(call.args)
                before.append(EffectBegun(effect.key, call.op, args))
        return made, before

    async def _make_together(
        self, made: list[Effect], answers: dict[int, Answer], on_delta: OnDelta
    ) -> None:
        """Make several effects at once; each is committed when it is done."""
        finished: asyncio.Queue[EffectDone | EffectFailed] = asyncio.Queue()

        async def make(effect: Effect) -> None:
            finished.put_nowait(await self._make(effect, on_delta))

        try:
            async with asyncio.TaskGroup() as group:
                for effect in made:
                    group.create_task(make(effect), name=str(effect.key))
                for waited_for in range(len(made) - 1, -1, -1):
                    done = await finished.get()
                    answers[done.key.ordinal] = done
                    self._held.append(done)
                    if waited_for:  # the last shares its commit with what comes next
                        await self.commit()
        except BaseExceptionGroup as several:  # the store failed, or somebody stopped the run
            raise several.exceptions[0] from None

    def _reserve(self, effects: Sequence[Effect], answers: dict[int, Answer]) -> list[Effect]:
        """Reserve each effect's ceiling in order; those refused are answered here.

        What an earlier life made of the batch is reserved again, not counted as spent, so that
        no refusal depends on where that life ended.
        """
        reserved: Usage = NO_USAGE
        spent = self.fold.spent
        for answer in answers.values():
            if isinstance(answer, EffectDone) and answer.usage is not NO_USAGE:
                spent -= answer.usage
        allowed: list[Effect] = []
        for effect in effects:
            call, known = effect.call, answers.get(effect.key.ordinal)
            if known is not None:
                if isinstance(known, EffectDone) and call.ceiling is not NO_USAGE:
                    reserved += self._ceiling(effect)
                continue
            if call.ceiling is NO_USAGE:
                allowed.append(effect)
                continue
            ceiling = self._ceiling(effect)
            refused = refusal(self.budget, spent, reserved, ceiling)
            if refused is None:
                reserved += ceiling
                allowed.append(effect)
                continue
            args = self.environment.redactor.json(call.args)
            failed = EffectFailed(effect.key, call.op, fault_of(refused, effect.key), args)
            answers[effect.key.ordinal] = failed
            self._held.append(failed)
        return allowed

    def _ceiling(self, effect: Effect) -> Usage:
        return ceiling_of(effect, self.scene, self.budget)

    async def _make(self, effect: Effect, on_delta: OnDelta) -> EffectDone | EffectFailed:
        scene, environment = self.scene, self.environment
        if effect.call.op != "agent.reply":  # which keeps its files by the door
            scene.store, scene.cache = environment.store, environment.cache
            scene.sessions, scene.redactor = self.control.sessions, environment.redactor
            scene.sandboxes, scene.run = environment.sandboxes, self.run
        left_s = 0.0 if effect.call.op == "human.ask" else self.time_left()
        if self.control.tape is None:
            return await make(effect, scene, environment, on_delta, left_s)
        args = environment.redactor.json(effect.call.args)
        known = await self.control.tape.answer(self, effect, args)
        if known is not None:
            return taped(known, effect, args, on_delta)
        with apart():
            return await make(effect, scene, environment, on_delta, left_s)

    def _asked(self, effect: Effect) -> HumanAsked:
        return question_of(effect, self.environment.redactor.json, self._due())

    def _is_late(self, ordinal: int) -> bool:
        """Tell whether it is too late to answer the question *ordinal*, asked before or now."""
        asked = self.fold.begun.get(ordinal)
        due = asked.due if isinstance(asked, HumanAsked) else self._due()
        return due is not None and self.environment.store.now() >= due

    async def children(self, branches: Sequence[Branch], join: Join, /) -> Mapping[int, ChildEnded]:
        """Run *branches* as nested runs, those at once that the journal does not hold."""
        if self._held:
            await self.commit()
        grant = granted(self.budget, self.fold, branches[0].key.ordinal, len(branches))
        ended = await run_branches(self, branches, join, grant)
        return {ordinal: _nested_run(one) for ordinal, one in ended.items()}

    def below(self, key: Key, grant: Budget) -> LiveDoor:
        """Return the door of the nested run at *key*."""
        return LiveDoor(
            run=f"{self.run}/{key}",
            environment=self.environment,
            control=self.control,
            budget=grant,
            depth=self.depth + 1,
            path=f"{self.path}{key}/",
            due_above=self._due(),
        )

    async def heard(self, key: Key, /) -> Transcript:
        """Return what was said in the nested run at *key*."""
        return fold_of(await self.environment.store.read(f"{self.run}/{key}")).transcript

    def hold(self, ended: ChildEnded) -> None:
        """Hold back what a nested run came to until the next commit."""
        self._held.append(ended)

    def _due(self) -> float | None:
        """Return when it is too late for the present turn [s since the epoch]."""
        return min((due for due in (self.due, self.due_above) if due is not None), default=None)

    def time_left(self) -> float | None:
        """Return how much time the present state has left [s]; ``None``: all it needs."""
        return None if self.due is None else max(0.0, self.due - self.environment.store.now())

    async def keep(self, *files: File) -> None:
        """Put the content of *files* into the store, once."""
        for file in files:
            if file.content is not None:
                await self.environment.store.put_file(file.sha256, file.content)

    def answers(self) -> Mapping[int, Answer]:
        """Return what the open turn's effects came to, those held back included."""
        if not self._held:
            return self.fold.answers
        held = {e.key.ordinal: e for e in self._held if isinstance(e, _ANSWERS)}
        return {**self.fold.answers, **held} if self.fold.answers else held

    def redact(self, value: Json, /) -> Json:
        """Return *value* as it may be journaled."""
        redacted: Json = self.environment.redactor.json(value)
        return redacted

    def clean(self, value: Said, /) -> Said:
        """Return a message or a fault as it may be journaled."""
        return cleaned(value, self.environment.redactor)

    def _held_answer(self, key: Key) -> Answer | None:
        for event in self._held:
            if isinstance(event, _ANSWERS) and event.key == key:
                return event
        return None

    def _stream(self, key: Key, text: str, attempt: int) -> None:
        if self.control.publish is not None:
            self.control.publish(Delta(self.run, key, text, attempt))


def _is_plain(call: Call) -> bool:
    """Tell whether *call* costs nothing, can be repeated, and asks nobody."""
    return call.ceiling is NO_USAGE and call.repeat and call.op != "human.ask"


def _nested_run(answer: Answer) -> ChildEnded:
    if isinstance(answer, ChildEnded):
        return answer
    raise RunError(
        f"{answer.key}: the journal holds no nested run here; the flow has changed since. Fork the "
        "run at its last whole turn"
    )
