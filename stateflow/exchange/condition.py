"""Guards in statecharts: the questions that they ask, and how those are put together.

An atom is a question of one built-in guard, as ``says("APPROVED", by="coder")``; ``and``, ``or``
and ``not`` are kept as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from typing import Final as Constant

from stateflow.value import canonical_json

__all__ = ["Form", "atoms_of", "chosen", "condition", "named", "parts_of"]

Form: TypeAlias = Mapping[str, Any]
"""The JSON form of a guard."""

_PLAIN: Constant = re.compile(r"[^A-Za-z0-9]+")
_JOINS: Constant = {"and": " && ", "or": " || "}


def chosen(order: int) -> Form:
    """Return the question whether a chooser takes transition *order*, for it may be asked."""
    return {"guard": "chosen", "args": [order]}


def parts_of(form: Form) -> tuple[str, Sequence[Form]]:
    """Return the word that joins *form*, and what it joins; no word: it is an atom.

    Example:
        >>> parts_of({"not": {"guard": "failed"}})
        ('not', [{'guard': 'failed'}])
    """
    for word in ("and", "or"):
        if word in form:
            return word, form[word]
    return ("not", [form["not"]]) if "not" in form else ("", [])


def atoms_of(form: Form) -> Iterator[Form]:
    """Yield the atoms of *form*, from left to right.

    Example:
        >>> [atom["guard"] for atom in atoms_of({"or": [{"not": {"guard": "failed"}}, chosen(0)]})]
        ['failed', 'chosen']
    """
    word, parts = parts_of(form)
    if not word:
        yield form
    for part in parts:
        yield from atoms_of(part)


def condition(form: Form, atoms: Mapping[str, str], around: str = "") -> str:
    """Return *form* as an expression that is ECMAScript.

    Args:
        form: of a guard.
        atoms: name of each of its atoms, by the atom's JSON.
        around: the word that joins it to others.

    Example:
        >>> atoms = {'{"guard":"failed"}': "failed", '{"guard":"timed_out"}': "late"}
        >>> late, failed = {"guard": "timed_out"}, {"guard": "failed"}
        >>> condition({"and": [{"not": late}, {"or": [late, failed]}]}, atoms)
        'late === false && (late || failed)'
    """
    word, parts = parts_of(form)
    if not word:
        return atoms[canonical_json(form)]
    if word == "not":
        return f"{condition(parts[0], atoms, word)} === false"
    text = _JOINS[word].join(condition(part, atoms, word) for part in parts)
    return text if around in {"", word} else f"({text})"


def named(form: Form) -> str:
    """Return a word for the atom *form* that every language can take for a variable.

    Example:
        >>> named({"guard": "says", "args": ["it's DONE"], "by": "coder"})
        'says_it_s_DONE_by_coder'
    """
    told = [str(form["guard"]), *map(str, form.get("args", []))]
    told += [f"{key} {value}" for key, value in form.items() if key not in {"guard", "args"}]
    return _PLAIN.sub("_", " ".join(told)).strip("_")[:60].rstrip("_")
