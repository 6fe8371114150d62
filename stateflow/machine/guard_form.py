"""Guards from their JSON forms: the inverse of what a built-in guard is written as.

Only the words that are listed here are read; whatever else a form holds is refused by name, so a
guard that nobody knows never turns true by accident.  A Python function has no such form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast

from stateflow.errors import DefinitionError
from stateflow.machine import guards
from stateflow.machine.deadline import late
from stateflow.machine.guard import Guard
from stateflow.value import Json

__all__ = ["DEEPEST", "PLAIN", "WORDS", "Kind", "Word", "guard_of"]

DEEPEST: Final = 100
"""So deep may guards be joined [levels]; much deeper ones no JSON tool reads, and none asks."""

Kind: TypeAlias = Literal["text", "number", "whole number", "truth", "value"]
"""What an argument has to be; a value is anything that JSON can hold."""

_JOINED: Final = ("and", "or", "not")
_SHOWN: Final = 60
"""So much is told of what is wrong [characters]."""


@dataclass(frozen=True, slots=True)
class Word:
    """A built-in guard that takes arguments, and what they have to be."""

    make: Callable[..., Guard]
    args: tuple[Kind, ...] = ()
    optional: int = 0
    """So many of *args* may be left out, from the last."""
    rest: Kind | None = None
    """What all further arguments are; ``None``: there are none."""
    named: Mapping[str, Kind] = field(default_factory=dict[str, Kind])


_BY: Final[Mapping[str, Kind]] = {"by": "text"}
_SAYS: Final[Mapping[str, Kind]] = {"by": "text", "whole": "truth", "case": "truth"}
_RANGE: Final[Mapping[str, Kind]] = {"at_least": "number", "at_most": "number"}
_SPENT: Final = ("usd", "tokens", "calls", "input_tokens", "output_tokens")

PLAIN: Final[Mapping[str, Guard]] = {
    one.name: one for one in (guards.failed, guards.succeeded, guards.timed_out, guards.exhausted)
}
"""Built-in guards that take no arguments."""

WORDS: Final[Mapping[str, Word]] = {
    "after": Word(late, ("number",)),
    "answered": Word(guards.answered, rest="text"),
    "called": Word(guards.called, ("text",)),
    "data_is": Word(guards.data_is, ("text", "value"), 1, named=_RANGE),
    "ended": Word(guards.ended, rest="text"),
    "equals": Word(guards.equals, ("text",), named=_BY),
    "exit_code": Word(guards.exit_code, rest="whole number"),
    "handed_to": Word(guards.handed_to, ("text",)),
    "matches": Word(guards.matches, ("text",), named=_BY),
    "messages_at_least": Word(guards.messages_at_least, ("number",)),
    "raised": Word(guards.raised, rest="text"),
    "replied": Word(guards.replied, ("text", "value"), 1, named=_RANGE),
    "says": Word(guards.says, ("text",), named=_SAYS),
    "spent": Word(guards.spent, named=dict.fromkeys(_SPENT, "number")),
    "spoke": Word(guards.spoke, rest="text"),
    "turns_at_least": Word(guards.turns_at_least, ("number",)),
    "visited": Word(guards.visited, ("text",), named={"at_least": "number"}),
}
"""Built-in guards that take arguments."""


def guard_of(form: Json) -> Guard:
    """Return the built-in guard that is written as *form*, joined ones included.

    Args:
        form: as ``guard.form`` gives it.

    Raises:
        DefinitionError: it holds a word that is no built-in guard, or arguments that do not fit,
            or is joined more than 100 levels deep; the sentence names it.

    Example:
        >>> guard_of({"and": [{"guard": "says", "args": ["DONE"]}, {"not": {"guard": "failed"}}]})
        Guard(name="(says('DONE') and not failed)", faults=False, exhausts=False, exportable=True)
    """
    return _guard(form, 0)


def _guard(form: Json, depth: int) -> Guard:
    if depth >= DEEPEST:
        raise DefinitionError(
            f"a guard is joined more than {DEEPEST} levels deep; ask a part of it in a junction"
        )
    if not isinstance(form, Mapping):
        raise DefinitionError(f"{_told(form)} is no guard; write {{'guard': 'failed'}}")
    for join in _JOINED:
        if join in form:
            return _joined(join, form, depth)
    word = form.get("guard")
    if "function" in form or not isinstance(word, str):
        named = form.get("function")
        told = repr(named.rpartition(".")[2]) if isinstance(named, str) else _told(form)
        raise DefinitionError(
            f"{told} is no built-in guard, and a Python function is not read from JSON; write the "
            "guard with the built-in ones"
        )
    return _built(word, {key: part for key, part in form.items() if key != "guard"})


def _joined(word: str, form: Mapping[str, Json], depth: int) -> Guard:
    parts = form[word]
    if len(form) > 1:
        others = ", ".join(repr(key) for key in form if key != word)
        raise DefinitionError(f"a guard joined by {word!r} holds {others}, too; write one of them")
    if word == "not":
        return ~_guard(parts, depth + 1)
    if isinstance(parts, str) or not isinstance(parts, Sequence) or len(parts) != 2:  # noqa: PLR2004 - & and | join two
        raise DefinitionError(f"{word!r} joins two guards, and is given {_told(parts)}")
    left, right = (_guard(part, depth + 1) for part in parts)
    return left & right if word == "and" else left | right


def _built(name: str, given: dict[str, Json]) -> Guard:
    if name in PLAIN and not given:
        return PLAIN[name]
    word = WORDS.get(name)
    if word is None:
        known = ", ".join(sorted([*PLAIN, *WORDS]))
        why = f"takes no {', '.join(map(repr, given))}" if name in PLAIN else "is no built-in guard"
        raise DefinitionError(f"{_told(name)} {why}; there are: {known}")
    args = given.pop("args", [])
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise DefinitionError(f"{name}: 'args' is {_told(args)}; write a list")
    _check_count(name, word, len(args))
    for number, arg in enumerate(args):
        kind = word.args[number] if number < len(word.args) else word.rest
        _check(f"{name}: argument {number + 1}", kind, arg)
    for key, arg in given.items():
        if key not in word.named:
            takes = ", ".join(map(repr, ("args", *word.named)))
            raise DefinitionError(f"{name}: it takes no {_told(key)}; it takes {takes}")
        _check(f"{name}: {key!r}", word.named[key], arg)
    make: Callable[..., Guard] = word.make
    return make(*args, **cast("dict[str, Any]", given))


def _check_count(name: str, word: Word, count: int) -> None:
    least = len(word.args) - word.optional
    most = math.inf if word.rest is not None else len(word.args)
    if not least <= count <= most:
        wanted = f"{least} to {most}" if word.optional else f"{least}"
        raise DefinitionError(f"{name}: it takes {wanted} argument(s), and is given {count}")


def _check(where: str, kind: Kind | None, value: Json) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "text": isinstance(value, str),
        "number": number and math.isfinite(cast("float", value)),
        "whole number": number and isinstance(value, int),
        "truth": isinstance(value, bool),
        "value": True,
    }
    if kind is not None and not fits[kind]:
        raise DefinitionError(f"{where} is {_told(value)}, and has to be a {kind}")


def _told(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):  # whose repr may be as deep as it is
        what = "an object" if isinstance(value, Mapping) else "a list"
        many = len(cast("Sequence[object]", value))
        return f"{what} of {many} parts"
    told = repr(value)
    return told if len(told) <= _SHOWN else f"{told[: _SHOWN - 1]}…"
