"""A run is held by one living process, and by nobody once that is over or dead."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from stateflow import Flow, FunctionAgent, RunHeld, Runner, State, StoreError, View, says, to
from stateflow.journal.event import Event, Recorded
from stateflow.stores import claim
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore
from tests.support.cutting import Cut, CuttingStore

locks = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks that would do")


async def told(view: View) -> str:
    """Say what comes from the standard input."""
    print("at work", flush=True)  # noqa: T201 - the test listens
    word: str = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if word == "fail":
        raise ValueError(word)
    return word


def made(say: Callable[[View], str | Awaitable[str]] = lambda _: "end") -> Flow:
    return Flow("f", State("s", FunctionAgent("a", say), to(None, when=says("end")), to("s")))


async def life(path: str) -> None:
    """Live the run ``r`` as the standard input says, tell its stop, and stay until that closes."""
    async with Runner(store=path) as runner:
        live = runner.start(made(told), run="r")
        live.listen()
        async for _ in live:
            if live.door.fold.turns:
                live.pause()
        print((await live).stop.kind, flush=True)  # noqa: T201 - the test listens
        await asyncio.to_thread(sys.stdin.read)


class Process:
    """A process that lives the run ``r`` of the store at *path*."""

    def __init__(self, path: Path) -> None:
        code = "import asyncio, sys; from tests.stores import test_claim as t; "
        code += "asyncio.run(t.life(sys.argv[1]))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self) -> str:
        """Return what it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> None:
        """Let its agent say *word*."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kill it with -9."""
        self.process.kill()
        self.process.communicate()


def kept_open() -> int:
    """Return how many lock files this process has open."""
    return len(claim._open)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def other(path: Path) -> Iterator[Process]:
    """Another process, with the run under way."""
    other = Process(path)
    try:
        assert other.hears() == "at work"
        yield other
    finally:
        other.kill()


@locks
async def test_a_run_under_way_in_another_process_is_refused_and_left_alone(
    other: Process, path: Path
) -> None:
    """By its full name and by ``last``; the process goes on as if nothing had been."""
    async with Runner(store=path) as runner:
        before = await runner.journal("r")
        for name in ("r", "last"):
            with pytest.raises(RunHeld) as refused:
                await runner.resume(made(), name)
            assert str(refused.value).startswith("run 'r' is under way in another process")
            assert str(refused.value).endswith(
                "; wait for its end or stop it there (Ctrl-C), then resume"
            )
        with pytest.raises(RunHeld):
            await runner.start(made(), run="r")
        if sys.platform == "linux":
            assert refused.value.pid == other.process.pid
            assert f"(pid {other.process.pid})" in str(refused.value)
        assert await runner.journal("r") == before
        assert (await runner.start(made(), run="another")).stop.kind == "done"
        fork = await runner.fork(made(), "r", at=0)
        assert (await fork).stop.kind == "done"
    other.tell("end")
    assert other.hears() == "done"


@locks
async def test_a_killed_process_holds_nothing(other: Process, path: Path) -> None:
    other.kill()

    async with Runner(store=path) as runner:
        assert (await runner.resume(made(), "r")).stop.kind == "done"


@pytest.mark.parametrize(("word", "stop"), [("go on", "paused"), ("fail", "failed")])
async def test_a_life_that_is_over_holds_nothing_though_its_process_lives(
    other: Process, path: Path, word: str, stop: str
) -> None:
    other.tell(word)
    assert other.hears() == stop

    async with Runner(store=path) as runner:
        assert (await runner.resume(made(), "r")).stop.kind == "done"
    assert other.process.poll() is None


@locks
async def test_a_run_that_is_let_go_of_does_not_free_the_others(path: Path) -> None:
    """Closing one of two descriptors would drop the locks of both."""
    first, second = SqliteStore(path), SqliteStore(path)
    let_go = await first.hold("r")
    (await second.hold("s"))()
    await second.aclose()

    assert _elsewhere(path, "r") == "RunHeld"
    assert _elsewhere(path, "s") == "held"
    let_go()
    assert _elsewhere(path, "r") == "held"
    await first.aclose()


