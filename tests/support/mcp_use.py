"""How the tests use the MCP server of the tests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from stateflow.tools.base import ToolReply, ToolSession, ToolSource
from stateflow.tools.mcp import McpSource, Names, mcp_stdio
from stateflow.value import Json
from tests.support.mcp_server import SERVER

SECRET = "token-of-the-test"


def server(
    *mode: str,
    only: Sequence[str] | None = None,
    approve: Names = False,
    repeat: Names = True,
    timeout_s: float = 20,
) -> McpSource:
    """Return the server of the tests as a process."""
    return mcp_stdio(
        sys.executable,
        str(SERVER),
        *mode,
        env={"TOKEN": SECRET},
        only=only,
        approve=approve,
        repeat=repeat,
        timeout_s=timeout_s,
        name="test",
    )


@asynccontextmanager
async def opened(source: ToolSource) -> AsyncGenerator[ToolSession]:
    """Open and close it, and see that nothing stays behind."""
    before = asyncio.all_tasks()
    session = await source.open()
    try:
        yield session
    finally:
        await session.aclose()
        assert asyncio.all_tasks() == before


async def call(session: ToolSession, name: str, **arguments: Json) -> ToolReply:
    """Call the tool *name*."""
    tool = next(tool for tool in await session.tools() if tool.name == name)
    return await tool.call(arguments)
