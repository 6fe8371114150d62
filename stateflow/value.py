"""What every value here is made of: the frozen base, checked names, canonical JSON.

Values are frozen dataclasses with slots, so that nobody changes a journal behind
its back and a turn costs bytes, not kilobytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from stateflow.errors import DefinitionError

__all__ = ["Json", "canonical_json", "check_name", "digest", "plain", "quick"]

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
else:
    Json = Any  # pydantic cannot follow a recursive alias, and JSON text is checked as it is parsed
"""Any value that JSON can hold."""

T = TypeVar("T")

_TAKEN = frozenset({"", "*", "="})
_LONGEST_NAME = 120
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def check_name(name: object, what: str) -> str:
    """Return *name* if it can name a *what*; else say why not.

    ``''``, ``'*'`` and ``'='`` mean something else to the kernel, ``/`` separates the
    parts of a path, and control characters would break a drawing.

    Raises:
        DefinitionError: it cannot.

    Example:
        >>> check_name("write", "state")
        'write'
    """
    what = f"an {what}" if what[:1] in "aeiou" else f"a {what}"
    if not isinstance(name, str) or name in _TAKEN:
        sentence = f"{name!r} cannot name {what}; use a word such as 'write'"
        raise DefinitionError(sentence)
    if len(name) > _LONGEST_NAME or "/" in name or not name.isprintable() or name != name.strip():
        sentence = (
            f"{name[:40]!r} cannot name {what}: at most {_LONGEST_NAME} printable characters, "
            "no '/', no space at either end"
        )
        raise DefinitionError(sentence)
    return name


def canonical_json(value: Json) -> str:
    """Return the one JSON text of *value*: sorted keys, no spaces, unicode as it is.

    Example:
        >>> canonical_json({"b": 1, "a": [True, None]})
        '{"a":[true,null],"b":1}'
    """
    return _CANONICAL.encode(value)


def digest(value: Json) -> str:
    """Return a short print of *value*: the first 16 hex digits of its SHA-256."""
    text = canonical_json(value).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def plain(text: str) -> str:
    """Return *text* without control characters, so that it can be shown or stored.

    Line breaks and tabs stay.  Escape sequences of terminals lose their escape; halves of a
    surrogate pair, which no file can store, are left out.

    Example:
        >>> plain("a" + chr(27) + "[31mred")
        'a[31mred'
    """
    if text.isprintable():
        return text
    return _CONTROL.sub("", text)


def quick(kind: type[T]) -> type[T]:
    """Let a frozen dataclass with slots be made in half the time.

    The ``__init__`` of a frozen dataclass looks every slot up by name.  This one takes the same
    arguments and writes to the slots.  For the few kinds that each turn makes several of; none
    may have ``__post_init__`` or keyword-only fields.

    Example:
        >>> from dataclasses import dataclass
        >>> @quick
        ... @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1)
        Point(x=1, y=0)
    """
    known: dict[str, object] = {"_missing": MISSING}
    given: list[str] = ["self"]
    body: list[str] = []
    for field in fields(cast("Any", kind)):
        name = field.name
        known[f"_set_{name}"] = getattr(kind, name).__set__
        value = name
        if field.default_factory is not MISSING:
            known[f"_make_{name}"] = field.default_factory
            value = f"_make_{name}() if {name} is _missing else {name}"
            given.append(f"{name}=_missing")
        elif field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            given.append(f"{name}=_default_{name}")
        else:
            given.append(name)
        body.append(f"    _set_{name}(self, {value})")
    exec(f"def __init__({', '.join(given)}):\n" + "\n".join(body), known)  # noqa: S102 - as dataclasses do; no text of others
    init: Any = known["__init__"]
    init.__annotations__ = kind.__init__.__annotations__
    init.__qualname__ = f"{kind.__qualname__}.__init__"
    kind.__init__ = init  # type: ignore[method-assign]  # the point of it
    return kind
