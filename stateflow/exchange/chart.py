"""A flow as a statechart: one row a transition, with the events that offer it.

What SCXML and XState have in common, made once: ids that both can name, flows laid out inside of
the states that nest them, and for every transition the events of the kernel that offer it.

The rule: ``said`` offers all transitions of a state but its deadlines, in order; ``raised`` those
whose guard names faults; ``exhausted`` those that ask about the budget; ``after`` its deadlines,
and those that name faults, for a deadline that passes is one.  What leads on from a junction is
offered at once.  A flow's ``on_error`` is the last row that ``raised`` and ``after`` offer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.exchange.condition import Form, chosen
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Place, State
from stateflow.machine.transition import Transition

__all__ = ["Chart", "Naming", "Offer", "Row", "Spot", "asked", "chart_of"]

Offer: TypeAlias = Literal["said", "raised", "exhausted", "after"]
"""What offers a transition: how a turn came to its step, or that time passed."""

_Told: TypeAlias = Mapping[str, Any]

_DEEPEST: Constant = 50
"""Flows in flows; other tools read a document as deep by recursion."""
_LARGEST: Constant = 20_000
"""Places of a document; a flow that is nested twice is laid out twice."""
_PLAIN: Constant = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One transition."""

    order: int
    """Place in the order of trial; ``on_error`` comes after all others."""
    target: str
    """Key of the place that it leads to, in the same chart."""
    offers: tuple[Offer, ...]
    """Empty: at once."""
    transition: Transition | None
    """As it was declared; ``None``: the flow's ``on_error``."""

    @property
    def guard(self) -> Form | None:
        """Its guard, deadline included; ``None``: there is none."""
        guard = None if self.transition is None else self.transition.when
        return None if guard is None else cast("Form", guard.form)


@dataclass(frozen=True, slots=True)
class Spot:
    """One place."""

    key: str
    """What it is called among its neighbours."""
    id: str
    """What it is called in the whole document."""
    place: Place
    rows: tuple[Row, ...]
    inner: tuple[Chart, ...]
    """The flow that runs here, or the branches; empty where an agent speaks."""
    channel: str
    """Id of the branch that its events are for; empty: there is none, events are for all."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One flow, in one place of a document."""

    key: str
    id: str
    flow: Flow
    agent: FlowAgent | None
    """Who speaks for it; ``None``: it is the whole."""
    spots: tuple[Spot, ...]
    done: str
    """Key of the end that ``None`` leads to; empty: nothing leads there."""
    places: Mapping[str, _Told]
    """What the flow's table says of each place."""
    agents: Mapping[int, _Told]
    """What it says of each agent, by identity."""

    def walk(self) -> Iterator[Chart]:
        """Yield this chart and those inside, from the outside in, in order."""
        ahead: list[Chart] = [self]
        while ahead:
            chart = ahead.pop(0)
            yield chart
            ahead[:0] = [inner for spot in chart.spots for inner in spot.inner]


@dataclass(frozen=True, slots=True)
class Naming:
    """How a form wants its keys."""

    form: str
    """Name of the form, for errors."""
    fine: re.Pattern[str]
    """Names that can stand as they are."""

    def keys(self, names: Sequence[str]) -> list[str]:
        """Return a key for each of the *names*, no two alike, the same for the same names."""
        taken = {name for name in names if self.fine.fullmatch(name)}
        keys: list[str] = []
        for name in names:
            if name in taken and name not in keys:
                keys.append(name)
                continue
            plain = _PLAIN.sub("_", name).strip("_")[:40]
            base = key = plain if plain[:1].isalpha() else f"s_{plain}".rstrip("_")
            count = 1
            while key in taken or not self.fine.fullmatch(key):
                count += 1
                key = f"{base}_{count}"
            taken.add(key)
            keys.append(key)
        return keys


def chart_of(flow: Flow, naming: Naming) -> Chart:
    """Return *flow* as a chart.

    Raises:
        DefinitionError: it is laid out too deep, or too large.
    """
    return _Layout(flow, naming).chart(flow, None, "", "", "", 1)


