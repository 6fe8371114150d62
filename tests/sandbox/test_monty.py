"""The embedded sandbox: what it asks for, what it runs, and what it says of what it cannot run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.monty import MontySandbox, MontySession


@pytest.fixture
async def session() -> AsyncIterator[MontySession]:
    opened = await MontySandbox(time_limit_s=5).open()
    yield opened
    await opened.aclose()
    await no_worker_is_left()


def workers() -> list[int]:
    """Return the workers that this process has started and that still run."""
    found: list[int] = []
    for about in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, name, state, parent, *_ = about.read_text().split()
            if (name, parent) == ("(monty)", str(os.getpid())) and state != "Z":
                found.append(int(pid))
    return found


async def no_worker_is_left() -> None:
    async with asyncio.timeout(5):
        while workers():  # noqa: ASYNC110 - a process that ends sets no event
            await asyncio.sleep(0.01)


def python(code: str) -> Block:
    return Block(code, "python")


def test_it_is_isolated_and_keeps_nothing() -> None:
    sandbox = MontySandbox()

    assert (sandbox.name, sandbox.languages, sandbox.keeps, sandbox.risk) == (
        "monty",
        ("python",),
        False,
        "",
    )


def test_equal_settings_are_equal_values() -> None:
    assert hash(MontySandbox(memory_mb=64)) == hash(MontySandbox(memory_mb=64))
    assert MontySandbox(memory_mb=64).form != MontySandbox().form


@pytest.mark.parametrize("limit", ["time_limit_s", "memory_mb", "output_limit_bytes"])
def test_a_limit_of_nothing_is_refused_by_its_name(limit: str) -> None:
    with pytest.raises(DefinitionError, match=limit):
        MontySandbox(**{limit: 0})


async def test_it_runs_a_program_and_not_a_conversation(session: MontySession) -> None:
    done = await session.run(python("print('hi')\n42"))

    assert (done.stdout, done.stderr, done.exit_code) == ("hi\n", "", 0)
    assert (done.fault, done.detail, done.files) == ("", "", ())


async def test_stdout_and_stderr_are_apart(session: MontySession) -> None:
    done = await session.run(python("import sys\nprint('out')\nprint('err', file=sys.stderr)"))

    assert (done.stdout, done.stderr) == ("out\n", "err\n")


async def test_each_block_is_a_program_of_its_own(session: MontySession) -> None:
    await session.run(python("x = 1"))

    done = await session.run(python("print(x)"))

    assert done.exit_code == 1
    assert "NameError: name 'x' is not defined" in done.stderr
    assert done.detail == ""  # that is a mistake of the code


async def test_an_error_leaves_its_traceback_after_what_was_said(session: MontySession) -> None:
    done = await session.run(python("print('before')\ndef f():\n    return 1 / 0\nf()"))

    assert (done.stdout, done.exit_code, done.detail) == ("before\n", 1, "")
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "line 3, in f" in done.stderr


async def test_a_mistake_of_syntax_is_told_as_python_tells_it(session: MontySession) -> None:
    done = await session.run(python("x = = 3"))

    assert done.exit_code == 1
    assert "SyntaxError" in done.stderr
    assert "line 1" in done.stderr


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        pytest.param("raise SystemExit", 0, "", id="bare"),
        pytest.param("raise SystemExit('no')", 1, "no\n", id="with-a-text"),
    ],
)
async def test_a_program_may_exit(
    session: MontySession, code: str, exit_code: int, stderr: str
) -> None:
    done = await session.run(python(code))

    assert (done.exit_code, done.stderr) == (exit_code, stderr)


async def test_a_failed_assertion_tells_what_was_compared(session: MontySession) -> None:
    done = await session.run(python("assert 1 + 1 == 3"))

    assert done.exit_code == 1
    assert "AssertionError: assert 2 == 3" in done.stderr


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("import numpy", "No module named 'numpy'", id="module"),
        pytest.param("from sys import exit", "cannot import name 'exit'", id="name-of-a-module"),
        pytest.param("import sys\nsys.exit(1)", "no attribute 'exit'", id="sys-exit"),
        pytest.param("raise SystemExit(3)", "a part of Python only", id="exit-code"),
        pytest.param("exit(3)", "does not have Python's 'exit'", id="exit"),
        pytest.param("input('?')", "does not have Python's 'input'", id="input"),
        pytest.param("open('data.csv')", "no files", id="file"),
        pytest.param("def g():\n    yield 1", "yield expressions", id="generator"),
        pytest.param("class E(Exception): pass", "class inheritance", id="inheritance"),
        pytest.param("from math import *", "Wildcard imports", id="wildcard"),
    ],
)
async def test_what_it_cannot_run_names_the_cure(
    session: MontySession, code: str, says: str
) -> None:
    done = await session.run(python(code))

    assert (done.exit_code, done.fault) == (1, "")
    assert says in done.detail
    assert "sandbox='docker:python:3.12-slim' runs all of Python" in done.detail


async def test_what_the_code_sees_of_chance_and_time_is_as_documented(
    session: MontySession,
) -> None:
    fixed = "print(id([]), hash('a'), {'b', 'a', 'c'})"
    free = "import random, time\nprint(random.random(), time.time())"

    first, second = [(await session.run(python(fixed))).stdout for _ in range(2)]
    third, fourth = [(await session.run(python(free))).stdout for _ in range(2)]

    assert first == second
    assert third != fourth


async def test_a_data_file_is_passed_over_and_that_is_told(session: MontySession) -> None:
    await session.put([File.from_bytes(b"a,b", name="data.csv")])

    done = await session.run(Block("a,b", "file", "data.csv"))

    assert (done.language, done.exit_code, done.fault) == ("file", 0, "")
    assert "'data.csv'" in done.detail
    assert "docker:" in done.detail


async def test_a_block_with_a_name_runs_all_the_same(session: MontySession) -> None:
    assert (await session.run(Block("print(1)", "python", "a.py"))).stdout == "1\n"


async def test_its_version_is_its_identity(session: MontySession) -> None:
    from pydantic_monty import __version__

    assert session.identity == {"monty": __version__}
    assert session.languages == ("python",)


async def test_output_keeps_its_head_and_tail() -> None:
    session = await MontySandbox(output_limit_bytes=1_000).open()

    done = await session.run(python("print('first')\nprint('x' * 5000)\nprint('last')"))

    assert done.stdout.startswith("first\n")
    assert done.stdout.endswith("last\n")
    assert "bytes left out" in done.stdout
    await session.aclose()


async def test_blocks_run_side_by_side_more_than_there_are_processors(
    session: MontySession,
) -> None:
    code = "import time\ntime.sleep(0.01)\nprint('done')"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(session.run(python(code))) for _ in range(8)]

    assert [task.result().stdout for task in tasks] == ["done\n"] * 8


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: pass", id="spinning"),
        pytest.param("import time\ntime.sleep(1000)", id="sleeping"),
        pytest.param("while True: print('x' * 100_000)", id="writing"),
    ],
)
async def test_cancelled_it_ends_what_runs(session: MontySession, code: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await session.run(python(code))

    assert (await session.run(python("print('next')"))).stdout == "next\n"


async def signalled(session: MontySession, number: signal.Signals) -> Execution:
    """Run a block without end, and send *number* to its worker until it has ended."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.run(python("while True: pass")))
        while not task.done():
            await asyncio.sleep(0.1)
            for worker in workers():
                with suppress(ProcessLookupError):
                    os.kill(worker, number)
    return task.result()


