"""Trouble with the SQLite store's file: full, foreign, newer, missing, read-only, held."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateflow.conversation.effect import Key
from stateflow.errors import StoreError
from stateflow.journal.event import EffectDone, Event, RunStarted, TurnTaken
from stateflow.stores.sqlite import SqliteStore

START = RunStarted("f", {"initial": "a"}, "0")


def turn(number: int, text: str = "hi") -> tuple[Event, Event]:
    return EffectDone(Key("a", number, 0), "agent.reply", {"text": text}), TurnTaken("a", number)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "new" / "runs.db", clock=lambda: 5.0)
    yield store
    await store.aclose()


class Cramped(SqliteStore):
    """A store on a disk with few pages."""

    def _connect(self) -> sqlite3.Connection:
        self.db = super()._connect()
        self.db.execute("PRAGMA max_page_count = 12")
        return self.db


async def test_a_full_disk_loses_nothing_and_heals(tmp_path: Path) -> None:
    """Earlier events stay readable; once there is space again, appends work."""
    store = Cramped(tmp_path / "runs.db")
    await store.append("r", after=0, events=[START])
    with pytest.raises(StoreError, match="the disk is full"):
        await store.append("r", after=1, events=turn(1, "x" * 200_000))
    with pytest.raises(StoreError, match="the disk is full"):
        await store.append("r", after=1, events=turn(1, "x" * 60_000) + turn(2, "x" * 60_000))
    assert len(await store.read("r")) == 1
    async with asyncio.TaskGroup() as group:
        large = group.create_task(_full(store, "large", "x" * 200_000))
        small = group.create_task(_full(store, "small", "x"))
    assert (large.result(), small.result()) == (True, False)
    store.db.execute("PRAGMA max_page_count = 100000")
    await store.append("r", after=1, events=turn(1, "x" * 200_000))
    assert len(await store.read("r")) == 3
    await store.aclose()


async def _full(store: SqliteStore, run: str, text: str) -> bool:
    try:
        await store.append(run, after=0, events=turn(1, text))
    except StoreError:
        return True
    return False


async def _refusal(path: Path) -> str:
    store = SqliteStore(path)
    with pytest.raises(StoreError) as caught:
        await store.append("r", after=0, events=[START])
    with pytest.raises(StoreError):
        await store.runs()
    await store.aclose()
    return str(caught.value)


async def test_a_file_that_is_no_database_is_refused_and_unharmed(tmp_path: Path) -> None:
    """The sentence names it."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to look like one\n" * 50)
    before = path.read_bytes()
    assert await _refusal(path) == (
        f"journals in {str(path)!r}: the file is not a database; choose another path"
    )
    assert path.read_bytes() == before


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """No table is added to it."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE song(title)")
    db.close()
    assert "something else" in await _refusal(path)


async def test_the_file_of_a_newer_stateflow_is_refused(tmp_path: Path) -> None:
    """The upgrade is named."""
    path = tmp_path / "runs.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()
    assert "pip install --upgrade" in await _refusal(path)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").write_text("")
    assert "cannot be made" in await _refusal(tmp_path / "file" / "runs.db")


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    """It cannot be opened."""
    assert "cannot be opened" in await _refusal(tmp_path)


class ReadOnly(SqliteStore):
    """A store that may not write."""

    def _connect(self) -> sqlite3.Connection:
        db = super()._connect()
        db.execute("PRAGMA query_only = ON")
        return db


async def test_a_read_only_file_is_told(store: SqliteStore) -> None:
    """What it holds can be read."""
    await store.append("r", after=0, events=[START])
    other = ReadOnly(store.path)
    with pytest.raises(StoreError, match="read-only"):
        await other.append("r", after=1, events=turn(1))
    assert len(await other.read("r")) == 1
    await other.aclose()


async def test_a_file_held_too_long_is_told(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the append works once it is let go."""
    await store.append("r", after=0, events=[START])
    monkeypatch.setattr("stateflow.stores.sqlite.BUSY_S", 0.01)
    db = sqlite3.connect(store.path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process has held the file"):
        await store.append("r", after=1, events=turn(1))
    db.execute("COMMIT")
    db.close()
    await store.append("r", after=1, events=turn(1))
