"""What one block of code costs in each sandbox, beside AutoGen's Docker executor.

All that use Docker run the same image on the same engine, one that is thrown away afterwards, and
take turns, so that a noisy machine disturbs them alike.  What is measured is the wall's time, as
most of the work is done by the engine, in other processes:

* ``begin``: from nothing to the first block's result; its parts are ``open`` and ``first``.
* ``close``: until all is removed again.  Only in a full run, as AutoGen waits ten seconds for a
  shell that does not listen.
* ``warm``: one more block, back to back, so that what a sandbox prepares for the next block is
  part of the figure.
* ``paused``: one more block after a pause, as while a model thinks.
* ``file``: one more block, back to back, that makes a file, which is taken out; or simply read,
  where the work folder is one of this machine, as AutoGen's is and that of ``docker_folder``.

Each block's output is checked, and the file where there is one.  AutoGen has its own defaults:
root, a writable image, no limits.  One of them it cannot have, which spares it time: a network,
as the engine has no bridge.  Its code is called ``python3``, as the image has no ``python``.  The
Azure sandbox is not here: what a stand-in server costs says nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

import pytest

from stateflow.sandbox.base import Sandbox, SandboxSession
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker import DockerSandbox
from stateflow.sandbox.local import LocalSandbox, NotIsolated
from stateflow.sandbox.monty import MontySandbox
from tests.support.engine import IMAGE, Engine, need_engine, outside_engine
from tests.support.image import python_image

__all__ = ["measure"]

PLAIN = "print(6 * 7)"
SAID = "42\n"
PAUSE_S = 0.3
"""Shorter than any model thinks, long enough for what is prepared meanwhile."""
MADE = "made.txt"
ALL = ("begin", "warm", "paused", "file")
NO_FILES = ("begin", "warm", "paused")


class Shown(NamedTuple):
    """What a block came to."""

    stdout: str
    made: bytes | None = None


class Way(Protocol):
    """One way to run blocks."""

    @property
    def name(self) -> str: ...

    @property
    def measured(self) -> Sequence[str]:
        """What is worth measuring of it."""
        ...

    async def open(self) -> None: ...

    async def run(self, code: str) -> Shown: ...

    async def close(self, *, kindly: bool) -> None:
        """Remove everything; unless *kindly*, by force where its own way is slow."""
        ...


class Ours:
    """A sandbox of ours."""

    def __init__(self, name: str, sandbox: Sandbox, measured: Sequence[str] = ALL) -> None:
        self.name = name
        self.measured = measured
        self._sandbox = sandbox
        self._session: SandboxSession | None = None

    async def open(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotIsolated)
            self._session = await self._sandbox.open()

    async def run(self, code: str) -> Shown:
        assert self._session
        execution = await self._session.run(Block(code, "python"))
        assert execution.ok, execution
        return Shown(execution.stdout, next((one.content for one in execution.files), None))

    async def close(self, *, kindly: bool) -> None:
        del kindly  # there is one way only
        assert self._session
        await self._session.aclose()


class AutoGen:
    """AutoGen's executor: root, no limits, and a folder of this machine as its work folder."""

    name = "autogen"
    measured = ALL

    def __init__(self, image: str) -> None:
        # not always here; and importing is no part of what is measured
        self._core = import_module("autogen_core")
        self._code = import_module("autogen_core.code_executor")
        self._docker = import_module("autogen_ext.code_executors.docker")
        self._image = image
        self._executor: Any = None

    async def open(self) -> None:
        self._executor = self._docker.DockerCommandLineCodeExecutor(self._image)
        await self._executor.start()

    async def run(self, code: str) -> Shown:
        blocks = [self._code.CodeBlock(code=code, language="python3")]
        stop = self._core.CancellationToken()
        result = await self._executor.execute_code_blocks(blocks, stop)
        assert result.exit_code == 0, result
        made = self._executor.work_dir / MADE
        return Shown(result.output, made.read_bytes() if made.exists() else None)

    async def close(self, *, kindly: bool) -> None:
        if not kindly:
            client = _client()
            client.api.remove_container(self._executor.container_name, v=True, force=True)
            client.close()
        await self._executor.stop()


class Bare:
    """The SDK alone, in a container without limits: the floor, below which no executor comes."""

    name = "bare"
    measured = NO_FILES

    def __init__(self, image: str) -> None:
        self._image = image
        self._client: Any = None
        self._container: Any = None

    async def open(self) -> None:
        self._client = _client()
        self._container = self._client.containers.run(
            self._image, ["sleep", "2147483647"], detach=True, network_mode="none"
        )

    async def run(self, code: str) -> Shown:
        exit_code, said = self._container.exec_run(["python3", "-c", code])
        assert exit_code == 0, said
        return Shown(said.decode())

    async def close(self, *, kindly: bool) -> None:
        del kindly
        self._container.remove(v=True, force=True)
        self._client.close()


