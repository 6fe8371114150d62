"""Arrivals: how a turn comes to a place where its guards are tried.

To a state it comes when somebody has spoken there.  Nobody speaks in a junction, so that the turn
is that of a state before it, for which the way to the junction was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice
from typing import Final as Constant
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from stateflow.machine.algebra.atom import All, Data, Either, Formula, Is, formula, negated
from stateflow.machine.algebra.setting import Setting, setting_of
from stateflow.machine.algebra.speech import SILENT
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.kernel import Event
from stateflow.machine.state import Final, Junction, Place, State

__all__ = ["MOST_ARRIVALS", "Arrival", "arrivals", "offered"]

MOST_ARRIVALS: Constant = 20
"""So many are looked at."""


class Arrival(NamedTuple):
    """One way in which a turn comes to a place."""

    setting: Setting
    formulas: tuple[Formula, ...] = ()
    """What holds of every view that comes this way."""
    exact: bool = True
    """Whatever fits these comes this way; else an action on the way may change the data."""


def offered(guard: Guard | None, event: Event) -> bool:
    """Tell whether a transition with *guard* is offered a turn that came as *event*."""
    if event == "said":
        return True
    return guard is not None and (guard.faults if event == "raised" else guard.exhausts)


def arrivals(flow: Flow, place: Place, event: Event) -> list[Arrival]:
    """Return how a turn comes to *place* as *event*, up to a number."""
    return list(islice(_arrivals(flow, place, event), MOST_ARRIVALS))


def _arrivals(flow: Flow, place: Place, event: Event) -> Iterator[Arrival]:
    if isinstance(place, State):
        yield Arrival(setting_of(flow, place, event))
    elif isinstance(place, Junction) and event == "exhausted":  # a state behind it is used up
        for one in _at_junction(flow, place.name):
            yield one._replace(setting=replace(one.setting, limit="yes"), exact=False)
    elif isinstance(place, Junction) and event == "said":
        yield from _at_junction(flow, place.name)


def _at_junction(flow: Flow, name: str) -> Iterator[Arrival]:
    if name == flow.initial:
        yield Arrival(Setting((SILENT,), several=False, fault="no", limit="no", flow=flow))
    for source, index in _sources(flow).get(name, ()):
        yield from _through(flow, source, index)
    if flow.on_error == name:
        for state in flow.states:
            yield Arrival(setting_of(flow, state, "raised"), exact=False)


def _through(flow: Flow, source: Place, index: int) -> Iterator[Arrival]:
    """Yield how a turn comes by transition *index* of *source*."""
    events: tuple[Event, ...] = ("said", "raised") if isinstance(source, State) else ("said",)
    taken = source.transitions[index]
    acts = taken.do is not None or (isinstance(source, State) and source.exit is not None)
    for event in events:
        if not offered(taken.when, event):
            continue
        before = [one.when for one in source.transitions[:index] if offered(one.when, event)]
        if isinstance(source, State) and source.choose is not None and event == "said":
            before = []
        held = [formula(taken.when), *(negated(formula(one)) for one in before)]
        for arrival in _arrivals(flow, source, event):
            whole = (*arrival.formulas, *held)
            kept = tuple(one for one in whole if not (acts and _reads_data(one)))
            exact = arrival.exact and not acts and not arrival.setting.several
            yield Arrival(arrival.setting, kept, exact)


def _reads_data(part: Formula) -> bool:
    match part:
        case Is(atom, _):
            return isinstance(atom, Data)
        case All(parts) | Either(parts):
            return any(map(_reads_data, parts))


_Sources: TypeAlias = "Mapping[str, list[tuple[Place, int]]]"
_KNOWN: Constant[WeakKeyDictionary[Flow, _Sources]] = WeakKeyDictionary()


def _sources(flow: Flow) -> _Sources:
    """Return which transitions lead to each place; those no run takes only where all are such."""
    found = _KNOWN.get(flow)
    if found is None:
        sources: dict[str, list[tuple[Place, int]]] = {}
        for place in flow.places.values():
            if not isinstance(place, Final):
                for index, transition in enumerate(place.transitions):
                    if transition.target is not None:
                        sources.setdefault(transition.target, []).append((place, index))
        come = _come_to(flow)
        for name, rows in sources.items():
            if name in come:
                sources[name] = [one for one in rows if one[0].name in come]
        _KNOWN[flow] = found = sources
    return found


def _come_to(flow: Flow) -> AbstractSet[str]:
    """Return the places that a path leads to."""
    ahead, found = [flow.initial], {flow.initial}
    while ahead:
        targets = [one.target for one in flow.places[ahead.pop()].transitions]
        fresh = [one for one in (*targets, flow.on_error) if one is not None and one not in found]
        found.update(fresh)
        ahead += fresh
    return found
