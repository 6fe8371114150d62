"""The cache of replies, on real files and with real processes."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateflow.errors import StoreError
from stateflow.journal.event import RunStarted
from stateflow.models.cache import ReplyCache
from stateflow.stores.cache import SqliteReplyCache
from stateflow.stores.sqlite import SqliteStore
from stateflow.value import Json

VALUE: dict[str, Json] = {"reply": {"text": "hé"}, "usage": {"calls": 1, "usd": None}}

WRITES = """
import asyncio, sys
from stateflow.stores.cache import SqliteReplyCache

async def main(path, who):
    cache = SqliteReplyCache(path)
    for number in range(50):
        await cache.put(f"{who}-{number}", {"by": who})
        await cache.put("shared", {"by": who})
    await cache.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[SqliteReplyCache]:
    cache = SqliteReplyCache(tmp_path / "new" / "replies.db")
    yield cache
    await cache.aclose()


async def _refusal(path: Path) -> str:
    cache = SqliteReplyCache(path)
    with pytest.raises(StoreError) as caught:
        await cache.get("k")
    with pytest.raises(StoreError):
        await cache.put("k", VALUE)
    await cache.aclose()
    return str(caught.value)


async def test_what_was_put_is_found_and_outlives_the_cache(cache: SqliteReplyCache) -> None:
    """The folder and the file are made at the first use."""
    assert not cache.path.parent.exists()
    assert await cache.get("k") is None
    await cache.put("k", VALUE)
    assert await cache.get("k") == VALUE
    await cache.aclose()

    again: ReplyCache = SqliteReplyCache(cache.path)
    assert await again.get("k") == VALUE
    await again.aclose()


async def test_the_last_value_stays(cache: SqliteReplyCache) -> None:
    """Two runs may ask the same at once."""
    await cache.put("k", VALUE)
    await cache.put("k", {"reply": {"text": "new"}})
    assert await cache.get("k") == {"reply": {"text": "new"}}


async def test_half_a_surrogate_pair_is_kept(cache: SqliteReplyCache) -> None:
    """Models do write such text."""
    await cache.put("k", {"text": "\ud800"})
    assert await cache.get("k") == {"text": "\ud800"}


async def test_many_tasks_share_a_cache(cache: SqliteReplyCache) -> None:
    """Each finds its own."""

    async def there_and_back(number: int) -> dict[str, Json] | None:
        await cache.put(str(number), {"n": number})
        return await cache.get(str(number))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(there_and_back(number)) for number in range(30)]
    assert [task.result() for task in tasks] == [{"n": number} for number in range(30)]


async def test_processes_that_start_at_once_share_a_file(cache: SqliteReplyCache) -> None:
    """None fails, and nothing is lost."""
    command = (sys.executable, "-c", WRITES, str(cache.path))
    started = [await asyncio.create_subprocess_exec(*command, who) for who in ("a", "b", "c")]
    assert [await process.wait() for process in started] == [0, 0, 0]
    for who in ("a", "b", "c"):
        assert [await cache.get(f"{who}-{n}") for n in range(50)] == [{"by": who}] * 50
    assert await cache.get("shared") in [{"by": "a"}, {"by": "b"}, {"by": "c"}]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param("{broken", id="no-json"),
        pytest.param("[1]", id="no-object"),
        pytest.param(b"\xff\xfe", id="bytes"),
        pytest.param("[" * 100_000, id="too-deep"),
    ],
)
async def test_a_value_that_nobody_can_read_is_missing(
    cache: SqliteReplyCache, kept: str | bytes
) -> None:
    """The model is asked again, and the new reply takes its place."""
    await cache.put("k", VALUE)
    db = sqlite3.connect(cache.path)
    db.execute("UPDATE reply SET value = ?", (kept,))
    db.commit()
    db.close()
    assert await cache.get("k") is None
    await cache.put("k", VALUE)
    assert await cache.get("k") == VALUE


async def test_a_file_that_is_no_database_is_told_with_the_cure(tmp_path: Path) -> None:
    """It is left as it was: it may be somebody's."""
    path = tmp_path / "replies.db"
    path.write_text("not a database, but long enough to look like one\n" * 50)
    before = path.read_bytes()
    said = await _refusal(path)
    assert said == f"{str(path)!r} is no cache of replies, or is damaged; give another path"
    assert path.read_bytes() == before


async def test_a_damaged_file_is_told_with_the_cure(tmp_path: Path) -> None:
    """Its beginning is sound, so that it shows only when a row is read."""
    path = tmp_path / "replies.db"
    cache = SqliteReplyCache(path)
    for number in range(100):
        await cache.put(f"{number:03}", {"text": "x" * 200})
    await cache.aclose()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    said = await _refusal(path)
    assert "is damaged" in said
    assert "delete the file" in said


async def test_the_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """No table is added to it."""
    path = tmp_path / "songs.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE song(title)")
    db.close()
    before = path.read_bytes()
    assert "database of something else" in await _refusal(path)
    assert path.read_bytes() == before


async def test_journals_and_replies_do_not_share_a_file(
    cache: SqliteReplyCache, tmp_path: Path
) -> None:
    """Each refuses the other's, so that deleting the one never costs the other."""
    journals = SqliteStore(tmp_path / "runs.db")
    await journals.append("r", after=0, events=[RunStarted("f", {"initial": "a"}, "0")])
    await journals.aclose()
    assert "database of something else" in await _refusal(journals.path)

    await cache.put("k", VALUE)
    taken = SqliteStore(cache.path)
    with pytest.raises(StoreError, match="something else"):
        await taken.runs()
    await taken.aclose()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").write_text("")
    assert "cannot be made" in await _refusal(tmp_path / "file" / "replies.db")


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    """In the words of the store of journals."""
    assert (await _refusal(tmp_path)).startswith(
        f"replies in {str(tmp_path)!r}: the file cannot be opened"
    )


async def test_a_file_held_too_long_is_told(
    cache: SqliteReplyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the reply can be put once it is let go."""
    await cache.put("k", VALUE)
    monkeypatch.setattr("stateflow.stores.cache.BUSY_S", 0.01)
    db = sqlite3.connect(cache.path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process has held the file"):
        await cache.put("k", {})
    assert await cache.get("k") == VALUE
    db.execute("COMMIT")
    db.close()
    await cache.put("k", {})
    assert await cache.get("k") == {}


async def test_a_closed_cache_says_so(cache: SqliteReplyCache) -> None:
    """Closing twice is no mistake."""
    await cache.put("k", VALUE)
    await cache.aclose()
    await cache.aclose()
    with pytest.raises(StoreError, match="closed; open it again"):
        await cache.get("k")
