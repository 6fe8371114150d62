"""The SQLite store, on real files, threads and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateflow.conversation.effect import Key
from stateflow.errors import RunTaken, StoreError, UnknownRun
from stateflow.journal.event import (
    EffectDone,
    Event,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.stop import Stop
from stateflow.stores.sqlite import SqliteStore

START = RunStarted("f", {"initial": "a"}, "0")


def turn(number: int, text: str = "hi") -> tuple[Event, Event]:
    return EffectDone(Key("a", number, 0), "agent.reply", {"text": text}), TurnTaken("a", number)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "new" / "runs.db", clock=lambda: 5.0)
    yield store
    await store.aclose()


async def test_what_was_appended_is_read_back_with_its_place_and_time(store: SqliteStore) -> None:
    """A first append makes folder and file; a second goes behind it."""
    first = await store.append("r", after=0, events=[START])
    second = await store.append("r", after=1, events=turn(1))
    assert await store.read("r") == first + second
    assert [(r.seq, r.at) for r in first + second] == [(1, 5.0), (2, 5.0), (3, 5.0)]


async def test_many_events_in_one_append_are_one_transaction(store: SqliteStore) -> None:
    """A fork copies a thousand events at once."""
    await store.append("r", after=0, events=[START, *(e for n in range(500) for e in turn(n))])
    assert len(await store.read("r")) == 1001


async def test_an_empty_append_writes_nothing_and_still_checks_the_end(store: SqliteStore) -> None:
    """No events are no run."""
    assert await store.append("r", after=0, events=[]) == []
    assert await store.runs() == []
    with pytest.raises(RunTaken):
        await store.append("r", after=1, events=[])


@pytest.mark.parametrize("after", [0, 1, 3, 9])
async def test_an_append_behind_the_wrong_event_is_refused(store: SqliteStore, after: int) -> None:
    """Whether it lies behind or ahead of the end; nothing of it is written."""
    before = await store.append("r", after=0, events=[START, START])
    with pytest.raises(RunTaken) as caught:
        await store.append("r", after=after, events=turn(1))
    assert (caught.value.after, caught.value.found) == (after, 2)
    assert await store.read("r") == before


async def test_another_store_on_the_same_file_takes_the_run_over(store: SqliteStore) -> None:
    """Even though the first one remembers where the run ended."""
    await store.append("r", after=0, events=[START])
    await store.append("r", after=1, events=turn(1))
    other = SqliteStore(store.path)
    await other.append("r", after=3, events=[RunResumed()])
    await other.aclose()
    with pytest.raises(RunTaken, match="it has 4 events, we knew 3"):
        await store.append("r", after=3, events=turn(2))
    assert len(await store.read("r")) == 4


async def test_another_process_takes_the_run_over(store: SqliteStore) -> None:
    """A real one."""
    await store.append("r", after=0, events=[START])
    code = (
        "import asyncio, sys\n"
        "from stateflow.journal.event import RunResumed\n"
        "from stateflow.stores.sqlite import SqliteStore\n"
        "async def main():\n"
        "    store = SqliteStore(sys.argv[1])\n"
        "    await store.append('r', after=1, events=[RunResumed()])\n"
        "    await store.aclose()\n"
        "asyncio.run(main())\n"
    )
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(store.path)], check=True
    )
    with pytest.raises(RunTaken):
        await store.append("r", after=1, events=turn(1))


async def test_appends_that_come_together_share_a_transaction(store: SqliteStore) -> None:
    """200 runs at once; a refused one among them does not spoil the others."""
    statements: list[str] = []
    await store.append("r", after=0, events=[START])
    connection = store._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.set_trace_callback(statements.append)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_try(store, f"r{n}", n == 77)) for n in range(200)]
    assert [n for n, task in enumerate(tasks) if not task.result()] == [77]
    assert sum("BEGIN" in s for s in statements) == 1
    assert len(await store.runs()) == 200


async def _try(store: SqliteStore, run: str, wrong: bool) -> bool:
    try:
        await store.append(run, after=int(wrong), events=[START])
    except RunTaken:
        return False
    return True


async def test_a_text_that_no_file_can_hold_is_refused_and_spoils_nothing(
    store: SqliteStore,
) -> None:
    """A lone surrogate."""
    with pytest.raises(StoreError, match="redact"):
        await store.append("r", after=0, events=turn(1, "\ud800"))
    await store.append("r", after=0, events=[START])


async def test_a_cancelled_append_leaves_whole_transactions(store: SqliteStore) -> None:
    """It may have been written, or not."""
    await store.append("r", after=0, events=[START])
    task = asyncio.get_running_loop().create_task(store.append("r", after=1, events=turn(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end = len(await store.read("r"))
    assert end in {1, 3}
    await store.append("r", after=end, events=turn(2))


async def test_an_append_waits_while_another_process_holds_the_file(store: SqliteStore) -> None:
    """The event loop goes on meanwhile."""
    await store.append("r", after=0, events=[START])
    db = sqlite3.connect(store.path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.05, db.execute, "COMMIT")
    assert len(await store.append("r", after=1, events=turn(1))) == 2
    db.close()


async def test_a_killed_process_leaves_whole_transactions(tmp_path: Path) -> None:
    """Turns are two events each; none is left half."""
    path = tmp_path / "runs.db"
    code = (
        "import asyncio, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_sqlite import START, SqliteStore, turn\n"
        "async def main():\n"
        "    store = SqliteStore(sys.argv[1])\n"
        "    await store.append('r', after=0, events=[START])\n"
        "    for n in range(100_000):\n"
        "        await store.append('r', after=2 * n + 1, events=turn(n))\n"
        "        if n == 200: print('go', flush=True)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - it is killed below
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    store = SqliteStore(path)
    events = await store.read("r")
    assert len(events) >= 403
    assert len(events) % 2 == 1
    await store.append("r", after=len(events), events=[RunResumed()])
    await store.aclose()


async def test_one_store_serves_event_loops_in_many_threads(store: SqliteStore) -> None:
    """Each loop gets its own answers."""

    async def work(run: str) -> None:
        await store.append(run, after=0, events=[START])
        for n in range(50):
            await store.append(run, after=2 * n + 1, events=turn(n))

    threads = [threading.Thread(target=asyncio.run, args=(work(f"r{n}"),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert [(s.run, s.events) for s in sorted(await store.runs(), key=lambda s: s.run)] == [
        (f"r{n}", 101) for n in range(4)
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [("k3f9", "01_a_k3f9"), ("01", "01_a_k3f9"), ("02_b_x7", "02_b_x7"), ("last", "02_b_x7")],
)
async def test_a_run_is_found_by_what_people_call_it(
    store: SqliteStore, asked: str, found: str
) -> None:
    """Its name, beginning or end; nested runs are never meant."""
    for run in ("01_a_k3f9", "02_b_x7", "02_b_x7/a#1.0"):
        await store.append(run, after=0, events=[START])
    assert await store.find(asked) == found
    for wrong in ("0", "", "a#1.0", "zz"):
        with pytest.raises(UnknownRun):
            await store.find(wrong)


async def test_nested_journals_lie_under_their_place(store: SqliteStore) -> None:
    """A run whose name only begins alike is not nested."""
    for run in ("r", "r/a#1.0", "r/a#1.0/b#2.1", "r0", "r2/a#1.0"):
        await store.append(run, after=0, events=[START])
    journal = await store.journal("r")
    assert list(journal.children) == ["a#1.0"]
    assert journal.children["a#1.0"].children["b#2.1"].run == "r/a#1.0/b#2.1"
    with pytest.raises(UnknownRun):
        await store.journal("nobody")


async def test_runs_are_told_with_their_last_stop(store: SqliteStore) -> None:
    """A resumed run runs, whatever it paused for."""
    paused, ended = RunPaused(Stop("stuck", "a", "")), RunEnded(Stop("done", "a", ""))
    await store.append("r1", after=0, events=[START, paused, RunResumed()])
    await store.append("r2", after=0, events=[START, paused])
    await store.append("r3", after=0, events=[START, paused, RunResumed(), ended])
    assert [s.stop for s in await store.runs()] == ["running", "stuck", "done"]


async def test_many_turns_are_checkpointed_on_the_way(store: SqliteStore) -> None:
    """The write-ahead log does not grow with the run."""
    await store.append("r", after=0, events=[START])
    for n in range(1200):
        await store.append("r", after=2 * n + 1, events=turn(n))
    assert store.path.with_name("runs.db-wal").stat().st_size < 20e6
    assert store.path.stat().st_size > 100_000


async def test_full_synchronous_writes_the_same(tmp_path: Path) -> None:
    """Only later."""
    store = SqliteStore(tmp_path / "runs.db", synchronous="FULL")
    await store.append("r", after=0, events=[START])
    await store.append("r", after=1, events=turn(1))
    assert len(await store.read("r")) == 3
    await store.aclose()


async def test_a_closed_store_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    """Closing twice is no error."""
    store = SqliteStore(tmp_path / "closed.db")
    await store.append("r", after=0, events=[START])
    await store.aclose()
    await store.aclose()
    assert not [t for t in threading.enumerate() if t.name == "stateflow closed.db"]
    with pytest.raises(StoreError, match="closed"):
        await store.append("r", after=1, events=turn(1))


async def test_a_failing_clock_reaches_the_caller_and_undoes_the_transaction(
    tmp_path: Path,
) -> None:
    """Nobody waits for ever."""
    times = iter([1.0])
    store = SqliteStore(tmp_path / "runs.db", clock=lambda: next(times))
    await store.append("r", after=0, events=[START])
    with pytest.raises(RuntimeError):
        await store.append("r", after=1, events=turn(1))
    assert len(await store.read("r")) == 1
    await store.aclose()
