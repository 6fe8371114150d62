"""A store that is cut off before or after its k-th append."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from stateflow.journal.event import Event, Journal, Recorded
from stateflow.stores.base import Store, Summary


class Cut(BaseException):
    """The process would be dead now."""


def cut() -> NoReturn:
    """Stand for the death of the process."""
    raise Cut


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

    async def aclose(self) -> None:
        await self.inner.aclose()
