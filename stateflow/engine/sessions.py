"""Open ways to where tools come from; they live as long as the run that opened them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from stateflow.log import debug
from stateflow.tools.base import Tool, ToolSession, ToolSource

__all__ = ["Sessions"]


class Sessions:
    """The tool sessions of one root run, each opened at its first use."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._open: dict[ToolSource, ToolSession] = {}
        self._listed: dict[ToolSource, Sequence[Tool]] = {}
        self._opening: dict[ToolSource, asyncio.Lock] = {}

    async def tools(self, source: ToolSource) -> Sequence[Tool]:
        """Return what *source* offered when it was first asked.

        Raises:
            FaultError: it cannot be opened or asked.
        """
        async with self._opening.setdefault(source, asyncio.Lock()):
            if source not in self._open:
                self._open[source] = await source.open()
            if source not in self._listed:
                self._listed[source] = await self._open[source].tools()
        return self._listed[source]

    async def aclose(self) -> None:
        """Close all.  What fails is logged: the run has its stop, and nobody could act on it."""
        async with AsyncExitStack() as stack:
            for source, session in self._open.items():
                stack.push_async_callback(_close, source, session)
            self._open.clear()
            self._listed.clear()


async def _close(source: ToolSource, session: ToolSession) -> None:
    try:
        await session.aclose()
    except Exception as error:  # noqa: BLE001 - another's code; it must not take the result along
        debug("session.broken", source=source.name, error=type(error).__name__)
