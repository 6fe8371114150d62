"""An agent made from a Python function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.view import View

__all__ = ["FunctionAgent"]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionAgent:
    """Speaks what a function of the view returns: a text, a ``Message``, or ``PASS``.

    Opaque: the reply is recorded whole, and the function is not called on replay.  A blocking
    function holds up every run of the process; make it async where it waits.

    Example:
        >>> FunctionAgent("echo", lambda view: view.last.text).name
        'echo'
    """

    name: str
    function: Callable[[View], Reply | Awaitable[Reply]] = field(repr=False)
    kind: Kind = "tool"
    description: str = ""

    async def reply(self, turn: Turn, /) -> Reply:
        """Call the function."""
        said = self.function(turn.view)
        if isinstance(said, str):
            return said
        return await said if inspect.isawaitable(said) else said
