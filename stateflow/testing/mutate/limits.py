"""What may be wrong beside the transitions: caps, limits, actions, ends, who takes faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any
from typing import Final as Constant

from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.state import Final, Place, State
from stateflow.testing.mutate.mutant import Mutant, shown

__all__ = ["of_flow", "of_place"]

_ACTIONS: Constant = ("entry", "exit", "save", "output")


def of_place(flow: Flow, place: Place) -> Iterator[Mutant]:
    """Yield mutants with *place* changed, its transitions apart."""
    if isinstance(place, Final):
        ok = f"ok={place.ok}", f"ok={not place.ok}"
        yield _mutant(flow, place, "flip-ok", "", ok, _final(place, ok=not place.ok))
        if place.entry is not None:
            told = f"entry={_called(place.entry)}", "no entry="
            yield _mutant(flow, place, "drop-action", "entry", told, _final(place))
    if not isinstance(place, State):
        return
    if place.visits is not None:
        before = f"visits={place.visits}"
        free = place.changed(visits=None)
        yield _mutant(flow, place, "drop-cap", "", (before, "no visits="), free)
        if place.visits > 1:
            less = place.visits - 1
            tight = place.changed(visits=less)
            yield _mutant(flow, place, "tighten-cap", "", (before, f"visits={less}"), tight)
    for word in _ACTIONS:
        action: object = getattr(place, word)
        if action is not None:
            told = f"{word}={_called(action)}", f"no {word}="
            yield _mutant(flow, place, "drop-action", word, told, place.changed(**{word: None}))


def of_flow(flow: Flow) -> Iterator[Mutant]:
    """Yield mutants with the limits of *flow* changed, or nobody to take its faults."""
    for one in fields(Budget):
        limit = getattr(flow.budget, one.name)
        if limit != one.default and one.name not in {"depth", "unpriced"}:
            free: Any = float("inf") if one.name == "turns" else None
            told = f"Budget({one.name}={limit!r})", f"no limit of {one.name}"
            parts = {"budget": replace(flow.budget, **{one.name: free})}
            yield Mutant("drop-limit", flow, "", one.name, *told, flow.origin, parts)
    if flow.on_error is not None:
        told = f"on_error={flow.on_error!r}", "no on_error="
        yield Mutant("drop-on-error", flow, "", "", *told, flow.origin, {"on_error": None})


def _final(final: Final, *, ok: bool | None = None) -> Final:
    """Return *final* with another ``ok``, or else without its action."""
    entry = final.entry if ok is not None else None
    new = Final(final.name, final.ok if ok is None else ok, entry, final.phase)
    object.__setattr__(new, "origin", final.origin)
    return new


def _mutant(
    flow: Flow, place: Place, operator: str, number: str, told: tuple[str, str], new: Place
) -> Mutant:
    before, after = told
    begun = f"{shown(place)[:-1]}, {before})", f"{shown(place)[:-1]}, {after})"
    parts = {"places": {**flow.places, place.name: new}}
    return Mutant(operator, flow, place.name, number, *begun, place.origin, parts)


def _called(action: object) -> str:
    return repr(action) if isinstance(action, str) else getattr(action, "__name__", "a function")
