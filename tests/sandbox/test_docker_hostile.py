"""Programs that mean ill, or only went wrong: each ends with the right outcome, and leaves nothing.

Beside what each test asserts, ``Box.run`` asserts that no process of the block is left and that the
next block works, and ``opened`` that no container or volume is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stateflow.sandbox.blocks import Block
from tests.support.boxes import Box, opened, small
from tests.support.engine import Engine

FORK_BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
DEAF = """
import signal
print("deaf", flush=True)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
"""
MUTE = "import os, time; os.close(1); os.close(2); time.sleep(60)"
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for one in range(3):
            os.close(one)
        time.sleep(60)
    os._exit(0)
os.wait()
print("done")
"""
HEIR = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True); print('done')"
CROWD = """
import os
for one in range(3):
    if os.fork() == 0:
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
os.write(1, b"done\\n")
os._exit(0)
"""
GREEDY_CHILD = """
import subprocess, sys
done = subprocess.run([sys.executable, "-c", "x = bytearray(1 << 30)"])
print(done.returncode)
"""
KEPT_MEMORY = """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
one = libc.shmget(1, 50 << 20, 0o1666)
ctypes.memset(ctypes.c_void_p(libc.shmat(one, None, 0)), 1, 50 << 20)
print("done")
"""
FOLDERS = ["/workspace", "/tmp", "/dev/shm", "/data"]  # noqa: S108 - in the container
ORPHAN_OF_KILLED = """
import os, signal, time
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(60)
"""


@pytest.fixture
async def box(engine: Engine) -> AsyncIterator[Box]:
    async with opened(engine, small(engine.image)) as box:
        yield box


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(FORK_BOMB, "", id="fork-bomb"),
        pytest.param(DEAF, "deaf\n", id="ignores-signals"),
        pytest.param(MUTE, "", id="closes-its-streams"),
        pytest.param("while True: print('x' * 99)", None, id="chatters"),
        pytest.param("import os; os.kill(os.getpid(), 19)", "", id="stops-itself"),
    ],
)
async def test_what_does_not_end_is_ended(hasty_box: Box, code: str, said: str | None) -> None:
    execution = await hasty_box.python(code)

    assert execution.fault == "TimedOut"
    assert said is None or execution.stdout == said


async def test_a_fork_bomb_of_the_shell_is_ended(hasty_box: Box) -> None:
    """It may end itself, as a shell that cannot fork gives up."""
    execution = await hasty_box.sh("bomb() { bomb | bomb & }; bomb; while :; do :; done")

    assert execution.fault == "TimedOut" or execution.exit_code


async def test_a_block_that_kills_the_shell_around_it_does_not_go_on(hasty_box: Box) -> None:
    execution = await hasty_box.python(ORPHAN_OF_KILLED)

    assert not execution.ok


@pytest.mark.parametrize("code", [DAEMON, HEIR, CROWD], ids=["daemon", "keeps-stdout", "breeds"])
async def test_processes_in_the_background_end_with_the_block(shared_box: Box, code: str) -> None:
    execution = await shared_box.python(code)

    assert execution.ok, execution
    assert execution.stdout == "done\n"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print('a', flush=True); x = bytearray(1 << 30)", id="at-once"),
        pytest.param("print('a', flush=True)\nx = []\nwhile True: x.append('y' * 9999)", id="slow"),
    ],
)
async def test_a_memory_bomb_is_out_of_memory(shared_box: Box, code: str) -> None:
    execution = await shared_box.python(code)

    assert execution.fault == "OutOfMemory"
    assert execution.stdout == "a\n"


async def test_a_program_may_survive_that_its_child_is_out_of_memory(shared_box: Box) -> None:
    execution = await shared_box.python(GREEDY_CHILD)

    assert execution.ok, execution
    assert execution.stdout == "-9\n"


async def test_memory_that_outlives_its_program_is_given_back(box: Box) -> None:
    execution = await box.python(KEPT_MEMORY)
    again = await box.python("print(len(bytearray(40 << 20)) >> 20)")

    assert execution.stdout == "done\n"
    assert again.stdout == "40\n"


