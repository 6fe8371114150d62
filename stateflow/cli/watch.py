"""A store that tells what is written to it, and by which run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from stateflow.journal.event import Event, Journal, Recorded
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.stores.base import Store, Summary

__all__ = ["Listener", "WatchedStore"]


class Listener(Protocol):
    """Hears every event."""

    def event(self, run: str, fold: Fold, recorded: Recorded, /) -> None:
        """Hear of *recorded*, which *fold* has not seen yet."""
        ...


class WatchedStore:
    """Passes everything on to *store*, and tells *listener* of each event, nested runs included."""

    def __init__(self, store: Store) -> None:
        """Tell nobody yet."""
        self.store = store
        self.listener: Listener | None = None
        self._folds: dict[str, Fold] = {}

    def now(self) -> float:
        """Pass on."""
        return self.store.now()

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        """Write, then tell."""
        if self.listener is None:
            return await self.store.append(run, after=after, events=events)
        fold = self._folds.get(run)
        if fold is None or fold.seq != after:
            fold = fold_of(await self.store.read(run) if after else ())
        recorded = await self.store.append(run, after=after, events=events)
        for one in recorded:
            self.listener.event(run, fold, one)
            fold.apply(one)
        self._folds[run] = fold
        return recorded

    async def read(self, run: str, /) -> list[Recorded]:
        """Pass on."""
        return await self.store.read(run)

    async def journal(self, run: str, /) -> Journal:
        """Pass on."""
        return await self.store.journal(run)

    async def find(self, run: str, /) -> str:
        """Pass on."""
        return await self.store.find(run)

    async def runs(self) -> list[Summary]:
        """Pass on."""
        return await self.store.runs()

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        """Pass on."""
        await self.store.put_file(sha256, content)

    async def file(self, sha256: str, /) -> bytes:
        """Pass on."""
        return await self.store.file(sha256)

    async def hold(self, run: str, /) -> Callable[[], None]:
        """Pass on."""
        return await self.store.hold(run)

    async def aclose(self) -> None:
        """Pass on."""
        await self.store.aclose()
