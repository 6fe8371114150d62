"""What is drawn over a box or an arrow: how versions differ, how often runs came by, where one is.

Signs and words carry the meaning, in every form; colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final as Constant

from stateflow.diagram.box import Arrow, Box, Mark
from stateflow.diagram.look import (
    AMBER,
    GREEN,
    HEAT,
    INK,
    LIVE,
    LOOKS,
    MUTED,
    PAPER,
    QUIET,
    RED,
    STROKES,
    WARM,
    Colours,
)

__all__ = ["coloured", "dashed", "faint", "ink", "pen", "sign", "signed", "step", "tally", "told"]
__all__ += ["warm"]

_SIGNS: Constant[Mapping[Mark, str]] = {"added": "+", "removed": "−", "changed": "~"}
_INKS: Constant[Mapping[Mark, str]] = {
    "added": GREEN,
    "removed": RED,
    "changed": AMBER,
    "kept": QUIET,
    "never": QUIET,
    "taken": INK,
    "live": LIVE,
}
_TINTS: Constant[Mapping[Mark, str]] = {
    "added": "#e5f5ef",
    "removed": "#fdecea",
    "changed": "#fdf3d6",
    "kept": "#f7f8fa",
    "never": PAPER,
}


def sign(thing: Box | Arrow) -> str:
    """Return ``+``, ``−`` or ``~`` for what differs between two versions, else nothing.

    Example:
        >>> sign(Arrow(source="a", target="b", id="e", mark="added"))
        '+'
    """
    return _SIGNS.get(thing.mark, "")


def tally(thing: Box | Arrow) -> str:
    """Return how often runs came by, and whether one is here.

    Example:
        >>> tally(Arrow(source="a", target="b", id="e", count=31))
        '×31'
    """
    seldom = thing.mark == "never" or thing.count == 0
    count = "never" if seldom else "" if thing.count is None else f"×{thing.count:,}"
    return " ".join(word for word in (count, "● here" if thing.mark == "live" else "") if word)


def signed(thing: Box | Arrow, text: str) -> str:
    """Return *text* with the sign of *thing* before it and its tally behind.

    The way that a run took has ``»`` for a sign: text has no thick lines.

    Example:
        >>> signed(Arrow(source="a", target="b", id="e", mark="changed", count=2), "else")
        '~ else ×2'
    """
    taken = "»" if thing.mark in {"taken", "live"} else ""
    return " ".join(word for word in (sign(thing) or taken, text, tally(thing)) if word)


def coloured(box: Box) -> Colours:
    """Return the colours that *box* is drawn in."""
    own = LOOKS[box.look]
    border = own.ink if box.mark in {"", "taken", "live"} else _INKS[box.mark]
    fill = _TINTS.get(box.mark, own.tint)
    if warm(box):
        fill = HEAT[step(box.heat)]
    if box.look == "phase" and not box.open and box.mark in {"", "taken"}:
        border = QUIET  # a box to be seen, no longer a frame that only holds others together
    border = LIVE if box.mark == "live" else border
    return Colours(border, border if box.look == "start" else fill, own.round)


def ink(arrow: Arrow) -> str:
    """Return the colour that *arrow* is drawn in."""
    warm = bool(arrow.count) and not arrow.mark
    return _INKS.get(arrow.mark, WARM if warm else STROKES[arrow.stroke][0])


def told(arrow: Arrow) -> str:
    """Return the colour of the words on *arrow*: lines may be fainter than what is to be read."""
    return MUTED if faint(arrow) else ink(arrow)


def warm(box: Box) -> bool:
    """Tell whether *box* is filled with heat; a frame is not, for words stand in it."""
    return not box.mark and bool(box.count) and not box.open


def faint(thing: Box | Arrow) -> bool:
    """Tell whether *thing* stands back behind others."""
    return thing.mark in {"kept", "never"}


def dashed(thing: Box | Arrow) -> bool:
    """Tell whether *thing* is there no more, or was never come by."""
    return thing.mark in {"removed", "never"} or thing.count == 0


def pen(arrow: Arrow) -> float:
    """Return how thick *arrow* is drawn, 1 where there is nothing to tell [points]."""
    if arrow.mark in {"added", "removed", "changed", "taken"}:
        return 2.0
    return 1.2 + 0.7 * step(arrow.heat) if arrow.count else 1.0


def step(heat: float) -> int:
    """Return which of the steps of heat *heat* is.

    Example:
        >>> step(0.0), step(0.5), step(1.0)
        (0, 2, 4)
    """
    return min(int(heat * len(HEAT)), len(HEAT) - 1)
