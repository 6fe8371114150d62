"""Words: what guards ask of a text, which of it follows from what, and a text for which it holds.

Only what is certain is concluded: a text that says ``ALL DONE`` says ``DONE``, and one that is
``DONE`` and nothing else does not say ``MORE``.  What a regular expression finds is not known,
save where it is no more than plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final as Constant
from typing import Literal, TypeAlias

__all__ = ["Words", "agree", "follows", "found_in", "texts", "words_of"]

_Kind: TypeAlias = Literal["says", "equals", "matches"]

_PLAIN: Constant = re.compile(r"[\w \-`\"',:;!/<>=@#%&~]+")
"""Patterns that match what they are."""
_FILLERS: Constant = ("Hello.", "ok", "", "Not yet.", "42", "x", "word\nword")
_SAMPLES: Constant = (
    (re.compile(r"\(\?[:imsx-]+\)?"), ""),
    (re.compile(r"\\[bBAZ]|\^|\$"), ""),
    (re.compile(r"\\d(\+|\*|\{\d+(,\d*)?\}|\?)?"), "7"),
    (re.compile(r"\\w(\+|\*|\{\d+(,\d*)?\}|\?)?"), "a"),
    (re.compile(r"\\s(\+|\*|\?)?"), " "),
    (re.compile(r"\[(?!\^)\\?(.)[^\]]*\](\+|\*|\?)?"), r"\1"),
    (re.compile(r"\.(\+|\*|\?)\??"), "a"),
    (re.compile(r"\(([^()|]*)(\|[^()]*)?\)(\+|\*|\?)?"), r"\1"),
    (re.compile(r"(?<=[^\\])[+*?]"), ""),
    (re.compile(r"^([^|]*)\|.*$"), r"\1"),
    (re.compile(r"\\(.)"), r"\1"),
)
"""Rough readings of a regular expression, until what is left is a text that it may find."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is asked of a text."""

    kind: _Kind
    given: str
    whole: bool = True
    case: bool = True


def words_of(word: str, given: str, *, whole: bool, case: bool) -> Words:
    """Return what the guard called *word* asks of a text."""
    if word == "says":
        return Words("says", given, whole, case)
    if word == "equals":
        return Words("equals", given.strip())
    if _PLAIN.fullmatch(given):
        return Words("says", given, whole=False)
    return Words("matches", given)


@lru_cache(maxsize=4096)
def _pattern(words: Words) -> re.Pattern[str]:
    if words.kind == "matches":
        return re.compile(words.given)
    escaped = re.escape(words.given)
    if words.whole:
        escaped = rf"(?<!\w){escaped}(?!\w)"
    return re.compile(escaped, 0 if words.case else re.IGNORECASE)


def found_in(words: Words, text: str) -> bool:
    """Answer for one text, as the guards on texts do."""
    if words.kind == "equals":
        return text.strip() == words.given
    return _pattern(words).search(text) is not None


def follows(words: Words, other: Words) -> bool:
    """Tell whether *other* hold for every text for which *words* do; ``False``: or not known.

    Example:
        >>> follows(Words("says", "ALL DONE"), Words("says", "DONE"))
        True
    """
    if words == other:
        return True
    if words.kind == "matches" or other.kind in {"matches", "equals"}:
        return False
    if words.kind == "equals":
        return found_in(other, words.given) and _firm(words.given, other)
    if words.case is False and (other.case or not (words.given + other.given).isascii()):
        return False
    if not other.case and not (words.given + other.given).isascii():
        return words.given == other.given and words.whole >= other.whole
    return any(_kept(words, other, start) for start in _places(words, other))


def _places(words: Words, other: Words) -> Iterator[int]:
    """Yield where the words of *other* stand in those of *words*."""
    text, part = words.given, other.given
    if not other.case:
        text, part = text.lower(), part.lower()
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _kept(words: Words, other: Words, start: int) -> bool:
    """Tell whether what *other* asks of the edges is so wherever *words* are found."""
    if not other.whole:
        return True
    end = start + len(other.given)
    return _edge(words, start - 1) and _edge(words, end)


def _edge(words: Words, at: int) -> bool:
    if 0 <= at < len(words.given):
        return re.match(r"\w", words.given[at]) is None
    return words.whole


def _firm(text: str, words: Words) -> bool:
    """Tell whether spaces around *text* change nothing for *words*."""
    del text
    return words.given == words.given.strip()


def agree(held: Sequence[Words], refused: Sequence[Words]) -> bool:
    """Return ``False`` if no text can be so that *held* hold and none of *refused* do."""
    if any(follows(one, other) for one in held for other in refused):
        return False
    exact = [one for one in held if one.kind == "equals"]
    if not exact:
        return True
    if any(one.given != exact[0].given for one in exact):
        return False
    return all(
        found_in(one, exact[0].given)
        for one in held
        if one.kind == "says" and _firm(exact[0].given, one)
    )


def texts(held: Sequence[Words], before: str = "") -> Iterator[str]:
    """Yield texts that begin with *before* and for which *held* may hold; the likeliest first."""
    parts = [_sample(one) for one in held]
    if any(one.kind == "equals" for one in held):
        yield from (one.given for one in held if one.kind == "equals")
    start = [before] if before else []
    if parts or before:
        for joint in (" ", "\n", ", ", ""):
            yield joint.join([*start, *dict.fromkeys(parts)])
            yield joint.join([*start, *reversed(parts)])
        yield ", ".join([*start, *parts, "and so on"])
        yield f"{before}x{'x'.join(parts)}x"
        yield " ".join([*start, *parts]).swapcase()
    if not parts:
        yield from (f"{before}, {one}" if before else one for one in _FILLERS)


@lru_cache(maxsize=1024)
def _sample(words: Words) -> str:
    if words.kind != "matches":
        return words.given
    text = words.given
    for pattern, instead in _SAMPLES:
        text = pattern.sub(instead, text)
    return text
