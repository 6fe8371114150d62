"""Findings: what the checker says about a flow, each with a code and a cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from stateflow.machine.origin import Origin

__all__ = ["Finding", "Severity", "listed"]

Severity: TypeAlias = Literal["error", "warning", "note"]
"""An error cannot be meant; a warning may be; a note is for those who ask for it."""

_MOST = 8
"""So many names are told; a list of a thousand is read by nobody."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a flow.

    Example:
        >>> str(Finding("SF101", "error", "rest", "nothing leads here", "remove it"))
        "SF101 error at 'rest': nothing leads here; remove it"
    """

    code: str
    """``SF101`` and so on; what ``docs/check.md`` is sorted by."""
    severity: Severity
    place: str
    """Name of a state, junction or final; of the flow, where it is about all of it.  In a nested
    flow it is a path: ``write/outline`` is the place ``outline`` of what runs in ``write``."""
    text: str
    """What is wrong."""
    cure: str
    """What would be right."""
    witness: str = ""
    """What to say or do to see it happen: a small view, or a path."""
    origin: Origin | None = field(default=None, compare=False)
    """Where the place or the transition was written."""
    accepted: str = ""
    """Why it is meant, where the flow says so."""

    def __str__(self) -> str:
        """Return everything in one line."""
        return f"{self.code} {self.severity} at {self.place!r}: {self.text}; {self.cure}"


def listed(names: Sequence[str]) -> str:
    """Return *names* as they are told.

    Example:
        >>> listed(["write", "review"])
        "'write', 'review'"
    """
    told = ", ".join(map(repr, names[:_MOST]))
    return told if len(names) <= _MOST else f"{told} and {len(names) - _MOST} more"
