"""Plain values as YAML that a person reads: texts as blocks, small mappings on one line.

Every text comes back from :mod:`stateflow.testing.cassette.parse` as it was, whatever it holds.
A text is only written without quotes where any reader of YAML takes it for a text.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["Block", "emit"]

_WIDTH: Final = 100
"""Columns of a line, where it can be broken at all."""
_LONGEST_KEY: Final = 120
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
"""A word that needs no quotes anywhere."""
_HASH: Final = re.compile(r"(?=[0-9a-f]*[a-df][0-9a-f]*$)[0-9a-f]{16,64}")
_SENTENCE: Final = re.compile(
    r"[A-Za-z_](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff:#]|:(?=[^\s:]))*"
)
"""A line that needs no quotes outside of brackets."""
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""What no block can hold."""
_BREAKS: Final = re.compile("[\t\n]")
_ODD: Final = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


def emit(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of *value*, without line ends."""
    yield from _mapping(value, 0)


def _mapping(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, part in value.items():
        if len(key) > _LONGEST_KEY:
            yield f"{pad}? {_quoted(key)}"
            yield from _part(f"{pad}:", part, indent)
        else:
            yield from _part(f"{pad}{_key(key)}:", part, indent)


def _part(head: str, value: Any, indent: int, *, below: int = 0) -> Iterator[str]:  # noqa: ANN401
    """Yield what stands behind *head*, a key or a dash, and below it.

    A list stands *below* its head so much further in [columns].
    """
    if isinstance(value, str):
        yield from _text(head, value, indent)
        return
    line = _line(value, _WIDTH - len(head) - 1)
    if line is not None:
        yield f"{head} {line}"
    elif isinstance(value, Mapping):
        yield head
        yield from _mapping(value, indent + 2)
    else:
        yield head
        yield from _sequence(value, indent + below)


def _sequence(values: Sequence[Any], indent: int) -> Iterator[str]:
    """Yield the items, each behind its dash; a mapping begins on the line of the dash."""
    pad = " " * indent
    for value in values:
        line = None if isinstance(value, str | Block) else _line(value, _WIDTH - indent - 2)
        if isinstance(value, Mapping) and line is None:
            lines = _mapping(value, indent + 2)
            yield f"{pad}- {next(lines)[indent + 2 :]}"
            yield from lines
        else:
            yield from _part(f"{pad}-", value, indent, below=2)


class Block(dict[str, Any]):
    """A mapping that is never written on one line."""


def _text(head: str, text: str, indent: int) -> Iterator[str]:
    room = _WIDTH - len(head) - 1
    if len(text) <= room and (_is_bare(text) or _is_sentence(text)):
        yield f"{head} {text}"
    elif ("\n" not in text and len(text) <= room) or not _fits_block(text):
        yield f"{head} {_quoted(text)}"
    else:
        yield from _block(head, text, " " * (indent + 2))


def _block(head: str, text: str, pad: str) -> Iterator[str]:
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    mark = "-" if not ends else "" if ends == 1 else "+"
    yield f"{head} |{mark}"
    for line in (*body.split("\n"), *[""] * (ends - 1)):
        yield f"{pad}{line}" if line else ""


def _fits_block(text: str) -> bool:
    """Tell whether *text* comes back from a block; its first line says how far it is indented."""
    return not _HIDDEN.search(text) and bool(text) and not text[0].isspace()


def _is_sentence(text: str) -> bool:
    return (
        _SENTENCE.fullmatch(text) is not None
        and not text.endswith((" ", "\t"))
        and text.lower() not in _WORDS
    )


def _line(value: Any, room: int) -> str | None:  # noqa: ANN401 - any JSON
    """Return *value* on one line of at most *room* columns, or ``None``."""
    if isinstance(value, Block):
        return None
    if isinstance(value, Mapping):
        inner = _joined((_pair(key, part, room) for key, part in value.items()), room)
        return None if inner is None else f"{{{inner}}}"
    if isinstance(value, list | tuple):
        inner = _joined((_flow(part, room) for part in value), room)
        return None if inner is None else f"[{inner}]"
    return _flow(value, room)


def _joined(parts: Iterator[str | None], room: int) -> str | None:
    found: list[str] = []
    for part in parts:
        room -= 2 if part is None else len(part) + 2
        if part is None or room < 0:
            return None
        found.append(part)
    return ", ".join(found)


def _pair(key: str, value: Any, room: int) -> str | None:  # noqa: ANN401 - any JSON
    if len(key) > _LONGEST_KEY:
        return None
    part = _flow(value, room)
    return None if part is None else f"{_key(key)}: {part}"


def _flow(value: Any, room: int) -> str | None:  # noqa: ANN401, PLR0911 - a line for each kind
    match value:
        case None:
            return "~"
        case True | False:
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            if "\n" in value and _fits_block(value):
                return None
            return value if _is_bare(value) else _quoted(value)
        case _:
            return _line(value, room)


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _key(key: str) -> str:
    return key if _is_bare(key) else _quoted(key)


def _is_bare(text: str) -> bool:
    if _HASH.fullmatch(text):
        return True
    return _BARE.fullmatch(text) is not None and text.lower() not in _WORDS


def _quoted(text: str) -> str:
    if ('"' in text or "\\" in text) and not _HIDDEN.search(text) and not _BREAKS.search(text):
        doubled = text.replace("'", "''")
        return f"'{doubled}'"
    line = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
