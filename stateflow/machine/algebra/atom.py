"""Atoms: the simplest questions that guards are made of, and guards as formulas over them.

A guard is read by its JSON form, so that nothing is asked of it here.  What a form does not tell
(a Python function, a form of somebody's own) is an atom of its own, of which nothing is known but
that the same guard gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast
from typing import Final as Constant

from stateflow.machine.algebra.text import Words, words_of
from stateflow.machine.algebra.value import Asked, asked_of
from stateflow.machine.guard import Guard
from stateflow.value import canonical_json

__all__ = [
    "FALSE",
    "TRUE",
    "All",
    "Atom",
    "Count",
    "Data",
    "Either",
    "Fault",
    "Formula",
    "Is",
    "Limit",
    "Opaque",
    "Said",
    "Trait",
    "formula",
    "negated",
]


class Trait(NamedTuple):
    """What may be true of one message."""

    word: str
    """``bad``, ``outcome``, ``late``, ``cut``, ``exit``, ``text``, ``spoke``, ``handed``,
    ``called``, ``answered``, ``ended`` or ``reply``."""
    names: tuple[Any, ...] = ()
    """Whom, what or which; empty: any."""
    by: str | None = None
    words: Words | None = None
    asked: Asked | None = None


class Said(NamedTuple):
    """Some message of the turn is so."""

    trait: Trait


class Fault(NamedTuple):
    """The turn raised: this fault, or any."""

    name: str = ""


class Limit(NamedTuple):
    """A limit stands in the way."""


class Count(NamedTuple):
    """A number that only grows has come so far."""

    what: str
    """``visits``, ``turns``, ``messages``, or what was spent: ``usd``, ``tokens``, ..."""
    least: float
    of: str = ""
    """The state whose visits are meant."""


class Data(NamedTuple):
    """A field of the flow's data is so."""

    field: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that only the guard itself can answer."""

    key: str
    guard: Guard = field(compare=False, repr=False)


Atom: TypeAlias = Said | Fault | Limit | Count | Data | Opaque


class Is(NamedTuple):
    """An atom that holds, or that does not."""

    atom: Atom
    so: bool = True


class All(NamedTuple):
    """All of these hold."""

    parts: tuple[Formula, ...]


class Either(NamedTuple):
    """One of these holds, or more."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = "Is | All | Either"

_VAST: Constant = 1e15

TRUE: Constant = All(())
FALSE: Constant = Either(())


def negated(formula: Formula) -> Formula:
    """Return the formula that holds where *formula* does not."""
    match formula:
        case Is(atom, so):
            return Is(atom, not so)
        case All(parts):
            return Either(tuple(map(negated, parts)))
        case Either(parts):
            return All(tuple(map(negated, parts)))


def formula(guard: Guard | None) -> Formula:
    """Return what *guard* asks, over atoms; a transition without one always holds."""
    return TRUE if guard is None else _of(guard)


def _of(guard: Guard) -> Formula:
    parts = guard.parts
    match guard.form:
        case {"and": _} if parts:
            return All(tuple(map(_of, parts)))
        case {"or": _} if parts:
            return Either(tuple(map(_of, parts)))
        case {"not": _} if parts:
            return negated(_of(parts[0]))
        case {"guard": str(word), **rest} if word in _READ:
            given = cast("dict[str, Any]", rest)
            args: Sequence[Any] = given.pop("args", ())
            read = _READ[word](args, given)
            return _opaque(guard) if read is None else read
        case _:
            return _opaque(guard)


def _opaque(guard: Guard) -> Formula:
    shared = guard.exportable and guard.form is not None
    key = canonical_json([guard.name, guard.form]) if shared else f"{guard.name} {id(guard)}"
    return Is(Opaque(key, guard))


_Given: TypeAlias = "Mapping[str, Any]"
_Read: TypeAlias = "Callable[[Sequence[Any], _Given], Formula | None]"


def _said(word: str) -> _Read:
    """Return how a guard is read that asks one thing of a message."""

    def read(args: Sequence[Any], given: _Given) -> Formula | None:
        return None if given else Is(Said(Trait(word, tuple(args))))

    return read


def _text(word: str) -> _Read:
    def read(args: Sequence[Any], given: _Given) -> Formula | None:
        by = given.get("by")
        if by == "":  # silence has no speaker either
            return None
        words = words_of(
            word, str(args[0]), whole=given.get("whole", True), case=given.get("case", True)
        )
        return Is(Said(Trait("text", by=by, words=words)))

    return read


def _reply(args: Sequence[Any], given: _Given) -> Formula | None:
    if _vast(args[1:], given):
        return None
    return Is(Said(Trait("reply", (args[0],), asked=asked_of(args[1:], given))))


def _data(args: Sequence[Any], given: _Given) -> Formula | None:
    if _vast(args[1:], given):
        return None
    return Is(Data(args[0], asked_of(args[1:], given)))


def _vast(args: Sequence[Any], given: _Given) -> bool:
    """Tell whether numbers are asked for that a float cannot tell from their neighbours."""
    numbers = (one for one in (*args, *given.values()) if isinstance(one, int | float))
    return not all(abs(one) < _VAST for one in numbers)


def _failed(_args: Sequence[Any], _given: _Given) -> Formula:
    return Either((Is(Fault()), Is(Said(Trait("bad")))))


def _succeeded(_args: Sequence[Any], _given: _Given) -> Formula:
    return All((Is(Said(Trait("bad")), so=False), Is(Said(Trait("outcome")))))


def _timed_out(_args: Sequence[Any], _given: _Given) -> Formula:
    spoken = All((Is(Fault(), so=False), Is(Said(Trait("late")))))
    return Either((Is(Fault("TimedOut")), spoken))


def _raised(args: Sequence[Any], _given: _Given) -> Formula:
    spoken = All((Is(Fault(), so=False), Is(Said(Trait("cut", tuple(args))))))
    return Either((*(Is(Fault(name)) for name in args or ("",)), spoken))


def _after(_args: Sequence[Any], _given: _Given) -> Formula:
    return Is(Fault("DeadlinePassed"))


def _exhausted(_args: Sequence[Any], _given: _Given) -> Formula:
    return Is(Limit())


def _visited(args: Sequence[Any], given: _Given) -> Formula | None:
    if _vast((), given):
        return None
    return Is(Count("visits", given.get("at_least", 1), args[0]))


def _turns(args: Sequence[Any], _given: _Given) -> Formula | None:
    return None if _vast(args, {}) else Is(Count("turns", args[0] - 1))


def _messages(args: Sequence[Any], _given: _Given) -> Formula | None:
    return None if _vast(args, {}) else Is(Count("messages", args[0]))


def _spent(_args: Sequence[Any], given: _Given) -> Formula | None:
    if _vast((), given):
        return None
    return Either(tuple(Is(Count(what, least)) for what, least in given.items()))


_READ: Constant[Mapping[str, _Read]] = {
    "answered": _said("answered"),
    "called": _said("called"),
    "ended": _said("ended"),
    "exit_code": _said("exit"),
    "handed_to": _said("handed"),
    "spoke": _said("spoke"),
    "says": _text("says"),
    "matches": _text("matches"),
    "equals": _text("equals"),
    "replied": _reply,
    "data_is": _data,
    "failed": _failed,
    "succeeded": _succeeded,
    "timed_out": _timed_out,
    "raised": _raised,
    "after": _after,
    "exhausted": _exhausted,
    "visited": _visited,
    "turns_at_least": _turns,
    "messages_at_least": _messages,
    "spent": _spent,
}
