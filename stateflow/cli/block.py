"""A turn while it is told on a terminal: its line, and below what comes, as it comes.

A terminal cannot take back what has scrolled away, so lines are only ever added; but the line of
the turn is written anew once its figures are known.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from stateflow.cli.chart import MUTED, clean, folded
from stateflow.cli.console import say
from stateflow.cli.streaming import Streaming
from stateflow.engine.door import Delta

__all__ = ["Block"]


@dataclass(slots=True)
class Block:
    """What stands on the terminal of the present turn, its line above it."""

    run: str
    state: str
    visit: int
    out: Console
    indent: str
    most: int
    """Lines of a text to show at most."""
    alone: bool
    """One agent speaks and nobody is asked who is next: a second text takes the first back."""
    rows: int = 0
    """Whole lines below the turn's own."""
    text: str | None = None
    """The last text that streamed to its end."""
    told: set[int] = field(default_factory=set[int])
    """Effects of which all was told, by ordinal."""
    stream: Streaming | None = None
    _untold: bool = False
    """Nothing has been told since the last text ended."""

    @property
    def columns(self) -> int:
        """How wide what stands below the line may be."""
        return self.out.width - len(self.indent) - 2

    def is_of(self, run: str, state: str, visit: int) -> bool:
        """Tell whether it is of this turn."""
        return (self.run, self.state, self.visit) == (run, state, visit)

    def shows(self, texts: Sequence[str]) -> bool:
        """Tell whether *texts*, all that was said in the turn, stand here."""
        return list(texts) in ([], [self.text])

    def misleads(self, texts: Sequence[str]) -> bool:
        """Tell whether it shows something else than *texts* as what was said.

        What came before the tool calls of one agent does not: its answer may be what they gave.
        """
        preamble = self.alone and not self._untold
        return self.text is not None and not preamble and not self.shows(texts)

    def hear(self, delta: Delta) -> None:
        """Show a piece of text; what an earlier attempt said is taken back in words."""
        stream = self.stream
        if stream is not None and stream.key != delta.key:
            return  # texts that come at the same time must not mix
        if stream is not None and delta.attempt > stream.attempt:
            self.end()
            stream = None
        if stream is None:
            if self._untold and not self.alone:
                return  # another speaker's, or a choice
            if self._untold:
                self.note("asked again:")
            stream = self.stream = Streaming(
                delta.key, sys.stderr, self.indent, self.columns, self.most, delta.attempt
            )
            stream.begin()
        stream.add(delta.text)

    def end(self) -> None:
        """End the text that streams."""
        if self.stream is not None:
            self.stream.end()
            self.rows += self.stream.rows
            self.text, self.stream = self.stream.text, None
            self._untold = True

    def note(self, text: str) -> None:
        """Tell something beside the texts."""
        for line in folded(clean(text), self.columns):
            say(self.out, Text(self.indent).append(line.rstrip(), MUTED))
            self.rows += 1
        self._untold = False

    def rewrite(self, line: Text, right: str) -> None:
        """Write the turn's *line* again, or only *right* below if that has scrolled away."""
        rows = self.rows + 1
        if rows >= self.out.height or line.cell_len > self.out.width:
            say(self.out, f"{self.indent}{right}", MUTED)
            return
        sys.stderr.write(f"\x1b[{rows}A\r")
        say(self.out, line)
        if self.rows:
            sys.stderr.write(f"\x1b[{self.rows}B\r")
        sys.stderr.flush()
