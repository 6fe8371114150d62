"""Layout: an expression of Python as the formatter lays it out, in lines of a given width.

What fits on a line stands on it; what does not is opened, one part a line, each with a comma.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final as Constant

__all__ = ["WIDTH", "laid_out", "quoted"]

WIDTH: Constant = 88
"""Narrowest line that formatters are set to [columns]."""
_WIDEST: Constant = 100
"""A text alone may take so much: no formatter breaks it, and most leave it room [columns]."""
_INDENT: Constant = "    "


def laid_out(code: str, indent: int, head: str = "", tail: str = "") -> Iterator[str]:
    """Yield the lines of the expression *code*.

    Args:
        code: one expression.
        indent: of its first line [levels].
        head: what stands before it on its first line.
        tail: what stands behind it on its last line.

    Example:
        >>> print(*laid_out("f(a=[1, 2])", 1, "x = "), sep="")
            x = f(a=[1, 2])
    """
    yield from _lines(ast.parse(code, mode="eval").body, indent, head, tail)


def _lines(node: ast.expr, indent: int, head: str, tail: str) -> Iterator[str]:
    pad = _INDENT * indent
    flat = _flat(node)
    if len(pad) + len(head) + len(flat) + len(tail) <= WIDTH:
        yield f"{pad}{head}{flat}{tail}"
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _text(node.value, indent, head, tail)
        return
    opening, closing = _brackets(node)
    parts = list(_parts(node))
    if not parts:
        yield f"{pad}{head}{flat}{tail}"
        return
    yield f"{pad}{head}{opening}"
    for name, part in parts:
        yield from _lines(part, indent + 1, name, ",")
    yield f"{pad}{closing}{tail}"


def _text(text: str, indent: int, head: str, tail: str) -> Iterator[str]:
    """Yield a long text in pieces, one a line."""
    pad, whole = _INDENT * indent, quoted(text)
    if len(pad) + len(head) + len(whole) + len(tail) <= _WIDEST:
        yield f"{pad}{head}{whole}{tail}"
        return
    room = WIDTH - len(pad) - len(_INDENT) - 2
    yield f"{pad}{head}("
    piece = ""
    if len(pad) + len(_INDENT) + len(whole) <= _WIDEST:
        room = _WIDEST
    for one in text:
        if piece and len(quoted(piece + one)) > room:
            yield f"{pad}{_INDENT}{quoted(piece)}"
            piece = ""
        piece += one
    yield f"{pad}{_INDENT}{quoted(piece)}"
    yield f"{pad}){tail}"


def _brackets(node: ast.expr) -> tuple[str, str]:
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func)}(", ")"
    if isinstance(node, ast.List):
        return "[", "]"
    if isinstance(node, ast.Dict):
        return "{", "}"
    return ("(", ")") if isinstance(node, ast.Tuple) else ("", "")


def _parts(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the parts of a call or a collection, each with what stands before it."""
    if isinstance(node, ast.Call):
        yield from (("", one) for one in node.args)
        yield from ((f"{one.arg}=", one.value) for one in node.keywords)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield f"{_flat(key)}: ", value
    elif isinstance(node, ast.List | ast.Tuple):
        yield from (("", one) for one in node.elts)


def _flat(node: ast.expr) -> str:
    """Return *node* on one line, in the quotes that the formatter prefers."""
    if isinstance(node, ast.Constant):
        return quoted(node.value) if isinstance(node.value, str) else repr(node.value)
    opening, closing = _brackets(node)
    if not opening:
        return ast.unparse(node)
    inner = ", ".join(f"{name}{_flat(part)}" for name, part in _parts(node))
    comma = "," if isinstance(node, ast.Tuple) and len(node.elts) == 1 else ""
    return f"{opening}{inner}{comma}{closing}"


def quoted(text: str) -> str:
    r"""Return *text* as Python writes it, in double quotes unless single ones escape less.

    Example:
        >>> print(quoted("it's"), quoted('a "b"'))
        "it's" 'a "b"'
    """
    told = repr(text)
    if told[0] == '"' or text.count('"') > text.count("'"):
        return told
    body = told[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{body}"'