def _elsewhere(path: Path, run: str) -> str:
    """Return what a process that holds *run* for a moment comes to."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from stateflow.stores.claim import claim\n"
        "try:\n"
        "    claim(Path(sys.argv[1]), sys.argv[2])()\n"
        "    print('held')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    words = [sys.executable, "-c", code, str(path), run]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@locks
async def test_a_link_to_a_database_leads_to_the_same_locks(path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    let_go = await SqliteStore(path).hold("r")

    with pytest.raises(RunHeld):
        await SqliteStore(link).hold("r")
    assert _elsewhere(link, "r") == "RunHeld"
    let_go()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_holds_nothing_of_its_parent(path: Path) -> None:
    """It can neither resume what its parent has under way nor let go of it."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from stateflow.stores.claim import claim\n"
        "path = Path(sys.argv[1])\n"
        "let_go = claim(path, 'r')\n"
        "if not (child := os.fork()):\n"
        "    let_go()\n"
        "    try:\n"
        "        claim(path, 'r')\n"
        "    except Exception as error:\n"
        "        print(error.pid == os.getppid(), flush=True)\n"
        "    claim(path, 's')()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "let_go()\n"
        "claim(path, 'r')()\n"
    )
    words = [sys.executable, "-c", code, str(path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    assert said == str(sys.platform == "linux")


async def test_what_is_not_used_is_not_kept_open(path: Path) -> None:
    store = SqliteStore(path)
    let_go = await store.hold("r")
    with pytest.raises(RunHeld):
        await store.hold("r")
    assert kept_open() == 1
    let_go()

    assert not kept_open()


async def test_a_lock_file_that_cannot_be_made_is_told_with_the_cure(path: Path) -> None:
    path.with_name("runs.db-lock").mkdir()

    with pytest.raises(StoreError, match=r"runs.db-lock' cannot be locked .*choose another path"):
        await SqliteStore(path).hold("r")
    assert not kept_open()


@locks
async def test_a_disk_without_locks_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another error than a run that is held."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(StoreError, match="No locks available"):
        await SqliteStore(path).hold("r")
    assert not kept_open()


def test_a_folder_that_cannot_be_made_is_told_as_ever(path: Path) -> None:
    path.write_text("a file")

    with pytest.raises(StoreError, match=r"the folder of .* cannot be made"):
        asyncio.run(SqliteStore(path / "runs.db").hold("r"))


async def test_two_lives_of_one_run_in_one_process_are_refused(path: Path) -> None:
    """Over two stores, too; the first is not disturbed."""
    begun, gate = asyncio.Event(), asyncio.Event()

    async def wait(view: View) -> str:
        begun.set()
        await gate.wait()
        return "end"

    async with Runner(store=path) as first, Runner(store=path) as second:
        live = first.start(made(wait), run="r")
        await begun.wait()
        for runner in (first, second):
            with pytest.raises(RunHeld, match="this process"):
                await runner.resume(made(), "r")
        gate.set()
        assert (await live).stop.kind == "done"
        assert (await second.resume(made(), "r")).stop.kind == "done"


@pytest.mark.parametrize("how", ["stop", "cancel", "pause", "aclose"])
async def test_however_a_life_ends_it_lets_go(path: Path, how: str) -> None:
    """Its last event is written before."""
    begun = asyncio.Event()

    async def wait(view: View) -> str:
        begun.set()
        return await asyncio.sleep(0 if how == "pause" else 100, "go on")

    async with Runner(store=path) as runner:
        live = runner.start(made(wait), run="r")
        await begun.wait()
        if how == "aclose":
            await live.aclose()
        else:
            getattr(live, how)()
            await live

        (await runner.store.hold("r"))()


class Broken(MemoryStore):
    """Fails at its second append."""

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        if after:
            raise StoreError("the disk is gone")
        return await super().append(run, after=after, events=events)


@pytest.mark.parametrize(
    ("store", "error"),
    [(Broken(), StoreError), (CuttingStore(MemoryStore(), 2, before=True), Cut)],
    ids=["broken", "cut"],
)
async def test_a_life_that_breaks_lets_go(store: Store, error: type[BaseException]) -> None:
    async with Runner(store=store) as runner:
        with pytest.raises(error):
            await runner.start(made(), run="r")

    (await store.hold("r"))()


async def test_a_life_that_is_stopped_before_it_begins_holds_nothing() -> None:
    async with Runner() as runner:
        live = runner.start(made(), run="r")
        await live.aclose()

        (await runner.store.hold("r"))()
