"""A picture with frames drawn closed: a phase, or a flow that runs in a state, as one box.

What led to a place in it leads to the box, and what left a place in it leaves the box: once to each
end, however many places it came from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from stateflow.diagram.box import Arrow, Box, Mark, Picture
from stateflow.diagram.words import counted
from stateflow.errors import StateflowError

__all__ = ["ALL", "at_depth", "close", "frames"]

ALL = "all"
"""Closes every frame."""


def frames(drawn: Picture) -> tuple[str, ...]:
    """Return what is drawn open and can be closed, by path: phases, states with flows in them."""
    return tuple(box.path for box in drawn.boxes if box.open)


def close(drawn: Picture, names: Collection[str], *, strict: bool = True) -> Picture:
    """Return *drawn* with the frames of these *names* closed.

    Args:
        drawn: what to draw.
        names: phases, and states in which flows run, by path or by name; ``all``: every one.
        strict: whether each of the names must be one that can be closed.

    Raises:
        StateflowError: no frame has such a name.
    """
    known = {name for box in drawn.boxes if box.open for name in (box.path, box.name)}
    unknown = next((name for name in names if name != ALL and name not in known), None)
    if strict and unknown is not None:
        there = ", ".join(frames(drawn)) or "none"
        raise StateflowError(
            f"flow {drawn.name!r} has no phase and no nested flow {unknown!r} that could be drawn "
            f"closed; it has: {there}"
        )
    shut = {
        box.key
        for box in drawn.boxes
        if box.open and (ALL in names or box.path in names or box.name in names)
    }
    return _folded(drawn, shut)


def at_depth(drawn: Picture, depth: int) -> Picture:
    """Return *drawn* with flows opened only *depth* deep in one another [nested flows]."""
    deep: dict[str, int] = {"": 0}
    shut: set[str] = set()
    for box in drawn.boxes:
        around = deep[box.within]
        deep[box.key] = around + (box.frame == "flow")
        if box.open and box.frame != "phase" and around >= depth:
            shut.add(box.key)
    return _folded(drawn, shut)


def _folded(drawn: Picture, shut: Collection[str]) -> Picture:
    if not shut:
        return drawn
    into = _into(drawn, shut)
    boxes = tuple(
        _shut(drawn, box) if box.key in shut else replace(box, on_error=_caught(box.on_error, into))
        for box in drawn.boxes
        if box.key not in into
    )
    phases = {key for key in shut if drawn.box(key).frame == "phase"}
    return replace(
        drawn,
        boxes=boxes,
        arrows=tuple(_arrows(drawn, into, phases)),
        initial=drawn.box(into.get(drawn.initial, drawn.initial)).path,
        on_error=_caught(drawn.on_error, into),
    )


def _caught(place: str | None, into: Mapping[str, str]) -> str | None:
    """Return what stands for the place that takes errors."""
    return None if place is None else into.get(place, place)


def _into(drawn: Picture, shut: Collection[str]) -> Mapping[str, str]:
    """Return the closed box that stands for each box that is drawn no more."""
    into: dict[str, str] = {}
    for box in drawn.boxes:
        for around in (box.phase, box.within):
            if around in shut or around in into:
                into[box.key] = into.get(around, around)
                break
    for key in reversed(into):  # a phase may stand in what is closed, too
        into[key] = into.get(into[key], into[key])
    return into


def _shut(drawn: Picture, box: Box) -> Box:
    if box.frame != "phase":
        return replace(box, open=False)
    inside = drawn.inside(box.key)
    held = [one for one in inside if one.look != "junction" and not one.ends]
    counts = [one.count for one in inside if one.count is not None]
    return replace(
        box,
        open=False,
        holds=f"({counted(len(held), 'state')})",
        mark=_mark(frozenset(one.mark for one in inside)),
        count=max(counts, default=None),
        heat=max((one.heat for one in inside), default=0.0),
    )


def _mark(marks: AbstractSet[Mark]) -> Mark:
    """Return what is over a phase as one box, where its places have *marks*."""
    if len(marks) == 1:
        return next(iter(marks))
    if marks & _CHANGES:
        return "changed"
    return "live" if "live" in marks else "taken" if "taken" in marks else ""


def _arrows(drawn: Picture, into: Mapping[str, str], phases: AbstractSet[str]) -> list[Arrow]:
    found: dict[tuple[str, str, str], list[Arrow]] = {}
    for arrow in drawn.arrows:
        source, target = into.get(arrow.source, arrow.source), into.get(arrow.target, arrow.target)
        moved = replace(arrow, source=source, target=target)
        if phases & {source, target} or arrow.within in phases:
            if source != target:
                found.setdefault((source, target, _kind(arrow)), []).append(moved)
        elif arrow.source not in into:
            found[arrow.id, "", ""] = [moved]
    return [_joined(together, phases) for together in found.values()]


def _kind(arrow: Arrow) -> str:
    return "red" if arrow.stroke in {"fault", "error"} else arrow.stroke


def _joined(arrows: list[Arrow], phases: AbstractSet[str]) -> Arrow:
    """Return one arrow for all of *arrows*, which lead from one box to one."""
    first = arrows[0]
    if first.source in phases:
        first = replace(first, order=None)
        if first.stroke == "else":  # of what came before it, nothing is to be seen
            first = replace(first, stroke="plain", when="")
    if len(arrows) == 1:
        return first
    texts = dict.fromkeys(arrow.text for arrow in arrows)
    told = first.text if len(texts) == 1 else counted(len(arrows), "transition")
    marks = {arrow.mark for arrow in arrows}
    counts = [arrow.count for arrow in arrows if arrow.count is not None]
    plain = "plain" if first.stroke == "else" and len(texts) > 1 else first.stroke
    return replace(
        first,
        stroke=plain,
        order=None,
        when=told,
        action="",
        mark=first.mark if len(marks) == 1 else "changed" if marks & _CHANGES else "",
        count=sum(counts) if counts else None,
        heat=max(arrow.heat for arrow in arrows),
    )


_CHANGES = frozenset({"added", "removed", "changed"})
