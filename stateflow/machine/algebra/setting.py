"""Settings: what is certain of a view in one place, whatever was said before.

Who can have spoken, whether the turn can have raised, how often states can have been entered, and
what the data can hold.  A setting without a place is of any view at all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final as Constant
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

from stateflow.machine.algebra.fields import fields_of
from stateflow.machine.algebra.speech import ANYBODY, SILENT, Speech, speech_of
from stateflow.machine.algebra.value import ANYTHING, NOTHING, Domain
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Event
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Place, State

__all__ = ["ANYWHERE", "Setting", "setting_of"]

Whether: TypeAlias = Literal["no", "yes", "maybe"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is certain of a view."""

    voices: tuple[Speech, ...] = (SILENT, ANYBODY)
    """Who can have spoken last, the likeliest last; or the branches that spoke at once."""
    need: int = 0
    """So many branches spoke, or more; 0: one message ends the turn."""
    several: bool = True
    """Any number of messages may end the turn."""
    fault: Whether = "maybe"
    refused: tuple[str, ...] = ()
    """Faults that do not come this way."""
    limit: Whether = "maybe"
    place: str = ""
    flow: Flow | None = field(default=None, repr=False)

    def usual(self) -> dict[str, int]:
        """Return the visits on the shortest way here, this one included."""
        return {} if self.flow is None else _shortest(self.flow, self.place)

    def visits(self, state: str) -> tuple[float, float]:
        """Return how often *state* can have been entered."""
        if self.flow is None:
            return 0, math.inf
        place = self.flow.places.get(state)
        if place is None:
            return 0, 0
        most = place.visits if isinstance(place, State) else None
        here = state == self.place and isinstance(place, State)
        return int(here), math.inf if most is None else most

    def data(self, name: str) -> Domain:
        """Return what the field called *name* of the data can hold."""
        if self.flow is None:
            return ANYTHING
        return NOTHING if self.flow.data is None else fields_of(self.flow.data).of(name)


ANYWHERE: Constant = Setting()

_WAYS: Constant[WeakKeyDictionary[Flow, Mapping[str, str]]] = WeakKeyDictionary()


def setting_of(flow: Flow, place: Place, event: Event) -> Setting:
    """Return what is certain of a turn in *place* that came to its step as *event*.

    Args:
        flow: that the place is of.
        place: where the transitions are tried.
        event: how the turn came to its step; who raised has said nothing.
    """
    at = Setting(place=place.name, flow=flow)
    if not isinstance(place, State):
        return replace(at, limit="yes") if event == "exhausted" else at
    voices, need = _voices(place)
    at = replace(at, voices=voices, need=need, several=False)
    if event == "said":
        return replace(at, fault="no", limit="no")
    if event == "exhausted":
        return replace(at, voices=(SILENT, *voices), several=need > 0, need=0, limit="yes")
    before: Sequence[Speech] = () if need else [speech_of(one) for one in place.agents[:-1]]
    return replace(
        at,
        voices=(SILENT, *before),
        need=0,
        fault="yes",
        refused=("Exhausted",),
        limit="no",
    )


def _voices(state: State) -> tuple[tuple[Speech, ...], int]:
    """Return who can have spoken last, and how many branches spoke if several did at once."""
    if isinstance(state, Parallel):
        return tuple(map(speech_of, state.agents)), state.need
    found: list[Speech] = []
    for agent in reversed(state.agents):
        speech = speech_of(agent)
        found.append(speech)
        if not speech.passes:
            return tuple(found), 0
    return (*found, SILENT), 0


def _shortest(flow: Flow, name: str) -> dict[str, int]:
    """Return the visits on the shortest way to the place called *name*."""
    ways = _WAYS.get(flow)
    if ways is None:
        _WAYS[flow] = ways = _ways(flow)
    way = [name]
    while way[-1] in ways:
        way.append(ways[way[-1]])
    return {one: 1 for one in reversed(way) if isinstance(flow.places.get(one), State)}


def _ways(flow: Flow) -> Mapping[str, str]:
    """Return the place before each, on the shortest way to it."""
    ways: dict[str, str] = {}
    ahead, seen = deque([flow.initial]), {flow.initial}
    while ahead:
        name = ahead.popleft()
        targets = [one.target for one in flow.places[name].transitions]
        for target in (*targets, flow.on_error):
            if target is not None and target not in seen:
                seen.add(target)
                ways[target] = name
                ahead.append(target)
    return ways
