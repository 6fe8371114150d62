"""One thing that is not as it was, in one flow and in another version of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from stateflow.value import Json

__all__ = ["Change", "Kind", "Row", "What"]

Kind: TypeAlias = Literal["added", "removed", "renamed", "changed", "reordered"]
"""What became of a part of a flow."""

What: TypeAlias = Literal["flow", "state", "junction", "final", "transition", "agent"]
"""What the part is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was."""

    kind: Kind
    what: What
    was: str = ""
    """Path before: ``write/outline`` is the place ``outline`` of the flow that runs in ``write``,
    ``write → run`` a transition; empty for what was not there, and for the whole flow."""
    now: str = ""
    """Path after; empty for what is not there any more."""
    part: str = ""
    """What of it has changed: ``prompt``, ``guard``, ``budget turns``; empty for the whole."""
    before: Json = None
    """The part before; ``None`` where there was none."""
    after: Json = None

    @property
    def path(self) -> str:
        """Where it is, or was."""
        return self.now or self.was


@dataclass(frozen=True, slots=True)
class Row:
    """A transition, in two versions of its place."""

    was: int | None
    """Position among the exits before; ``None``: it was added."""
    now: int | None
    """Position now; ``None``: it was removed."""
    changed: bool = False
