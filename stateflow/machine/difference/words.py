"""Differences in words: one line a change, texts line by line, all of them in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeGuard

from stateflow.machine.difference.change import Change, Kind, What
from stateflow.value import Json, canonical_json

__all__ = ["SIGNS", "about", "is_text", "part_words", "sentence", "text_lines", "told"]

SIGNS: Final[Mapping[Kind, str]] = {
    "added": "+",
    "removed": "−",
    "renamed": "~",
    "changed": "~",
    "reordered": "~",
}

_WHATS: Final[tuple[What, ...]] = ("state", "junction", "final", "transition", "agent")
_TEXTS: Final = frozenset({"prompt", "description", "input"})
_PARTS: Final[Mapping[str, str]] = {
    "do": "action",
    "data schema": "schema of the data",
    "places": "order of definition",
    "speaks": "who speaks",
    "to": "exits",
    "transitions": "order of trial",
}
_LONGEST: Final = 80
"""Longer values are cut [characters]."""


def part_words(part: str) -> str:
    """Return what *part* of a flow is called by people.

    Example:
        >>> part_words("transitions"), part_words("visits")
        ('order of trial', 'visits')
    """
    return _PARTS.get(part, part)


def told(change: Change) -> str:
    """Return *change* in one line, without its sign.

    Example:
        >>> told(Change(kind="changed", what="state", was="a", now="a", part="visits", after=3))
        "state 'a': visits none → 3"
    """
    if change.kind == "renamed":
        return f"{change.what} {change.was!r} is now {change.now!r}"
    where = f"{change.what} {change.path!r}" if change.path else change.what
    return ": ".join(words for words in (where, about(change)) if words)


def about(change: Change) -> str:
    """Return what *change* says behind the name of what has changed; empty: no more than that.

    Example:
        >>> about(
        ...     Change(kind="added", what="agent", now="a", after={"kind": "llm", "model": "b:c"})
        ... )
        'llm, b:c'
    """
    if change.kind == "renamed":
        return f"was {change.before}"
    part, value = part_words(change.part), change.after if change.kind == "added" else change.before
    if not part:
        return _whole(change.what, value) if isinstance(value, Mapping) else ""
    if change.kind in {"added", "removed"}:
        return f"{part} {_shown(value)}"
    if is_text(change):
        return part
    before, after = _shown(change.before), _shown(change.after)
    if before == after:
        return f"{part} {before}, whose source has changed"
    return f"{part} {before} → {after}"


def _whole(what: What, whole: Mapping[str, Json]) -> str:
    """Return a few words about what is there, or was."""
    if what == "transition":
        words = [str(whole.get("name", ""))]
        words += [
            f"{part_words(key)} {_shown(whole[key])}" for key in ("do", "restart") if key in whole
        ]
    elif what == "agent":
        words = [str(whole.get(key, "")) for key in ("kind", "model", "sandbox")]
    else:
        words = [_shown(whole["speaks"])] if "speaks" in whole else []
        words += ["not ok"] if whole.get("ok") is False else []
        words += [f"visits {whole['visits']}"] if "visits" in whole else []
    return ", ".join(word for word in words if word)


def is_text(change: Change) -> bool:
    """Tell whether *change* is one of a text, to be read line by line."""
    values = [value for value in (change.before, change.after) if value is not None]
    return all(isinstance(value, str) for value in values) and (
        change.part in _TEXTS or any(len(str(v)) > _LONGEST or "\n" in str(v) for v in values)
    )


def text_lines(change: Change) -> list[str]:
    """Return how the text that *change* is about differs, line by line, each behind its sign.

    Example:
        >>> text_lines(Change(kind="changed", what="agent", part="prompt", before="Hi", after="Ho"))
        ['-Hi', '+Ho']
    """
    before, after = (str(v or "").split("\n") if v else [] for v in (change.before, change.after))
    lines = list(difflib.unified_diff(before, after, lineterm=""))[2:]  # two name the files
    hunks = sum(line.startswith("@@") for line in lines)
    return lines if hunks > 1 else lines[1:]


def sentence(changes: Iterable[Change]) -> str:
    """Return *changes* in one line: how many of what.

    Example:
        >>> sentence([Change(kind="added", what="state", now="a")])
        '+ 1 state'
        >>> sentence([])
        'no difference'
    """
    return ", ".join(_counts(list(changes))) or "no difference"


def _counts(changes: Sequence[Change]) -> Iterator[str]:
    for what in _WHATS:
        for sign in ("+", "−", "~"):
            of = [c for c in changes if c.what == what and SIGNS[c.kind] == sign]
            many = len(of) if sign != "~" else len({(c.was, c.now) for c in of})
            if many:
                yield f"{sign} {many:,} {what}{'' if many == 1 else 's'}"
    parts = [_PARTS.get(c.part, c.part.split(" ")[0]) for c in changes if c.what == "flow"]
    for part in dict.fromkeys(parts):
        yield f"~ {part}"


def _shown(value: Json) -> str:
    """Return *value* for people, in one line."""
    if isinstance(value, Mapping):
        named = value.get("name") or value.get("function")
        text = str(named) if named is not None else "else" if not value else canonical_json(value)
    elif _names(value):
        text = ", ".join(value) or "none"
    else:
        text = value if isinstance(value, str) else canonical_json(value)
    text = "none" if value is None else " ".join(text.split()) or "''"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _names(value: Json) -> TypeGuard[Sequence[str]]:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(one, str) for one in value)
    )
