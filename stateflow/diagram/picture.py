"""The flow as plain data to draw: what was declared, in definition order.

Everything a reader may need to judge a flow is here in full; writers shorten and escape.  A flow
that runs in a state is drawn in a frame, however deep; recursion is told, never followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.diagram import words
from stateflow.diagram.box import DONE, MORE, START, Arrow, Box, Picture, at
from stateflow.diagram.look import Look, line
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.table_json import names_apart

__all__ = ["BRANCHES", "DONE", "START", "Arrow", "Box", "Picture", "picture"]

BRANCHES: Constant = 12
"""So many branches of a parallel state are drawn; a last box tells how many more there are."""

_FEW = 6
"""Up to so many states ``on_error`` is drawn from each; beyond, the caption tells it."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where something is drawn: the frame, and what may yet be opened there."""

    key: str
    stem: str
    """Of ids; empty on the paper itself."""
    deeper: float
    """So many flows may be opened in one another."""
    branches: float
    around: tuple[Flow, ...]
    """Flows that this one is drawn in, so that recursion ends."""

    def at(self, key: str) -> str:
        return at(self.key, key)

    def id(self, stem: str) -> str:
        return at(self.stem, stem)

    def dot(self, word: str) -> str:
        """Return the id of the box *word*, which is no place."""
        return f"{word}-{self.stem}" if self.stem else word

    def into(self, key: str, stem: str) -> _Spot:
        return replace(self, key=self.at(key), stem=self.id(stem))


def picture(flow: Flow, depth: int | None = None, *, branches: int | None = BRANCHES) -> Picture:
    """Return *flow* as plain data to draw.

    Args:
        flow: what to draw.
        depth: so many flows are opened in one another, 0 opens none [nested flows]; ``None``
            opens all but recursion.
        branches: so many branches of a parallel state are drawn; ``None`` draws all.
    """
    deeper = math.inf if depth is None else depth
    most = math.inf if branches is None else branches
    parts = tuple(_flow(flow, _Spot("", "", deeper, most, ())))
    return Picture(
        name=line(flow.name),
        description=flow.description,
        caption=_caption(flow),
        initial=flow.initial,
        on_error=flow.on_error,
        boxes=tuple(part for part in parts if isinstance(part, Box)),
        arrows=tuple(part for part in parts if isinstance(part, Arrow)),
    )


def _flow(flow: Flow, spot: _Spot) -> Iterator[Box | Arrow]:
    """Yield all that is drawn of *flow*."""
    spot = replace(spot, around=(*spot.around, flow))
    stems = _stems(flow.places)
    few = _few(flow)
    yield _dot(spot, START, "start", "start")
    yield Arrow(
        source=spot.at(START),
        target=spot.at(flow.initial),
        id=f"edge-{spot.id('start')}",
        within=spot.key,
    )
    phases = _stems(place.phase for place in flow.places.values() if place.phase)
    begun: set[str] = set()
    for place in _by_phase(flow.places.values()):
        if place.phase and place.phase not in begun:
            begun.add(place.phase)
            yield _phase(place.phase, spot, phases[place.phase])
        for part in _place(place, spot, stems[place.name], catches=place.name == flow.on_error):
            yield _in_phase(part, place, spot)
        yield from _arrows(place, spot, stems[place.name])
        if few and flow.on_error is not None and _may_err(place, flow.on_error):
            yield _error(place.name, flow.on_error, spot, stems[place.name])
    if any(t.target is None for place in flow.places.values() for t in place.transitions):
        yield _dot(spot, DONE, "done", "final")


def _by_phase(places: Iterable[Place]) -> Iterator[Place]:
    """Yield *places* in order, those of one phase where its first one stands."""
    phases: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        phases.setdefault((place.phase, "" if place.phase else place.name), []).append(place)
    for together in phases.values():
        yield from together


