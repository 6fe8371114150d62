"""Consoles: coloured on a terminal, plain lines in a pipe or under NO_COLOR."""

from __future__ import annotations

import os
import sys
from typing import Literal

from rich.console import Console
from rich.text import Text

__all__ = ["console", "is_lively", "say"]

_PIPE_COLUMNS = 100


def is_lively(name: Literal["stdout", "stderr"]) -> bool:
    """Tell whether the stream is a terminal that shows colours and moves its cursor."""
    stream = getattr(sys, name)
    quiet = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return bool(stream.isatty()) and not quiet


def console(name: Literal["stdout", "stderr"]) -> Console:
    """Return a console on the stream; it adds nothing of its own to a text."""
    lively = is_lively(name)
    return Console(
        file=getattr(sys, name),
        color_system="auto" if lively else None,
        force_terminal=lively,
        no_color=not lively,
        width=None if getattr(sys, name).isatty() else _PIPE_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def say(to: Console, text: Text | str = "", style: str = "") -> None:
    """Print *text* as it is; the terminal folds what is too long."""
    to.print(Text(text, style) if isinstance(text, str) else text, soft_wrap=True)
