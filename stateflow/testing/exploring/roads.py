"""Roads: how far each place of a flow is from where somebody wants to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.state import Final, Place, State

__all__ = ["FAR", "Roads", "containment"]

FAR = 10_000
"""Of a place that no way leads from."""


class Roads:
    """The ways of one flow, and of each flow around it the way to it."""

    def __init__(self, flow: Flow) -> None:
        """Read the ways once."""
        self.flow = flow
        on: dict[str | None, list[str | None]] = {}
        self._back: dict[str | None, list[str | None]] = {}
        for place in flow.places.values():
            on[place.name] = list(_targets(flow, place))
            for target in on[place.name]:
                self._back.setdefault(target, []).append(place.name)
        self._known: dict[object, Mapping[str | None, int]] = {}
        self._start = dict(_spread([flow.initial], on))

    def to_end(self, ends: tuple[str | None, ...] = ()) -> Mapping[str | None, int]:
        """Return how far each place is from one of *ends*; from any end, if none is named."""
        every = [None, *(one.name for one in self.flow.places.values() if isinstance(one, Final))]
        return self._far(("end", *ends), [one for one in every if not ends or one in ends])

    def from_start(self, name: str) -> int:
        """Return how far the place called *name* is from the first; 0 where no way leads to it."""
        return self._start.get(name, 0)

    def to_place(self, name: str) -> Mapping[str | None, int]:
        """Return how far each place is from the place called *name*."""
        return self._far(name, [name])

    def _far(self, key: object, goals: list[str | None]) -> Mapping[str | None, int]:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = dict(_spread(goals, self._back))
        return known


def _spread(
    goals: Sequence[str | None], ways: Mapping[str | None, Sequence[str | None]]
) -> Iterator[tuple[str | None, int]]:
    """Yield what *ways* lead to from *goals*, the nearest first, and how far each is."""
    seen = set(goals)
    ahead = deque((goal, 0) for goal in goals)
    while ahead:
        name, far = ahead.popleft()
        yield name, far
        for other in ways.get(name, ()):
            if other not in seen:
                seen.add(other)
                ahead.append((other, far + 1))


def _targets(flow: Flow, place: Place) -> Iterator[str | None]:
    for row in place.transitions:
        yield row.target
    if isinstance(place, State) and flow.on_error not in {None, place.name}:
        yield flow.on_error


def containment(root: Flow) -> Mapping[int, tuple[Flow, str]]:
    """Return the flow and the state in which each flow nested in *root* is met first, by its id."""
    found: dict[int, tuple[Flow, str]] = {}
    ahead = deque([root])
    while ahead:
        flow = ahead.popleft()
        for state in flow.states:
            for inner in (one for agent in state.agents for one in flows_of(agent)):
                if inner is not root and id(inner) not in found:
                    found[id(inner)] = (flow, state.name)
                    ahead.append(inner)
    return found
