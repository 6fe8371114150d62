"""The embedded sandbox: Python of monty, an interpreter that can reach nothing.

The code never sees Python itself: monty is an interpreter of its own, without files, network,
environment or processes, and nothing of this process is handed to it.  It runs in a worker process
with an empty environment, a new one for each block, so that not even a block that breaks out of
the interpreter's memory meets the next.

Two clocks bound a block: the worker's, which stops the code from within, and ours, which ends the
worker.  Only ours sees a program that sleeps.  Should this process die, a worker ends with its
own clock at the latest.

What a block sees of chance and time is real: ``random`` begins with true entropy, clocks tell
the time in UTC.  ``id``, ``hash`` and the order of sets are the same in every block, on every
machine.

The only module that imports ``pydantic_monty``.
"""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.limits import check_limits
from stateflow.sandbox.output import Output
from stateflow.value import Json

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, MontyError, OSPolicy, ResourceLimits

__all__ = ["MontySandbox", "MontySession"]

_GRACE_S: Final = 0.5
"""How much longer our clock runs than the worker's, which can tell where the code was [s]."""
_MOST_TOLD: Final = 200
"""Longest sentence of an error that is told again [characters]."""
_NO_END: Final = 10**9
"""Host calls of a block; none but sleeping are given to it, and the clock counts that."""
_CRASHED: Final = 134
"""As a shell tells the end of a program that aborted."""
_CURE: Final = "sandbox='docker:python:3.12-slim' runs all of Python"
_MISSING: Final[Mapping[type[BaseException], str]] = {
    ImportError: "monty has few modules, and none can be installed",
    OSError: "monty has no files and no network",
    NotImplementedError: "monty runs a part of Python's syntax only",
    AttributeError: "monty has a part of Python's attributes only",
    RuntimeError: "monty runs a part of Python only",
}
"""What an error may come from.  It may as well be the code's own, which nothing tells apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MontySandbox:
    """The embedded sandbox, the default: a part of Python, and nothing that it could reach.

    Blocks run one by one and keep nothing; there is no work folder.  A block ends
    with exit code 0, or with 1 after an error, whose traceback is on stderr.  A
    ``MemoryError`` that nothing caught counts as out of memory, also where the code raised it.

    Args:
        time_limit_s: how long a block may take, sleeping included [s].
        memory_mb: most memory that its values may take [MiB].
        output_limit_bytes: most that is kept of each of its two streams [bytes].

    Example:
        >>> MontySandbox(memory_mb=64).risk
        ''
        >>> MontySandbox(time_limit_s=0)
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: time_limit_s=0 is no limit of the monty sandbox; ...
    """

    time_limit_s: float = 10.0
    memory_mb: int = 256
    output_limit_bytes: int = 16_384

    def __post_init__(self) -> None:
        """Check the limits."""
        check_limits(
            "the monty sandbox",
            time_limit_s=self.time_limit_s,
            memory_mb=self.memory_mb,
            output_limit_bytes=self.output_limit_bytes,
        )

    @property
    def name(self) -> str:
        """What flows call it."""
        return "monty"

    @property
    def languages(self) -> Sequence[str]:
        """Python."""
        return ("python",)

    @property
    def keeps(self) -> bool:
        """Nothing: there is no work folder."""
        return False

    @property
    def risk(self) -> str:
        """None: it is isolated."""
        return ""

    @property
    def form(self) -> Json:
        """Its limits."""
        return {
            "kind": "monty",
            "time_limit_s": self.time_limit_s,
            "memory_mb": self.memory_mb,
            "output_limit_bytes": self.output_limit_bytes,
        }

    async def open(self) -> MontySession:
        """Start a worker.

        Raises:
            SandboxUnavailable: monty is not installed, or cannot be started.
        """
        try:
            from pydantic_monty import AsyncMonty, MontyError, __version__
        except ImportError:
            raise SandboxUnavailable(
                "monty is not installed; pip install pydantic-monty, or take another sandbox"
            ) from None
        try:
            async with AsyncExitStack() as opened:
                pool = await opened.enter_async_context(
                    AsyncMonty(
                        max_checkouts_per_worker=1,
                        request_timeout=self.time_limit_s + 2 * _GRACE_S,  # of one that hangs
                    )
                )
                async with pool.checkout() as worker:  # later a crash would be the code's fault
                    await worker.feed_run("None")
                return MontySession(self, pool, __version__, opened.pop_all())
        except (MontyError, OSError, RuntimeError) as error:
            raise _unavailable(error) from error


class MontySession:
    """Workers, each of which runs one block."""

    def __init__(
        self, sandbox: MontySandbox, pool: AsyncMonty, version: str, opened: AsyncExitStack
    ) -> None:
        self._sandbox = sandbox
        self._pool = pool
        self._version = version
        self._opened = opened
        self._not_put: list[str] = []

    @property
    def identity(self) -> Mapping[str, Json]:
        """The interpreter's version."""
        return {"monty": self._version}

    @property
    def languages(self) -> Sequence[str]:
        """Python."""
        return self._sandbox.languages

    async def put(self, files: Sequence[File], /) -> None:
        """Note their names: there is no work folder, as the next block is told."""
        self._not_put += [file.name for file in files]

    async def run(self, block: Block, /) -> Execution:
        """Run *block* as a program of its own.

        Raises:
            SandboxUnavailable: no worker can be started.
        """
        ran = await self._run(block)
        if not self._not_put:
            return ran
        names, self._not_put = ", ".join(map(repr, self._not_put)), []
        told = f"monty has no work folder, so {names} is not there; {_CURE}, with files"
        return replace(ran, detail=f"{told}\n{ran.detail}".rstrip())

    async def _run(self, block: Block) -> Execution:
        if block.language == "file":
            detail = f"monty keeps no files, so {block.name!r} was passed over; {_CURE}, with files"
            return Execution("file", 0, detail=detail)
        from pydantic_monty import MontyCrashedError, MontyError

        said = _Said(self._sandbox)
        try:
            await self._feed(block.code, said)
        except TimeoutError:
            return said.ended(None, "TimedOut")
        except MontyCrashedError as error:
            # the library's own watchdog may have been faster than our clock
            return said.ended(None, "TimedOut") if error.timed_out else _crashed(said, error)
        except MontyError as error:
            return _failed(said, error)
        except (OSError, RuntimeError) as error:
            raise _unavailable(error) from error
        return said.ended(0)

    async def aclose(self) -> None:
        """End the workers."""
        await self._opened.aclose()

    async def _feed(self, code: str, said: _Said) -> None:
        # what no UTF-8 can hold would be refused; as in a file, it becomes a question mark
        code = code.encode("utf-8", "replace").decode()
        limits, policy = _bounds(self._sandbox)
        # a block waits for a worker before its clock starts
        async with self._pool.checkout(limits=limits, os_policy=policy) as worker:
            said.begun = time.monotonic()
            async with asyncio.timeout(self._sandbox.time_limit_s + _GRACE_S):
                await worker.feed_run(code, print_callback=said.write)


