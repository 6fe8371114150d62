"""What there is to cover of a flow: its places, transitions, guards, stops, tools, branches.

Everything is read from the flow itself, with the line that it was written in.  The stops are those
that it can come to: each of its ends, and the pauses that nothing in it prevents.  An item is told
by names alone, never by objects, so that what one process saw can be added to what another did, and
what runs did to what journals tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final as Constant
from typing import Literal, NamedTuple, TypeAlias

from stateflow.diagram.words import asking
from stateflow.machine.budget import Budget
from stateflow.machine.check.faults import faults_untaken
from stateflow.machine.check.guards import without_else
from stateflow.machine.flow import Flow
from stateflow.machine.origin import Origin
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition
from stateflow.testing.home import Home, home_of

__all__ = ["ANY", "ON_ERROR", "Item", "Kind", "Outline", "outline"]

Kind: TypeAlias = Literal[
    "place", "taken", "true", "false", "stop", "tool", "fault", "branch", "stood", "error"
]
"""``taken``, ``true`` and ``false`` are of a transition, ``fault`` is a tool call that failed;
``stood`` (a run stopped there) and ``error`` (a place that ``on_error`` was taken from) are counted
and are nothing to cover."""

ANY: Constant = ""
"""Where ``on_error`` leads from: no place can be called so."""

ON_ERROR: Constant = "on_error"


class Item(NamedTuple):
    """One thing of a flow that runs come by, or do not.

    Example:
        >>> str(Item("taken", "review", 0, "says('OK')", "write"))
        "review → write [says('OK')]"
    """

    kind: Kind
    at: str
    """The place; of a stop its kind, of a tool its name."""
    number: int = -1
    """Which transition of its place, from 0."""
    guard: str = ""
    """Its guard; ``""``: it asks nothing."""
    to: str = ""
    """Where a transition leads, ``""`` is done; the final of a stop; the branch."""

    @property
    def way(self) -> str:
        """Where from and where to."""
        return f"{self.at or 'any'} → {self.to or 'done'}"

    def __str__(self) -> str:
        """Return a transition in words; of anything else its name."""
        if self.kind in {"taken", "true", "false"}:
            return f"{self.way} [{self.guard or 'else'}]"
        return self.to or self.at


@dataclass(frozen=True, slots=True)
class Outline:
    """What there is to cover of one flow."""

    flow: Home
    items: Mapping[Item, int]
    """Each with its line, or the flow's where it is in another file; 0 where nobody knows."""

    def __add__(self, other: Outline) -> Outline:
        """Return what either holds: one line of code may build a flow in several ways."""
        if self.items == other.items:
            return self
        both = {**other.items, **self.items}
        for item in self.items.keys() & other.items.keys():
            both[item] = min(self.items[item], other.items[item])
        return Outline(self.flow, MappingProxyType(dict(sorted(both.items()))))


def outline(flow: Flow) -> Outline:
    """Return what there is to cover of *flow*, without the flows in it.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> told = outline(Flow("say", State("say", echo, to(None))))
        >>> [(item.kind, str(item)) for item in told.items]
        [('place', 'say'), ('stop', 'done'), ('taken', 'say → done [else]')]
    """
    return Outline(home_of(flow), MappingProxyType(dict(sorted(_items(flow)))))


def _items(flow: Flow) -> Iterator[tuple[Item, int]]:
    for place in flow.places.values():
        line = _line(place.origin, flow)
        yield Item("place", place.name), line
        for number, transition in enumerate(place.transitions):
            yield from _transition(place, number, transition, _line(transition.origin, flow))
        if isinstance(place, State):
            yield from _spoken(place, line)
    if flow.on_error is not None:
        way = Item("taken", ANY, guard=ON_ERROR, to=flow.on_error)
        yield way, _line(flow.origin, flow)
    yield from _stops(flow)


def _line(origin: Origin | None, flow: Flow) -> int:
    here = flow.origin
    if here is None:
        return 0
    return origin.line if origin is not None and origin.file == here.file else here.line


def _transition(
    place: Place, number: int, transition: Transition, line: int
) -> Iterator[tuple[Item, int]]:
    guard = "" if transition.when is None else transition.when.name
    taken = Item("taken", place.name, number, guard, transition.target or "")
    yield taken, line
    if guard:
        yield taken._replace(kind="true"), line
        yield taken._replace(kind="false"), line


def _spoken(state: State, line: int) -> Iterator[tuple[Item, int]]:
    if isinstance(state, Parallel):
        for branch in state.branches:
            yield Item("branch", state.name, to=branch.name), line
    for agent in state.agents:
        for tool in getattr(agent, "toolbox", ()):
            yield Item("tool", str(tool.name)), line


def _stops(flow: Flow) -> Iterator[tuple[Item, int]]:
    line = _line(flow.origin, flow)
    places = flow.places.values()
    if any(row.target is None for place in places for row in place.transitions):
        yield Item("stop", "done"), line
    for place in places:
        if isinstance(place, Final):
            yield Item("stop", "final", to=place.name), _line(place.origin, flow)
    for kind in _pauses(flow):
        yield Item("stop", kind), line


def _pauses(flow: Flow) -> Iterator[str]:
    """Yield why a run of *flow* may stop and go on: what ``check`` finds, limits, and people."""
    if any(True for place in flow.places.values() for _ in without_else(flow, place)):
        yield "stuck"
    if any(True for _ in faults_untaken(flow)):
        yield "failed"
    limited = flow.budget != Budget() or any(state.visits is not None for state in flow.states)
    if limited and not all(_has_exhausted(state) for state in flow.states):
        yield "budget"
    if any(_asks(agent) for agent in flow.everybody):
        yield "waiting"


def _has_exhausted(state: State) -> bool:
    return any(row.when is not None and row.when.exhausts for row in state.transitions)


def _asks(agent: object) -> bool:
    """Tell whether *agent* is a person, or may have to ask one."""
    return getattr(agent, "kind", "") == "human" or any(asking(agent))  # type: ignore[arg-type]