async def test_a_worker_that_dies_is_told_and_the_next_block_has_another(
    session: MontySession,
) -> None:
    done = await signalled(session, signal.SIGKILL)

    assert (done.exit_code, done.fault) == (134, "")
    assert "crashed the interpreter" in done.detail
    assert (await session.run(python("print('next')"))).stdout == "next\n"


async def test_a_worker_that_hangs_is_ended() -> None:
    session = await MontySandbox(time_limit_s=0.5).open()

    done = await signalled(session, signal.SIGSTOP)  # so that it cannot look at its own clock

    assert done.fault == "TimedOut"
    await session.aclose()
    await no_worker_is_left()


async def test_closed_it_says_so(session: MontySession) -> None:
    await session.aclose()
    await session.aclose()

    with pytest.raises(SandboxUnavailable, match="cannot be started"):
        await session.run(python("print(1)"))


@pytest.mark.parametrize("binary", ["/nonexistent/monty", "/bin/true"])
async def test_a_broken_installation_is_told_before_any_code_is_blamed(
    monkeypatch: pytest.MonkeyPatch, binary: str
) -> None:
    monkeypatch.setenv("MONTY_BIN", binary)

    with pytest.raises(SandboxUnavailable, match="pip install --force-reinstall pydantic-monty"):
        await MontySandbox().open()


async def test_without_the_package_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)

    with pytest.raises(SandboxUnavailable, match="pip install pydantic-monty"):
        await MontySandbox().open()


async def test_the_loop_goes_on_while_a_block_runs(session: MontySession) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    async with asyncio.TaskGroup() as group:
        beating = group.create_task(beat())
        await session.run(python("import time\nfor _ in range(20):\n    time.sleep(0.01)"))
        beating.cancel()

    assert beats > 5


def test_a_session_works_in_a_loop_of_another_thread() -> None:
    said: list[str] = []

    async def run() -> None:
        session = await MontySandbox().open()
        said.append((await session.run(python("print(6 * 7)"))).stdout)
        await session.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()

    assert said == ["42\n"]
