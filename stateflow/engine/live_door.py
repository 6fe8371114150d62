"""The live door: performs and journals.

What the journal holds is never performed again.  What came back is committed before the next
effect begins; the last of a turn shares its transaction with the turn itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from stateflow.conversation.effect import (
    Call,
    ChildResult,
    Effect,
    FaultRaised,
    Given,
    Key,
    Result,
)
from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.engine.deadline import Overdue, within
from stateflow.engine.door import Delta, OnDelta, Parked
from stateflow.engine.faults import (
    Said,
    check_json,
    cleaned,
    fault_of,
    in_doubt,
    result_of,
    same_operation,
)
from stateflow.engine.operations import Operation, Scene
from stateflow.engine.spending import budget_json, left, refusal
from stateflow.errors import Exhausted, RunError, StateflowError, TimedOut
from stateflow.journal.codec import encode
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAsked,
    Recorded,
)
from stateflow.journal.fold import Answer, Fold
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.models.names import ModelPool
from stateflow.stores.base import Store
from stateflow.value import Json

__all__ = ["Control", "Environment", "LiveDoor"]

_ANSWERS = (EffectDone, EffectFailed, ChildEnded)


@dataclass(slots=True)
class Environment:
    """What all runs of a runner share, nested runs included."""

    store: Store
    models: ModelPool
    operations: Mapping[str, Operation]
    redactor: Redactor
    overrides: dict[str, str] | None
    """Models that replace the flow's, by agent."""
    conduct: Callable[[Flow, LiveDoor, Given], Awaitable[Stop]]
    """Begins, or goes on with, a run and takes it to its stop."""


