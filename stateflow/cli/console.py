"""Consoles, coloured on a terminal and plain in a pipe or under NO_COLOR; and files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from stateflow.cli.trouble import BadInput

__all__ = ["console", "is_lively", "put", "say"]

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


def put(path: Path, content: bytes) -> None:
    """Write the file *path*, with the folders it lies in, and say so.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be written ({error.strerror})") from error
    say(console("stdout"), str(path))
