"""What every value here is made of: the frozen base, checked names, canonical JSON.

Values are frozen dataclasses with slots, so that nobody changes a journal behind
its back and a turn costs bytes, not kilobytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from stateflow.errors import DefinitionError

__all__ = ["Json", "canonical_json", "check_name", "digest", "plain"]

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
else:
    Json = Any  # pydantic cannot follow a recursive alias, and JSON text is checked as it is parsed
"""Any value that JSON can hold."""

_TAKEN = frozenset({"", "*", "="})
_LONGEST_NAME = 120
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
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


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
