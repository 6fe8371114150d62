"""Limits that every sandbox has, held to one rule: a number above zero, and never endless."""

from __future__ import annotations

import math

from stateflow.errors import DefinitionError

__all__ = ["check_limits"]

_WHOLE = ("_bytes", "_limit", "_mb")


def check_limits(what: str, **limits: float) -> None:
    """Say which of the *limits* of *what* is no limit.

    Those named ``..._bytes``, ``..._mb`` and ``..._limit`` count something, so they are whole.

    Raises:
        DefinitionError: one is not a number above zero, or has no end.

    Example:
        >>> check_limits("a local sandbox", time_limit_s=1.5, memory_mb=64)
        >>> check_limits("a local sandbox", memory_mb=0)
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: memory_mb=0 is no limit of a local sandbox; ...
    """
    for name, value in limits.items():
        whole = name.endswith(_WHOLE)
        if not _limits(value, whole=whole):
            number = "a whole number" if whole else "a number"
            raise DefinitionError(
                f"{name}={value!r} is no limit of {what}; give {number} above 0, without quotes"
            )


def _limits(value: object, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return value > 0 and (isinstance(value, int) or math.isfinite(value))
