"""Python expressions, and how they are laid out: as the formatter would, on lines of 100 columns.

What fits on its line stays there; what does not has each of its parts on a line of its own, with
a comma after the last, which every formatter keeps.  Long texts are cut after line breaks and
spaces, and joined by standing beside each other.  A text is always a literal: nothing that it
holds can be anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from stateflow.value import Json

__all__ = [
    "STEP",
    "WIDTH",
    "Call",
    "Chain",
    "Expr",
    "Items",
    "Name",
    "Not",
    "Pairs",
    "Str",
    "call",
    "laid",
    "literal",
    "value",
]

WIDTH: Final = 100
STEP: Final = "    "
_ESCAPES: Final[Mapping[str, str]] = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ODD: Final = re.compile(r"""[^ -~]|["'\\]""")
"""What may have to be escaped: nearly nothing of a long prompt."""
_BYTE: Final = 0xFF
_SHORT: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Name:
    """A name, or a number."""

    text: str


@dataclass(frozen=True, slots=True)
class Str:
    """A text."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call; parts without a key are positional."""

    name: str
    parts: tuple[tuple[str, Expr], ...]
    ends: Literal["()", "[]"] = "()"


@dataclass(frozen=True, slots=True)
class Items:
    """A list, or a tuple."""

    parts: tuple[Expr, ...]
    ends: Literal["[]", "()"] = "[]"


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict."""

    parts: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Several operands of one operator; those that are chains, too, stand in brackets."""

    sign: str
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Expr


Expr: TypeAlias = Name | Str | Call | Items | Pairs | Chain | Not


def call(name: str, /, *parts: Expr, **named: Expr | None) -> Call:
    """Return a call; what is ``None`` is not given."""
    given = [(key, one) for key, one in named.items() if one is not None]
    return Call(name, (*(("", one) for one in parts), *given))


def value(given: Json) -> Expr:
    """Return what JSON holds as Python."""
    if isinstance(given, str):
        return Str(given)
    if isinstance(given, Mapping):
        return Pairs(tuple((Str(key), value(one)) for key, one in given.items()))
    if isinstance(given, list | tuple):
        return Items(tuple(value(one) for one in cast("Sequence[Json]", given)))
    return Name(repr(given).replace("e+", "e"))


def literal(text: str) -> str:
    """Return *text* as Python writes it, in the quotes that need the fewest escapes.

    Example:
        >>> print(literal("it's"), literal('say "hi"'))
        "it's" 'say "hi"'
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    return f"{quote}{_ODD.sub(lambda odd: _escaped(odd[0], quote), text)}{quote}"


def laid(expr: Expr, indent: str = "", before: str = "", after: str = "") -> str:
    """Return *expr* on one line or several.

    Args:
        expr: what is written.
        indent: of the line that it begins on.
        before: what stands before it on that line, behind the indent.
        after: what follows it on its last line.
    """
    line = _flat(expr)
    if _width(f"{indent}{before}{line}{after}") <= WIDTH:
        return f"{before}{line}{after}"
    return f"{before}{_broken(expr, indent)}{after}"


def _flat(expr: Expr) -> str:
    if isinstance(expr, Name | Str):
        return expr.text if isinstance(expr, Name) else literal(expr.text)
    if isinstance(expr, Not | Chain):
        return _flat_joined(expr)
    if isinstance(expr, Pairs):
        return f"{{{', '.join(f'{_flat(key)}: {_flat(one)}' for key, one in expr.parts)}}}"
    if isinstance(expr, Items):
        comma = "," if expr.ends == "()" and len(expr.parts) == 1 else ""
        return f"{expr.ends[0]}{', '.join(map(_flat, expr.parts))}{comma}{expr.ends[1]}"
    parts = (f"{key}={_flat(one)}" if key else _flat(one) for key, one in expr.parts)
    return f"{expr.name}{expr.ends[0]}{', '.join(parts)}{expr.ends[1]}"


def _flat_joined(expr: Not | Chain) -> str:
    inner = (expr.part,) if isinstance(expr, Not) else expr.parts
    parts = [f"({_flat(one)})" if isinstance(one, Chain) else _flat(one) for one in inner]
    return f"~{parts[0]}" if isinstance(expr, Not) else f" {expr.sign} ".join(parts)


def _broken(expr: Expr, indent: str) -> str:
    """Return *expr* over several lines, if it can be."""
    if isinstance(expr, Str):
        return _cut(expr.text, indent)
    if isinstance(expr, Not):
        return f"~{_broken(expr.part, indent)}"
    if isinstance(expr, Chain):
        return _chain(expr, indent)
    if isinstance(expr, Name) or not expr.parts:
        return _flat(expr)
    return _spread(expr, indent)


def _spread(expr: Call | Items | Pairs, indent: str) -> str:
    """Return *expr* with each of its parts on a line of its own."""
    deeper = indent + STEP
    if isinstance(expr, Pairs):
        lines = [laid(one, deeper, f"{_flat(key)}: ", ",") for key, one in expr.parts]
        return _listed("{", lines, "}", indent)
    if isinstance(expr, Items):
        lines = [laid(one, deeper, "", ",") for one in expr.parts]
        return _listed(expr.ends[0], lines, expr.ends[1], indent)
    lines = [laid(one, deeper, f"{key}=" if key else "", ",") for key, one in expr.parts]
    return f"{expr.name}{_listed(expr.ends[0], lines, expr.ends[1], indent)}"


def _listed(begin: str, lines: Iterable[str], end: str, indent: str) -> str:
    return "\n".join([begin, *(f"{indent}{STEP}{line}" for line in lines), f"{indent}{end}"])


def _chain(expr: Chain, indent: str) -> str:
    """Return *expr* in brackets, an operand a line."""
    deeper = indent + STEP
    whole = _flat(expr)
    if _width(f"{deeper}{whole}") <= WIDTH:
        return _listed("(", [whole], ")", indent)
    lines: list[str] = []
    for position, part in enumerate(expr.parts):
        sign = f"{expr.sign} " if position else ""
        if isinstance(part, Chain):
            line = f"{sign}({_flat(part)})"
            fits = _width(f"{deeper}{line}") <= WIDTH
            lines.append(line if fits else f"{sign}{_chain(part, deeper)}")
        else:
            lines.append(laid(part, deeper, sign))
    return _listed("(", lines, ")", indent)


def _cut(text: str, indent: str) -> str:
    """Return *text* as literals beside each other, in brackets; as one, where it cannot be cut."""
    room = WIDTH - len(indent) - len(STEP)
    pieces = [piece for line in text.splitlines(keepends=True) for piece in _pieces(line, room)]
    if _width(literal(text)) <= room:
        pieces = [text]
    elif len(pieces) < 2:  # noqa: PLR2004 - one is not several
        return literal(text)
    return _listed("(", map(literal, pieces), ")", indent)


def _pieces(line: str, room: int) -> list[str]:
    """Return *line* cut after spaces, so that each literal fits, if it can."""
    pieces: list[str] = []
    piece = ""
    for word in _words(line):
        if piece and _width(literal(piece + word)) > room:
            pieces.append(piece)
            piece = ""
        piece += word
    return [*pieces, piece] if piece else pieces


def _words(line: str) -> list[str]:
    """Return the words of *line*, each with the spaces behind it."""
    *parts, end = line.split(" ")
    return [word for word in (*(f"{part} " for part in parts), end) if word]


def _escaped(char: str, quote: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == quote:
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _SHORT else f"\\U{code:08x}"


def _width(line: str) -> int:
    """Return how many columns *line* takes."""
    if line.isascii():
        return len(line)
    return sum(_columns(char) for char in line)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
