"""What may be wrong in the transitions of a place: their guards, targets, actions, their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition
from stateflow.testing.mutate.asking import guards_like
from stateflow.testing.mutate.mutant import Mutant, shown

__all__ = ["of_moves"]


class _Row(NamedTuple):
    """What one transition becomes: others in its place, or none."""

    operator: str
    rows: tuple[Transition, ...]
    number: str = ""
    """Beside the number of the transition, where it is changed in several ways."""


def of_moves(flow: Flow, place: Place) -> Iterator[Mutant]:
    """Yield mutants with other transitions of *place*, in their order."""
    if isinstance(place, Final):
        return
    rows = place.transitions
    for index, row in enumerate(rows):
        for one in _rows_like(flow, place, row):
            new = (*rows[:index], *one.rows, *rows[index + 1 :])
            told = shown(one.rows[0]) if one.rows else "nothing"
            number = f"{index + 1}{one.number}"
            yield _mutant(flow, place, one.operator, number, new, (shown(row), told), row)
        if index + 1 < len(rows) and not (isinstance(place, State) and place.choose is not None):
            after = rows[index + 1]
            new = (*rows[:index], after, row, *rows[index + 2 :])
            told = f"{shown(after)}, {shown(row)}"
            before = f"{shown(row)}, {shown(after)}"
            number = f"{index + 1}"
            yield _mutant(flow, place, "swap-transitions", number, new, (before, told), row)


def _mutant(  # noqa: PLR0913, PLR0917 - all that is told of it
    flow: Flow,
    place: State | Junction,
    operator: str,
    number: str,
    rows: tuple[Transition, ...],
    told: tuple[str, str],
    row: Transition,
) -> Mutant:
    new: Place
    if isinstance(place, State):
        deadline = next((one.after for one in rows if one.after is not None), None)
        new = place.changed(transitions=rows, deadline=deadline)
    else:
        new = place.changed(transitions=rows)
    parts = {"places": {**flow.places, place.name: new}}
    origin = row.origin or place.origin
    return Mutant(operator, flow, place.name, number, *told, origin, parts)


def _rows_like(flow: Flow, place: Place, row: Transition) -> Iterator[_Row]:
    guard = row.when
    yield _Row("drop-transition" if row.after is None else "drop-deadline", ())
    if guard is not None and row.after is None:
        negated = guard.parts[0] if _is_negated(guard) else ~guard
        yield _Row("negate-guard", (replace(row, when=negated),))
        yield _Row("drop-guard", (replace(row, when=None),))
    if guard is not None:
        counts: dict[str, int] = {}
        for operator, other in guards_like(guard):
            counts[operator] = counts.get(operator, 0) + 1
            number = f".{counts[operator]}" if counts[operator] > 1 else ""
            yield _Row(operator, (replace(row, when=other),), number)
    if row.target is not None:
        yield _Row("end-here", (replace(row, target=None),))
    yield from _retargeted(flow, place, row)
    if row.do is not None:
        yield _Row("drop-action", (replace(row, do=None),))
    if row.restart is not None:
        yield _Row("drop-restart", (replace(row, restart=None),))


def _is_negated(guard: Guard) -> bool:
    return isinstance(guard.form, Mapping) and "not" in guard.form and bool(guard.parts)


def _retargeted(flow: Flow, place: Place, row: Transition) -> Iterator[_Row]:
    """Yield one other place to lead to: the next that this place does not lead to yet."""
    names = list(flow.places)
    start = names.index(row.target) + 1 if row.target is not None else 0
    taken = {one.target for one in place.transitions}
    exhausts = row.when is not None and row.when.exhausts
    ahead = [*names[start:], *names[:start]]
    free = [
        name for name in ahead if not exhausts or isinstance(flow.places[name], Final)
    ]  # who has used up its budget cannot go on
    others = [name for name in free if name not in taken] or [
        name for name in free if name != row.target
    ]
    if others:
        yield _Row("retarget", (replace(row, target=others[0]),))
