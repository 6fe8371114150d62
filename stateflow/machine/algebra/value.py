"""Values: what one field of data, or of a structured reply, can hold, and what is asked of it.

Questions about a value split all values into a few classes whose members none of the questions
tells apart.  One value of each class is tried, so that where none fits, none ever does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final as Constant
from typing import Literal, TypeAlias, cast

from stateflow.value import Json, canonical_json

__all__ = ["ABSENT", "ANYTHING", "NOTHING", "Asked", "Domain", "asked_of", "choices", "fits"]

ABSENT: Constant = object()
"""Stands for a field that is not there."""

_Kind: TypeAlias = Literal["true", "equal", "within"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a value: whether it is true, equal to another, or within a range."""

    kind: _Kind
    print: str = ""
    """The other value as canonical JSON, which tells 1 from true."""
    value: Json = field(default=None, compare=False)
    at_least: float | None = None
    at_most: float | None = None

    @property
    def numbers(self) -> Iterator[float]:
        """Numbers at which the answer may change."""
        value = self.value
        if self.kind == "equal" and isinstance(value, int | float) and not isinstance(value, bool):
            yield value
        yield from (one for one in (self.at_least, self.at_most) if one is not None)


def asked_of(args: Sequence[Json], named: Mapping[str, Json]) -> Asked:
    """Return what a guard on a field asks of it, given its arguments behind the field's name."""
    if args:
        return Asked("equal", canonical_json(args[0]), args[0])
    low, high = named.get("at_least"), named.get("at_most")
    if low is None and high is None:
        return Asked("true")
    return Asked("within", at_least=cast("float | None", low), at_most=cast("float | None", high))


def fits(asked: Asked, value: object) -> bool:
    """Answer for one value, as the guards on fields do."""
    if value is ABSENT:
        return False
    if asked.kind == "true":
        return bool(value)
    if asked.kind == "equal":
        return bool(value == asked.value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    low, high = asked.at_least, asked.at_most
    return (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True, slots=True)
class Domain:
    """What a field can hold: the union of all that is said here."""

    values: tuple[Json, ...] = ()
    """Just these."""
    numbers: tuple[float, float] | None = None
    """Numbers from one to the other."""
    whole: bool = False
    """These numbers have no fraction."""
    texts: bool = False
    json: bool = False
    """Whatever JSON can hold."""
    strange: bool = False
    """Python objects, of which nothing is known."""
    absent: bool = False
    """Nothing at all."""

    def __or__(self, other: Domain) -> Domain:
        """Return what either can hold, or more."""
        ranges = [one for one in (self.numbers, other.numbers) if one is not None]
        hull = (min(one[0] for one in ranges), max(one[1] for one in ranges)) if ranges else None
        whole = all(one.whole for one in (self, other) if one.numbers is not None)
        return Domain(
            (*self.values, *other.values),
            hull,
            whole,
            self.texts or other.texts,
            self.json or other.json,
            self.strange or other.strange,
            self.absent or other.absent,
        )


ANYTHING: Constant = Domain(json=True, absent=True)
NOTHING: Constant = Domain(absent=True)
_EVERY: Constant = (-math.inf, math.inf)


def choices(domain: Domain, asked: Iterable[Asked]) -> Iterator[object]:
    """Yield a value of each class that *asked* can tell apart; ``ABSENT`` where there is none.

    Example:
        >>> list(choices(Domain(numbers=(1, 10), whole=True), [Asked("within", at_least=8)]))
        [8, 1, 10, 4, 5, 9]
    """
    asked = list(asked)
    equal = [one.value for one in asked if one.kind == "equal"]
    yield from domain.values
    if domain.json:
        yield from equal
    if domain.numbers is not None or domain.json:
        points = {0.0, *(float(number) for one in asked for number in one.numbers)}
        within = domain.numbers if not domain.json and domain.numbers is not None else _EVERY
        yield from _numbers(sorted(points), within, whole=domain.whole and not domain.json)
    if domain.texts or domain.json:
        yield from (one for one in equal if isinstance(one, str))
        yield _other([one for one in equal if isinstance(one, str)])
        yield ""
    if domain.absent:
        yield ABSENT
    if domain.json:
        yield from (None, True, False, [], {})


def _other(texts: Sequence[str]) -> str:
    """Return a text that is none of *texts*."""
    text = "other"
    while text in texts:
        text += "s"
    return text


def _numbers(
    points: Sequence[float], within: tuple[float, float], *, whole: bool
) -> Iterator[int | float]:
    """Yield numbers at, between and beyond *points* that lie *within* a range."""
    low, high = within
    edges = [one for one in (low, high) if math.isfinite(one)]
    marks = sorted({*points, *edges})
    between = [(one + other) / 2 for one, other in pairwise(marks)]
    beyond = [marks[0] - 1, marks[-1] + 1]  # no mark is so large that 1 would be lost
    given = [one for one in points if one]
    found: dict[int | float, None] = {}
    for number in dict.fromkeys([*given, *beyond[1:], *edges, 0.0, *between, *beyond]):
        found.update((one, None) for one in (_near(number) if whole else (_plain(number),)))
    yield from (one for one in found if low <= one <= high)


def _near(number: float) -> Iterator[int]:
    yield math.floor(number)
    if number != math.floor(number):
        yield math.ceil(number)


def _plain(number: float) -> int | float:
    return int(number) if number == math.floor(number) else number
