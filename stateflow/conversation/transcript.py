"""The transcript: an append-only record that shares its storage between versions.

Appending returns a new transcript in constant time: versions share one list and differ in
how much of it they see.  Only a second, different continuation of the same past (a fork)
copies.  The running hash of a prefix is kept, so that the print of a request costs the new
messages, not the old ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import overload

from stateflow.conversation.message import SILENCE, Message, message_json
from stateflow.value import canonical_json

__all__ = ["Transcript"]


class Transcript(Sequence[Message]):
    """Messages in the order they were said.

    Example:
        >>> before = Transcript()
        >>> after = before.append(Message("hi", "user"))
        >>> len(before), len(after), after.last.text
        (0, 1, 'hi')
    """

    __slots__ = ("_hashes", "_length", "_messages")

    def __init__(self) -> None:
        """Make an empty one."""
        self._messages: list[Message] = []
        self._hashes: list[bytes] = [b""]
        self._length = 0

    def append(self, message: Message) -> Transcript:
        """Return the transcript with *message* added; this one is unchanged."""
        after = Transcript.__new__(Transcript)
        length = self._length
        messages, hashes = self._messages, self._hashes
        if len(messages) == length:
            messages.append(message)
        elif not _same(messages[length], message):
            messages = [*messages[:length], message]
            hashes = hashes[: length + 1]
        after._messages = messages  # noqa: SLF001 - our own
        after._hashes = hashes  # noqa: SLF001 - our own
        after._length = length + 1  # noqa: SLF001 - our own
        return after

    @property
    def last(self) -> Message:
        """The latest message, or ``SILENCE``."""
        return self._messages[self._length - 1] if self._length else SILENCE

    def digest(self) -> str:
        """Return the print of everything said; amortised constant in the length."""
        hashes = self._hashes
        while len(hashes) <= self._length:
            text = _printed(self._messages[len(hashes) - 1]).encode("utf-8", "surrogatepass")
            hashes.append(hashlib.sha256(hashes[-1] + text).digest())
        return hashes[self._length].hex()[:16]

    def __len__(self) -> int:
        """Return how many messages were said."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | Sequence[Message]:
        """Return one message, or some of them."""
        if isinstance(index, slice):
            return [self._messages[i] for i in range(*index.indices(self._length))]
        position = index + self._length if index < 0 else index
        if not 0 <= position < self._length:
            raise IndexError(index)
        return self._messages[position]

    def __iter__(self) -> Iterator[Message]:
        """Iterate over the messages, first to last."""
        return (self._messages[i] for i in range(self._length))

    def __repr__(self) -> str:
        """Return the length, not the texts."""
        return f"<Transcript of {self._length} messages>"


def _printed(message: Message) -> str:
    """Return *message* as canonical JSON, but for what it cost and how long its code took."""
    said = message_json(message)
    said.pop("usage", None)
    said.pop("executions", None)  # the text tells of them
    if len(said) == 1:  # most are of text alone; this is their JSON, sooner
        text, speaker = canonical_json(message.text), canonical_json(message.speaker)
        return f'{{"speaker":{speaker},"text":{text},"usage":null}}'
    return canonical_json({**said, "usage": None, "speaker": message.speaker})


def _same(one: Message, other: Message) -> bool:
    """Tell whether both say the same; ``True`` and ``1`` are equal, but not the same reply."""
    if one is other:
        return True
    if one != other:
        return False
    return one.reply is None or canonical_json(one.reply) == canonical_json(other.reply)
