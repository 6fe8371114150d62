"""The flow as plain data to draw: boxes and arrows in definition order.

Everything a reader may need to judge a flow is here in full; writers shorten and escape.  Keys
of boxes that are no places begin with ``/``, which no name of a place can hold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.diagram.look import Look, Stroke, line
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.state import DEFAULT_TIMEOUT_S, Final, Junction, Place, State
from stateflow.machine.transition import Action, Transition

__all__ = ["DONE", "START", "Arrow", "Box", "Picture", "picture"]

START: Constant = "/start"
DONE: Constant = "/done"

_KINDS: Constant[dict[object, Look]] = {
    "llm": "llm",
    "human": "human",
    "code": "code",
    "tool": "tool",
}
_FEW = 6
"""Up to so many states ``on_error`` is drawn from each; beyond, the caption tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A place to draw, or the start dot, or done."""

    key: str
    name: str
    id: str
    look: Look
    tag: str = ""
    who: str = ""
    """Names of the agents."""
    by: str = ""
    """What the agent works by: a model or a sandbox."""
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Who picks, what is saved, entry and exit actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A transition to draw, or the way from the start dot, or ``on_error``."""

    source: str
    target: str
    id: str
    stroke: Stroke = "plain"
    order: int | None = None
    """When it is tried; ``None`` where there is one exit."""
    when: str = ""
    """Name of the guard, ``on X`` for faults, ``else``; empty where nothing is asked."""
    action: str = ""

    @property
    def text(self) -> str:
        """Guard and action, in full."""
        return f"{self.when} / {self.action}".strip() if self.action else self.when


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A flow to draw."""

    name: str
    description: str
    caption: str
    initial: str
    on_error: str | None
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def box(self, key: str) -> Box:
        """Return the box with this key."""
        return next(box for box in self.boxes if box.key == key)


def picture(flow: Flow) -> Picture:
    """Return *flow* as plain data to draw."""
    ids = _ids(flow.places)
    few = len(flow.states) <= _FEW
    boxes = [Box(key=START, name="start", id="start", look="start")]
    boxes += [
        _box(place, f"state-{ids[place.name]}", catches=place.name == flow.on_error and not few)
        for place in flow.places.values()
    ]
    if any(t.target is None for place in flow.places.values() for t in _exits(place)):
        boxes.append(Box(key=DONE, name="done", id="done", look="final"))
    arrows = [Arrow(source=START, target=flow.initial, id="edge-start")]
    for place in flow.places.values():
        arrows += _arrows(place, ids[place.name])
        if few and flow.on_error is not None and _may_err(place, flow.on_error):
            arrows.append(_error(place.name, flow.on_error, ids[place.name]))
    return Picture(
        name=line(flow.name),
        description=flow.description,
        caption=_caption(flow, few=few),
        initial=flow.initial,
        on_error=flow.on_error,
        boxes=tuple(boxes),
        arrows=tuple(arrows),
    )


def _exits(place: Place) -> tuple[Transition, ...]:
    return () if isinstance(place, Final) else place.transitions


def _ids(names: Iterable[str]) -> Mapping[str, str]:
    """Return an id for each place: its name, where that can be one, and unlike the others."""
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = re.sub(r"[^\w-]+", "-", name).strip("-") or "x"
        found, count = stem, 1
        while found in taken:
            count += 1
            found = f"{stem}.{count}"
        taken.add(found)
        ids[name] = found
    return ids


def _box(place: Place, key_id: str, *, catches: bool) -> Box:
    caught = ("takes any error",) if catches else ()
    if isinstance(place, Final):
        look: Look = "final" if place.ok else "failed"
        notes = (*caught, *_acts("entry", place.entry))
        return Box(key=place.name, name=place.name, id=key_id, look=look, notes=notes)
    if isinstance(place, Junction):
        return Box(key=place.name, name=place.name, id=key_id, look="junction", notes=caught)
    kinds = tuple(dict.fromkeys(_kind(agent) for agent in place.agents))
    return Box(
        key=place.name,
        name=place.name,
        id=key_id,
        look=_kind(place.agent),
        tag=" → ".join(kind.upper() for kind in kinds),
        who=" → ".join(line(agent.name) for agent in place.agents),
        by=_by(place.agent) if len(place.agents) == 1 else "",
        limits=tuple(_limits(place)),
        notes=(*caught, *_notes(place)),
    )


def _kind(agent: Agent) -> Look:
    kind: object = getattr(agent, "kind", "tool")
    return _KINDS.get(kind, "tool") if isinstance(kind, str) else "tool"


def _by(agent: Agent) -> str:
    """Return the sandbox that code runs in, or the model's name without its provider.

    ``openai:gpt-5`` is ``gpt-5``.
    """
    sandbox: object = getattr(getattr(agent, "sandbox", None), "name", None)
    if isinstance(sandbox, str):
        return line(sandbox)
    model: object = getattr(agent, "model", None)
    model = getattr(model, "name", model)  # of one that is more than its name
    if not isinstance(model, str) or not model.strip():
        return ""
    if model.startswith("scripted:"):
        return "scripted"
    return line(model.split(":", 1)[-1].rsplit("/", 1)[-1] or model)


def _limits(state: State) -> Iterator[str]:
    if state.visits is not None:
        yield f"≤ {state.visits} visit{'' if state.visits == 1 else 's'}"
    if state.timeout_s != DEFAULT_TIMEOUT_S:
        yield f"≤ {_number(state.timeout_s)} s"


def _notes(state: State) -> Iterator[str]:
    if state.choose is not None:
        yield f"chosen by {line(state.choose.name)}"
    yield from _acts("entry", state.entry)
    if state.save is not None:
        yield f"saves {line(state.save)}"
    yield from _acts("exit", state.exit)


def _acts(word: str, action: Action | None) -> Iterator[str]:
    if action is not None:
        yield f"{word} / {_action(action)}"


def _action(action: Action | None) -> str:
    if action is None:
        return ""
    return line(str(getattr(action, "__name__", type(action).__name__)))


def _arrows(place: Place, name: str) -> Iterator[Arrow]:
    exits = _exits(place)
    chosen = isinstance(place, State) and place.choose is not None
    for number, transition in enumerate(exits, 1):
        only = len(exits) == 1
        stroke, when = _asked(transition.when, quiet=only or chosen)
        yield Arrow(
            source=place.name,
            target=DONE if transition.target is None else transition.target,
            id=f"edge-{name}-{number}",
            stroke=stroke,
            order=None if only else number,
            when=when,
            action=_action(transition.do),
        )


def _asked(guard: Guard | None, *, quiet: bool) -> tuple[Stroke, str]:
    """Return how *guard* is drawn, and its words."""
    if guard is None:
        return ("plain", "") if quiet else ("else", "else")
    if guard.faults:
        return "fault", f"on {_faults(guard)}"
    return ("limit" if guard.exhausts else "plain"), _bare(guard)


def _bare(guard: Guard) -> str:
    """Return the name of *guard*, without the brackets around the whole of a joined one."""
    name = line(guard.name)
    joined = isinstance(guard.form, Mapping) and bool({"and", "or"} & set(guard.form))
    return name[1:-1] if joined and name[:1] == "(" and name[-1:] == ")" else name


def _faults(guard: Guard) -> str:
    """Return what *guard* waits for: ``raised('TimedOut')`` waits for ``TimedOut``."""
    form = guard.form
    if not isinstance(form, Mapping) or form.get("guard") != "raised":
        return _bare(guard)
    named = form.get("args", ())
    faults = [str(fault) for fault in named] if isinstance(named, Sequence) else []
    return line(", ".join(faults)) if faults else "any fault"


def _may_err(place: Place, on_error: str) -> bool:
    return isinstance(place, State) and place.name != on_error


def _error(source: str, target: str, name: str) -> Arrow:
    return Arrow(
        source=source, target=target, id=f"edge-{name}-error", stroke="error", when="on error"
    )


def _caption(flow: Flow, *, few: bool) -> str:
    transitions = sum(len(_exits(place)) for place in flow.places.values())
    parts = [_count(len(flow.states), "state"), _count(transitions, "transition")]
    limits = ", ".join(_budget(flow.budget))
    parts.append(f"budget {limits}" if limits else "no budget")
    if flow.on_error is not None and not few:
        parts.append(f"any error leads to {line(flow.on_error)}")
    return " · ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _budget(budget: Budget) -> Iterator[str]:
    if budget.usd is not None and not math.isinf(budget.usd):
        yield f"${budget.usd:,.2f}" if budget.usd >= 0.01 else f"${budget.usd:g}"  # noqa: PLR2004 - a cent
    for unit in ("turns", "calls", "tokens"):
        limit = getattr(budget, unit)
        if limit is not None and not math.isinf(limit):
            yield f"{_number(limit)} {unit.removesuffix('s') if limit == 1 else unit}"
    if budget.seconds is not None and not math.isinf(budget.seconds):
        yield f"{_number(budget.seconds)} s"


def _number(number: float) -> str:
    """Return *number* as people write it: ``60``, ``1,500``, ``0.5``."""
    return f"{int(number):,}" if number == int(number) else f"{number:,g}"
