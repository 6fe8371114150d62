"""Handing the floor to another speaker, as a tool that a model calls.

The tool only says who should speak next.  The table decides whether that may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from stateflow.tools.base import ToolReply
from stateflow.tools.function import check_tool_name
from stateflow.value import Json, check_name

__all__ = ["Handoff", "Named", "handoff"]

_REFUSED: Final = re.compile(r"[^a-zA-Z0-9_-]")
_PARAMETERS: Final[Mapping[str, Json]] = {
    "type": "object",
    "properties": {
        "message": {
            "type": "string",
            "description": "What to tell the next speaker.",
            "default": "",
        }
    },
    "additionalProperties": False,
}


class Named(Protocol):
    """An agent or a state: whatever has a name that can be given the floor."""

    @property
    def name(self) -> str:
        """What tables and transcripts call it."""
        ...


@dataclass(frozen=True, slots=True)
class Handoff:
    """A tool that gives the floor to *target*; made by :func:`handoff`."""

    target: str
    """The state or agent that gets the floor."""
    name: str
    """What the model calls it."""
    description: str = field(repr=False)
    """When to use it, for the model."""
    approve: bool = field(default=False, init=False, repr=False)
    """No: nothing is done but to name the next speaker."""
    repeat: bool = field(default=True, init=False, repr=False)
    """Yes, for the same reason."""
    timeout_s: None = field(default=None, init=False, repr=False)
    """The state's."""

    @property
    def parameters(self) -> Mapping[str, Json]:
        """JSON schema of the object that holds its arguments: a message, which may be left out."""
        return _PARAMETERS

    async def call(self, arguments: Mapping[str, Any], /) -> ToolReply:
        """Name the next speaker, and pass on what it is to be told.

        Raises:
            ValueError: the arguments are more than one text.
        """
        message = arguments.get("message", "")
        if not isinstance(message, str) or arguments.keys() - {"message"}:
            raise ValueError(f"{self.name}: it takes one text called message, or nothing")
        return ToolReply(message or f"{self.target} has the floor.", handoff=self.target)


def handoff(to: str | Named, *, name: str | None = None, description: str = "") -> Handoff:
    """Return a tool that gives the floor to *to*.

    Args:
        to: the state or agent that gets the floor, or its name.
        name: what the model calls the tool; ``None``: ``transfer_to_`` and the target's name.
        description: when to use it; empty: the target's own description.

    Raises:
        DefinitionError: *to* has no name, or providers refuse the tool's.

    Example:
        >>> handoff("code reviewer").name
        'transfer_to_code_reviewer'
    """
    target = check_name(to if isinstance(to, str) else getattr(to, "name", to), "agent")
    called = name if name is not None else f"transfer_to_{_REFUSED.sub('_', target)}"
    told = description or f"Give the floor to {target}. {getattr(to, 'description', '')}".rstrip()
    return Handoff(target, check_tool_name(called), told)
