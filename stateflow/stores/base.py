"""What every store does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from stateflow.journal.event import Event, Journal, Recorded

__all__ = ["Store", "Summary", "Tailed"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a list of runs."""

    run: str
    flow: str
    started_at: float
    """[s since the epoch]"""
    events: int
    stop: str
    """Kind of the last stop; ``running`` while, or after, it was cut off without one."""


class Store(Protocol):
    """Holds journals, and the content of the files that their messages name.

    Appending is the only way to write a journal.
    """

    def now(self) -> float:
        """Return the time as events are stamped with it [s since the epoch]."""
        ...

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        """Write *events* behind event number *after* as one transaction, stamped with the time.

        Raises:
            RunTaken: the journal does not end at *after*: somebody else has written.
            StoreError: the disk is full or broken.  Nothing of *events* was written.
        """
        ...

    async def read(self, run: str, /) -> list[Recorded]:
        """Return the events of *run*, without those of its nested runs; none if unknown."""
        ...

    async def journal(self, run: str, /) -> Journal:
        """Return everything *run* left behind.

        Raises:
            UnknownRun: there is no such run.
        """
        ...

    async def find(self, run: str, /) -> str:
        """Return the full name of the one root run that is called, begins, or ends like *run*.

        ``last`` is the one that started last.

        Raises:
            UnknownRun: none, or more than one.
        """
        ...

    async def runs(self) -> list[Summary]:
        """Return the root runs, oldest first."""
        ...

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        """Keep *content* under its hash, once, however often and by whomever it is brought.

        What it returned for outlives whatever is appended later.

        Raises:
            StoreError: it has another hash, or the disk is full or broken.
        """
        ...

    async def file(self, sha256: str, /) -> bytes:
        """Return the content that is kept under *sha256*.

        Raises:
            StoreError: none is.
        """
        ...

    async def hold(self, run: str, /) -> Callable[[], None]:
        """Hold *run*, a root run, for one life of it, and return what lets go of it, once.

        It needs no journal yet.  The death of the process lets go of it, too.  What is cancelled
        holds nothing.

        Raises:
            RunHeld: a living process holds it, this one included.
            StoreError: the disk is full or broken.
        """
        ...

    async def aclose(self) -> None:
        """Let go of files and threads.  Journals stay."""
        ...


@runtime_checkable
class Tailed(Protocol):
    """A store that need not read a whole journal to tell its end."""

    async def tail(self, run: str, /, *, after: int) -> list[Recorded]:
        """Return the events of *run* behind number *after*, without those of its nested runs."""
        ...
