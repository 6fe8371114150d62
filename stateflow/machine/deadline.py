"""Deadlines: transitions that time takes, counted from when the state was entered.

Time passes on the clock of the store, pauses included: what a person does not answer within a
day is late, whether a process waited or not.  A deadline that passes ends the turn *raised*, and
the transition with ``after=`` names that fault.

Source: "Delayed (after) transitions", https://stately.ai/docs/delayed-transitions
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final, cast

from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard
from stateflow.value import Json

__all__ = ["days", "hours", "instant", "late", "minutes", "shown"]

_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0))
_LAST_INSTANT: Final = 253_402_300_799.0
"""End of the year 9999 [s since the epoch]; what is later is never reached."""


def minutes(number: float) -> float:
    """Return *number* minutes [s].

    Example:
        >>> minutes(30)
        1800.0
    """
    return number * 60.0


def hours(number: float) -> float:
    """Return *number* hours [s].

    Example:
        >>> hours(24) == days(1)
        True
    """
    return number * 3_600.0


def days(number: float) -> float:
    """Return *number* days of 24 hours [s].

    Example:
        >>> days(2)
        172800.0
    """
    return number * 86_400.0


def shown(seconds: float) -> str:
    """Return *seconds* as people say it.

    Example:
        >>> shown(hours(24)), shown(hours(36)), shown(90), shown(0.5)
        ('24 h', '36 h', '90 s', '0.5 s')
    """
    for unit, length in _UNITS:
        many = 2 if unit == "d" else 1  # "24 h" is what people write
        if seconds >= many * length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def instant(at: float) -> str:
    """Return the time *at* [s since the epoch] as people of all time zones can read it.

    Example:
        >>> instant(1795424400.0)
        '2026-11-23 09:00 UTC'
    """
    return f"{datetime.fromtimestamp(min(at, _LAST_INSTANT), UTC):%Y-%m-%d %H:%M} UTC"


def late(seconds: float) -> Guard:
    """Return the guard that holds once a state was not left within *seconds* [s].

    Raises:
        DefinitionError: *seconds* is no time to come.
    """
    given = cast("object", seconds)  # a text is the usual slip
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not (number and 0 < seconds < math.inf):
        raise DefinitionError(
            f"after={seconds!r} is no time to come; write seconds, or hours(24), minutes(30)"
        )

    def test(view: View) -> bool:
        return view.fault is not None and view.fault.is_a("DeadlinePassed")

    form: Json = {"guard": "after", "args": [float(seconds)]}
    return Guard(f"after {shown(seconds)}", test, form, faults=True)
