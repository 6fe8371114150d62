"""The budget: one declaration of what a run may use up at most."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from stateflow.errors import DefinitionError

__all__ = ["UNLIMITED", "Budget"]

UNLIMITED: Final = math.inf
"""Spell it out where a limit is to be none: ``Budget(turns=UNLIMITED)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of a run, its nested runs included.

    Raises:
        DefinitionError: a limit is negative or not a number.

    Example:
        >>> Budget(turns=20, usd=2.00).calls is None
        True
    """

    turns: float = 100
    """Turns taken; the one limit that is set by default."""
    calls: float | None = None
    """Model calls."""
    tokens: float | None = None
    """Input and output tokens together [tokens]."""
    usd: float | None = None
    """Money [USD]."""
    seconds: float | None = None
    """Time, without waiting for people and without pauses [s]."""
    depth: int = 5
    """How deep nested runs may go."""
    unpriced: bool = False
    """With ``usd``: also ask models whose price is not known.  Once one was asked, nobody can say
    what was spent, and ``usd`` limits nothing; set ``calls`` or ``tokens`` beside it."""

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing."""
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is None or field.name == "unpriced":
                continue
            number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
            if not number or math.isnan(limit) or limit < 0:
                sentence = (
                    f"Budget({field.name}={limit!r}): a limit is a number, 0 or more; "
                    "write UNLIMITED for none"
                )
                raise DefinitionError(sentence)
