"""Asking a model: its retries, its fallbacks, the cache of replies, and the bill.

A try that failed and was followed by another is told in the journal, with how long we waited;
the effect itself is one.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from stateflow.agents.sight import summary_model
from stateflow.conversation.effect import Attempt, Effect
from stateflow.conversation.message import NO_USAGE, Usage, usage_json
from stateflow.engine.faults import fault_of
from stateflow.engine.pricing import asker_of, price_for, priced
from stateflow.engine.scene import Scene, deaf
from stateflow.errors import FaultError, ModelNotFound, RunError, StoreError
from stateflow.log import debug
from stateflow.models.base import ModelClient, ModelReply, ModelRequest, estimate_tokens
from stateflow.models.cache import request_key
from stateflow.models.gate import check_live
from stateflow.models.model import Model
from stateflow.models.retry import Retry
from stateflow.value import Json

__all__ = ["count_tokens", "model_call"]


async def model_call(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Ask the models of whoever asks, in order, until one answers."""
    asker = asker_of(scene)
    args: Any = effect.call.args
    request = await _with_content(asker.request(scene.turn, args), scene)
    models = asker.asks(scene.turn, args)
    asked_for: object = summary_model(scene.turn, args) or getattr(asker, "model", None)
    passes_on = getattr(asked_for, "on", ())
    if scene.chat is not None or "summarise" in args:
        scene = replace(scene, on_delta=deaf)  # nobody's words
    for position, model in enumerate(models):
        asked = replace(request, model=model.name, settings=model.settings)
        try:
            reply = await _cached(asked, model, scene)
        except FaultError as error:
            fault = fault_of(error)
            if position == len(models) - 1 or not any(fault.is_a(name) for name in passes_on):
                raise
            scene.tally.attempts.append(Attempt(model.name, fault))
            continue
        said = reply.to_json()
        if position:
            said["model"] = model.name
        if "keep" in args:
            said["estimate"] = estimate_tokens(asked)
            said["read"] = reply.usage.input_tokens
        return said, NO_USAGE if reply.cached else reply.usage
    raise AssertionError("a model answers or fails")  # pragma: no cover - there is one at least


async def count_tokens(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Let the provider count the request; ``None`` where it does not count."""
    asker = asker_of(scene)
    request = await _with_content(asker.request(scene.turn, effect.call.args), scene)
    model = asker.asks(scene.turn, effect.call.args)[0]
    client = scene.models.get(model.name)
    asked = replace(request, model=model.name, settings=model.settings)
    return {"tokens": await client.count(asked)}, NO_USAGE


async def _cached(request: ModelRequest, model: Model, scene: Scene) -> ModelReply:
    """Return the reply to *request* from the cache, or from the model."""
    cache = scene.cache
    if cache is None:
        return await _tried(request, model, scene)
    key = request_key(request)
    try:
        known = _known(await cache.get(key))
    except StoreError as error:
        raise RunError(str(error)) from error  # a fault of the turn: the journal is in order
    if known is not None:
        scene.on_delta(known.text)
        return replace(known, cached=True)
    reply = await _tried(request, model, scene)
    entry: Any = {"reply": reply.to_json(), "usage": usage_json(reply.usage)}
    try:
        await cache.put(key, entry if scene.redactor is None else scene.redactor.json(entry))
    except StoreError as error:  # the reply is paid for
        debug("cache.broken", error=str(error))
    return reply


def _known(entry: Any) -> ModelReply | None:  # noqa: ANN401 - JSON that anybody may have written
    """Return the reply that a cache's *entry* holds; ``None``: there is none that we can read."""
    try:
        reply = ModelReply.from_json(entry["reply"], Usage(**entry["usage"]))
    except (AttributeError, KeyError, TypeError):
        return None
    texts: list[object] = [reply.text, reply.reasoning, reply.stop, reply.model, reply.request_id]
    for call in reply.calls:
        texts += [call.id, call.name, call.arguments]
    return reply if all(isinstance(text, str) for text in texts) else None


async def _tried(request: ModelRequest, model: Model, scene: Scene) -> ModelReply:
    """Ask *model*, again where its policy says so."""
    client = _client(model, scene)
    price = price_for(model, scene.models)
    policy = _Policy(model, scene)
    async for attempt in policy.attempts():
        with attempt:
            try:
                reply = await client.complete(request, on_delta=scene.on_delta)
            except FaultError as error:
                if isinstance(error.usage, Usage):
                    scene.tally.usage += priced(error.usage, price)
                raise
            return replace(reply, usage=priced(reply.usage, price))
    raise AssertionError("it answers or fails")  # pragma: no cover - attempts() raises the last


def _client(model: Model, scene: Scene) -> ModelClient:
    """Return who reaches *model*.

    Where its package is not installed, a test is told what it would be told with it.
    """
    try:
        return scene.models.get(model.name)
    except ModelNotFound as error:
        if isinstance(error.__cause__, ImportError):
            check_live(model.name)
        raise


class _Policy:
    """A model's ``Retry`` as tenacity's."""

    def __init__(self, model: Model, scene: Scene) -> None:
        self._name = model.name
        self._retry: Retry = model.retry
        self._tally = scene.tally
        self._wait = wait_exponential_jitter(
            multiplier=model.retry.wait_s, max=model.retry.most_s, jitter=model.retry.wait_s
        )

    def attempts(self) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_after_attempt(self._retry.attempts),
            retry=retry_if_exception(self._again),
            wait=self._seconds,
            before_sleep=self._note,
            sleep=asyncio.sleep,
            reraise=True,
        )

    def _again(self, error: BaseException) -> bool:
        """Tell whether to try again; a server that asks for too long a wait is left alone."""
        if not isinstance(error, FaultError) or not self._retry.takes(fault_of(error)):
            return False
        return error.retry_after_s is None or error.retry_after_s <= self._retry.most_s

    def _seconds(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after_s if isinstance(error, FaultError) else None
        return min(self._wait(state), self._retry.most_s) if asked is None else asked

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if error is not None:
            waited = round(state.upcoming_sleep, 3)
            self._tally.attempts.append(Attempt(self._name, fault_of(error), waited))


async def _with_content(request: ModelRequest, scene: Scene) -> ModelRequest:
    """Return *request* with the content of its files, which only the store has."""
    store = scene.store
    if store is None or not any(message.files for message in request.messages):
        return request
    messages = [
        replace(
            message,
            files=tuple(
                [replace(file, content=await store.file(file.sha256)) for file in message.files]
            ),
        )
        if message.files
        else message
        for message in request.messages
    ]
    return replace(request, messages=tuple(messages))
