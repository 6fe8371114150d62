"""One thread that works through jobs, for any number of event loops."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Job", "Writer"]

IDLE_S = 0.5
"""The thread ends when it had nothing to do for so long [s], so that no exit waits for it."""


@dataclass(slots=True, eq=False)
class Job:
    """Work that somebody awaits in an event loop."""

    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """Answer whoever waits, in their own loop; nobody does once they are cancelled."""
        if self.future.done():
            return
        if isinstance(self.error, StopIteration):  # which no future can hold
            self.future.set_exception(RuntimeError(repr(self.error)))
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Writer:
    """Takes jobs from any thread, and serves all that wait as one batch."""

    def __init__(
        self,
        name: str,
        serve: Callable[[Sequence[Job]], None],
        serve_here: Callable[[Job], bool],
    ) -> None:
        """Let *serve* set the value or the error of each job it is given, in the thread.

        *serve_here* does that for a lone job in its event loop, or returns False.
        """
        self._name = name
        self._serve = serve
        self._serve_here = serve_here
        self._soon: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def soon(self, job: Job) -> Any:  # noqa: ANN401 - the caller knows its job
        """Serve *job* together with whatever else is ready to run in its event loop now."""
        loop = job.future.get_loop()
        waiting = self._soon.get(loop)
        if waiting is None:
            self._soon[loop] = [job]
            loop.call_soon(self._flush, loop)
        else:
            waiting.append(job)
        return await job.future

    async def behind(self, job: Job) -> Any:  # noqa: ANN401 - the caller knows its job
        """Serve *job* in the thread, behind all that its event loop asked for before."""
        self._flush(job.future.get_loop())
        self._submit([job])
        return await job.future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = [job for job in self._soon.pop(loop, ()) if not job.future.done()]
        if len(jobs) == 1 and self._serve_here(jobs[0]):
            jobs[0].settle()
        elif jobs:
            self._submit(jobs)

    def _submit(self, jobs: Sequence[Job]) -> None:
        with self._lock:  # else the thread could end between our look and our put
            for job in jobs:
                self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=False)
                self._thread.start()

    def join(self) -> None:
        """Wait until the thread has served what it was handed, and has ended."""
        with self._lock:
            thread = self._thread
            self._thread = None
            if thread is not None:
                self._jobs.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while waiting := self._wait():
            batch = [job for job in waiting if job is not None]
            try:
                self._serve(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                for job in batch:
                    if job.value is None and job.error is None:
                        job.error = error
            _answer(batch)
            if len(batch) < len(waiting):
                return

    def _wait(self) -> list[Job | None]:
        """Return all that waits, or nothing once it was idle for long."""
        try:
            waiting = [self._jobs.get(timeout=IDLE_S)]
        except queue.Empty:
            with self._lock:
                if self._jobs.empty():
                    self._thread = None
                    return []
            return self._wait()
        with suppress(queue.Empty):
            while True:
                waiting.append(self._jobs.get_nowait())
        return waiting


def _answer(batch: Sequence[Job]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        loops.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.settle()