class _Said:
    """What a block says while it runs, and the time since it began."""

    def __init__(self, sandbox: MontySandbox) -> None:
        self.sandbox = sandbox
        self.begun = time.monotonic()
        self._streams = {
            "stdout": Output(sandbox.output_limit_bytes),
            "stderr": Output(sandbox.output_limit_bytes),
        }

    def write(self, stream: str, text: str) -> None:
        """Take *text* that it wrote to *stream*."""
        self._streams[stream].write(text.encode("utf-8", "replace"))

    @property
    def late(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() - self.begun >= self.sandbox.time_limit_s

    def ended(self, exit_code: int | None, fault: str = "", detail: str = "") -> Execution:
        """Return what it came to."""
        if fault == "TimedOut":
            detail = f"It was ended after {self.sandbox.time_limit_s:g} s, its time limit."
        if fault == "OutOfMemory":
            detail = f"It wanted more than {self.sandbox.memory_mb} MiB, its memory limit."
        out, err = (self._streams[name].text for name in ("stdout", "stderr"))
        return Execution("python", exit_code, out, err, fault, detail)


def _bounds(sandbox: MontySandbox) -> tuple[ResourceLimits, OSPolicy]:
    limits: ResourceLimits = {
        "max_feed_duration_secs": sandbox.time_limit_s,
        "max_memory": sandbox.memory_mb << 20,
        "max_suspensions": _NO_END,
    }
    # without it a sleep of an hour is cut to ten seconds, and the code believes it slept
    return limits, {"sleep_system_max": float("inf")}


def _failed(said: _Said, failed: MontyError) -> Execution:
    """Return what a block came to whose error nothing in it caught."""
    error = failed.exception()
    if isinstance(error, TimeoutError) and said.late:
        return said.ended(None, "TimedOut")  # the code may raise one itself, hence our own clock
    if isinstance(error, SystemExit):
        told = str(error)  # it takes texts only; as in Python they are told, and are a failure
        said.write("stderr", f"{told}\n" if told else "")
        return said.ended(1 if told else 0)
    said.write("stderr", f"{_traceback(failed)}\n")
    if isinstance(error, MemoryError):
        # one that the code raised itself is told so, too: the library has one type for both
        return said.ended(1, "OutOfMemory")
    return said.ended(1, detail=_cure(error))


def _crashed(said: _Said, failed: MontyError) -> Execution:
    told = str(failed)[:_MOST_TOLD]
    return said.ended(
        _CRASHED, detail=f"It crashed the interpreter ({told}); the next block gets a new one."
    )


def _traceback(failed: MontyError) -> str:
    from pydantic_monty import MontyRuntimeError, MontySyntaxError

    if not isinstance(failed, MontyRuntimeError | MontySyntaxError):
        return str(
            failed
        )  # pragma: no cover - of errors of values and types, which we pass none of
    return failed.display()


def _cure(error: BaseException) -> str:
    """Return what may be behind *error* that is no mistake of the code; else ``""``."""
    told = str(error)[:_MOST_TOLD]
    if isinstance(error, NameError):
        missing = [name for name in dir(builtins) if told == f"name {name!r} is not defined"]
        return f"monty does not have Python's {missing[0]!r}; {_CURE}." if missing else ""
    for kind, lacks in _MISSING.items():
        if isinstance(error, kind) and not isinstance(error, RecursionError):
            return f"{lacks} ({told}). If that is why it failed: {_CURE}."
    return ""


def _unavailable(error: BaseException) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"monty cannot be started ({str(error)[:_MOST_TOLD]}); pip install --force-reinstall "
        "pydantic-monty, or take another sandbox"
    )
