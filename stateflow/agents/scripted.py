"""An agent that says what it was told to, for tests and examples."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.message import Message, Pass
from stateflow.conversation.view import View
from stateflow.errors import NoReply

__all__ = ["Line", "Scripted"]

Line: TypeAlias = (
    str | Message | Pass | BaseException | Callable[[View], Reply | Awaitable[Reply]] | None
)
"""One reply: a text, a message, an exception to raise, or a function of the view."""


@dataclass(frozen=True, slots=True, eq=False)
class Scripted:
    """Says its lines in order.

    Which line is next follows from how often it has had its turn in this run, so it resumes
    right, and one object serves many runs.

    Example:
        >>> Scripted("critic", ["too long", "APPROVED"]).kind
        'llm'
    """

    name: str
    lines: Sequence[Line] = field(repr=False)
    kind: Kind = "llm"
    description: str = ""

    async def reply(self, turn: Turn, /) -> Reply:
        """Say the next line.

        Raises:
            NoReply: the script is over.
        """
        position = turn.view.spoken.get(self.name, 0)
        if position >= len(self.lines):
            raise NoReply(
                f"script of {self.name!r} is over: it has {len(self.lines)} lines, and this is its "
                f"turn {position + 1}"
            )
        line = self.lines[position]
        if isinstance(line, BaseException):
            raise line
        if callable(line):
            said = line(turn.view)
            return await said if inspect.isawaitable(said) else said
        return line
