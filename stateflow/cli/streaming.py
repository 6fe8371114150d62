"""A message while it streams: lines that only ever grow at the end, then its figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from stateflow.cli.chart import clean, folded
from stateflow.conversation.effect import Key

__all__ = ["Streaming"]


@dataclass(slots=True)
class Streaming:
    """Writes a text to a terminal, piece by piece, indented and folded to its width.

    Only whole words are written, so that no word has to be taken back to the next line.
    """

    key: Key
    out: TextIO
    indent: str
    columns: int
    most: int
    """Lines to show at most."""
    attempt: int = 1
    """Which try of the effect it comes from."""
    text: str = ""
    """All that came."""
    rows: int = 0
    """Line breaks written."""
    _open: str = ""
    """The present paragraph."""
    _written: list[str] = field(default_factory=lambda: [""])
    """Its lines on the terminal."""
    _full: bool = False

    def begin(self) -> None:
        """Indent the first line."""
        self.out.write(self.indent)

    def add(self, piece: str) -> None:
        """Show what *piece* completes."""
        self.text += piece
        self._open += clean(piece)
        while "\n" in self._open and not self._full:
            paragraph, _, self._open = self._open.partition("\n")
            self._write(folded(paragraph, self.columns))
            self._break()
            self._written = [""]
        whole = self._open[: self._open.rfind(" ") + 1]
        if whole and not self._full:
            self._write(folded(whole, self.columns))
        self.out.flush()

    def end(self) -> None:
        """Show the rest."""
        if not self._full:
            self._write(folded(self._open, self.columns))
        self.out.write("\n")
        self.rows += 1
        self.out.flush()

    def _write(self, lines: list[str]) -> None:
        last = len(self._written) - 1
        self.out.write(lines[last][len(self._written[last]) :])
        for line in lines[last + 1 :]:
            self._break()
            if self._full:
                return
            self.out.write(line)
        self._written = lines

    def _break(self) -> None:
        if self._full:
            return
        if self.rows + 1 >= self.most:
            self._full = True
            self.out.write("…")
            return
        self.out.write(f"\n{self.indent}")
        self.rows += 1
