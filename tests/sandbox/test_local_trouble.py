"""The local sandbox under hostile code: each block ends, and nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stateflow.sandbox import process, supervise
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.local import LocalSandbox, NotIsolated
from stateflow.sandbox.local_session import LocalSession

LOCAL = LocalSandbox(allowed=True, time_limit_s=20)
QUICK = replace(LOCAL, time_limit_s=1)

pytestmark = pytest.mark.filterwarnings("ignore::stateflow.sandbox.local.NotIsolated")


@pytest.fixture
async def session(folders: Path) -> AsyncIterator[LocalSession]:
    opened = await LOCAL.open()
    yield opened
    await opened.aclose()
    assert left_in(folders) == []


@pytest.fixture
async def quick(folders: Path) -> AsyncIterator[LocalSession]:
    """Return a session with little time, and check that the next block works."""
    opened = await QUICK.open()
    yield opened
    assert (await opened.run(sh("echo next"))).stdout == "next\n"
    await opened.aclose()
    assert left_in(folders) == []


def left_in(folder: Path) -> Sequence[Path]:
    return list(folder.iterdir())


def sh(code: str) -> Block:
    return Block(code, "bash")


def python(code: str) -> Block:
    return Block(code, "python")


def running(folders: Path) -> Sequence[int]:
    """Return what still runs with a home below *folders*: all that a session has started."""
    mark = f"HOME={folders}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("sleep 100", id="sleeps"),
        pytest.param("trap '' TERM INT HUP; while :; do sleep 1; done", id="ignores-sigterm"),
        pytest.param("exec >&- 2>&-; sleep 100", id="closes-its-streams"),
        pytest.param("set -m; sleep 100 & sleep 100", id="in-two-groups"),
        pytest.param("while :; do :; done", id="spins"),
        pytest.param("yes", id="writes-without-end"),
        pytest.param("kill -STOP $$", id="stops-itself"),
        pytest.param("exec 9>/proc/$PPID/fd/0 || :; trap '' TERM; sleep 100", id="holds-our-pipe"),
    ],
)
async def test_what_does_not_end_is_ended(quick: LocalSession, folders: Path, code: str) -> None:
    done = await quick.run(sh(f"echo begun; {code}"))

    assert (done.fault, done.exit_code) == ("TimedOut", None)
    assert done.stdout.startswith("begun\n")
    assert done.detail == "It was ended after 1 s, its time limit."
    assert running(folders) == []


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("sleep 100 &", id="in-the-background"),
        pytest.param("setsid sleep 100 &", id="in-a-session-of-its-own"),
        pytest.param("(setsid nohup sleep 100 >/dev/null 2>&1 &) &", id="a-daemon"),
        pytest.param("for i in $(seq 50); do setsid sleep 100 & done", id="fifty"),
        pytest.param("trap '' TERM; (while :; do sleep 100; done) &", id="deaf"),
    ],
)
async def test_what_a_block_leaves_running_ends_with_it(
    session: LocalSession, folders: Path, code: str
) -> None:
    done = await session.run(sh(f"{code}\necho done"))

    assert (done.stdout, done.exit_code, done.fault) == ("done\n", 0, "")
    assert running(folders) == []


async def test_a_fork_bomb_ends_at_the_time_limit(quick: LocalSession, folders: Path) -> None:
    code = "import os\nfor _ in range(5): os.fork()\nos.setpgid(0, 0)\nwhile True: pass"

    done = await quick.run(python(code))

    assert done.fault == "TimedOut"
    assert running(folders) == []


@pytest.mark.parametrize("signal_name", ["KILL", "STOP"])
async def test_what_is_done_to_the_supervisor_frees_nobody(
    quick: LocalSession, folders: Path, monkeypatch: pytest.MonkeyPatch, signal_name: str
) -> None:
    monkeypatch.setattr(process, "_ENDING_S", 0.2)

    done = await quick.run(
        sh(f"sleep 100 & setsid sleep 100 & kill -{signal_name} $PPID; sleep 100")
    )

    assert not done.ok
    async with asyncio.timeout(10):
        while running(folders):  # noqa: ASYNC110 - nobody is left to tell when they are gone
            await asyncio.sleep(0.01)


async def test_a_polite_signal_does_not_reach_the_supervisor(session: LocalSession) -> None:
    done = await session.run(sh("kill $PPID; kill -INT $PPID; kill -HUP $PPID; echo alive"))

    assert (done.stdout, done.exit_code) == ("alive\n", 0)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGKILL, "kill -KILL $$", id="killed"),
        pytest.param(signal.SIGSEGV, "kill -SEGV $$", id="segfault"),
        pytest.param(signal.SIGTERM, "kill -TERM $$", id="terminated"),
        pytest.param(signal.SIGPIPE, "kill -PIPE $$", id="broken-pipe"),
    ],
)
async def test_a_signal_shows_in_the_exit_code(
    session: LocalSession, number: signal.Signals, code: str
) -> None:
    assert (await session.run(sh(code))).exit_code == 128 + number


async def test_a_hundred_megabytes_of_output_keep_their_head_and_tail(
    session: LocalSession,
) -> None:
    done = await session.run(sh("echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo last"))

    assert done.exit_code == 0
    assert done.stdout.startswith("first\n")
    assert done.stdout.endswith("last\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < 70_000


async def test_binary_output_is_text_all_the_same(session: LocalSession) -> None:
    done = await session.run(python("import sys; sys.stdout.buffer.write(bytes(range(256)))"))

    assert done.exit_code == 0
    assert "abc" in done.stdout
    assert "\N{REPLACEMENT CHARACTER}" in done.stdout


async def test_memory_past_the_limit_is_an_error_of_the_program(folders: Path) -> None:
    session = await replace(LOCAL, memory_mb=200).open()

    done = await session.run(python("x = bytearray(10**9)"))

    assert (done.exit_code, done.fault) == (1, "")
    assert "MemoryError" in done.stderr
    await session.aclose()


async def test_a_file_past_its_limit_is_an_error_of_the_program(folders: Path) -> None:
    session = await replace(LOCAL, file_size_mb=1).open()

    done = await session.run(python("open('big', 'wb').write(b'x' * 3_000_000)"))

    assert done.exit_code == 1
    assert "File too large" in done.stderr
    await session.aclose()


async def test_every_limit_reaches_the_process(folders: Path) -> None:
    session = await replace(LOCAL, memory_mb=300, file_size_mb=7, open_files_limit=99).open()
    names = ["AS", "FSIZE", "NOFILE", "CORE"]

    done = await session.run(
        python(
            f"import resource as r\nfor n in {names}: print(r.getrlimit(getattr(r, 'RLIMIT_' + n)))"
        )
    )

    assert done.stdout.splitlines() == [
        f"({300 << 20}, {300 << 20})",
        f"({7 << 20}, {7 << 20})",
        "(99, 99)",
        "(0, 0)",
    ]
    await session.aclose()


async def test_more_processes_than_it_may_have_end_it(folders: Path) -> None:
    session = await replace(LOCAL, processes_limit=10).open()
    fork = "if os.fork() == 0: time.sleep(100)"
    code = f"import os, time\nfor _ in range(30):\n    {fork}\ntime.sleep(100)"

    done = await session.run(python(code))

    # root is ended, everybody else is told by fork itself
    assert done.exit_code in {1, 137}
    assert "more than 10 processes" in done.stderr or "Resource temporarily" in done.stderr
    assert running(folders) == []
    await session.aclose()


async def test_processes_are_limited_beside_those_the_user_has(folders: Path) -> None:
    few = await replace(LOCAL, processes_limit=1).open()
    many = await replace(LOCAL, processes_limit=10_001).open()
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NPROC)[0])"

    least, most = [int((await one.run(python(code))).stdout) for one in (few, many)]

    assert least >= 2  # ours, and one more
    assert most > 10_001
    await few.aclose()
    await many.aclose()


async def test_cancelled_it_ends_what_runs(session: LocalSession, folders: Path) -> None:
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await session.run(sh("setsid sleep 100 & trap '' TERM; sleep 100"))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run())
        await begun.wait()
        while len(running(folders)) < 3:  # noqa: ASYNC110 - other processes cannot set an event
            await asyncio.sleep(0.01)  # the shell, and both that it has started
        task.cancel()

    assert running(folders) == []
    assert (await session.run(sh("echo next"))).stdout == "next\n"


async def test_blocks_of_one_session_take_turns(session: LocalSession) -> None:
    code = "import os, time; os.mkdir('busy'); time.sleep(0.1); os.rmdir('busy')"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(session.run(python(code))) for _ in range(3)]

    assert [task.result().exit_code for task in tasks] == [0, 0, 0]


def test_the_supervisor_is_a_program_that_needs_nothing_installed() -> None:
    command = ["/bin/sh", "-c", "exit 7"]
    supervised = [sys.executable, "-I", "-S", supervise.__file__, "CORE=0,NPROC=9", *command]
    ours, theirs = os.pipe()

    ended = subprocess.run(supervised, stdin=ours, env={}, check=False)

    assert ended.returncode == 7
    os.close(ours)
    os.close(theirs)


def test_nothing_runs_on_when_the_engine_dies(tmp_path: Path) -> None:
    code = f"""
import asyncio, tempfile, warnings
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.local import LocalSandbox
warnings.simplefilter("ignore")
tempfile.tempdir = {str(tmp_path)!r}
async def main():
    session = await LocalSandbox(allowed=True).open()
    await session.run(Block("setsid sleep 100 & sleep 100", "bash"))
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code]) as engine:
        while len(running(tmp_path)) < 3:
            assert engine.poll() is None
            time.sleep(0.02)
        engine.kill()

    until = time.monotonic() + 20
    while running(tmp_path) and time.monotonic() < until:
        time.sleep(0.02)
    assert running(tmp_path) == []


async def test_too_many_processes_on_the_machine_is_told(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)

    with pytest.raises(Exception, match="cannot start a process"):
        await session.run(sh("echo hi"))


def test_the_warning_is_one_that_users_can_filter() -> None:
    assert issubclass(NotIsolated, UserWarning)
