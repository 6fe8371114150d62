"""The memory store does what the SQLite store does."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow.errors import RunTaken, UnknownRun
from stateflow.journal.event import RunPaused, RunResumed, RunStarted
from stateflow.journal.stop import Stop
from stateflow.stores.memory import MemoryStore
from stateflow.stores.open import open_store

START = RunStarted("f", {"initial": "a"}, "0")


async def test_appends_are_stamped_and_read_back() -> None:
    """What is handed out is not the journal itself."""
    store = MemoryStore(clock=lambda: 7.0)
    first = await store.append("r", after=0, events=[START])
    first.clear()
    await store.append("r", after=1, events=[RunResumed()])
    (await store.read("r")).clear()
    assert [(r.seq, r.at) for r in await store.read("r")] == [(1, 7.0), (2, 7.0)]


@pytest.mark.parametrize("after", [0, 2])
async def test_a_taken_run_is_refused(after: int) -> None:
    """Nothing of the append is kept."""
    store = MemoryStore()
    await store.append("r", after=0, events=[START])
    with pytest.raises(RunTaken):
        await store.append("r", after=after, events=[START])
    assert len(await store.read("r")) == 1


async def test_an_empty_append_makes_no_run() -> None:
    """No events are no run."""
    store = MemoryStore()
    assert await store.append("r", after=0, events=[]) == []
    assert await store.runs() == []


async def test_runs_journals_and_names_are_those_of_the_roots() -> None:
    """Nested ones lie under them."""
    store = MemoryStore()
    for run in ("one", "two", "two/a#1.0"):
        await store.append(run, after=0, events=[START])
    await store.append("one", after=1, events=[RunPaused(Stop("stuck", "a", ""))])
    assert [(s.run, s.stop) for s in await store.runs()] == [("one", "stuck"), ("two", "running")]
    assert (await store.find("last"), await store.find("ne")) == ("two", "one")
    assert list((await store.journal("two")).children) == ["a#1.0"]
    await store.append("twist", after=0, events=[START])
    with pytest.raises(UnknownRun, match="could mean"):
        await store.find("tw")
    await store.aclose()


async def test_a_path_opens_a_file_and_none_opens_memory(tmp_path: Path) -> None:
    """Nothing is made before the first use."""
    store = open_store(tmp_path / "runs.db")
    assert not (tmp_path / "runs.db").exists()
    await store.append("r", after=0, events=[START])
    await store.aclose()
    assert (tmp_path / "runs.db").exists()
    assert isinstance(open_store(None), MemoryStore)
