"""Making one effect: its limit in time, its secrets, and its errors, which become faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

from stateflow.conversation.effect import Call, Effect, Key
from stateflow.conversation.message import Usage
from stateflow.engine.door import OnDelta
from stateflow.engine.environment import Environment
from stateflow.engine.faults import check_json, fault_of
from stateflow.engine.limit import Overdue, within
from stateflow.engine.scene import Operation, Scene, Tally
from stateflow.errors import BadReply, DeadlinePassed, RunError, StoreError, TimedOut
from stateflow.journal.event import EffectDone, EffectFailed
from stateflow.journal.redact import Redactor, Stream

__all__ = ["make"]


async def make(
    effect: Effect,
    scene: Scene,
    environment: Environment,
    on_delta: OnDelta,
    left_s: float | None = None,
) -> EffectDone | EffectFailed:
    """Perform *effect* and return what it came to.

    Args:
        effect: what to make.
        scene: the turn it is made in.
        environment: what is around the run.
        on_delta: hears text as it streams.
        left_s: time until the state must have been left [s]; ``None``: there is no such time.

    Raises:
        RunError: nobody has registered its operation.
        StoreError: what it brought could not be kept.
    """
    call, key = effect.call, effect.key
    clean = environment.redactor
    args = clean.json(call.args) if call.args is not None else None
    operation = _operation(effect, environment)
    limit = _Limit.of(call, scene, left_s)
    tally, ear = scene.tally, None
    if call.op != "agent.reply":  # whose texts do not stream; several at once must not mix
        tally = Tally()
        ear = _Ear(key, tally, clean, on_delta)
        scene = replace(scene, on_delta=ear.hear, tally=tally)
    began = perf_counter()
    try:
        value, usage = await limit.hold(operation, effect, scene, began)
        value = clean.json(value)
        if ear is not None:
            ear.end()
        if value is not None and (call.op != "agent.reply" or len(value) > 1):
            check_json(value, call.op)  # a reply of text alone is known to be sound
    except StoreError:
        raise  # ours, not the effect's; the record could not tell of it either
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the seam: a fault
        _stop_where_asked()
        took = round(perf_counter() - began, 4)
        fault = fault_of(_told(error, call, scene, limit), key)
        fault = replace(fault, text=clean.text(fault.text))
        return EffectFailed(key, call.op, fault, args, tally.usage, took, tally.told(clean))
    took = round(perf_counter() - began, 4)
    if not tally.attempts:
        return EffectDone(key, call.op, value, args, usage, took)
    return EffectDone(key, call.op, value, args, tally.usage + usage, took, tally.told(clean))


def _operation(effect: Effect, environment: Environment) -> Operation:
    operation = environment.operations.get(effect.call.op)
    if operation is None:
        raise RunError(
            f"{effect.key}: unknown operation {effect.call.op!r}; give Runner(operations=...) it"
        )
    return operation


class _Ear:
    """Hears the pieces of an effect's text, and passes them on without secrets."""

    def __init__(self, key: Key, tally: Tally, clean: Redactor, on_delta: OnDelta) -> None:
        self._key = key
        self._tally = tally
        self._clean = clean
        self._on_delta = on_delta
        self._attempt = 0
        self._stream = Stream(clean)

    def hear(self, piece: str) -> None:
        attempt = len(self._tally.attempts) + 1
        if attempt != self._attempt:  # what the last one held back is taken back with the rest
            self._attempt, self._stream = attempt, Stream(self._clean)
        self._tell(self._stream.text(piece))

    def end(self) -> None:
        self._tell(self._stream.rest())

    def _tell(self, text: str) -> None:
        if text:
            self._on_delta(self._key, text, self._attempt)


def _stop_where_asked() -> None:
    """Stop here if the run is to stop, even where the effect's own code went on all the same.

    Raises:
        CancelledError: whoever holds the run wants it stopped.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Limit(NamedTuple):
    """How long an effect may take."""

    seconds: float | None
    deadline: bool
    """It is what the state's deadline leaves, not the effect's own limit."""

    @classmethod
    def of(cls, call: Call, scene: Scene, left_s: float | None) -> _Limit:
        own = call.timeout_s if call.timeout_s is not None else scene.turn.timeout_s
        if left_s is not None and (own is None or left_s < own):
            return cls(left_s, deadline=True)
        return cls(own, deadline=False)

    async def hold(
        self, operation: Operation, effect: Effect, scene: Scene, began: float
    ) -> tuple[Any, Usage]:
        """Return what *operation* comes to in time.

        Raises:
            Overdue: it was cut off, or it was too late to begin.
        """
        if self.deadline and self.seconds == 0:
            raise Overdue
        came_to = await within(self.seconds, operation(effect, scene), began)
        _stop_where_asked()
        return came_to


def _told(error: BaseException, call: Call, scene: Scene, limit: _Limit) -> BaseException:
    """Return *error* in words that say what it was that failed."""
    if isinstance(error, Overdue) and limit.deadline:
        doubt = "" if call.repeat else "; it may have been done all the same"
        what = "nobody answered" if call.op == "human.ask" else f"{call.op} was under way"
        return DeadlinePassed(f"state {scene.turn.state!r} was not left in time: {what}{doubt}")
    if isinstance(error, Overdue):
        doubt = "" if call.repeat else "; it may have been done all the same"
        args: Any = call.args
        what = f"tool {args['tool']!r}" if call.op == "tool.call" else call.op
        return TimedOut(f"{what} of {scene.agent.name!r} took over {limit.seconds:g} s{doubt}")
    if isinstance(error, asyncio.CancelledError):
        who = f"{call.op} of {scene.agent.name!r}"
        return BadReply(f"{who} was cancelled by its own code, not by the run")
    if isinstance(error, RecursionError):
        return BadReply(f"{call.op} came to something nested too deep for a journal")
    return error
