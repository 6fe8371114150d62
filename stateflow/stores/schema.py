"""The tables of an SQLite file of journals, and every statement over them.

The number of an event holds its run's number in the upper half and its seq in the lower one.  It is
the only index, costs a few bytes, keeps the events of a run together, and two processes that write
the same event meet on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from stateflow.errors import StoreError

__all__ = [
    "HALF",
    "INSERT",
    "MASK",
    "PAGE",
    "SCHEMA",
    "Database",
    "Row",
    "content_of",
    "end_of",
    "make_folder",
    "overview",
    "prepare",
    "put_content",
    "roots_of",
    "rows_of",
    "tail_of",
]

SCHEMA: Final = 1
"""Kept in ``PRAGMA user_version``."""
PAGE: Final = 8192
"""Bytes of a page: of 4096 a tenth would stay empty, as events are about 1000 long."""
HALF: Final = 32
MASK: Final = (1 << HALF) - 1

_TABLES: Final = (
    "CREATE TABLE run(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    (
        "CREATE TABLE event(id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, "
        "body TEXT NOT NULL)"
    ),
)
_FILES: Final = "CREATE TABLE IF NOT EXISTS file(sha256 TEXT PRIMARY KEY, content BLOB NOT NULL)"
"""Made with the first file: databases older than files need no upgrade, and one without files is
what an older stateflow knows."""
_END: Final = "SELECT id FROM event WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"
_READ: Final = "SELECT id, at, kind, body FROM event WHERE id BETWEEN ? AND ? ORDER BY id"
_TREE: Final = "SELECT id, name FROM run WHERE name = ? OR (name > ? AND name < ?)"
_ROOTS: Final = "SELECT id, name FROM run WHERE instr(name, '/') = 0 ORDER BY id"
_STOP: Final = (
    "SELECT id, at, kind, body FROM event WHERE id BETWEEN ? AND ? "
    "AND kind IN ('RunPaused', 'RunResumed', 'RunEnded') ORDER BY id DESC LIMIT 1"
)
INSERT: Final = {
    n: f"INSERT INTO event VALUES {', '.join(['(?,?,?,?)'] * n)}"  # noqa: S608 - no values in it
    for n in range(1, 9)
}
"""By how many events; one statement is its own transaction."""

Row: TypeAlias = tuple[int, float, str, str]
"""Number, time, kind and body of an event."""


class Database(Protocol):
    """A connection of SQLite, as far as it is used here."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:  # noqa: ANN401 - SQLite is untyped
        """Run one statement."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def _span(number: int) -> tuple[int, int]:
    return number << HALF, (number << HALF) | MASK


def end_of(db: Database, run: str) -> tuple[int, int]:
    """Return the number and the length of *run*; zeros if there is none."""
    row = db.execute("SELECT id FROM run WHERE name = ?", (run,)).fetchone()
    if row is None:
        return 0, 0
    end = db.execute(_END, _span(row[0])).fetchone()
    return row[0], end[0] & MASK if end else 0


def roots_of(db: Database) -> list[tuple[int, str]]:
    """Return number and name of the root runs, oldest first."""
    roots: list[tuple[int, str]] = db.execute(_ROOTS).fetchall()
    return roots


def rows_of(db: Database, run: str, *, nested: bool) -> list[tuple[str, list[Row]]]:
    """Return the events of *run*, and of those nested in it, as they were at one moment."""
    names = (run, f"{run}/", f"{run}0") if nested else (run, "", "")  # 0 follows / in ASCII
    db.execute("BEGIN")
    runs: list[tuple[int, str]] = db.execute(_TREE, names).fetchall()
    found = [(name, db.execute(_READ, _span(number)).fetchall()) for number, name in runs]
    db.execute("COMMIT")
    return found


def tail_of(db: Database, run: str, after: int) -> list[Row]:
    """Return the events of *run* behind number *after*."""
    row = db.execute("SELECT id FROM run WHERE name = ?", (run,)).fetchone()
    if row is None:
        return []
    first, last = _span(row[0])
    rows: list[Row] = db.execute(_READ, (first + after + 1, last)).fetchall()
    return rows


def overview(db: Database) -> list[tuple[str, Row, int, Row | None]]:
    """Return of each root run: name, first event, length, last event that stopped or moved it."""
    return [
        (
            name,
            db.execute(_READ, ((number << HALF) + 1,) * 2).fetchone(),
            db.execute(_END, _span(number)).fetchone()[0] & MASK,
            db.execute(_STOP, _span(number)).fetchone(),
        )
        for number, name in roots_of(db)
    ]


def put_content(db: Database, sha256: str, content: bytes) -> None:
    """Keep *content* under its hash, unless it is there."""
    db.execute("BEGIN IMMEDIATE")
    db.execute(_FILES)
    db.execute("INSERT OR IGNORE INTO file VALUES (?, ?)", (sha256, content))
    db.execute("COMMIT")


def content_of(db: Database, sha256: str) -> bytes | None:
    """Return the content kept under *sha256*, if there is any."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'file'").fetchone() is None:
        return None
    row = db.execute("SELECT content FROM file WHERE sha256 = ?", (sha256,)).fetchone()
    content: bytes | None = row and row[0]
    return content


def make_folder(path: Path) -> None:
    """Make the folder of *path*, unless it is there.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of {str(path)!r} cannot be made ({error.strerror}); choose another path"
        ) from error


def prepare(db: Database, path: Path, synchronous: str) -> None:
    """Make the tables, unless they are there, and set *db* up; it is closed where that fails.

    Raises:
        StoreError: a newer stateflow made them, or the file is of something else.
    """
    try:
        _make_tables(db, path)
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # the store's to make: it waits for the disk
    except BaseException:
        db.close()
        raise


def _make_tables(db: Database, path: Path) -> None:
    db.execute("BEGIN")
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    db.execute("COMMIT")
    if version > SCHEMA:
        sentence = (
            f"{str(path)!r} was written by a newer stateflow (schema {version}; this one reads up "
            f"to {SCHEMA}); run `pip install --upgrade stateflow-agents`"
        )
        raise StoreError(sentence)
    if version == 0 and tables:
        sentence = f"{str(path)!r} is the database of something else; choose another path"
        raise StoreError(sentence)
    db.execute(f"PRAGMA page_size = {PAGE}")  # of a new file; an old one keeps its own
    db.execute("PRAGMA journal_mode = WAL")
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        if not db.execute("PRAGMA user_version").fetchone()[0]:  # else another was faster
            for statement in _TABLES:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
        db.execute("COMMIT")