def _phase(phase: str, spot: _Spot, stem: str) -> Box:
    return Box(
        key=spot.at(f"/phase {phase}"),
        name=phase,
        id=f"phase-{spot.id(stem)}",
        look="phase",
        within=spot.key,
        frame="phase",
        open=True,
    )


def _in_phase(part: Box | Arrow, place: Place, spot: _Spot) -> Box | Arrow:
    """Return *part* of what is drawn of *place*, in the phase that the place is part of."""
    if not place.phase or not isinstance(part, Box) or part.within != spot.key:
        return part
    return replace(part, phase=spot.at(f"/phase {place.phase}"))


def _few(flow: Flow) -> bool:
    return len(flow.states) <= _FEW


def _dot(spot: _Spot, key: str, name: str, look: Look) -> Box:
    return Box(key=spot.at(key), name=name, id=spot.dot(name), look=look, within=spot.key)


def _stems(names: Iterable[str]) -> Mapping[str, str]:
    """Return the stem of an id for each name: the name, where it can be one, unlike others."""
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        stem = re.sub(r"[^\w-]+", "-", name).strip("-") or "x"
        found, count = stem, 1
        while found in taken:
            count += 1
            found = f"{stem}.{count}"
        taken.add(found)
        stems[name] = found
    return stems


def _place(place: Place, spot: _Spot, stem: str, *, catches: bool) -> Iterator[Box | Arrow]:
    """Yield the box of *place*, and what is drawn in it."""
    caught = ("takes any error",) if catches and not _few(spot.around[-1]) else ()
    box = Box(
        key=spot.at(place.name),
        name=place.name,
        id=f"state-{spot.id(stem)}",
        look="junction",
        notes=caught,
        within=spot.key,
    )
    if isinstance(place, Final):
        look: Look = "final" if place.ok else "failed"
        yield replace(box, look=look, notes=(*caught, *words.acts("entry", place.entry)))
    elif isinstance(place, Junction):
        yield box
    elif any(isinstance(agent, FlowAgent) for agent in place.agents):
        yield from _nested(place, _spoken(box, place), spot, spot.into(place.name, stem))
    else:
        yield _spoken(box, place)


def _spoken(box: Box, state: State) -> Box:
    """Return *box* with who speaks in it."""
    kinds = tuple(dict.fromkeys(words.kind(agent) for agent in state.agents))
    return replace(
        box,
        look=words.kind(state.agent),
        tag=" → ".join(kind.upper() for kind in kinds),
        who=" → ".join(line(agent.name) for agent in state.agents),
        by=words.by(state.agent) if len(state.agents) == 1 else "",
        limits=tuple(words.limits(state)),
        notes=(*box.notes, *words.notes(state)),
    )


def _nested(state: State, box: Box, spot: _Spot, inside: _Spot) -> Iterator[Box | Arrow]:
    """Yield the frame of a state in which flows run, and what is in it."""
    if isinstance(state.agent, FlowAgent) and len(state.agents) == 1:
        told = replace(box, notes=(*words.passed(state.agent), *box.notes))
        yield from _framed(state.agent, told, spot, inside)
        return
    flows = [agent for agent in state.agents if isinstance(agent, FlowAgent)]
    given = tuple(dict.fromkeys(words.passed(agent) for agent in flows))
    shared = given[0] if len(given) == 1 else ()
    box = replace(
        box, look="flow", notes=(*shared, *box.notes), frame="steps", open=spot.deeper > 0
    )
    if isinstance(state, Parallel):
        box = replace(
            box,
            tag="PARALLEL",
            who=words.joined(state),
            frame="parallel",
            holds=f"({len(flows)} branches)",
        )
    yield box
    if box.open:
        yield from _parts(box, state.agents, inside, told=not shared)


