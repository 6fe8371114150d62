"""Traits by the part of a message that they are of, each wanted or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeVar
from typing import Final as Constant

from stateflow.machine.algebra.atom import Trait

__all__ = ["NO_TRAITS", "Lack", "Traits", "by_part"]

_T = TypeVar("_T")
_PARTS: Constant = {
    "bad": "outcome",
    "outcome": "outcome",
    "late": "outcome",
    "cut": "outcome",
    "exit": "outcome",
    "spoke": "speaker",
}


class Lack(Enum):
    """Why nothing was found."""

    NEVER = "there is none"
    UNKNOWN = "none was found, and there may be one"


class Traits(NamedTuple):
    """Traits of one part of a message."""

    must: Sequence[Trait] = ()
    never: Sequence[Trait] = ()

    @property
    def every(self) -> Sequence[Trait]:
        """All of them."""
        return (*self.must, *self.never)

    @property
    def names(self) -> list[Any]:
        """Names that they ask for, each once."""
        return list(dict.fromkeys(name for one in self.every for name in one.names))

    def fit(self, holds: Callable[[Trait, _T], bool], value: _T) -> bool:
        """Tell whether *value* has all that it must have, and nothing that it must not."""
        return all(holds(one, value) for one in self.must) and not any(
            holds(one, value) for one in self.never
        )

    def first(self, values: Iterable[_T], holds: Callable[[Trait, _T], bool], other: _T) -> _T:
        """Return the first of *values* that fits, or else *other*."""
        return next((one for one in values if self.fit(holds, one)), other)


NO_TRAITS: Constant = Traits()


def by_part(must: Iterable[Trait], never: Iterable[Trait]) -> Mapping[str, Traits]:
    """Return the traits of each part that is asked about."""
    parts: dict[str, tuple[list[Trait], list[Trait]]] = {}
    for one in must:
        parts.setdefault(_PARTS.get(one.word, one.word), ([], []))[0].append(one)
    for one in never:
        parts.setdefault(_PARTS.get(one.word, one.word), ([], []))[1].append(one)
    return {name: Traits(*both) for name, both in parts.items()}
