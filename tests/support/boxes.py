"""Docker sandboxes with small limits, and what must hold after each block in them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stateflow.conversation.execution import Execution
from stateflow.sandbox.base import SandboxSession
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker import DockerSandbox
from tests.support.engine import Engine

__all__ = ["SOON_S", "Box", "is_sleeping", "made", "opened", "sleeping", "small"]

SOON_S = 15
"""Far above what a busy machine needs, far below what an SDK waits by itself."""

OF_BLOCKS = re.compile(r"(/usr/bin/|/bin/)?(python3?|node|(sh|bash) \S*\.block|sleep [56]0)\b")
"""Command lines of what blocks run, and of what they leave behind in these tests."""
NEXT = {
    "python": Block("print(6 * 7)", "python"),
    "sh": Block("echo $((6 * 7))", "sh"),
    "javascript": Block("console.log(6 * 7)", "javascript"),
}


def small(image: str, **more: object) -> DockerSandbox:
    """Return a sandbox that meets its limits soon."""
    limits: dict[str, object] = {
        "time_limit_s": 5.0,
        "memory_mb": 64,
        "pids_limit": 24,
        "workspace_mb": 8,
        "tmp_mb": 4,
        "output_limit_bytes": 1_000,
        "files_limit": 5,
        "files_limit_bytes": 100_000,
    }
    return DockerSandbox(image, **{**limits, **more})  # type: ignore[arg-type]


@dataclass
class Box:
    """An open sandbox on an engine."""

    engine: Engine
    session: SandboxSession

    async def python(self, code: str, name: str = "") -> Execution:
        return await self.run(code, "python", name)

    async def sh(self, code: str, name: str = "") -> Execution:
        return await self.run(code, "sh", name)

    async def run(self, code: str, language: str, name: str = "") -> Execution:
        """Run it; afterwards none of its processes is left, and the next block works.

        The kernel ends what was killed in its own time, and a busy machine takes longer.
        """
        execution = await self.session.run(Block(code, language, name))
        async with asyncio.timeout(SOON_S):
            while self.running():  # noqa: ASYNC110 - no engine tells what goes on inside
                await asyncio.sleep(0.02)
        again = await self.session.run(NEXT[language])
        assert (again.ok, again.stdout) == (True, "42\n"), (execution, again)
        return execution

    def running(self) -> list[str]:
        """Return the processes of blocks that there are in the containers."""
        lines = [line for one in self.engine.containers() for line in self.engine.processes(one)]
        return [line for line in lines if OF_BLOCKS.match(line)]


def made(execution: Execution) -> dict[str, bytes | None]:
    """Return the content of the files that a block made, by their names."""
    return {file.name: file.content for file in execution.files}


@asynccontextmanager
async def opened(engine: Engine, sandbox: DockerSandbox) -> AsyncGenerator[Box]:
    """Open *sandbox* on *engine*; afterwards nothing of it is left there."""
    before = engine.leftovers()
    session = await sandbox.open()
    try:
        yield Box(engine, session)
    finally:
        await session.aclose()
    assert set(engine.leftovers()) <= set(before)


async def sleeping(engine: Engine) -> None:
    """Wait until a block on *engine* sleeps for 50 s."""
    async with asyncio.timeout(SOON_S):
        while not is_sleeping(engine):  # noqa: ASYNC110 - no engine tells what goes on inside
            await asyncio.sleep(0.02)


def is_sleeping(engine: Engine) -> bool:
    """Return whether a block on *engine* does so."""
    return any(line == "sleep 50" for one in engine.containers() for line in engine.processes(one))
