"""An open way to a container: asyncio outside, one thread inside, which the engine is asked from.

The thread works off one thing after the other.  When a block is over it gets the next one ready:
while a model thinks, a shell starts that waits for what the model will say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker_box import Box
from stateflow.sandbox.docker_container import INTERNAL
from stateflow.sandbox.docker_engine import ANSWER_S, Engine
from stateflow.sandbox.docker_image import Image, ensure
from stateflow.sandbox.docker_owner import labels_of
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.sandbox.docker import DockerSandbox

__all__ = ["DockerSession"]

T = TypeVar("T")


class DockerSession:
    """Containers of one sandbox, for as long as a run needs them."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self._sandbox = sandbox
        self._engine: Engine | None = None
        self._image: Image | None = None
        self._box: Box | None = None
        self._commands: Mapping[str, str] | None = None
        self._put: list[File] = []
        self._stops: set[Event] = set()
        """One for each thing that is under way, or waits for its turn."""
        self._waiting: set[Event] = set()
        """Those of them that wait for their turn."""
        self._closing: Future[None] | None = None
        # One thread of our own: a block may take a minute, and the loop's own threads are few.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stateflow-docker")

    @property
    def identity(self) -> Mapping[str, Json]:
        """The image that runs, and what is baked into it."""
        return {} if self._image is None else self._image.identity

    @property
    def languages(self) -> Sequence[str]:
        """Those of the sandbox that the image has."""
        return [] if self._box is None else list(self._box.commands)

    async def open(self) -> None:
        """Start the first container.

        Raises:
            SandboxUnavailable: it cannot be started.
        """
        try:
            await self._do(self._open)
        except BaseException:
            await self.aclose()
            raise
        self._thread.submit(self._ready)

    async def put(self, files: Sequence[File], /) -> None:
        """Put *files* into the work folder.

        Raises:
            SandboxUnavailable: it is gone.
        """
        await self._do(lambda stop: self._put_in(files, stop))

    async def run(self, block: Block, /) -> Execution:
        """Run *block* to its end, or to a limit.

        Raises:
            SandboxUnavailable: the container or the engine is gone.
        """
        return await self._do(lambda stop: self._run(block, stop))

    async def aclose(self) -> None:
        """End and remove the container."""
        for stop in self._stops:
            stop.set()
        if self._closing is None:
            self._closing = self._thread.submit(self._close)
            self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(self._closing))

    async def _do(self, work: Callable[[Event], T]) -> T:
        """Do *work* in the thread; if we are cancelled, it is told to stop, and waited for.

        Raises:
            SandboxUnavailable: the session was closed, or the work raised it.
        """
        if self._closing is not None:
            raise SandboxUnavailable(f"{self._sandbox.name!r} was closed; open it again")
        stop = Event()
        self._stops.add(stop)
        self._waiting.add(stop)
        job = asyncio.wrap_future(self._thread.submit(self._turn, work, stop))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([job])
            if not job.cancelled():
                job.exception()  # nobody else will ask for it
            raise
        finally:
            self._stops.discard(stop)
            self._waiting.discard(stop)

    def _turn(self, work: Callable[[Event], T], stop: Event) -> T:
        self._waiting.discard(stop)
        return work(stop)

    def _open(self, stop: Event) -> None:
        sandbox = self._sandbox
        self._engine = Engine(min(ANSWER_S, sandbox.start_limit_s))
        packages = tuple(sandbox.packages)
        self._image = ensure(self._engine, sandbox.image, packages, sandbox.start_limit_s, stop)
        if sandbox.network == "internal":
            self._engine.network(INTERNAL, labels_of())
        self._now()

    def _now(self) -> Box:
        """Return the container that blocks run in, a new one if there is none."""
        assert self._engine is not None  # noqa: S101 - nothing is done before it is open
        assert self._image is not None  # noqa: S101 - the same
        if self._box is None:
            self._box = Box(self._engine, self._sandbox, self._image, self._commands)
            if self._sandbox.folder is None:  # whether it may be written to can change
                self._commands = self._box.commands
            if self._put:
                self._box.put(self._put)
        return self._box

    def _put_in(self, files: Sequence[File], stop: Event) -> None:
        del stop  # it is a matter of moments
        self._now().put(files)
        if not self._sandbox.keep:
            self._put.extend(files)
        self._soon_ready()

    def _run(self, block: Block, stop: Event) -> Execution:
        box = self._now()
        if box.lost:
            raise SandboxUnavailable(box.lost)
        try:
            return box.run(block, stop)
        finally:
            self._soon_ready()

    def _soon_ready(self) -> None:
        with suppress(RuntimeError):  # it is being closed
            self._thread.submit(self._ready)

    def _ready(self) -> None:
        """Get ready for the next block, while nobody waits; trouble is told to it, if any."""
        if self._closing is not None:
            return
        with suppress(SandboxUnavailable):
            if (
                self._box is not None
                and not self._box.lost
                and (self._box.gone or (self._box.used and not self._sandbox.keep))
            ):
                self._box.close()
                self._box = None
            self._now().ready(lambda: bool(self._waiting))

    def _close(self) -> None:
        with suppress(SandboxUnavailable):  # an engine that is gone has nothing of ours
            if self._box is not None:
                self._box.close()
        if self._engine is not None:
            self._engine.close()
