"""One key at a time, where the terminal gives them so; else a line, of which the first counts."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

__all__ = ["key", "line"]

_ARROWS: Final = {"\x1b[C": "right", "\x1b[D": "left", "\x1bOC": "right", "\x1bOD": "left"}
_WINDOWS: Final = {"M": "right", "K": "left"}
_REST_S: Final = 0.05
"""So long after an escape the rest of an arrow's keys may come [s]."""
_STEP_S: Final = 0.2


def key() -> str | None:
    """Wait for a key and return it: ``right``, ``left``, a character; ``None`` at the end.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    if sys.platform == "win32":
        return _windows_key()
    try:
        import termios
    except ImportError:
        return _first_of_line()
    try:
        with _one_by_one():
            return _pressed(sys.stdin.fileno())
    except termios.error:  # no terminal after all
        return _first_of_line()


def line(prompt: str) -> str:
    """Ask for a line; empty at the end."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


@contextmanager
def _one_by_one() -> Generator[None]:
    """Have the terminal give each key at once, and show none; Ctrl-C is heard as ever."""
    import termios
    import tty

    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    try:
        tty.setcbreak(keys, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)


def _pressed(keys: int) -> str | None:
    while not select.select([keys], [], [], _STEP_S)[0]:
        pass  # a Ctrl-C on the brink of a long read would be heard at the next key only
    pressed = os.read(keys, 1)
    if not pressed or pressed == b"\x04":
        return None
    if pressed == b"\x1b":
        while select.select([keys], [], [], _REST_S)[0] and len(pressed) < 3:  # noqa: PLR2004 - ESC [ C
            pressed += os.read(keys, 1)
        return _ARROWS.get(pressed.decode("ascii", "replace"), "")
    while pressed[0] >= 0xC0 and select.select([keys], [], [], _REST_S)[0]:  # noqa: PLR2004 - UTF-8
        pressed += os.read(keys, 1)
    return pressed.decode("utf-8", "replace")


def _windows_key() -> str | None:
    import msvcrt

    getwch: Callable[[], str] = getattr(msvcrt, "getwch")  # noqa: B009 - typed on Windows only
    pressed = getwch()
    if pressed == "\x03":
        raise KeyboardInterrupt
    if pressed in {"\x00", "\xe0"}:
        return _WINDOWS.get(getwch(), "")
    return None if pressed in {"\x04", "\x1a"} else pressed


def _first_of_line() -> str | None:
    said = sys.stdin.readline()
    return None if not said else (said.strip()[:1] or "\n")
