"""Summaries: what is kept of a chat where another one goes on.

A nested chat gives its parent a summary, and ``to(..., restart=)`` clears a transcript to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from stateflow.conversation.agent import Turn
from stateflow.conversation.message import SILENCE, Message

__all__ = ["SUMMARY_SPEAKER", "Summariser", "Summary", "last_message"]

SUMMARY_SPEAKER = "summary of what was before"
"""Who a transcript that was cleared to its summary is said by."""


@runtime_checkable
class Summariser(Protocol):
    """Summarises by effects, as a model does."""

    async def summarise(self, turn: Turn, child: int | None, /) -> str:
        """Return the summary of the nested chat that effect *child* of *turn* was.

        ``None``: of the transcript of *turn*.
        """
        ...


Summary: TypeAlias = Callable[[Sequence[Message]], str] | Summariser
"""A pure function of what was said, or what ``by_model(...)`` returns."""


def last_message(said: Sequence[Message]) -> str:
    """Return the text of the last message.

    Example:
        >>> last_message([Message("draft", "writer"), Message("final", "editor")])
        'final'
    """
    return (said[-1] if said else SILENCE).text