@pytest.mark.parametrize("folder", FOLDERS)
async def test_a_full_disk_is_the_programs_own_trouble(box: Box, folder: str) -> None:
    execution = await box.python(
        f"one = open('{folder}/filler', 'wb', buffering=0)\nwhile True: one.write(bytes(1 << 20))"
    )

    assert execution.exit_code == 1
    assert not execution.fault
    assert "No space left on device" in execution.stderr
    assert ("'filler'" in execution.detail) == (folder == "/workspace")


@pytest.mark.parametrize("folder", FOLDERS)
async def test_there_is_an_end_to_the_number_of_files(box: Box, folder: str) -> None:
    execution = await box.python(f"for one in range(10**9): open(f'{folder}/{{one}}', 'w').close()")

    assert execution.exit_code == 1 or execution.fault == "OutOfMemory"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_of_100_megabytes_of_output_head_and_tail_are_kept(
    shared_box: Box, stream: str
) -> None:
    execution = await shared_box.python(
        f"import sys\nout = sys.{stream}.buffer\nout.write(b'begin')\n"
        "for _ in range(100): out.write(b'x' * 1_000_000)\nout.write(b'end')"
    )

    text = getattr(execution, stream)
    assert execution.ok, execution
    assert text.startswith("beginxxx")
    assert text.endswith("xxxend")
    assert "99,999,008 bytes left out" in text
    assert len(text) < 1_100


@pytest.mark.parametrize(
    ("code", "exit_code", "stdout"),
    [
        pytest.param("import os; os.write(1, b'\\xff\\xfe\\x00a')", 0, None, id="binary"),
        pytest.param("import os; os.close(1); os._exit(3)", 3, "", id="closes-stdout"),
        pytest.param("import os; os.kill(os.getpid(), 11)", 139, "", id="by-signal"),
        pytest.param("import os; os.kill(os.getpid(), 9)", 137, "", id="kills-itself"),
        pytest.param("raise SystemExit(255)", 255, "", id="highest-code"),
        pytest.param("import os; os.kill(1, 9); print('on')", 1, "", id="kills-init"),
        pytest.param("import sys; print(repr(sys.stdin.read()))", 0, "''\n", id="reads-stdin"),
        pytest.param("print('☃ é')", 0, "☃ é\n", id="utf-8"),
    ],
)
async def test_a_program_ends_as_it_will(
    shared_box: Box, code: str, exit_code: int, stdout: str | None
) -> None:
    execution = await shared_box.python(code)

    assert (execution.exit_code, execution.fault) == (exit_code, ""), execution
    assert stdout is None or execution.stdout == stdout


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("kill -9 -1; echo on", id="everybody"),
        pytest.param("kill -9 $PPID; echo on", id="its-parent"),
        pytest.param("for one in $(ls /proc | grep '^[0-9]*$'); do kill -9 $one; done", id="each"),
    ],
)
async def test_a_shell_that_kills_all_it_can_ends_the_block(shared_box: Box, code: str) -> None:
    execution = await shared_box.sh(code)

    assert execution.fault in {"", "TimedOut"}
    assert not execution.reset or execution.detail


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("mkdir .block.sh", id="folder"),
        pytest.param("mkfifo .block.sh", id="fifo"),
        pytest.param("ln -s /nowhere .block.sh", id="dead-link"),
        pytest.param("ln -s /etc/passwd .block.sh", id="link"),
        pytest.param("touch .block.sh; chmod 0 .block.sh", id="closed"),
    ],
)
async def test_nothing_takes_the_place_of_the_next_blocks_file(shared_box: Box, way: str) -> None:
    execution = await shared_box.sh(f"rm -f .block.sh; {way}; echo done")

    assert execution.stdout == "done\n"


async def test_the_engine_outlives_many_hostile_blocks(hasty_box: Box) -> None:
    codes = (FORK_BOMB, "x = bytearray(1 << 30)", DAEMON)

    faults = [(await hasty_box.session.run(Block(code, "python"))).fault for code in codes]

    assert faults == ["TimedOut", "OutOfMemory", ""]
    assert hasty_box.running() == []
