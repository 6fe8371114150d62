"""A run under way, in the hands of whoever started it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import ExitStack
from typing import Any, cast

from stateflow.engine.door import Delta
from stateflow.engine.live_door import LiveDoor
from stateflow.engine.outside import carry_on, stop_below
from stateflow.engine.result import Result, result_from
from stateflow.errors import RunError, RunTaken
from stateflow.journal.event import Recorded, RunEnded, RunPaused
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow

__all__ = ["Live"]


class Live:
    """A run under way.  Await it for its result; iterate over it for what happens."""

    def __init__(
        self,
        flow: Flow,
        door: LiveDoor,
        work: Callable[[ExitStack], Any],
        resume: Callable[..., Live],
    ) -> None:
        """Begin at once; *resume* goes on once it has stopped."""
        self.flow = flow
        self.door = door
        self._resume = resume
        self._held = ExitStack()
        """What the work holds; let go of before anybody hears that it is over."""
        self._cancelling = False
        self._closing = False
        self._heard: asyncio.Queue[Recorded | Delta | None] = asyncio.Queue()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RunError(
                f"a run of flow {flow.name!r} needs the event loop of asyncio, and none runs here; "
                "await it under asyncio (not trio), or call run_sync"
            ) from None
        self._task: asyncio.Task[Stop] = loop.create_task(self._work(work), name=door.run)

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.door.run

    def pause(self) -> None:
        """Finish the turn, then pause.  The run is resumable."""
        self.door.control.pausing = True

    def answer(
        self, answer: str | None = None, *, answers: Mapping[str, object] | None = None
    ) -> Live:
        """Go on with the answer to the one question that is open, or with several by id.

        Returns:
            The run under way again; await that for its result.

        Raises:
            RunError: it has not stopped yet, so nobody knows what it will ask.
            AnswerRefused (when awaited): an answer fits no open question; nothing was written.
        """
        if not self._task.done():
            raise RunError(f"run {self.run!r} is under way; await it, then answer what it asks")
        return self._resume(self.flow, self.run, answer=answer, answers=answers)

    def stop(self) -> None:
        """Drop the effect under way and pause at once.  The run is resumable."""
        self._cancel()

    def cancel(self) -> None:
        """End the run for good."""
        self._cancelling = True
        self._cancel()

    def _cancel(self) -> None:
        """Cancel the task once it has begun, so that it can always tell of it."""
        self._task.get_loop().call_soon(self._interrupt)

    def _interrupt(self) -> None:
        if not self._closing:  # its stop is being recorded already
            self._task.cancel()

    def listen(self) -> None:
        """Keep what happens from now on, for iteration."""
        self.door.control.publish = self._heard.put_nowait

    async def __aiter__(self) -> AsyncIterator[Recorded | Delta]:
        """Iterate over events and deltas until the run stops."""
        self.listen()
        while (heard := await self._heard.get()) is not None:
            yield heard
        self._heard.put_nowait(None)  # for whoever iterates next

    def __await__(self) -> Generator[Any, None, Result]:
        """Wait for the run to stop, and return its result."""
        return self._result().__await__()

    def when_over(self, tell: Callable[[Live], object]) -> None:
        """Call *tell* with this once the run has stopped."""
        self._task.add_done_callback(lambda _: tell(self))

    async def aclose(self) -> None:
        """Pause at once, and wait until that is on the record.  Nobody asked for a result."""
        self.stop()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()

    async def _result(self) -> Result:
        waiting = asyncio.current_task()
        asked = waiting.cancelling() if waiting is not None else 0
        await self._task
        if waiting is not None and waiting.cancelling() > asked:
            raise asyncio.CancelledError  # of who waits: the run is paused, and so must they be
        return result_from(self.flow, self.run, self.door.fold)

    async def _work(self, work: Callable[[ExitStack], Any]) -> Stop:
        try:
            return await self._worked(work)
        except RunTaken as taken:
            self._closing = True
            if await self._stands(taken):
                return cast("Stop", self.door.fold.stop)
            raise
        finally:
            self._held.close()
            self._heard.put_nowait(None)

    async def _worked(self, work: Callable[[ExitStack], Any]) -> Stop:
        door = self.door
        try:
            stop: Stop = await work(self._held)
        except asyncio.CancelledError:
            self._closing = True
            stop = await self._cut()
        if door.control.tape is not None:
            store = door.environment.store
            await door.control.tape.stopped(await store.journal(self.run), store)
        return stop

    async def _stands(self, taken: RunTaken) -> bool:
        """Stand where the journal stands, if a stop from outside is why we met *taken*."""
        door = self.door
        if door.fold.started is None:
            return False  # it never was ours
        events = await carry_on(door.environment.store, self.run, taken)
        if events is None:
            return False
        fresh = events[door.fold.seq :]
        door.fold = fold_of(events)
        if door.control.publish is not None:
            for recorded in fresh:
                door.control.publish(recorded)
        return True

    async def _cut(self) -> Stop:
        """Record that somebody stopped the run in the middle of a turn."""
        fold = await self.door.reload()  # a commit may have been under way
        if fold.stop is not None and (fold.ended or not self._cancelling):
            return fold.stop
        if fold.started is None:
            raise asyncio.CancelledError
        if self._cancelling:
            stop = Stop("cancelled", fold.state, "cancelled by its owner")
            await self.door.commit(RunEnded(stop))
            await stop_below(self.door.environment.store, self.run, "cancelled", stop.why)
        else:
            stop = Stop("paused", fold.state, "stopped in the middle of a turn")
            await self.door.commit(RunPaused(stop))
        return stop
