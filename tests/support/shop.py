"""A source of tools that counts what happens to it, for tests of what the engine does with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateflow import ToolReply
from stateflow.conversation.message import ToolCall
from stateflow.models.base import ModelReply
from stateflow.tools.base import Tool
from stateflow.value import Json

__all__ = ["Offered", "Source", "calls"]


@dataclass(frozen=True, slots=True, eq=False)
class Offered:
    """A tool of a source."""

    name: str
    does: Callable[[], ToolReply] = lambda: ToolReply("done")
    approve: bool = False
    repeat: bool = True
    timeout_s: float | None = None
    description: str = "Do it."
    parameters: Mapping[str, Json] = field(default_factory=lambda: {"type": "object"})

    async def call(self, arguments: Mapping[str, Any], /) -> ToolReply:
        """Do it."""
        return self.does()


@dataclass(eq=False)
class Source:
    """A source of tools.  Its session is itself."""

    name: str
    offers: Sequence[Tool]
    refuses: list[Exception] = field(default_factory=list[Exception])
    """What its next openings fail with."""
    breaks: Exception | None = None
    """What closing it fails with."""
    told: list[str] = field(default_factory=list[str])
    """What it was asked to do."""

    async def open(self) -> Source:
        """Open it."""
        self.told.append("open")
        if self.refuses:
            raise self.refuses.pop(0)
        return self

    async def tools(self) -> Sequence[Tool]:
        """List its tools."""
        self.told.append("list")
        return self.offers

    async def aclose(self) -> None:
        """Close it."""
        self.told.append("close")
        if self.breaks is not None:
            raise self.breaks


def calls(*names: str) -> ModelReply:
    """Return a reply that calls the tools *names*."""
    asked = (ToolCall(f"c{n}", name, "{}") for n, name in enumerate(names))
    return ModelReply("", tuple(asked), stop="tool_calls")