def asked(spot: Spot, row: Row, guard: Form | None) -> Form | None:
    """Return what must hold for *row* to be taken: its *guard*, and that its chooser picks it."""
    place = spot.place
    if not isinstance(place, State) or place.choose is None or "said" not in row.offers:
        return guard
    return chosen(row.order) if guard is None else {"and": [guard, chosen(row.order)]}


def _told(flow: Flow) -> tuple[Mapping[str, _Told], Mapping[int, _Told]]:
    table: Any = flow.table()
    places = dict(zip(flow.places, table["places"], strict=True))
    return places, dict(zip(map(id, flow.agents), table["agents"], strict=True))


class _Layout:
    """Lays one document out; counts what it holds."""

    def __init__(self, whole: Flow, naming: Naming) -> None:
        self.whole = whole
        self.naming = naming
        self.places = 0

    def chart(
        self,
        flow: Flow,
        agent: FlowAgent | None,
        key: str,
        id: str,  # noqa: A002 - as the field is called
        channel: str,
        depth: int,
    ) -> Chart:
        """Lay out *flow*, whose place in the document is *id*."""
        self.places += len(flow.places)
        if depth > _DEEPEST or self.places > _LARGEST:
            found = f"more than {_DEEPEST} deep" if depth > _DEEPEST else f"{_LARGEST} places"
            raise DefinitionError(
                f"flow {self.whole.name!r} comes to {found} once the flows in it are laid out in "
                f"their states, as {self.naming.form} wants; export it as json, which holds each "
                "flow once"
            )
        ends = any(t.target is None for place in flow.places.values() for t in place.transitions)
        names = [*flow.places, *(["done"] if ends else [])]
        given = self.naming.keys(names)
        keys = dict(zip(flow.places, given, strict=False))
        done = given[-1] if ends else ""
        spots: list[Spot] = []
        for name, place in flow.places.items():
            here = f"{id}-{keys[name]}" if id else keys[name]
            rows = tuple(_rows(flow, place, keys, done))
            inner = self._inner(flow, place, here, channel, depth)
            spots.append(Spot(keys[name], here, place, rows, inner, channel))
        return Chart(key, id, flow, agent, tuple(spots), done, *_told(flow))

    def _inner(
        self,
        flow: Flow,
        place: Place,
        id: str,  # noqa: A002 - as the field is called
        channel: str,
        depth: int,
    ) -> tuple[Chart, ...]:
        if isinstance(place, Parallel):
            keys = self.naming.keys([agent.name for agent in place.branches])
            return tuple(
                self.chart(agent.flow, agent, key, f"{id}-{key}", f"{id}-{key}", depth + 1)
                for agent, key in zip(place.branches, keys, strict=True)
                if agent.flow is not flow
            )
        agent = place.agent if isinstance(place, State) and len(place.agents) == 1 else None
        if isinstance(agent, FlowAgent) and agent.flow is not flow:
            return (self.chart(agent.flow, agent, "", id, channel, depth + 1),)
        return ()


def _rows(flow: Flow, place: Place, keys: dict[str, str], done: str) -> Iterator[Row]:
    for order, transition in enumerate(place.transitions):
        target = done if transition.target is None else keys[transition.target]
        yield Row(order, target, tuple(_offers(place, transition)), transition)
    on_error = flow.on_error
    if on_error is not None and isinstance(place, State) and on_error != place.name:
        offers: tuple[Offer, ...] = ("raised", "after") if place.deadline else ("raised",)
        yield Row(len(place.transitions), keys[on_error], offers, None)


def _offers(place: Place, transition: Transition) -> Iterator[Offer]:
    if not isinstance(place, State):
        return
    if transition.after is not None:
        yield "after"
        return
    yield "said"
    guard = transition.when
    if guard is None:
        return
    if guard.faults:
        yield "raised"
    if guard.exhausts:
        yield "exhausted"
    if guard.faults and place.deadline is not None:
        yield "after"
