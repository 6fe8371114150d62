"""What a program writes to one of its streams: head and tail, whatever it writes.

A program may write without end.  How a log begins tells what ran, and how it ends tells what went
wrong, so those are kept and the middle is counted.  Memory stays within twice the limit.
"""

from __future__ import annotations

import codecs
from typing import Final

from stateflow.value import plain

__all__ = ["Output"]

_LATER: Final = range(0x80, 0xC0)
"""Bytes with which no character of UTF-8 begins."""
_MOST_LATER: Final = 3
"""That many of them are in one character at most."""


class Output:
    """What was written to one stream, within a limit.

    Args:
        limit_bytes: most that is kept [bytes]; half of it from the beginning, half from the end.

    Example:
        >>> output = Output(8)
        >>> output.write(b"abcd")
        >>> output.write(b"efghijkl")
        >>> print(output.text)
        abcd
        [... 4 bytes left out ...]
        ijkl
    """

    def __init__(self, limit_bytes: int) -> None:
        self.written = 0
        """How much was written so far [bytes], kept or not."""
        self._limit = limit_bytes
        self._head = bytearray()
        self._head_limit = limit_bytes // 2
        self._tail = bytearray()
        self._tail_limit = limit_bytes - self._head_limit

    def write(self, data: bytes) -> None:
        """Take *data*, which may begin and end inside a character."""
        self.written += len(data)
        start = min(len(data), self._head_limit - len(self._head))
        self._head += data[:start]
        self._tail += data[max(start, len(data) - self._tail_limit) :]
        del self._tail[: -self._tail_limit]

    @property
    def text(self) -> str:
        r"""It as plain text: bytes that are no UTF-8 replaced, line ends as ``\n``.

        A lone carriage return begins a line as well, else the steps of a progress bar would run
        together.
        """
        if self.written <= self._limit:
            return _shown((self._head + self._tail).decode("utf-8", "replace"))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        head = decoder.decode(bytes(self._head))
        cut = len(decoder.getstate()[0])
        tail = bytes(self._tail)
        late = 0
        while late < min(_MOST_LATER, len(tail)) and tail[late] in _LATER:
            late += 1
        left_out = self.written - self._limit + cut + late
        end = _shown(tail[late:].decode("utf-8", "replace"))
        return f"{_shown(head)}\n[... {left_out:,} bytes left out ...]\n{end}"


def _shown(text: str) -> str:
    return plain(text.replace("\r\n", "\n").replace("\r", "\n"))
