"""Content of files in an SQLite file: once, by anybody, in old databases too."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from stateflow.conversation.file import File
from stateflow.errors import StoreError
from stateflow.journal.event import RunResumed, RunStarted
from stateflow.stores.sqlite import SqliteStore

START = RunStarted("f", {"initial": "a"}, "0")
HELLO = b"hello"
HASH = hashlib.sha256(HELLO).hexdigest()
IMAGE = hashlib.shake_256(b"image").digest(5_000_000)


def tables(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    db.close()
    return sorted(names)


async def test_one_content_under_two_names_takes_its_room_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "runs.db")
    for name in ("one.png", "two.png"):
        file = File.from_bytes(IMAGE, name=name)
        await store.put_file(file.sha256, IMAGE)
    await store.aclose()

    assert 5_000_000 < (tmp_path / "runs.db").stat().st_size < 5_100_000


async def test_content_outlives_the_store_that_wrote_it(tmp_path: Path) -> None:
    first, second = (SqliteStore(tmp_path / "runs.db") for _ in range(2))
    await first.put_file(HASH, HELLO)
    await first.aclose()

    assert await second.file(HASH) == HELLO
    await second.aclose()


async def test_a_database_from_before_files_goes_on_working(tmp_path: Path) -> None:
    """Its tables are those of the first release."""
    path = tmp_path / "runs.db"
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE run(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE event(id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, "
        "body TEXT NOT NULL);"
        "PRAGMA user_version = 1;"
        "INSERT INTO run VALUES (1, 'r');"
        "INSERT INTO event VALUES (4294967297, 5.0, 'RunResumed', '{}');"
    )
    db.close()
    store = SqliteStore(path)

    with pytest.raises(StoreError, match=r"is not in '.*runs\.db'"):
        await store.file(HASH)
    await store.append("r", after=1, events=[RunResumed()])
    assert tables(path) == ["event", "run"]
    await store.put_file(HASH, HELLO)
    assert await store.file(HASH) == HELLO
    assert len(await store.read("r")) == 2
    await store.aclose()


async def test_a_database_without_files_is_as_it_always_was(tmp_path: Path) -> None:
    """An older stateflow reads it."""
    store = SqliteStore(tmp_path / "runs.db")
    await store.append("r", after=0, events=[START])
    await store.aclose()

    assert tables(tmp_path / "runs.db") == ["event", "run"]


async def test_two_stores_and_many_tasks_bring_the_same_content(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "runs.db") for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(stores[number % 2].put_file(HASH, HELLO))

    assert [await store.file(HASH) for store in stores] == [HELLO, HELLO]
    for store in stores:
        await store.aclose()


async def test_two_processes_bring_the_same_content(tmp_path: Path) -> None:
    """Each begins when both are ready; none is refused, nothing is kept twice."""
    code = (
        "import asyncio, hashlib, sys\n"
        "from stateflow.stores.sqlite import SqliteStore\n"
        "async def main():\n"
        "    store = SqliteStore(sys.argv[1])\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    for n in range(50):\n"
        "        content = bytes([n]) * 20_000\n"
        "        await store.put_file(hashlib.sha256(content).hexdigest(), content)\n"
        "    await store.aclose()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "runs.db")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - both are awaited below
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        await asyncio.to_thread(process.communicate)

    assert [process.returncode for process in processes] == [0, 0]
    db = sqlite3.connect(tmp_path / "runs.db")
    assert db.execute("SELECT count(*) FROM file").fetchone() == (50,)
    db.close()


async def test_content_and_events_share_a_file(tmp_path: Path) -> None:
    """The write-ahead log is written back on the way, and appends go on behind the content."""
    store = SqliteStore(tmp_path / "runs.db")
    image = File.from_bytes(IMAGE * 2)
    await store.append("r", after=0, events=[START])
    await store.put_file(image.sha256, IMAGE * 2)
    await store.append("r", after=1, events=[RunResumed()])

    assert len(await store.read("r")) == 2
    assert store.path.stat().st_size > image.size
    await store.aclose()


class Cramped(SqliteStore):
    """A store on a disk with few pages."""

    def _connect(self) -> sqlite3.Connection:
        db = super()._connect()
        db.execute("PRAGMA max_page_count = 12")
        return db


async def test_a_full_disk_refuses_content_and_loses_nothing(tmp_path: Path) -> None:
    store = Cramped(tmp_path / "runs.db")
    await store.append("r", after=0, events=[START])

    with pytest.raises(StoreError, match="the disk is full"):
        await store.put_file(hashlib.sha256(IMAGE).hexdigest(), IMAGE)

    await store.put_file(HASH, HELLO)
    await store.append("r", after=1, events=[RunResumed()])
    assert await store.file(HASH) == HELLO
    await store.aclose()
