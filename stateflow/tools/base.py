"""What every tool is, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from stateflow.conversation.file import File
from stateflow.value import Json

__all__ = ["Tool", "ToolReply", "ToolSession", "ToolSource"]


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What a tool gave."""

    text: str
    ok: bool = True
    """False: it failed, and ``text`` says how; the model reads it and may try again."""
    handoff: str | None = None
    """The state or agent that gets the floor, where the tool hands off."""
    files: tuple[File, ...] = ()


class Tool(Protocol):
    """Something a model may call."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        ...

    @property
    def description(self) -> str:
        """When and how to use it, for the model."""
        ...

    @property
    def parameters(self) -> Mapping[str, Json]:
        """JSON schema of the object that holds its arguments."""
        ...

    @property
    def approve(self) -> bool:
        """Whether a person must allow every call."""
        ...

    @property
    def repeat(self) -> bool:
        """Whether a call may be made again after a crash; False: never twice."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """Limit for one call [s]; ``None``: the state's."""
        ...

    async def call(self, arguments: Mapping[str, Any], /) -> ToolReply:
        """Do it.

        Whatever it raises goes back to the model as text, and into the outcome.
        """
        ...


class ToolSession(Protocol):
    """An open way to a source of tools; lives as long as the run that opened it."""

    async def tools(self) -> Sequence[Tool]:
        """Return what the source offers now, filtered."""
        ...

    async def aclose(self) -> None:
        """Close it; a process that was started is ended."""
        ...


class ToolSource(Protocol):
    """Somewhere tools come from, such as an MCP server.  A frozen value: what to open, and how."""

    @property
    def name(self) -> str:
        """What sentences and journals call it."""
        ...

    async def open(self) -> ToolSession:
        """Open it.

        Raises:
            Unreachable: it cannot be started or reached; the sentence says why.
        """
        ...