class Laps:
    """Times [ms], by what they are times of."""

    def __init__(self) -> None:
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timed(self, way: Way, what: str) -> Generator[None]:
        """Take the time of what is done inside, unless it fails."""
        started = time.perf_counter()
        yield
        self._times[f"{way.name}_{what}_ms"].append((time.perf_counter() - started) * 1e3)

    def figures(self) -> dict[str, float]:
        """Return the medians."""
        return {name: median(times) for name, times in self._times.items()}


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return the cost of a block in each sandbox, and of one in Docker's against AutoGen's.

    Times are medians [ms], named by the sandbox and by what is measured; those with ``_to_`` are
    ratios: to AutoGen's executor, and to the ``bare`` SDK.  For what cannot be measured here, a
    sentence is printed that says why; on CI that is an error.
    """
    with ExitStack() as stack:
        ways: list[Way] = [
            Ours("monty", MontySandbox(), NO_FILES),
            Ours("local", LocalSandbox(allowed=True)),
        ]
        try:
            engine = stack.enter_context(_engine())
        except pytest.skip.Exception as skipped:
            print(f"Docker is left out: {skipped}")
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            ways += _on(engine, Path(folder))
        return asyncio.run(_measured(ways, quick=quick))


@contextmanager
def _engine() -> Generator[Engine]:
    """Give an engine that sandboxes, AutoGen and the SDK find."""
    before = os.environ.get("DOCKER_HOST")
    with ExitStack() as stack:
        engine = outside_engine()
        if engine is None:
            need_engine()
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            engine = Engine.begin(folder, [python_image(IMAGE)])
            stack.callback(engine.stop)
        os.environ["DOCKER_HOST"] = engine.address
        try:
            yield engine
        finally:
            del os.environ["DOCKER_HOST"]
            if before is not None:
                os.environ["DOCKER_HOST"] = before


def _on(engine: Engine, folder: Path) -> list[Way]:
    """Return what uses *engine*, and *folder* where it works in a folder of this machine."""
    import_module("stateflow.sandbox.docker_session")  # no part of what is measured
    folder.chmod(0o777)  # the sandbox is another user
    ways: list[Way] = [
        Ours("docker", DockerSandbox(engine.image)),
        Ours("docker_folder", DockerSandbox(engine.image, folder=folder), ["file"]),
        Ours("docker_once", DockerSandbox(engine.image, keep=False), ["begin", "warm"]),
        Bare(engine.image),
    ]
    if find_spec("autogen_ext"):
        ways.insert(1, AutoGen(engine.image))
    else:
        sentence = "it is not installed; pip install 'autogen-ext[docker]==0.7.5'"
        assert os.environ.get("CI") != "true", sentence
        print(f"AutoGen is left out: {sentence}")
    return ways


async def _measured(ways: Sequence[Way], *, quick: bool) -> dict[str, float]:
    laps = Laps()
    for _ in range(1 if quick else 7):
        for way in ways:
            if "begin" in way.measured:
                await _cold(way, laps, full=not quick)
    async with AsyncExitStack() as stack:
        for way in ways:
            await way.open()
            stack.push_async_callback(way.close, kindly=False)
        for number in range(1 if quick else 15):
            for way in ways:
                await _more(way, laps, number, blocks=2 if quick else 6)
    figures = laps.figures()
    return {**_ratios(figures), **figures}


async def _cold(way: Way, laps: Laps, *, full: bool) -> None:
    with laps.timed(way, "begin"):
        with laps.timed(way, "open"):
            await way.open()
        try:
            await _plain(way, laps, "first")
        except BaseException:
            await way.close(kindly=False)
            raise
    with laps.timed(way, "close") if full else nullcontext():
        await way.close(kindly=full)


async def _more(way: Way, laps: Laps, number: int, *, blocks: int) -> None:
    """Run some in an open session; the first is not counted: what is prepared differs there."""
    await way.run(PLAIN)
    if "warm" in way.measured:
        for _ in range(blocks):
            await _plain(way, laps, "warm")
    if "paused" in way.measured:
        await asyncio.sleep(PAUSE_S)
        await _plain(way, laps, "paused")
    if "file" in way.measured:
        for repeat in range(blocks // 2):
            await _with_file(way, laps, f"{number}, {repeat}; " * 100)


async def _plain(way: Way, laps: Laps, what: str) -> None:
    with laps.timed(way, what):
        shown = await way.run(PLAIN)
    assert shown.stdout == SAID


async def _with_file(way: Way, laps: Laps, text: str) -> None:
    code = f"open({MADE!r}, 'w').write({text!r}); {PLAIN}"
    with laps.timed(way, "file"):
        shown = await way.run(code)
    assert shown == Shown(SAID, text.encode())


def _ratios(figures: Mapping[str, float]) -> dict[str, float]:
    """Return those of Docker's sandboxes to their peers, as far as there are any."""
    return {
        f"{ours}_{what}_to_{peer}": figures[f"{ours}_{what}_ms"] / figures[f"{peer}_{what}_ms"]
        for peer in ("autogen", "bare")
        for ours in ("docker", "docker_folder")
        for what in ("begin", "close", "warm", "paused", "file")
        if f"{ours}_{what}_ms" in figures and f"{peer}_{what}_ms" in figures
    }


def _client() -> Any:  # noqa: ANN401 - the SDK ships no types
    return import_module("docker").from_env()


if __name__ == "__main__":
    for what, value in measure(quick="--full" not in sys.argv).items():
        print(f"{what:32} {value:10.2f}")
