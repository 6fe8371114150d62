"""Plain values held against what a cassette may hold; a refusal names the offender and the cure."""

# pyright: reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from stateflow.testing.cassette.trouble import Wrong

__all__ = ["field", "known", "listed", "mapping", "one_of", "shown", "texts", "whole"]

T = TypeVar("T")
_SHOWN: Final = 60
"""So many characters of a value are shown."""
_TYPES: Final[Mapping[type, str]] = {
    str: "a text (put it in quotes)",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a mapping (key: value)",
    list: "a list",
}


def shown(value: object) -> str:
    """Return *value* as a sentence names it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}…"


def known(found: Mapping[str, Any], names: Collection[str], what: str) -> None:
    """Refuse a key that *what* does not have."""
    for key in found:
        if key not in names:
            raise Wrong(f"{shown(key)} is no key of {what}; {_nearest(key, names)}", key)


def _nearest(key: str, names: Iterable[str]) -> str:
    close = get_close_matches(key, sorted(names), 1, 0.5)
    return f"did you mean {close[0]!r}?" if close else "remove it"


def one_of(value: str, names: Iterable[str], what: str) -> str:
    """Return *value* if it is one of *names*."""
    names = list(names)
    if value not in names:
        close = get_close_matches(str(value), names, 1, 0.6)
        cure = f"did you mean {close[0]!r}?" if close else "record it anew, or mend the name"
        raise Wrong(f"the flow has no {what} {shown(value)}; {cure}")
    return value


def whole(value: Any, kind: type[T], what: str) -> T:  # noqa: ANN401 - what was parsed
    """Return *value* if it is of *kind*; a whole number is a number."""
    if kind is float and type(value) is int:
        return float(value)  # type: ignore[return-value]
    if type(value) is not kind:
        raise Wrong(f"{what} is {shown(value)}, and should be {_TYPES[kind]}")
    return value


def field(found: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    """Return the field *name* of *found* if it is of *kind*; *default* where it is missing."""
    value: Any = found.get(name, default)
    if value is default or type(value) is kind:
        return value  # pyright: ignore[reportReturnType]
    try:
        return whole(value, kind, repr(name))
    except Wrong as error:
        raise error.below(name) from None


def texts(found: Mapping[str, Any], name: str) -> list[str]:
    """Return the field *name* of *found*, texts, if it is that; none where it is missing."""
    values: list[Any] = field(found, name, list, [])
    try:
        return [whole(value, str, f"one of {name!r}") for value in values]
    except Wrong as error:
        raise error.below(name) from None


def mapping(value: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - what was parsed
    """Return *value* if it is a mapping."""
    return whole(value, dict, what)


def listed(value: Any, what: str) -> list[Any]:  # noqa: ANN401 - what was parsed
    """Return *value* if it is a list."""
    return whole(value, list, what)
