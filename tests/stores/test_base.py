"""What every store does with content of files, and with who holds a run, whichever it is."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateflow.cli.watch import WatchedStore
from stateflow.errors import RunHeld, StoreError
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore

HELLO = b"hello"
HASH = hashlib.sha256(HELLO).hexdigest()


def made(kind: str, path: Path) -> Store:
    match kind:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return SqliteStore(path)
        case _:
            return WatchedStore(SqliteStore(path))


@pytest.fixture(params=["memory", "sqlite", "watched"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = made(str(request.param), tmp_path / "runs.db")
    yield store
    await store.aclose()


async def test_content_is_kept_under_its_hash(store: Store) -> None:
    await store.put_file(HASH, HELLO)

    assert await store.file(HASH) == HELLO


async def test_content_may_be_brought_again(store: Store) -> None:
    await store.put_file(HASH, HELLO)
    await store.put_file(HASH, HELLO)

    assert await store.file(HASH) == HELLO


async def test_content_with_another_hash_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=f"{HASH}.*it was changed"):
        await store.put_file(HASH, b"hell0")

    with pytest.raises(StoreError):
        await store.file(HASH)


async def test_missing_content_is_told_with_its_hash_and_the_cure(store: Store) -> None:
    with pytest.raises(StoreError, match=f"{HASH}.* is not in .*attach the file anew"):
        await store.file(HASH)

    await store.put_file(HASH, HELLO)

    with pytest.raises(StoreError, match="0000"):
        await store.file("0" * 64)


async def test_a_large_image_is_read_back(store: Store) -> None:
    image = bytes(range(256)) * 20_000

    await store.put_file(digest := hashlib.sha256(image).hexdigest(), image)

    assert await store.file(digest) == image


async def test_files_are_no_runs(store: Store) -> None:
    await store.put_file(HASH, HELLO)

    assert await store.runs() == []


@pytest.mark.parametrize("run", ["r", "ß\ud800"])
async def test_a_run_is_held_once_whether_or_not_it_has_a_journal(store: Store, run: str) -> None:
    let_go = await store.hold(run)

    with pytest.raises(RunHeld, match="is under way in this process"):
        await store.hold(run)

    let_go()
    (await store.hold(run))()
