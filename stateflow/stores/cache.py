"""Replies of models in an SQLite file of their own: one row a request.

Any number of runs and processes may share a file.  Nothing but money is lost with it: it may be
deleted at any time when nobody uses it.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from stateflow.errors import StoreError
from stateflow.stores.trouble import BUSY_S, is_busy, sentence_of
from stateflow.value import Json

__all__ = ["SqliteReplyCache"]

_OURS: Final = 0x73667263
"""``PRAGMA application_id`` of our files: ``sfrc``, so that no other file is taken for one."""
_TABLE: Final = "CREATE TABLE reply(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_PAUSE_S: Final = 0.005

ValueT = TypeVar("ValueT")


class SqliteReplyCache:
    """Keeps replies in the file *path*, which is made, folder included, where it is missing."""

    def __init__(self, path: str | Path) -> None:
        """Open nothing yet; the first use does."""
        self.path = Path(path)
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._closed = False

    async def get(self, key: str, /) -> dict[str, Json] | None:
        """Return what was put under *key*; ``None`` if nothing was, or nobody can read it.

        Raises:
            StoreError: the file cannot be read.
        """
        query = "SELECT value FROM reply WHERE key = ?"
        found = await asyncio.to_thread(
            self._patiently, lambda db: db.execute(query, (key,)).fetchone()
        )
        try:
            value: Any = json.loads(found[0]) if found is not None else None
        except (TypeError, ValueError, RecursionError):
            return None
        return cast("dict[str, Json]", value) if isinstance(value, dict) else None

    async def put(self, key: str, value: dict[str, Json], /) -> None:
        """Keep *value* under *key*, in place of what was there.

        It may still be written when the caller is cancelled while it waits.

        Raises:
            StoreError: the file cannot be written.
        """
        row = (key, json.dumps(value))  # all ASCII: a text with half a surrogate pair is kept too
        insert = "INSERT OR REPLACE INTO reply VALUES (?, ?)"
        await asyncio.to_thread(self._patiently, lambda db: db.execute(insert, row))

    async def aclose(self) -> None:
        """Let go of the file.  Replies stay."""
        await asyncio.to_thread(self._close)

    # In a thread -------------------------------------------------------------------------------

    def _patiently(self, work: Callable[[sqlite3.Connection], ValueT]) -> ValueT:
        """Return what *work* does with the file, waiting while another process holds it."""
        deadline = time.monotonic() + BUSY_S
        with self._lock:
            while True:
                try:
                    if self._db is None:
                        self._db = self._connect()
                    return work(self._db)
                except sqlite3.Error as error:
                    if not is_busy(error) or time.monotonic() > deadline:
                        ours = self._db is not None
                        raise StoreError(_sentence(self.path, error, ours=ours)) from error
                time.sleep(_PAUSE_S)

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"cache of replies {str(self.path)!r} is closed; open it again")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder of {str(self.path)!r} cannot be made ({error.strerror}); "
                "choose another path"
            ) from error
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, self.path)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            if self._db is not None:
                self._db.close()
                self._db = None


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the table, unless it is there."""
    owner: int = db.execute("PRAGMA application_id").fetchone()[0]
    if owner != _OURS:
        db.execute("BEGIN IMMEDIATE")
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != _OURS:  # else another was faster
            if owner or tables:
                raise StoreError(
                    f"{str(path)!r} is the database of something else; choose another path for "
                    "the cache of replies"
                )
            db.execute(_TABLE)
            db.execute(f"PRAGMA application_id = {_OURS}")
        db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # the death of the machine may cost the last replies


def _sentence(path: Path, error: sqlite3.Error, *, ours: bool) -> str:
    """Return what is wrong; only a file that is surely *ours* may be deleted."""
    if str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGED):
        if not ours:
            return f"{str(path)!r} is no cache of replies, or is damaged; give another path"
        return (
            f"cache of replies {str(path)!r} is damaged; delete the file, and it fills again, or "
            "give another path"
        )
    return sentence_of(path, error, "replies")
