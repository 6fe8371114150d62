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
* ``file``: one more block, back to back, that makes a file, which is taken out.

Each block's output is checked, and the file where there is one.  AutoGen has its own defaults:
root, a writable image, no limits, and a folder of this machine, from which its files are simply
read.  One of them it cannot have, which spares it time: a network, as the engine has no bridge.
Its code is called ``python3``, since the image has no ``python``.  The Azure sandbox is not here:
what a stand-in server costs says nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager, nullcontext
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
PAUSE_S = 0.5
"""Shorter than any model thinks, long enough for what is prepared meanwhile."""
MADE = "made.txt"


class Shown(NamedTuple):
    """What a block came to."""

    stdout: str
    made: bytes | None = None


class Way(Protocol):
    """One way to run blocks."""

    @property
    def name(self) -> str: ...

    @property
    def files(self) -> bool:
        """Whether files that a block makes can be had."""
        ...

    async def open(self) -> None: ...

    async def run(self, code: str) -> Shown: ...

    async def close(self, *, kindly: bool) -> None:
        """Remove everything; unless *kindly*, by force where its own way is slow."""
        ...


class Ours:
    """A sandbox of ours."""

    def __init__(self, name: str, sandbox: Sandbox, *, files: bool = True) -> None:
        self.name = name
        self.files = files
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
    files = True

    def __init__(self, image: str) -> None:
        self._image = image
        self._executor: Any = None

    async def open(self) -> None:
        from autogen_ext.code_executors.docker import DockerCommandLineCodeExecutor  # noqa: PLC0415 - not always here

        self._executor = DockerCommandLineCodeExecutor(self._image)
        await self._executor.start()

    async def run(self, code: str) -> Shown:
        from autogen_core import CancellationToken  # noqa: PLC0415 - as above
        from autogen_core.code_executor import CodeBlock  # noqa: PLC0415 - as above

        blocks = [CodeBlock(code=code, language="python3")]
        result = await self._executor.execute_code_blocks(blocks, CancellationToken())
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
    files = False

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
    def timed(self, way: Way, what: str) -> Iterator[None]:
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
            Ours("monty", MontySandbox(), files=False),
            Ours("local", LocalSandbox(allowed=True)),
        ]
        try:
            engine = stack.enter_context(_engine())
        except pytest.skip.Exception as skipped:
            print(f"Docker is left out: {skipped}")
        else:
            ways += _on(engine)
        return asyncio.run(_measured(ways, quick=quick))


@contextmanager
def _engine() -> Iterator[Engine]:
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


def _on(engine: Engine) -> list[Way]:
    """Return what uses *engine*."""
    ways: list[Way] = [
        Ours("docker", DockerSandbox(engine.image)),
        Ours("docker_once", DockerSandbox(engine.image, keep=False)),
        Bare(engine.image),
    ]
    if find_spec("autogen_ext"):
        ways.insert(1, AutoGen(engine.image))
    else:
        sentence = "AutoGen is not installed: pip install 'autogen-ext[docker]==0.7.5'"
        assert os.environ.get("CI") != "true", sentence
        print(f"AutoGen is left out; {sentence}")
    return ways


async def _measured(ways: Sequence[Way], *, quick: bool) -> dict[str, float]:
    laps = Laps()
    for way in ways:  # whatever is done only once, such as importing
        await _cold(way, Laps(), full=False)
    for _ in range(2 if quick else 5):
        for way in ways:
            await _cold(way, laps, full=not quick)
    async with AsyncExitStack() as stack:
        for way in ways:
            await way.open()
            stack.push_async_callback(way.close, kindly=False)
        for number in range(2 if quick else 12):
            for way in ways:
                await _warm(way, laps, blocks=3 if quick else 8)
                await _paused(way, laps)
                if way.files:
                    await _with_file(way, laps, number)
    figures = laps.figures()
    return {**_ratios(figures), **figures}


async def _cold(way: Way, laps: Laps, *, full: bool) -> None:
    with laps.timed(way, "begin"):
        with laps.timed(way, "open"):
            await way.open()
        try:
            with laps.timed(way, "first"):
                shown = await way.run(PLAIN)
            assert shown.stdout == SAID
        except BaseException:
            await way.close(kindly=False)
            raise
    with laps.timed(way, "close") if full else nullcontext():
        await way.close(kindly=full)


async def _warm(way: Way, laps: Laps, *, blocks: int) -> None:
    """Run some back to back; the first is not counted: it may find all prepared."""
    await way.run(PLAIN)
    for _ in range(blocks):
        with laps.timed(way, "warm"):
            shown = await way.run(PLAIN)
        assert shown.stdout == SAID


async def _paused(way: Way, laps: Laps) -> None:
    await asyncio.sleep(PAUSE_S)
    with laps.timed(way, "paused"):
        shown = await way.run(PLAIN)
    assert shown.stdout == SAID


async def _with_file(way: Way, laps: Laps, number: int) -> None:
    for repeat in range(3):
        text = f"{number}, {repeat}; " * 100
        code = f"open({MADE!r}, 'w').write({text!r}); {PLAIN}"
        with laps.timed(way, "file"):
            shown = await way.run(code)
        assert shown == Shown(SAID, text.encode())
    await asyncio.sleep(PAUSE_S)  # nothing that is prepared now disturbs the next way


def _ratios(figures: Mapping[str, float]) -> dict[str, float]:
    """Return those of Docker's sandbox to its peers, as far as there are any."""
    return {
        f"docker_{what}_to_{peer}": figures[f"docker_{what}_ms"] / figures[f"{peer}_{what}_ms"]
        for peer in ("autogen", "bare")
        for what in ("begin", "close", "warm", "paused", "file")
        if f"{peer}_{what}_ms" in figures
    }


def _client() -> Any:  # noqa: ANN401 - the SDK ships no types
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - not always here

    return docker.from_env()


if __name__ == "__main__":
    for what, value in measure(quick="--full" not in sys.argv).items():
        print(f"{what:28} {value:10.2f}")
