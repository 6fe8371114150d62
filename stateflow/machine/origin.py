"""Where a place, a transition or a flow was written: file and line, for those who must find it.

Kept beside the table, never in it: a flow that moves to another line is the same flow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType
from typing import Final as Constant
from typing import NamedTuple

__all__ = ["Origin", "origin"]

_PACKAGE: Constant = str(Path(__file__).parents[1]) + "/"


class Origin(NamedTuple):
    """A line of a file."""

    file: str
    """Path as Python knows it; ``<stdin>`` and the like where there is no file."""
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        """Return both, as editors and terminals understand them."""
        return f"{self.file}:{self.line}"


def origin() -> Origin | None:
    """Return the line outside of this package that is being executed; ``None``: there is none.

    A flow that a pattern builds is so told by the line that calls the pattern.

    Example:
        >>> here = origin()
        >>> here is not None and here.line
        1
    """
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - inspect.stack() reads every source file
    while _inside(frame.f_code):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return Origin(frame.f_code.co_filename, frame.f_lineno)


def _inside(code: CodeType) -> bool:
    """Tell whether *code* is of this package, or what a dataclass of it was given to begin with."""
    made = code.co_filename == "<string>" and code.co_name == "__init__"
    return made or code.co_filename.startswith(_PACKAGE)
