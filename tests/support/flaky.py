"""A model that fails before it answers, and a run that asks it, for tests of asking models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stateflow import (
    Assistant,
    FallbackModel,
    FaultError,
    Flow,
    Model,
    Price,
    Result,
    Retry,
    Runner,
    State,
    canonical,
    replay,
    to,
)
from stateflow.engine.door import Delta
from stateflow.journal.event import EffectDone, EffectFailed, Journal
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel

__all__ = ["AT_ONCE", "Flaky", "asking", "effects", "go", "only", "patient", "told"]

AT_ONCE = Retry(attempts=3, wait_s=0.0)
PRICE = Price(input=1.0, output=1.0)


class Flaky(ScriptedModel):
    """Fails with *faults*, one after the other, before it speaks; says half of it each time."""

    def __init__(
        self, *faults: FaultError, says: str | ModelReply = "whole", name: str = "one"
    ) -> None:
        super().__init__([says], name=name, price=PRICE)
        self.faults = list(faults)
        self.requests: list[ModelRequest] = []

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        self.requests.append(request)
        if self.faults:
            on_delta("half")
            raise self.faults.pop(0)
        return await super().complete(request, on_delta=on_delta)


def asking(model: str | Model | FallbackModel, **more: Any) -> Flow:  # noqa: ANN401 - of an assistant
    return Flow("f", State("s", Assistant("a", model, **more), to(None)))


def patient(name: str = "one", retry: Retry = AT_ONCE) -> Model:
    return Model(name, retry=retry)


async def go(flow: Flow, *models: Flaky, deltas: list[Delta] | None = None, **more: Any) -> Result:  # noqa: ANN401 - of a runner
    """Run *flow* with *models*, known by their names; hold the replay against it."""
    ready = {f"of nobody {number}": model for number, model in enumerate(models)}
    async with Runner(models=ready, **more) as runner:
        live = runner.start(flow, "go", run="r")
        async for heard in live:
            if isinstance(heard, Delta) and deltas is not None:
                deltas.append(heard)
        result = await live
        result = replace(result, journal=await runner.journal("r"))
    assert result.journal is not None
    again = await asyncio.to_thread(replay, flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
    assert again.usage == result.usage
    return result


def only(result: Result) -> Any:  # noqa: ANN401 - the one effect, done or failed
    """Return the one effect of the run."""
    assert result.journal is not None
    (effect,) = effects(result.journal)
    return effect


def effects(journal: Journal) -> list[EffectDone | EffectFailed]:
    return [r.event for r in journal.events if isinstance(r.event, EffectDone | EffectFailed)]


def told(effect: EffectDone | EffectFailed) -> list[tuple[str, str]]:
    """Return who failed, and how."""
    return [(attempt.by, attempt.fault.name) for attempt in effect.attempts]
