"""What guards ask, read from their forms: the simple questions that ``&``, ``|`` and ``~`` join.

A guard made from a function asks nothing that could be read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from stateflow.machine.guard import Guard
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition
from stateflow.value import Json

__all__ = ["args", "asked", "asked_in", "needs", "shown", "word"]


def asked(guard: Guard | None) -> Iterator[Mapping[str, Json]]:
    """Yield the simple questions of *guard* in the order they were written.

    Example:
        >>> from stateflow.machine.guards import failed, says
        >>> [word(one) for one in asked(failed | ~says("DONE"))]
        ['failed', 'says']
    """
    ahead: list[Any] = [] if guard is None else [guard.form]
    while ahead:
        form = ahead.pop()
        match form:
            case {"and": [*parts]} | {"or": [*parts]}:
                ahead += reversed(parts)
            case {"not": part}:
                ahead.append(part)
            case {"guard": str()}:
                yield cast("Mapping[str, Json]", form)
            case _:
                pass  # of a function


def asked_in(place: Place) -> Iterator[tuple[Transition, Mapping[str, Json]]]:
    """Yield the simple questions of all guards of *place*, each with its transition."""
    for transition in place.transitions:
        for atom in asked(transition.when):
            yield transition, atom


def word(atom: Mapping[str, Json]) -> str:
    """Return the name of the built-in guard that *atom* is."""
    return str(atom["guard"])


def args(atom: Mapping[str, Json]) -> tuple[Any, ...]:
    """Return what the guard was given, its keywords apart."""
    return tuple(cast("Any", atom.get("args", ())))


def shown(atom: Mapping[str, Json]) -> str:
    """Return *atom* as it is written.

    Example:
        >>> shown({"guard": "says", "args": ["DONE"], "case": False})
        "says('DONE', case=False)"
    """
    given = [repr(one) for one in args(atom)]
    given += [f"{key}={value!r}" for key, value in atom.items() if key not in {"guard", "args"}]
    return f"{word(atom)}({', '.join(given)})" if given else word(atom)


def needs(guard: Guard | None, words: frozenset[str]) -> bool:
    """Tell whether *guard* can hold only where a simple guard called one of *words* does.

    Example:
        >>> from stateflow.machine.guards import failed, says, succeeded
        >>> [
        ...     needs(g, frozenset({"succeeded"}))
        ...     for g in (succeeded & says("a"), succeeded | failed)
        ... ]
        [True, False]
    """
    return guard is not None and _needs(guard.form, words)


def _needs(form: Json, words: frozenset[str]) -> bool:
    """Walk the form without recursion: guards are joined by the hundred."""
    proved: list[bool] = []
    ahead: list[tuple[Any, str, int]] = [(form, "", 0)]
    while ahead:
        part, join, count = ahead.pop()
        if join:
            verdicts = [proved.pop() for _ in range(count)]
            proved.append(any(verdicts) if join == "and" else all(verdicts))
            continue
        match part:
            case {"and": [*parts]}:
                ahead.append((None, "and", len(parts)))
                ahead += [(one, "", 0) for one in parts]
            case {"or": [*parts]}:
                ahead.append((None, "or", len(parts)))
                ahead += [(one, "", 0) for one in parts]
            case {"guard": name}:
                proved.append(name in words)
            case _:
                proved.append(False)
    return proved[0]
