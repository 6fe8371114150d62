"""Journals in memory: for tests, and for runs that nobody wants to keep."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

from stateflow.errors import RunHeld, RunTaken
from stateflow.journal.event import Event, Journal, Recorded
from stateflow.stores.base import Summary
from stateflow.stores.content import check_content, lacks
from stateflow.stores.tree import find_run, is_root, journal_tree, last_stop, summary_of

__all__ = ["MemoryStore"]


class MemoryStore:
    """Holds journals as lists, as long as it lives.

    Example:
        >>> import asyncio
        >>> asyncio.run(MemoryStore().read("nobody"))
        []
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Stamp events with *clock* [s since the epoch]."""
        self._clock = clock
        self._journals: dict[str, list[Recorded]] = {}
        self._files: dict[str, bytes] = {}
        self._held: set[str] = set()

    def now(self) -> float:
        """Return the time as events are stamped with it [s since the epoch]."""
        return self._clock()

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        """Write *events* behind event number *after*.

        Raises:
            RunTaken: the journal does not end at *after*; nothing was written.
        """
        journal = self._journals.get(run)
        found = 0 if journal is None else len(journal)
        if found != after:
            raise RunTaken(run, after=after, found=found)
        at = self._clock()
        recorded = [Recorded(seq, at, event, run) for seq, event in enumerate(events, after + 1)]
        if journal is not None:
            journal += recorded
        elif recorded:
            self._journals[run] = recorded.copy()
        return recorded

    async def read(self, run: str, /) -> list[Recorded]:
        """Return the events of *run*, without those of its nested runs; none if unknown."""
        return list(self._journals.get(run, ()))

    async def journal(self, run: str, /) -> Journal:
        """Return everything *run* left behind.

        Raises:
            UnknownRun: there is no such run.
        """
        return journal_tree(run, self._journals)

    async def find(self, run: str, /) -> str:
        """Return the full name of the one root run that is called, begins, or ends like *run*.

        Raises:
            UnknownRun: none, or more than one.
        """
        return find_run([name for name in self._journals if is_root(name)], run)

    async def runs(self) -> list[Summary]:
        """Return the root runs, oldest first."""
        return [
            summary_of(name, journal[0], len(journal), last_stop(journal))
            for name, journal in self._journals.items()
            if is_root(name)
        ]

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        """Keep *content* under its hash.

        Raises:
            StoreError: it has another.
        """
        check_content(sha256, content)
        self._files[sha256] = content

    async def file(self, sha256: str, /) -> bytes:
        """Return the content that is kept under *sha256*.

        Raises:
            StoreError: none is.
        """
        if sha256 not in self._files:
            raise lacks(sha256, "this memory")
        return self._files[sha256]

    async def hold(self, run: str, /) -> Callable[[], None]:
        """Hold *run*, and return what lets go of it.

        Raises:
            RunHeld: it is held.
        """
        if run in self._held:
            raise RunHeld(run, pid=os.getpid())
        self._held.add(run)
        return partial(self._held.remove, run)

    async def aclose(self) -> None:
        """Do nothing: there are no files and no threads."""
