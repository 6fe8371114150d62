"""What a state sees of the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stateflow.conversation.message import Message
from stateflow.conversation.transcript import Transcript
from stateflow.errors import DefinitionError
from stateflow.value import Json

__all__ = ["Window", "last"]


class Window(Protocol):
    """A rule that cuts the transcript for one state."""

    @property
    def form(self) -> Json:
        """The rule as JSON: part of the print of every request."""
        ...

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return what is seen of *transcript*, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Last:
    """The last messages only."""

    count: int

    @property
    def form(self) -> Json:
        """The rule as JSON."""
        return {"last": self.count}

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return the last messages.  Each holds its tool calls, so none is cut apart."""
        length = len(transcript)
        return transcript[max(0, length - self.count) : length]


def last(count: int) -> Window:
    """See the last *count* messages [messages].

    Raises:
        DefinitionError: *count* is less than one.

    Example:
        >>> last(1).of(Transcript().append(Message("a")).append(Message("b")))[0].text
        'b'
    """
    if count < 1:
        raise DefinitionError(f"last({count!r}) sees nothing; a state sees one message or more")
    return Last(count)
