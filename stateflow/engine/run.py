"""Shorthands: a runner of one run each."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from stateflow.engine.door import Delta
from stateflow.engine.given import AnyFile
from stateflow.engine.matching import Match
from stateflow.engine.planning import Plan
from stateflow.engine.result import Result, result_from
from stateflow.engine.runner import Live, Runner
from stateflow.journal.event import Journal, Recorded
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.models.base import ModelClient
from stateflow.models.cache import ReplyCache
from stateflow.sandbox.base import Sandbox
from stateflow.stores.base import Store

__all__ = ["fork", "plan", "replay", "resume", "run", "run_sync", "stream"]

T = TypeVar("T")


async def run(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | ModelClient] | None = None,
    budget: Budget | None = None,
    files: Sequence[AnyFile] = (),
    cache: ReplyCache | str | Path | None = None,
    sandboxes: Mapping[str, str | Sandbox] | None = None,
    allow_local: bool = False,
) -> Result:
    """Run *flow* on *task* until it stops.

    Args:
        flow: what may happen.
        task: the first message, said by ``user``.
        data: initial values of the flow's typed data.
        store: where the journal goes; memory if not given.
        models: model for an agent, by the agent's name.
        budget: limits that replace the flow's.
        files: images and documents of the task, such as ``"plan.png"`` or ``attach("plan.png")``.
        cache: keeps replies of models for equal requests: the path of an SQLite file.
        sandboxes: sandbox for an agent that runs code, by the agent's name.
        allow_local: let code run in a sandbox that does not isolate this machine.

    Returns:
        The result; its ``stop`` tells why it stopped.

    Raises:
        DefinitionError: *data*, *files* or *models* do not fit the flow.
        RunError: the budget is in USD, and a price is not known.
        StoreError: the journal could not be written; what was committed before stands.
    """
    async with Runner(
        store=store, models=models, cache=cache, sandboxes=sandboxes, allow_local=allow_local
    ) as runner:
        live = runner.start(flow, task, data=data, budget=budget, files=files)
        return await _finished(runner, live)


async def resume(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    run: str,
    *,
    store: Store | str | Path,
    answer: str | None = None,
    answers: Mapping[str, object] | None = None,
    rename: Mapping[str, str] | None = None,
    models: Mapping[str, str | ModelClient] | None = None,
    budget: Budget | None = None,
    cache: ReplyCache | str | Path | None = None,
    sandboxes: Mapping[str, str | Sandbox] | None = None,
    allow_local: bool = False,
) -> Result:
    """Go on with *run* from its journal, as :meth:`Runner.resume` does."""
    async with Runner(
        store=store, models=models, cache=cache, sandboxes=sandboxes, allow_local=allow_local
    ) as runner:
        live = runner.resume(
            flow, run, answer=answer, answers=answers, budget=budget, rename=rename
        )
        return await _finished(runner, live)


async def plan(
    flow: Flow,
    run: str,
    *,
    store: Store | str | Path,
    rename: Mapping[str, str] | None = None,
) -> Plan:
    """Return what resuming *run* would do, as :meth:`Runner.plan` does; nothing is written."""
    async with Runner(store=store) as runner:
        return await runner.plan(flow, run, rename=rename)


async def fork(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    run: str,
    *,
    at: int,
    store: Store | str | Path,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the word for it
    reply: str | None = None,
    models: Mapping[str, str | ModelClient] | None = None,
    cache: ReplyCache | str | Path | None = None,
    sandboxes: Mapping[str, str | Sandbox] | None = None,
    allow_local: bool = False,
) -> Result:
    """Start a new run that shares the first *at* turns of *run*, and take it to its stop.

    What it goes on with can be changed, as :meth:`Runner.fork` says: fields of the data by *set*,
    and what is said next by *reply*.
    """
    async with Runner(
        store=store, models=models, cache=cache, sandboxes=sandboxes, allow_local=allow_local
    ) as runner:
        live = await runner.fork(flow, run, at=at, set=set, reply=reply)
        return await _finished(runner, live)


async def stream(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | ModelClient] | None = None,
    budget: Budget | None = None,
    files: Sequence[AnyFile] = (),
    cache: ReplyCache | str | Path | None = None,
    sandboxes: Mapping[str, str | Sandbox] | None = None,
    allow_local: bool = False,
) -> AsyncIterator[Recorded | Delta]:
    """Run *flow* and yield what happens: journaled events, and deltas of text."""
    async with Runner(
        store=store, models=models, cache=cache, sandboxes=sandboxes, allow_local=allow_local
    ) as runner:
        live = runner.start(flow, task, data=data, budget=budget, files=files)
        async for event in live:
            yield event
        await live


def run_sync(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | ModelClient] | None = None,
    budget: Budget | None = None,
    files: Sequence[AnyFile] = (),
    cache: ReplyCache | str | Path | None = None,
    sandboxes: Mapping[str, str | Sandbox] | None = None,
    allow_local: bool = False,
) -> Result:
    """Run *flow* and block until it stops: the same engine, on a thread inside a notebook."""
    return blocking(
        run(
            flow,
            task,
            data=data,
            store=store,
            models=models,
            budget=budget,
            files=files,
            cache=cache,
            sandboxes=sandboxes,
            allow_local=allow_local,
        )
    )


def replay(
    flow: Flow, journal: Journal, *, match: Match = "strict", secrets: Iterable[str] = ()
) -> Result:
    """Repeat a recorded run with no network, and compare.

    Args:
        flow: the flow as it is now.
        journal: what was recorded.
        match: how requests are held against the recorded ones: ``strict``; ``state``, not at all;
            ``whitespace``, but for white space in prompts; or a function of both.
        secrets: what ``Runner(secrets=...)`` was given, beside what the environment names.

    Raises:
        DefinitionError: *match* is no way to match.
        ReplayDivergence: at the first difference, which it tells.
    """
    from stateflow.engine.replaying import replay_journal

    redactor = Redactor.from_environment(os.environ, secrets)
    again = blocking(replay_journal(flow, journal, match=match, redactor=redactor))
    fold = again.fold
    if fold.stop is None:
        fold.stop = Stop("paused", fold.state, "the recorded run was cut off here")
    return result_from(flow, journal.run, fold, again.journal)


async def _finished(runner: Runner, live: Live) -> Result:
    await live
    journal = await runner.journal(live.run)
    return result_from(live.flow, live.run, live.door.fold, journal)


def blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end; on a thread of its own where a loop is running already."""
    results: list[T] = []
    errors: list[BaseException] = []

    async def finish() -> None:  # asyncio writes down what a task returns, however long that is
        results.append(await work)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(finish())
        return results[0]

    def target() -> None:
        try:
            asyncio.run(finish())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=target, name="stateflow-run")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
