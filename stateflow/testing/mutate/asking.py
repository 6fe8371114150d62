"""What may be wrong in a guard: a word, a number, who must have said it, ``&`` for ``|``.

A guard is rebuilt of its parts, so that Python functions in it stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard
from stateflow.machine.guard_form import guard_of
from stateflow.value import Json

__all__ = ["guards_like"]

_Form: TypeAlias = Mapping[str, Json]

_TEXTS: Constant = frozenset({"says", "equals", "matches"})
_NUMBERS: Constant = frozenset({"turns_at_least", "messages_at_least", "exit_code"})
_LEAST: Constant = ("at_least", "at_most")


def guards_like(guard: Guard) -> Iterator[tuple[str, Guard]]:
    """Yield guards that differ from *guard* in one part, each with the operator.

    Example:
        >>> from stateflow import says, visited
        >>> for operator, other in guards_like(says("DONE", by="coder") & visited("write")):
        ...     print(operator, other.name)
        and-to-or (says('DONE', by='coder') or visited('write'))
        change-words (says('not DONE', by='coder') and visited('write'))
        drop-speaker (says('DONE') and visited('write'))
        shift-number (says('DONE', by='coder') and visited('write', at_least=2))
    """
    match guard.form:
        case {"and": _} if guard.parts:
            left, right = guard.parts
            yield "and-to-or", left | right
            yield from _inside(guard, lambda one, other: one & other)
        case {"or": _} if guard.parts:
            left, right = guard.parts
            yield "or-to-and", left & right
            yield from _inside(guard, lambda one, other: one | other)
        case {"not": _} if guard.parts:
            yield from ((operator, ~other) for operator, other in guards_like(guard.parts[0]))
        case {"guard": str(word)}:
            for operator, form in _forms_like(word, cast("_Form", guard.form)):
                try:
                    yield operator, guard_of(form)
                except DefinitionError:  # of a form that only its own word reads
                    continue
        case _:
            return


def _inside(guard: Guard, joined: Callable[[Guard, Guard], Guard]) -> Iterator[tuple[str, Guard]]:
    left, right = guard.parts
    yield from ((operator, joined(one, right)) for operator, one in guards_like(left))
    yield from ((operator, joined(left, one)) for operator, one in guards_like(right))


def _forms_like(word: str, form: _Form) -> Iterator[tuple[str, Json]]:
    given = cast("list[Any]", form.get("args", []))
    if word in _TEXTS:
        yield "change-words", {**form, "args": [f"not {given[0]}", *given[1:]]}
    if "by" in form:
        yield "drop-speaker", {key: part for key, part in form.items() if key != "by"}
    if word in _NUMBERS and len(given) == 1:
        yield "shift-number", {**form, "args": [given[0] + 1]}
    if word == "visited":
        yield "shift-number", {**form, "at_least": cast("int", form.get("at_least", 1)) + 1}
        return
    for name in _LEAST:
        if name in form:
            yield "shift-number", {**form, name: cast("float", form[name]) + 1}
