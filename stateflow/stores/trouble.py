"""Trouble with an SQLite file, in a sentence: what is wrong, and the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["BUSY_S", "is_busy", "sentence_of"]

BUSY_S: Final = 5.0
"""How long another process may hold the file [s] before we give up."""

_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED")
_CURES: Final = {
    "SQLITE_FULL": "the disk is full; free some space and resume",
    "SQLITE_NOTADB": "the file is not a database; choose another path",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy",
    "SQLITE_CANTOPEN": "the file cannot be opened; check its folder and its permissions",
    "SQLITE_READONLY": "the file is read-only; make it and its folder writable",
    "SQLITE_BUSY": f"another process has held the file for {BUSY_S:g} s; end that one, or wait",
    "SQLITE_LOCKED": "another connection holds the file; close that one, or wait",
    "SQLITE_IOERR": "the disk does not read or write as it should; check it and its free space",
}
"""By the beginning of SQLite's name for the error.

Source: https://www.sqlite.org/rescode.html
"""


def is_busy(error: BaseException | None) -> bool:
    """Tell whether waiting for another process may help."""
    return _name(error).startswith(_BUSY)


def sentence_of(path: Path, error: Exception, what: str = "journals") -> str:
    """Return what *error* of SQLite means for *what* lies at *path*.

    Example:
        >>> sentence_of(Path("runs.db"), ValueError("no such table: run"))
        "journals in 'runs.db': SQLite says 'no such table: run'; choose another path"
    """
    name = _name(error)
    for beginning, cure in _CURES.items():
        if name.startswith(beginning):
            return f"{what} in {str(path)!r}: {cure}"
    return f"{what} in {str(path)!r}: SQLite says {str(error)!r}; choose another path"


def _name(error: BaseException | None) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