@dataclass(slots=True)
class Control:
    """What the holder of a run wants of it."""

    pausing: bool = False
    publish: Callable[[Recorded | Delta], None] | None = None


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
    source: str | None = None
    scene: Scene = field(init=False)
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
            if known is None:
                fresh = True
            else:
                same_operation(effect, known)
                answers[effect.key.ordinal] = known
        if fresh:
            await self._make_all(effects, answers, on_delta or self._stream)
        return [result_of(answers[effect.key.ordinal]) for effect in effects]

    async def _make_all(
        self, effects: Sequence[Effect], answers: dict[int, Answer], on_delta: OnDelta
    ) -> None:
        if self._held:
            await self.commit()
        if len(effects) == 1 and _is_plain(effects[0].call):
            done = await self._make(effects[0], on_delta)
            answers[done.key.ordinal] = done
            self._held.append(done)
            return
        allowed = self._reserve(effects, answers)
        made, before = self._openings(allowed, answers)
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

    def _openings(
        self, allowed: list[Effect], answers: dict[int, Answer]
    ) -> tuple[list[Effect], list[Event]]:
        """Return what is made here and now, and what has to be on the record before."""
        made: list[Effect] = []
        before: list[Event] = []
        for effect in allowed:
            call = effect.call
            if call.op == "human.ask":
                if effect.key.ordinal not in self.fold.begun:
                    before.append(self._asked(effect))
                continue
            if not call.repeat and effect.key.ordinal in self.fold.begun:
                answers[effect.key.ordinal] = doubt = in_doubt(effect)
                self._held.append(doubt)
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
        spent = self.fold.usage
        for answer in answers.values():
            if isinstance(answer, EffectDone) and answer.usage is not NO_USAGE:
                spent -= answer.usage
        allowed: list[Effect] = []
        for effect in effects:
            call, known = effect.call, answers.get(effect.key.ordinal)
            if known is not None:
                if isinstance(known, EffectDone) and call.ceiling is not NO_USAGE:
                    reserved += self._ceiling(call)
                continue
            if call.ceiling is NO_USAGE:
                allowed.append(effect)
                continue
            ceiling = self._ceiling(call)
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

    def _ceiling(self, call: Call) -> Usage:
        """Return the most that *call* can cost; only here is known what its model charges."""
        ceiling = call.ceiling
        if self.budget.usd is None or call.op != "model.call":
            return ceiling
        args: Any = call.args
        try:
            price = self.environment.models.get(str(args["model"])).price
        except StateflowError:
            return ceiling  # there is no such model, as the call itself will say
        if price is None:
            return replace(ceiling, usd=None)
        return replace(ceiling, usd=price.cost(ceiling.input_tokens, ceiling.output_tokens))

    def _asked(self, effect: Effect) -> HumanAsked:
        args: Any = self.environment.redactor.json(effect.call.args)
        return HumanAsked(effect.key, str(args["text"]), tuple(args.get("options", ())))

    async def _make(self, effect: Effect, on_delta: OnDelta) -> EffectDone | EffectFailed:
        call, key = effect.call, effect.key
        clean = self.environment.redactor
        args = clean.json(call.args) if call.args is not None else None
        operation = self.environment.operations.get(call.op)
        if operation is None:
            raise RunError(f"{key}: unknown operation {call.op!r}; give Runner(operations=...) it")
        limit = call.timeout_s if call.timeout_s is not None else self.scene.turn.timeout_s
        scene = self.scene
        if call.op != "agent.reply":  # whose texts do not stream; several at once must not mix

            def hear(text: str) -> None:
                on_delta(key, clean.text(text))

            scene = replace(scene, on_delta=hear)
        began = perf_counter()
        try:
            value, usage = await within(limit, operation(effect, scene), began)
            value = clean.json(value)
            if value is not None and (call.op != "agent.reply" or len(value) > 1):
                check_json(value, call.op)  # a reply of text alone is known to be sound
        except Exception as error:  # noqa: BLE001 - the seam: any error of an effect is a fault
            took = round(perf_counter() - began, 4)
            if isinstance(error, Overdue):
                error = TimedOut(f"{call.op} of {self.scene.agent.name!r} took over {limit:g} s")
            fault = fault_of(error, key)
            fault = replace(fault, text=clean.text(fault.text))
            return EffectFailed(key, call.op, fault, args, seconds=took)
        took = round(perf_counter() - began, 4)
        return EffectDone(key, call.op, value, args, usage, took)

    async def child(self, key: Key, flow: Flow, given: Given, /) -> ChildResult:
        """Run *flow* as a nested run; it is granted what is left."""
        known = self.fold.answers.get(key.ordinal) or self._held_answer(key)
        if known is None:
            known = await self._nested(key, flow, given)
            self._held.append(known)
        if not isinstance(known, ChildEnded):
            raise RunError(f"{key}: the journal holds no nested run here; the flow has changed")
        if known.result is None:
            raise FaultRaised(known.fault or Fault("ChildFailed", ordinal=key.ordinal))
        return known.result

    async def _nested(self, key: Key, flow: Flow, given: Given) -> ChildEnded:
        if self.depth + 1 > self.budget.depth:
            text = f"nested run {flow.name!r} would be {self.depth + 1} deep; the budget allows "
            fault = fault_of(Exhausted("depth", f"{text}{self.budget.depth}"), key)
            return ChildEnded(key, fault=fault)
        await self.commit()
        grant = left(self.budget, self.fold)
        if key.ordinal not in self.fold.begun:
            args: Json = {"task": given.task, "data": given.data}
            args = self.environment.redactor.json(args)
            await self.commit(ChildStarted(key, flow.name, args, budget_json(grant)))
        door = LiveDoor(
            run=f"{self.run}/{key}",
            environment=self.environment,
            control=self.control,
            budget=grant,
            depth=self.depth + 1,
            path=f"{self.path}{key}/",
        )
        stop = await self.environment.conduct(flow, door, given)
        return child_ended(key, stop, door.fold)

    def answers(self) -> Mapping[int, Answer]:
        """Return what the open turn's effects came to, those held back included."""
        if not self._held:
            return self.fold.answers
        held = {e.key.ordinal: e for e in self._held if isinstance(e, _ANSWERS)}
        return {**self.fold.answers, **held} if self.fold.answers else held

    def clean(self, value: Said, /) -> Said:
        """Return a message or a fault as it may be journaled."""
        return cleaned(value, self.environment.redactor)

    def _held_answer(self, key: Key) -> Answer | None:
        for event in self._held:
            if isinstance(event, _ANSWERS) and event.key == key:
                return event
        return None

    def _stream(self, key: Key, text: str) -> None:
        if self.control.publish is not None:
            self.control.publish(Delta(self.run, key, text))


def _is_plain(call: Call) -> bool:
    """Tell whether *call* costs nothing, can be repeated, and asks nobody."""
    return call.ceiling is NO_USAGE and call.repeat and call.op != "human.ask"


def child_ended(key: Key, stop: Stop, fold: Fold) -> ChildEnded:
    """Return what a nested run came to, for its parent.

    Raises:
        Parked: it waits or was paused, so its parent does too.
    """
    if stop.kind in {"waiting", "paused"}:
        raise Parked(stop.questions)
    if stop.kind in {"done", "final"}:
        ended = stop.state if stop.kind == "final" else "done"
        text = fold.transcript.last.text
        result = ChildResult(text, ended, stop.ok, fold.usage, fold.turns)
        return ChildEnded(key, result, usage=fold.usage, turns=fold.turns)
    kinds = ("RunError", "StateflowError")
    fault = Fault("ChildFailed", f"nested run stopped: {stop}", kinds, key.ordinal)
    return ChildEnded(key, fault=fault, usage=fold.usage, turns=fold.turns)
