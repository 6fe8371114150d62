"""The runner: owns stores, clients and models, starts runs and takes them up again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from stateflow.conversation.effect import Given
from stateflow.engine.claiming import take_up
from stateflow.engine.conduct import Conductor
from stateflow.engine.due import Due, deadlines
from stateflow.engine.environment import Control, Environment
from stateflow.engine.forking import changed, copy_run, first_turns
from stateflow.engine.given import (
    AnyFile,
    attached,
    check_agents,
    check_begun,
    checked_models,
    overrides_of,
)
from stateflow.engine.live import Live
from stateflow.engine.live_door import LiveDoor
from stateflow.engine.opening import cache_of, new_name, store_of
from stateflow.engine.operations import OPERATIONS
from stateflow.engine.outside import stop_from_outside
from stateflow.engine.planning import Plan, planned
from stateflow.engine.pricing import date_of_prices, refuse_unpriced
from stateflow.engine.sandboxes import Sandboxes
from stateflow.engine.scene import Operation
from stateflow.engine.spending import budget_json, tighter
from stateflow.engine.stepping import first_patch
from stateflow.engine.tape import tape_of
from stateflow.journal.event import (
    Journal,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop
from stateflow.log import debug
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.models.base import ModelClient
from stateflow.models.cache import ReplyCache
from stateflow.models.names import ModelPool
from stateflow.sandbox.base import Sandbox
from stateflow.stores.base import Store

__all__ = ["Live", "Runner"]


class Runner:
    """Starts and resumes runs over one store.

    Args:
        store: a store, the path of an SQLite file, or nothing to keep journals in memory.
        clock: what time it is for a store that is no ready one [s since the epoch].
        models: model for an agent, by the agent's name; a model's name or a ready model.
        secrets: texts that must never reach a journal, beside those the environment names.
        operations: operations beside the registered ones, by name.
        cache: keeps replies of models and gives them again to equal requests: the path of an
            SQLite file, or a cache.
        sandboxes: sandbox for an agent that runs code, by the agent's name.
        allow_local: let code run in a sandbox that does not isolate this machine.

    Example:
        >>> import asyncio
        >>> async def main() -> str:
        ...     async with Runner() as runner:
        ...         return type(runner.store).__name__
        >>> asyncio.run(main())
        'MemoryStore'
    """

    def __init__(  # noqa: PLR0913 - all are keywords with defaults
        self,
        *,
        store: Store | str | Path | None = None,
        clock: Callable[[], float] | None = None,
        models: Mapping[str, str | ModelClient] | None = None,
        secrets: Iterable[str] = (),
        operations: Mapping[str, Operation] | None = None,
        cache: ReplyCache | str | Path | None = None,
        sandboxes: Mapping[str, str | Sandbox] | None = None,
        allow_local: bool = False,
    ) -> None:
        """Open nothing yet."""
        self.store = store_of(store, clock)
        self._owns_store = self.store is not store
        self._lives: dict[Live, None] = {}
        self._clean: WeakKeyDictionary[Flow, bool] = WeakKeyDictionary()
        self._given_models = checked_models(models)
        ready = [model for model in self._given_models.values() if not isinstance(model, str)]
        self._models = ModelPool({model.name: model for model in ready})
        self._environment = Environment(
            store=self.store,
            models=self._models,
            operations={**OPERATIONS, **(operations or {})},
            redactor=Redactor.from_environment(os.environ, secrets),
            overrides=overrides_of(self._given_models),
            sandboxes=Sandboxes(sandboxes, allow_local=allow_local),
            conduct=self._conduct,
            cache=cache_of(cache),
        )

    async def __aenter__(self) -> Self:
        """Return the runner."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Pause what still runs; close clients, models, and the store if it is ours."""
        for live in list(self._lives):
            await live.aclose()
        await self._environment.sandboxes.aclose()
        await self._models.aclose()
        if self._environment.cache is not None:
            await self._environment.cache.aclose()
        if self._owns_store:
            await self.store.aclose()

    def start(  # noqa: PLR0913 - what can be said of a run
        self,
        flow: Flow,
        task: str = "",
        *,
        data: Mapping[str, Any] | BaseModel | None = None,
        budget: Budget | None = None,
        files: Sequence[AnyFile] = (),
        run: str | None = None,
        source: str | None = None,
    ) -> Live:
        """Start a run of *flow* on *task*, with *files* such as ``"plan.png"``.

        Raises:
            DefinitionError: *flow* is none, *task* is no text, or *data*, *files* or the agent of a
                model does not fit the flow.
            RunError: the budget is in USD, and a price is not known.
        """
        check_begun(flow, task)
        typed, shown = flow.typed(data), attached(files)
        door = self._door(run or new_name(flow), budget or flow.budget)
        door.source = source
        given = Given(task, typed.model_dump(mode="json") if typed is not None else None)
        limits = None if budget is None else budget_json(budget)
        refuse_unpriced(flow, door.budget, self._models, self._environment.overrides)
        sandboxes = self._environment.sandboxes
        sandboxes.check(flow, sandboxes.overrides)
        door.control.tape = tape_of(flow, door.run, begins=True)

        async def work(held: ExitStack) -> Stop:
            held.callback(await self.store.hold(door.run))
            await door.keep(*shown)
            started = self._started(flow, door, given, limits)
            named = [
                replace(one.at_rest, name=door.environment.redactor.text(one.name)) for one in shown
            ]
            await door.commit(replace(started, files=tuple(named)))
            return await self._go(flow, door)

        return self._live(flow, door, work)

    def resume(
        self,
        flow: Flow,
        run: str,
        *,
        answer: str | None = None,
        answers: Mapping[str, object] | None = None,
        budget: Budget | None = None,
        rename: Mapping[str, str] | None = None,
    ) -> Live:
        """Go on with *run*, from its journal.

        A flow whose table has changed is stepped through the journal first; going on is allowed
        exactly when it takes the same path.  States that were renamed since are told by *rename*,
        ``{"old": "new"}``; those of nested flows by their paths, ``{"ask/old": "ask/new"}``.

        Raises (when awaited):
            UnknownRun: the store has none of that name.
            RunHeld: it is under way, here or in another process; nothing was written.
            AnswerRefused: an answer fits no open question; nothing was written.
            ReplayDivergence: the changed flow would have gone elsewhere; nothing was written.
            RunError: *rename* does not lead from the recorded flow to this one.
        """
        door = self._door(run, budget or flow.budget)

        async def work(held: ExitStack) -> Stop:
            door.run = await self.store.find(door.run)
            door.control.tape = tape_of(flow, door.run, begins=False)
            held.callback(await self.store.hold(door.run))
            await take_up(flow, door, answer, answers or {}, budget, rename)
            return await self._go(flow, door)

        return self._live(flow, door, work)

    async def plan(self, flow: Flow, run: str, *, rename: Mapping[str, str] | None = None) -> Plan:
        """Return what :meth:`resume` would do; nothing is written, and nobody is asked.

        Raises:
            UnknownRun: the store has none of that name.
            RunError: *rename* does not lead from the recorded flow to this one.
        """
        run = await self.store.find(run)
        return await planned(flow, run, self._environment, rename or {})

    def _live(self, flow: Flow, door: LiveDoor, work: Callable[[ExitStack], Any]) -> Live:
        check_agents(flow, self._given_models)
        live = Live(flow, door, work, self.resume)
        self._lives[live] = None
        live.when_over(lambda over: self._lives.pop(over, None))
        return live

    async def fork(
        self,
        flow: Flow,
        run: str,
        *,
        at: int,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - the word for it
        reply: str | None = None,
        name: str | None = None,
    ) -> Live:
        """Start a new run that shares the first *at* turns of *run*.

        Args:
            flow: as it is now.
            run: its origin.
            at: so many turns; less than none counts from the end, -1 are all.
            set: fields of the data that are others from there on; ``"brief.words"`` lies deeper.
            reply: what the next speaker says, who is not asked.
            name: of the fork; else it is given one.

        Raises:
            RunError: the run has fewer turns, the data does not take what is set, or nobody can
                give the reply; nothing was written.
            UnknownRun: the store has none of that name.
        """
        journal = await self.store.journal(run)
        events = first_turns(journal, at)
        turns = sum(isinstance(event, TurnTaken) and event.spoken for event in events)
        events = changed(flow, events, set or {}, reply, self._environment.redactor)
        limits = fold_of(journal.events).budget  # what its last resume allowed it
        if isinstance(events[0], RunStarted) and limits is not None:
            events[0] = replace(events[0], budget=dict(limits))
        fork = name or new_name(flow)
        await copy_run(self.store, fork, events, journal, forked=f"{run}@{turns}")
        return self.resume(flow, fork)

    async def stop(self, run: str, *, pause: bool = False) -> Stop:
        """End *run* for good, or pause it, whoever has it under way; return the stop it has then.

        It needs the store alone, and does not wait for the process that has the run under way.
        That one stops at its next commit; what it did since the last one is lost, as in a crash.
        What this runner has under way is dropped at once.  A run that is to be paused and stands
        still is left as it is.

        Raises:
            UnknownRun: the store has none of that name.
            RunError: it is over; nothing was written.
        """
        run = await self.store.find(run)
        stop = await stop_from_outside(self.store, run, pause=pause)
        ours = [live for live in self._lives if live.run == run]
        for live in ours:
            live.stop()
        if not ours and not stop.resumable:
            await self._environment.sandboxes.close(run)  # kept open while it waited
        return stop

    async def due(self) -> list[Due]:
        """Return the questions of waiting runs that have a deadline, the earliest first.

        ``resume`` without an answer goes on with a run one of whose deadlines has passed.
        """
        return await deadlines(self.store)

    async def journal(self, run: str) -> Journal:
        """Return everything *run* left behind."""
        return await self.store.journal(run)

    def _door(self, run: str, budget: Budget) -> LiveDoor:
        return LiveDoor(run, self._environment, Control(), budget)

    def _started(self, flow: Flow, door: LiveDoor, given: Given, limits: Any) -> RunStarted:  # noqa: ANN401 - JSON
        clean = self._environment.redactor
        table = flow.table()
        typed = flow.typed(clean.json(given.data)) if flow.data is not None else None
        task = clean.text(given.task)
        return RunStarted(
            flow.name,
            table if self._is_clean(flow) else clean.json(table),
            flow.fingerprint(),
            task,
            typed.model_dump(mode="json") if typed is not None else None,
            limits,
            door.source,
            door.depth,
            models=clean.json(self._environment.overrides),
            prices="" if door.depth else date_of_prices(flow, self._environment.overrides),
            sandboxes=self._environment.sandboxes.overrides,
            patch=first_patch(flow, typed, task, clean.json),
        )

    def _is_clean(self, flow: Flow) -> bool:
        """Tell whether the table of *flow* holds no secret; asked of each flow once."""
        known = self._clean.get(flow)
        if known is None:
            known = self._clean[flow] = self._environment.redactor.leaves(flow.table())
        return known

    async def _go(self, flow: Flow, door: LiveDoor) -> Stop:
        debug("run.started", run=door.run, flow=flow.name)
        waiting = False
        try:
            stop = await Conductor(flow, door, door.budget, self._models).until_stop(door.control)
            waiting = stop.kind == "waiting"
        finally:
            if not waiting:
                await self._environment.sandboxes.close(door.run)
            if not door.depth:
                await door.control.sessions.aclose()
        debug("run.stopped", run=door.run, flow=flow.name, stop=stop.kind)
        return stop

    async def _conduct(self, flow: Flow, door: LiveDoor, given: Given) -> Stop:
        """Begin a nested run, or go on with it."""
        events = await self.store.read(door.run)
        if events:
            door.fold = fold_of(events)
        if door.budget.seconds is not None:  # its parent has counted the time it took before
            seconds = door.budget.seconds + door.fold.elapsed_s
            door.budget = replace(door.budget, seconds=seconds)
        door.budget = tighter(door.budget, flow.budget)
        if not events:
            started = self._started(flow, door, given, budget_json(door.budget))
            if given.files:
                await door.keep(*given.files)
                started = replace(started, files=tuple(one.at_rest for one in given.files))
            await door.commit(started)
        else:
            if door.fold.stop is not None and door.fold.ended:
                return door.fold.stop
            await door.commit(RunResumed(budget_json(door.budget)))
        return await self._go(flow, door)
