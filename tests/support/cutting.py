"""A store that is cut off before or after its k-th append, and a run that goes on all the same."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import NoReturn

from stateflow import Flow, Runner, Stop
from stateflow.conversation.effect import Question
from stateflow.engine.scene import Operation
from stateflow.journal.event import Event, Journal, Recorded
from stateflow.models.base import ModelClient
from stateflow.stores.base import Store, Summary
from stateflow.stores.memory import MemoryStore

RUN = "cut-run"


class Cut(BaseException):
    """The process would be dead now."""


def cut() -> NoReturn:
    """Stand for the death of the process."""
    raise Cut


def kill() -> NoReturn:
    """Die at once: no handler, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class CuttingStore:
    """Passes everything on, until it is cut."""

    def __init__(
        self, inner: Store, at: int, *, before: bool, die: Callable[[], NoReturn] = cut
    ) -> None:
        self.inner = inner
        self.at = at
        self.before = before
        self.die = die
        self.appends = 0

    def now(self) -> float:
        return self.inner.now()

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        self.appends += 1
        if self.appends == self.at and self.before:
            self.die()
        recorded = await self.inner.append(run, after=after, events=events)
        if self.appends == self.at:
            self.die()
        return recorded

    async def read(self, run: str, /) -> list[Recorded]:
        return await self.inner.read(run)

    async def journal(self, run: str, /) -> Journal:
        return await self.inner.journal(run)

    async def find(self, run: str, /) -> str:
        return await self.inner.find(run)

    async def runs(self) -> list[Summary]:
        return await self.inner.runs()

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        await self.inner.put_file(sha256, content)

    async def file(self, sha256: str, /) -> bytes:
        return await self.inner.file(sha256)

    async def hold(self, run: str, /) -> Callable[[], None]:
        return await self.inner.hold(run)

    async def aclose(self) -> None:
        await self.inner.aclose()


def answer(question: Question) -> str:
    """Answer as an agreeable person who takes nothing for done."""
    if "Was it done?" in question.text:
        return "no"
    return question.options[0] if question.options else f"yes to {question.id}"


async def drive(
    store: Store,
    flow: Flow,
    task: str,
    *,
    models: Mapping[str, str | ModelClient] | None = None,
    operations: Mapping[str, Operation] | None = None,
    answering: Callable[[Question], str] = answer,
) -> Stop:
    """Begin the run, or go on with it, and answer whatever it asks, until it is over.

    Each answer is given in a life of its own.
    """
    questions: Sequence[Question] = ()
    while True:
        async with Runner(store=store, models=models, operations=operations) as runner:
            if await store.read(RUN):
                answers = {one.id: answering(one) for one in questions}
                stop = (await runner.resume(flow, RUN, answers=answers)).stop
            else:
                stop = (await runner.start(flow, task, run=RUN)).stop
        if stop.kind != "waiting":
            return stop
        questions = stop.questions


async def every_cut(
    live: Callable[[Store], Awaitable[object]],
) -> AsyncIterator[tuple[str, MemoryStore]]:
    """Cut *live* off before and after each commit; yield each place, and the store it left."""
    for before in (True, False):
        for at in count(1):
            store = MemoryStore()
            was_cut = False
            try:
                await live(CuttingStore(store, at, before=before))
            except Cut:
                was_cut = True
            if not was_cut:
                break
            yield f"{'before' if before else 'after'} commit {at}", store
