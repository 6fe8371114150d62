"""Journals in an SQLite file: one row an event, one transaction an append.

Any number of tasks, event loops and processes may share a file.  A lone small append is written
where it is awaited, which takes a third of what handing it to a thread and back would.  All else
goes to the writer thread: what may take long (opening, reading, synchronous=FULL, checkpoints),
what has to wait for another process, and appends that come together: they share a transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic_core import PydanticSerializationError

from stateflow.errors import RunTaken, StoreError
from stateflow.journal.codec import decode, encode
from stateflow.journal.event import Event, Journal, Recorded
from stateflow.stores.base import Summary
from stateflow.stores.claim import claim
from stateflow.stores.content import check_content, lacks
from stateflow.stores.schema import (
    HALF,
    INSERT,
    MASK,
    PAGE,
    Row,
    content_of,
    end_of,
    make_folder,
    overview,
    prepare,
    put_content,
    roots_of,
    rows_of,
    tail_of,
)
from stateflow.stores.tree import find_run, journal_tree, summary_of
from stateflow.stores.trouble import BUSY_S, is_busy, sentence_of
from stateflow.stores.writer import Job, Writer

__all__ = ["SqliteStore"]

_SMALL: Final = 65536
"""Most characters of events that a lone append writes in the event loop."""
_CHECKPOINT: Final = 1000
"""Pages written between two checkpoints, which the thread makes since they wait for the disk."""
_KNOWN: Final = 10_000
"""Most runs whose ends are remembered."""

ValueT = TypeVar("ValueT")


@dataclass(slots=True, eq=False)
class _Append(Job):
    run: str = ""
    after: int = 0
    events: Sequence[Event] = ()
    rows: Sequence[tuple[str, str]] = ()


@dataclass(slots=True, eq=False)
class _Ask(Job):
    answer: Callable[[], Any] = dict


class SqliteStore:
    """Holds journals in the file *path*, which is made, folder included, where it is missing.

    What was appended outlives the death of the process; with ``synchronous="FULL"`` that of the
    machine too, at the price of waiting for the disk.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], float] = time.time,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
    ) -> None:
        """Stamp events with *clock* [s since the epoch].  The file is opened at the first use."""
        self.path = Path(path)
        self._clock = clock
        self._synchronous = synchronous
        self._writer = Writer(f"stateflow {self.path.name}", self._serve, self._write_here)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._ends: dict[str, tuple[int, int]] = {}
        self._pages = 0
        self._closed = False

    def now(self) -> float:
        """Return the time as events are stamped with it [s since the epoch]."""
        return self._clock()

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        """Write *events* behind event number *after* as one transaction.

        It may still be written when the caller is cancelled while it waits.

        Raises:
            RunTaken: the journal does not end at *after*; nothing was written.
            StoreError: the file cannot be written.  Nothing of *events* was.
        """
        try:
            rows = [encode(event) for event in events]
            run.encode()
        except (PydanticSerializationError, UnicodeError) as error:
            raise StoreError(
                f"run {run!r}: event after number {after} holds a text that no file can "
                f"({error}); redact it before it is journaled"
            ) from error
        future = asyncio.get_running_loop().create_future()
        recorded: list[Recorded] = await self._writer.soon(
            _Append(future, None, None, run, after, events, rows)
        )
        return recorded

    async def read(self, run: str, /) -> list[Recorded]:
        """Return the events of *run*, without those of its nested runs; none if unknown.

        Raises:
            StoreError: the file cannot be read, or a newer stateflow wrote it.
        """
        return (await self._ask(lambda: self._journals(run, nested=False))).get(run, [])

    async def tail(self, run: str, /, *, after: int) -> list[Recorded]:
        """Return the events of *run* behind number *after*, without those of its nested runs.

        Raises:
            StoreError: the file cannot be read, or a newer stateflow wrote it.
        """
        rows = await self._ask(lambda: self._patiently(lambda db: tail_of(db, run, after)))
        return [self._recorded(run, row) for row in rows]

    async def journal(self, run: str, /) -> Journal:
        """Return everything *run* left behind.

        Raises:
            UnknownRun: there is no such run.
            StoreError: the file cannot be read, or a newer stateflow wrote it.
        """
        return journal_tree(run, await self._ask(lambda: self._journals(run, nested=True)))

    async def find(self, run: str, /) -> str:
        """Return the full name of the one root run that is called, begins, or ends like *run*.

        Raises:
            UnknownRun: none, or more than one.
            StoreError: the file cannot be read.
        """
        roots = await self._ask(lambda: self._patiently(roots_of))
        return find_run([name for _, name in roots], run)

    async def runs(self) -> list[Summary]:
        """Return the root runs, oldest first.

        Raises:
            StoreError: the file cannot be read, or a newer stateflow wrote it.
        """
        return await self._ask(self._summaries)

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        """Keep *content* under its hash, once, however often and by whomever it is brought.

        Raises:
            StoreError: it has another hash, or the file cannot be written.
        """
        await self._ask(lambda: self._put(sha256, content))

    async def file(self, sha256: str, /) -> bytes:
        """Return the content that is kept under *sha256*.

        Raises:
            StoreError: none is, or the file cannot be read.
        """
        content = await self._ask(lambda: self._patiently(lambda db: content_of(db, sha256)))
        if content is None:
            raise lacks(sha256, repr(str(self.path)))
        return content

    async def hold(self, run: str, /) -> Callable[[], None]:
        """Hold *run* against every process that uses the file, and return what lets go of it.

        Raises:
            RunHeld: a living process holds it, this one included.
            StoreError: the file ``PATH-lock`` cannot be opened or locked.
        """
        make_folder(self.path)
        return claim(self.path, run)

    async def aclose(self) -> None:
        """Write what waits, let go of the file, and end the thread.  Journals stay."""
        if not self._closed:
            await self._ask(self._close)
            self._writer.join()

    # In the event loop -------------------------------------------------------------------------

    async def _ask(self, answer: Callable[[], ValueT]) -> ValueT:
        future = asyncio.get_running_loop().create_future()
        value: ValueT = await self._writer.behind(_Ask(future, None, None, answer))
        return value

    def _write_here(self, job: Job) -> bool:
        """Write a lone append at once, if that is certain to be quick."""
        if (
            not isinstance(job, _Append)
            or self._synchronous != "NORMAL"
            or self._pages >= _CHECKPOINT
            or len(job.rows) not in INSERT
            or sum(len(body) for _, body in job.rows) > _SMALL
            or not self._lock.acquire(blocking=False)
        ):
            return False
        try:
            number, head = self._ends.get(job.run, (0, -1))
            if self._connection is None or head != job.after:
                return False
            self._insert(self._connection, job, number)  # one statement, so one transaction
        except Exception:  # noqa: BLE001 - the thread meets it again, and waits or tells
            self._forget()
            return False
        finally:
            self._lock.release()
        return True

    # In the thread -----------------------------------------------------------------------------

    def _serve(self, jobs: Sequence[Job]) -> None:
        appends = [job for job in jobs if isinstance(job, _Append)]
        if appends:
            self._write(appends)
        for job in jobs:
            if isinstance(job, _Ask):
                try:
                    job.value = job.answer()
                except Exception as error:  # noqa: BLE001 - whoever asked hears of it
                    job.error = error

    def _write(self, jobs: Sequence[_Append]) -> None:
        try:
            self._patiently(lambda db: self._commit(db, jobs))
        except StoreError as error:
            if len(jobs) > 1 and not is_busy(error.__cause__):
                for job in jobs:  # one of them may be too large for the rest of the disk
                    self._write([job])
                return
            for job in jobs:
                job.error = StoreError(str(error))
                job.error.__cause__ = error.__cause__

    def _commit(self, db: sqlite3.Connection, jobs: Sequence[_Append]) -> None:
        db.execute("BEGIN IMMEDIATE")
        for job in jobs:
            job.value = job.error = None
            number, head = end_of(db, job.run)
            if head != job.after:
                job.error = RunTaken(job.run, after=job.after, found=head)
            elif not job.rows:
                job.value = []
            else:
                if not number:
                    new = db.execute("INSERT INTO run(name) VALUES (?)", (job.run,))
                    number = new.lastrowid or 0
                self._insert(db, job, number)
        db.execute("COMMIT")
        if self._pages >= _CHECKPOINT:
            self._pages = 0
            with suppress(sqlite3.Error):  # another time, then
                db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _put(self, sha256: str, content: bytes) -> None:
        def put(db: sqlite3.Connection) -> None:
            put_content(db, sha256, content)
            self._pages += 2 + len(content) // PAGE  # the append that follows makes a checkpoint

        check_content(sha256, content)
        self._patiently(put)

    def _insert(self, db: sqlite3.Connection, job: _Append, number: int) -> None:
        at = self._clock()
        rows = job.rows
        first = (number << HALF) + job.after + 1
        if len(rows) in INSERT:
            values = [v for n, row in enumerate(rows, first) for v in (n, at, *row)]
            db.execute(INSERT[len(rows)], values)
        else:
            db.executemany(INSERT[1], [(n, at, *row) for n, row in enumerate(rows, first)])
        self._pages += 2 + sum(len(body) for _, body in rows) // PAGE
        if len(self._ends) >= _KNOWN:
            self._ends.clear()
        self._ends[job.run] = (number, job.after + len(rows))
        run = job.run
        job.value = [Recorded(n, at, e, run) for n, e in enumerate(job.events, job.after + 1)]

    def _patiently(self, work: Callable[[sqlite3.Connection], ValueT]) -> ValueT:
        """Return what *work* does with the file, waiting while another process holds it."""
        deadline = time.monotonic() + BUSY_S
        pause_s = 0.0002
        with self._lock:
            while True:
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    return work(self._connection)
                except sqlite3.Error as error:
                    self._forget()
                    if not is_busy(error) or time.monotonic() > deadline:
                        raise StoreError(sentence_of(self.path, error)) from error
                except BaseException:
                    self._forget()
                    raise
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 0.02)

    def _forget(self) -> None:
        """Undo an open transaction, and what was remembered of it."""
        self._ends.clear()
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"store {str(self.path)!r} is closed; open it again")
        make_folder(self.path)
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        prepare(db, self.path, self._synchronous)
        return db

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _journals(self, run: str, *, nested: bool) -> dict[str, list[Recorded]]:
        return {
            name: [self._recorded(name, row) for row in rows]
            for name, rows in self._patiently(lambda db: rows_of(db, run, nested=nested))
        }

    def _recorded(self, run: str, row: Row) -> Recorded:
        number, at, kind, body = row
        seq = number & MASK
        place = f"event {seq} of run {run!r} in {str(self.path)!r}"
        return Recorded(seq, at, decode(kind, body, place=place), run)

    def _summaries(self) -> list[Summary]:
        return [
            summary_of(
                name, self._recorded(name, first), events, stop and self._recorded(name, stop).event
            )
            for name, first, events, stop in self._patiently(overview)
        ]
