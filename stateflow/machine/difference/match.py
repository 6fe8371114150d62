"""Which part of one version is which of another, where their names do not tell.

Parts are held against each other by what they are made of and by what stands around them.  All
numbers are whole and every rule treats both versions alike, so that two versions are matched the
same in either direction, on every machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

__all__ = ["Features", "alike", "features", "words"]

Features: TypeAlias = Mapping[str, Counter[str]]
"""What a part is made of, by kind."""

_ALIKE: Final = 650
"""So like each other two parts must be to count as one that was renamed [per mille]."""

_PAIRS: Final = 40_000
"""So many pairs are held against each other; of more, those that stand nearest in order."""

_WEIGHTS: Final[Mapping[str, int]] = {
    "speaks": 3,
    "states": 3,
    "flows": 3,
    "prompt": 2,
    "to": 2,
    "when": 2,
    "from": 2,
}
"""How much a kind of features counts; others once."""


def features(name: str, kind: str, **parts: Iterable[str]) -> Features:
    """Return the features of what is called *name*; only those of one *kind* can be alike."""
    bigrams = [name[at : at + 2] for at in range(max(len(name) - 1, 1))]
    return {"kind": Counter([kind]), "name": Counter(bigrams)} | {
        part: Counter(tokens) for part, tokens in parts.items()
    }


def words(text: object) -> list[str]:
    """Return the words of *text*; of what is no text, how it is written.

    Example:
        >>> words("Reply APPROVED.")
        ['Reply', 'APPROVED']
    """
    return re.findall(r"\w+", text if isinstance(text, str) else repr(text)) if text else []


def alike(before: Sequence[Features], after: Sequence[Features]) -> list[tuple[int, int]]:
    """Return which of *before* is which of *after*: positions, the most alike first."""
    reach = _PAIRS // max(len(before), len(after), 1)
    scored: list[tuple[int, int, int, int, int]] = []
    for here, one in enumerate(before):
        for there in range(max(0, here - reach), min(len(after), here + reach + 1)):
            score = _score(one, after[there])
            if score >= _ALIKE:
                apart = abs(here - there)
                scored.append((-score, apart, min(here, there), here, there))
    return _greedy(scored)


def _greedy(scored: list[tuple[int, int, int, int, int]]) -> list[tuple[int, int]]:
    """Take the best pairs first; those that are equally good cannot share a part."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, _, here, there in sorted(scored):
        if here not in found and there not in taken:
            found[here] = there
            taken.add(there)
    return list(found.items())


def _score(one: Features, other: Features) -> int:
    """Return how much the two have in common [per mille]; what neither has does not count."""
    if one["kind"] != other["kind"]:
        return 0
    score = weights = 0
    for part in one:
        size = one[part].total() + other[part].total()
        if part != "kind" and size:
            weight = _WEIGHTS.get(part, 1)
            score += weight * (2000 * (one[part] & other[part]).total() // size)
            weights += weight
    return score // weights
