"""One process of the local sandbox: started under a supervisor, read, ended at its limit.

The supervisor's standard input is the lifeline: while our end of it is open the command may run;
once it is closed, by us or because this process died, the supervisor kills everything.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.output import Output

__all__ = ["Ended", "Terms", "run_process"]

_SUPERVISOR: Final = Path(__file__).with_name("supervise.py")
_ENDING_S: Final = 5.0
"""Longest that killed processes may take to be gone [s]; one that hangs in the kernel does."""
_REST_S: Final = 1.0
"""Longest that the end of the output is waited for once nothing of the command is left [s]."""
_SIGNALLED: Final = 128


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms a command runs."""

    folder: Path
    """Where."""
    environ: Mapping[str, str]
    """Its whole environment; ``HOME`` in it is one that nothing else has."""
    limits: Mapping[str, int]
    """Of the system, by name, such as ``NOFILE``."""
    time_limit_s: float
    """How long it may take [s]."""
    output_limit_bytes: int
    """Most that is kept of each of its two streams [bytes]."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    exit_code: int | None
    """``None``: it was ended at its time limit."""
    stdout: str
    stderr: str


async def run_process(command: Sequence[str], terms: Terms) -> Ended:
    """Run *command* until it ends or its time is over; nothing of it is left.

    Args:
        command: its program as an absolute path, and its arguments.
        terms: where, and for how long.

    Raises:
        SandboxUnavailable: no process can be started.
    """
    limit = terms.output_limit_bytes
    async with _stream(limit) as (out, to_out), _stream(limit) as (err, to_err):
        stdin, lifeline = _pipe()
        with lifeline:
            with stdin, to_out, to_err:  # the supervisor has them as well, and only it keeps them
                process = await _start(command, terms, (stdin, to_out, to_err))
            try:
                exit_code = await _exit_code(process, terms.time_limit_s)
            finally:
                _cut(lifeline)
                await _gone(process, terms.environ["HOME"])
        for stream in (out, err):
            with suppress(TimeoutError):
                async with asyncio.timeout(_REST_S):
                    await stream.over.wait()
        return Ended(exit_code, out.output.text, err.output.text)


class _Stream(asyncio.Protocol):
    """What comes from one stream, taken as it comes."""

    def __init__(self, limit_bytes: int) -> None:
        self.output = Output(limit_bytes)
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.output.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        self.over.set()


def _pipe() -> tuple[FileIO, FileIO]:
    """Return the end to read from, and the one to write to."""
    ours, theirs = os.pipe()
    return FileIO(ours, "r"), FileIO(theirs, "w")


@asynccontextmanager
async def _stream(limit_bytes: int) -> AsyncGenerator[tuple[_Stream, FileIO]]:
    """Open a stream; with it comes the end to write to."""
    ours, theirs = _pipe()
    with ours, theirs:
        transport, stream = await asyncio.get_running_loop().connect_read_pipe(
            lambda: _Stream(limit_bytes), ours
        )
        try:
            yield stream, theirs
        finally:
            transport.close()
            await stream.over.wait()  # it closes its end a turn of the loop later


async def _start(
    command: Sequence[str], terms: Terms, pipes: tuple[FileIO, FileIO, FileIO]
) -> Process:
    limits = ",".join(f"{name}={value}" for name, value in terms.limits.items())
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-B", str(_SUPERVISOR), limits, *command),
            stdin=pipes[0],
            stdout=pipes[1],
            stderr=pipes[2],
            cwd=terms.folder,
            env=dict(terms.environ),
            start_new_session=True,  # Ctrl-C is for us, and we end it
        )
    except OSError as error:
        raise SandboxUnavailable(
            f"the local sandbox cannot start a process ({error.strerror}); its folder is gone, or "
            "too many of them run on this machine"
        ) from error


async def _exit_code(process: Process, time_limit_s: float) -> int | None:
    try:
        async with asyncio.timeout(time_limit_s):
            code = await process.wait()
    except TimeoutError:
        return None
    return code if code >= 0 else _SIGNALLED - code  # the command has killed its supervisor


def _cut(lifeline: FileIO) -> None:
    """Tell the supervisor to end everything."""
    os.set_blocking(lifeline.fileno(), False)
    with suppress(OSError):  # it has ended
        lifeline.write(b"!")  # closing alone is no sign where the code holds the pipe open as well
    lifeline.close()


async def _gone(process: Process, home: str) -> None:
    """Wait until the supervisor has killed everything; where it cannot, do what can be done."""
    code = -1
    try:
        async with asyncio.timeout(_ENDING_S):
            code = await process.wait()
    except TimeoutError:
        process.kill()
    if code < 0:
        await asyncio.to_thread(_sweep, process.pid, f"HOME={home}".encode())


def _sweep(session: int, mark: bytes) -> None:
    """Kill what runs in *session* or has *mark* in its environment; only Linux can tell."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            # the name of the program is in parentheses, and may hold any character
            about = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(about[3]) == session or mark in (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
