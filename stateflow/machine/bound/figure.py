"""Figures: how much of something a run can take at most, why, and whether it ever comes to that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final as Constant
from typing import NamedTuple

from stateflow.conversation.message import Fault, Message

__all__ = ["FIGURES", "Bound", "Figure", "Most", "Move", "folded_path"]

FIGURES: Constant = ("turns", "calls", "tools", "code", "tokens", "usd")
"""What is bounded, in the order it is told."""

_LONGEST: Constant = 24
"""Longest stretch of states that is looked for again behind itself [states]."""
_SHOWN: Constant = 24
"""Most parts of a path that are told."""


class Most(NamedTuple):
    """The most that one turn may take of something."""

    amount: float
    why: str = ""
    """Where it has no end: what keeps it from having one."""
    sure: bool = True
    """Whether a turn that says something takes as much, whoever says what."""


@dataclass(frozen=True, slots=True)
class Move:
    """A turn of a witness: what is said, and which way it takes."""

    state: str
    says: Message | None
    """``None``: the turn raises *fault*; ``SILENCE``: its agent passes."""
    fault: Fault | None = None
    to: str | None = None
    """The next state; ``None``: an end."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The most that a run can take of one thing, nested runs included.

    Example:
        >>> str(Figure("turns", 12, tight=True)), str(Figure("usd", 0.25))
        ('turns: 12', 'usd: at most 0.25')
    """

    name: str
    """``turns``, ``calls`` (of models), ``tools`` (their calls), ``code`` (blocks run), ``tokens``
    or ``usd``."""
    most: float
    """``inf``: nothing bounds it."""
    tight: bool = False
    """Whether there is a witness that comes to it."""
    why: str = ""
    """What bounds it; or what leaves it unbounded, and the cap that would."""
    path: tuple[str, ...] = ()
    """States of a run that comes to it, as far as guards are left aside; empty: none is known."""
    witness: tuple[Move, ...] = ()
    """The same with what is said: the kernel was asked at every step.  Set where it is tight."""

    @property
    def bounded(self) -> bool:
        """Whether there is a most."""
        return math.isfinite(self.most)

    def __str__(self) -> str:
        """Return one line: the figure, and whether it is reached."""
        if not self.bounded:
            return f"{self.name}: unbounded: {self.why}"
        return f"{self.name}: {'' if self.tight else 'at most '}{self.most:,.10g}"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a run of a flow can take at most, before it is run."""

    flow: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    """What the figures take for granted."""

    def __getitem__(self, name: str) -> Figure:
        """Return the figure called *name*.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    @property
    def bounded(self) -> bool:
        """Whether there is a most of everything."""
        return all(figure.bounded for figure in self.figures)

    def __str__(self) -> str:
        """Return one line for each figure."""
        return "\n".join(map(str, self.figures))


def folded_path(states: Sequence[str]) -> str:
    """Return *states* in one line, what repeats told once; of a very long path both ends.

    Example:
        >>> folded_path(["plan", "write", "run", "write", "run", "write", "run", "done"])
        'plan → (write → run)×3 → done'
        >>> folded_path(["think"] * 100)
        'think×100'
    """
    parts = list(_parts(states))
    if len(parts) > _SHOWN:
        left = len(parts) - _SHOWN + 2
        parts[_SHOWN // 2 : len(parts) - _SHOWN // 2 + 2] = [f"… {left:,} more …"]
    return " → ".join(parts)


def _parts(states: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(states):
        length, times = _stretch(states, at)
        told = " → ".join(states[at : at + length])
        if times == 1:
            yield told
        else:
            yield f"{told}×{times}" if length == 1 else f"({told})×{times}"
        at += length * times


def _stretch(states: Sequence[str], at: int) -> tuple[int, int]:
    """Return the length of the stretch at *at* that saves most, and how often it stands there."""
    best = (1, 1)
    for length in range(1, min(_LONGEST, (len(states) - at) // 2) + 1):
        stretch, times = states[at : at + length], 1
        while states[at + length * times : at + length * (times + 1)] == stretch:
            times += 1
        if times > 1 and length * (times - 1) > best[0] * (best[1] - 1):
            best = (length, times)
    return best
