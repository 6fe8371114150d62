"""Fields of the data that guards read and nothing ever writes (SF118)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stateflow.machine.check.asked import args, asked_in, shown, word
from stateflow.machine.check.finding import Finding
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FieldsOut, FlowAgent
from stateflow.machine.state import Final, Place, State

__all__ = ["given_data", "never_written"]


def given_data(flow: Flow) -> frozenset[int]:
    """Return the flows nested in *flow* that a function may give data to, by identity."""
    return frozenset(
        id(agent.flow)
        for agent in flow.everybody
        if isinstance(agent, FlowAgent) and callable(agent.input)
    )


def never_written(flow: Flow) -> Iterator[Finding]:
    """Find the guards that ask for a field of the data which keeps its default for ever.

    A function may write any field, so where an action is one, nothing is found.
    """
    if flow.data is None:
        return
    written = _written(flow)
    if written is None:
        return
    told: set[str] = set()
    for place in flow.places.values():
        for transition, atom in asked_in(place):
            field = str(args(atom)[0]) if word(atom) == "data_is" else ""
            known = flow.data.model_fields.get(field)
            if known is None or known.is_required() or field in written or field in told:
                continue
            told.add(field)
            yield Finding(
                "SF118",
                "warning",
                place.name,
                f"{shown(atom)} says the same at every turn: nothing writes {field!r}",
                f"write it: State(..., save={field!r}), output= or to(..., do=...); or make it a "
                "field without a default, which a run has to be given",
                origin=transition.origin,
            )


def _written(flow: Flow) -> frozenset[str] | None:
    """Return the fields that are written; ``None``: a function may write any."""
    written: set[str] = set()
    for place in flow.places.values():
        if isinstance(place, State) and place.save is not None:
            written.add(place.save)
        for action in _actions(place):
            if not isinstance(action, FieldsOut):
                return None
            written.update(here for here, _ in action.fields)
    return frozenset(written)


def _actions(place: Place) -> Iterator[Callable[..., object]]:
    """Yield all that may change the data in *place*."""
    found: list[Callable[..., object] | None] = [row.do for row in place.transitions]
    if isinstance(place, Final):
        found.append(place.entry)
    if isinstance(place, State):
        found += [place.entry, place.exit, place.output]
    yield from (action for action in found if action is not None)
