"""How drawings look: colours by day and by night, and text that stays on its line.

Names in a drawing come from users and models, so every text passes through :func:`line` before
a writer escapes it: no line break, no control or direction character is left.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = [
    "AMBER",
    "DARK",
    "GREEN",
    "HEAT",
    "INK",
    "LINE",
    "LIVE",
    "LOOKS",
    "MUTED",
    "PAPER",
    "QUIET",
    "RED",
    "STROKES",
    "WARM",
    "Colours",
    "Direction",
    "Look",
    "Stroke",
    "Theme",
    "line",
    "shortened",
    "width",
    "wrapped",
]

Look: TypeAlias = Literal[
    "start", "llm", "human", "code", "tool", "flow", "phase", "junction", "final", "failed"
]
"""How a box is drawn."""

Direction: TypeAlias = Literal["tb", "lr"]
"""Where a drawing grows to: from top to bottom, or from left to right."""

Theme: TypeAlias = Literal["light", "dark"]

Stroke: TypeAlias = Literal["plain", "else", "fault", "limit", "error"]
"""How an arrow is drawn; ``error`` is the flow's ``on_error``."""

PAPER: Final = "#ffffff"
INK: Final = "#1f2530"
MUTED: Final = "#5b6472"
LINE: Final = "#4a5361"
AMBER: Final = "#8a5a00"
RED: Final = "#b3261e"
QUIET: Final = "#8b95a3"
GREEN: Final = "#00694f"
LIVE: Final = "#e8590c"
WARM: Final = "#1f6fb2"
HEAT: Final = ("#e9f3fa", "#d3e5f4", "#b9d7ee", "#9cc7e7", "#7fb6df")
"""From seldom to most."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of a box, and whether its corners are round."""

    ink: str
    tint: str
    round: bool = True


LOOKS: Final[dict[Look, Colours]] = {
    "start": Colours(INK, INK),
    "llm": Colours("#005f96", "#e9f3fa"),
    "human": Colours("#a04a00", "#fff3e2"),
    "code": Colours("#00694f", "#e5f5ef", round=False),
    "tool": Colours("#8a3f74", "#f9edf5", round=False),
    "flow": Colours("#453f9c", "#efeefb"),
    "phase": Colours("#c3cad4", "#f7f8fa"),
    "junction": Colours(LINE, "#f1f3f6", round=False),
    "final": Colours(INK, PAPER),
    "failed": Colours(RED, "#fdecea"),
}

STROKES: Final[dict[Stroke, tuple[str, str]]] = {
    "plain": (LINE, "solid"),
    "else": (LINE, "solid"),
    "fault": (RED, "dashed"),
    "limit": (AMBER, "dotted"),
    "error": (RED, "dashed"),
}
"""Colour and dash of an arrow."""

DARK: Final = {
    PAPER: "#12161d",
    INK: "#e8ecf2",
    MUTED: "#a9b3c1",
    LINE: "#9aa5b4",
    AMBER: "#e0b04a",
    RED: "#ff8a7a",
    "#fdecea": "#3a1512",
    "#005f96": "#6db9ea",
    "#e9f3fa": "#10283a",
    "#a04a00": "#ffb066",
    "#fff3e2": "#35230f",
    "#00694f": "#4fd0a5",
    "#e5f5ef": "#0e2b22",
    "#8a3f74": "#e29aca",
    "#f9edf5": "#331a2c",
    "#453f9c": "#b5b0f7",
    "#efeefb": "#1f1d3d",
    "#f1f3f6": "#242b35",
    "#c3cad4": "#3d4755",
    "#f7f8fa": "#171c25",
    "#fdf3d6": "#33280d",
    QUIET: "#768294",
    LIVE: "#ff8a3d",
    WARM: "#58a6e0",
    HEAT[1]: "#12344e",
    HEAT[2]: "#154163",
    HEAT[3]: "#184e78",
    HEAT[4]: "#1b5c8e",
}
"""Each colour of the day and its colour at night."""

_LONGEST = 48
_WRAP = 28
_NARROWER = 0.75


def line(text: str) -> str:
    """Return *text* on one line, printable; ``?`` if nothing is left of it.

    Example:
        >>> line("two" + chr(10) + "lines")
        'two lines'
    """
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split()) or "?"


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return *text*, cut with ``…`` where it is longer than *longest* [characters].

    Example:
        >>> shortened("abcdef", 4)
        'abc…'
    """
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def wrapped(text: str, longest: int = _LONGEST) -> tuple[str, ...]:
    """Return *text*, shortened to *longest* [characters], on one line or two of about one length.

    What would be hardly narrower on two lines stays on one.

    Example:
        >>> wrapped("says('APPROVED', by='reviewer')")
        ("says('APPROVED',", "by='reviewer')")
    """
    text = shortened(text, longest)
    spaces = [at for at, c in enumerate(text) if c == " "]
    if len(text) <= _WRAP or not spaces:
        return (text,)
    at = min(spaces, key=lambda at: abs(at - len(text) / 2))
    if max(at, len(text) - at) > _NARROWER * len(text):
        return (text,)
    return (text[:at], text[at + 1 :])


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes.

    Example:
        >>> width("日本"), width("ab")
        (4, 2)
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