def _framed(agent: FlowAgent, box: Box, spot: _Spot, inside: _Spot) -> Iterator[Box | Arrow]:
    """Yield *box* as the frame of the flow that *agent* runs, and what is in it."""
    flow = agent.flow
    box = replace(box, look="flow", tag="FLOW")
    if any(flow is one for one in spot.around):
        yield replace(box, who="itself (recursion)")
        return
    box = replace(
        box,
        who=words.flow_name(agent, box.name),
        limits=(*box.limits, *words.own_budget(flow)),
        frame="flow",
        holds=words.held(flow),
        open=spot.deeper > 0,
        on_error=None if flow.on_error is None else inside.at(flow.on_error),
    )
    yield box
    if box.open:
        yield from _flow(flow, replace(inside, deeper=spot.deeper - 1))


def _parts(
    frame: Box, agents: Sequence[Agent], spot: _Spot, *, told: bool
) -> Iterator[Box | Arrow]:
    """Yield the branches of a parallel state, or the steps of one with nested flows.

    Where *told*, each says what it is given.
    """
    parallel = frame.frame == "parallel"
    drawn = agents[: int(min(spot.branches, len(agents)))] if parallel else agents
    names = names_apart(agent.name for agent in agents)
    stems = _stems(names)
    for number, (name, agent) in enumerate(zip(names, drawn, strict=False)):
        yield from _part(agent, name, stems[name], spot, told=told)
        if not parallel and number > 0:
            before = names[number - 1]
            yield Arrow(
                source=spot.at(before),
                target=spot.at(name),
                id=f"edge-{spot.id(stems[before])}-1",
                within=spot.key,
            )
    if len(drawn) < len(agents):
        yield _dot(spot, MORE, f"and {len(agents) - len(drawn)} more", "flow")


def _part(agent: Agent, name: str, stem: str, spot: _Spot, *, told: bool) -> Iterator[Box | Arrow]:
    """Yield one branch or step."""
    look = words.kind(agent)
    box = Box(
        key=spot.at(name),
        name=name,
        id=f"state-{spot.id(stem)}",
        look=look,
        tag=look.upper(),
        within=spot.key,
    )
    if isinstance(agent, FlowAgent):
        box = replace(box, notes=words.passed(agent) if told else ())
        yield from _framed(agent, box, spot, spot.into(name, stem))
    else:
        yield replace(box, who=line(agent.name), by=words.by(agent))


def _arrows(place: Place, spot: _Spot, stem: str) -> Iterator[Arrow]:
    exits = place.transitions
    chosen = isinstance(place, State) and place.choose is not None
    for number, transition in enumerate(exits, 1):
        only = len(exits) == 1
        stroke, when = words.asked(transition, quiet=only or chosen)
        yield Arrow(
            source=spot.at(place.name),
            target=spot.at(DONE if transition.target is None else transition.target),
            id=f"edge-{spot.id(stem)}-{number}",
            stroke=stroke,
            order=None if only else number,
            when=when,
            action=words.done(transition),
            within=spot.key,
            number=number - 1,
        )


def _may_err(place: Place, on_error: str) -> bool:
    return isinstance(place, State) and place.name != on_error


def _error(source: str, target: str, spot: _Spot, stem: str) -> Arrow:
    return Arrow(
        source=spot.at(source),
        target=spot.at(target),
        id=f"edge-{spot.id(stem)}-error",
        stroke="error",
        when="on error",
        within=spot.key,
    )


def _caption(flow: Flow) -> str:
    transitions = sum(len(place.transitions) for place in flow.places.values())
    parts = [words.counted(len(flow.states), "state"), words.counted(transitions, "transition")]
    nested = len(flow.flows) - 1  # tools that are flows included
    if nested:
        parts.append(words.counted(nested, "nested flow"))
    limits = ", ".join(words.spent(flow.budget))
    parts.append(f"budget {limits}" if limits else "no budget")
    if flow.on_error is not None and not _few(flow):
        parts.append(f"any error leads to {line(flow.on_error)}")
    return " · ".join(parts)
