"""Texts of others inside Markdown, where nothing in them may mean anything."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["code", "fenced"]


def code(text: str) -> str:
    """Return *text* as code on one line, for a cell of a table, too.

    Example:
        >>> code("says(`x`)"), code("")
        ('``says(`x`)``', '')
    """
    shown = " ".join(text.split()).replace("|", "\\|")
    if not shown:
        return ""
    ticks = "`" * (_longest(shown) + 1)
    room = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{room}{shown}{room}{ticks}"


def fenced(language: str, lines: Iterable[str]) -> str:
    """Return *lines* as a block of code that nothing in them can end.

    Example:
        >>> print(fenced("diff", ["-a", "+b"]))
        ```diff
        -a
        +b
        ```
    """
    text = "\n".join(lines).rstrip("\n")
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
