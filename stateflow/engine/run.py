"""Shorthands: a runner of one run each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from stateflow.engine.door import Delta
from stateflow.engine.replaying import replay_journal
from stateflow.engine.result import Result, result_from
from stateflow.engine.runner import Live, Runner
from stateflow.journal.event import Journal, Recorded
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.models.base import Model
from stateflow.stores.base import Store

__all__ = ["fork", "replay", "resume", "run", "run_sync", "stream"]

T = TypeVar("T")


async def run(
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | Model] | None = None,
    budget: Budget | None = None,
) -> Result:
    """Run *flow* on *task* until it stops.

    Args:
        flow: what may happen.
        task: the first message, said by ``user``.
        data: initial values of the flow's typed data.
        store: where the journal goes; memory if not given.
        models: model for an agent, by the agent's name.
        budget: limits that replace the flow's.

    Returns:
        The result; its ``stop`` tells why it stopped.

    Raises:
        DefinitionError: *data* does not fit the flow.
        StoreError: the journal could not be written; what was committed before stands.
    """
    async with Runner(store=store, models=models) as runner:
        return await _finished(runner, runner.start(flow, task, data=data, budget=budget))


async def resume(  # noqa: PLR0913 - what can be said of a run
    flow: Flow,
    run: str,
    *,
    store: Store | str | Path,
    answer: str | None = None,
    answers: Mapping[str, str] | None = None,
    models: Mapping[str, str | Model] | None = None,
    budget: Budget | None = None,
) -> Result:
    """Go on with *run* from its journal, as :meth:`Runner.resume` does."""
    async with Runner(store=store, models=models) as runner:
        live = runner.resume(flow, run, answer=answer, answers=answers, budget=budget)
        return await _finished(runner, live)


async def fork(
    flow: Flow,
    run: str,
    *,
    at: int,
    store: Store | str | Path,
    models: Mapping[str, str | Model] | None = None,
) -> Result:
    """Start a new run that shares the first *at* turns of *run*, and take it to its stop."""
    async with Runner(store=store, models=models) as runner:
        return await _finished(runner, await runner.fork(flow, run, at=at))


async def stream(
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | Model] | None = None,
    budget: Budget | None = None,
) -> AsyncIterator[Recorded | Delta]:
    """Run *flow* and yield what happens: journaled events, and deltas of text."""
    async with Runner(store=store, models=models) as runner:
        live = runner.start(flow, task, data=data, budget=budget)
        async for event in live:
            yield event
        await live


def run_sync(
    flow: Flow,
    task: str = "",
    *,
    data: Mapping[str, Any] | BaseModel | None = None,
    store: Store | str | Path | None = None,
    models: Mapping[str, str | Model] | None = None,
    budget: Budget | None = None,
) -> Result:
    """Run *flow* and block until it stops: the same engine, on a thread inside a notebook."""
    return _blocking(run(flow, task, data=data, store=store, models=models, budget=budget))


def replay(flow: Flow, journal: Journal, *, requests: bool = True) -> Result:
    """Repeat a recorded run with no network, and compare.

    Args:
        flow: the flow as it is now.
        journal: what was recorded.
        requests: also hold every request against its recorded print.

    Raises:
        ReplayDivergence: at the first difference, which it tells.
    """
    again = _blocking(replay_journal(flow, journal, requests=requests))
    fold = again.fold
    if fold.stop is None:
        fold.stop = Stop("paused", fold.state, "the recorded run was cut off here")
    return result_from(flow, journal.run, fold, again.journal)


async def _finished(runner: Runner, live: Live) -> Result:
    await live
    journal = await runner.journal(live.run)
    return result_from(live.flow, live.run, live.door.fold, journal)


def _blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end; on a thread of its own where a loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=target, name="stateflow-run")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
