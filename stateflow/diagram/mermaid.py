"""A picture as Mermaid text, which GitHub and GitLab draw inside Markdown.

Mermaid's state diagrams have neither number chips nor dashed arrows, so order and faults are
words: ``(1) tests_pass``, ``on TimedOut``.  Every character that Mermaid or Markdown could read
as syntax is written as an entity code.

Source: https://mermaid.js.org/syntax/stateDiagram.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from stateflow.diagram.box import Arrow, Box
from stateflow.diagram.look import LOOKS, Look, shortened
from stateflow.diagram.picture import Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["to_mermaid"]

_DOT = "[*]"
"""Where a flow starts and where it ends, in each frame its own."""

_LONGEST = 50_000
"""Mermaid's ``maxTextSize`` [characters]; it draws nothing that is longer."""

_PLAIN = frozenset(" _-.,()≤→·…/=+'!?")
_TAKEN = frozenset(
    """
    accdescr acctitle as class classdef click default direction end fork href join note scale
    state statediagram style
    """.split()  # noqa: SIM905 - words of Mermaid, easier to read so
)


def to_mermaid(flow: Flow, depth: int | None = None) -> str:
    """Return the drawing of *flow* as Mermaid text; the same flow gives the same bytes.

    Args:
        flow: what to draw.
        depth: so many flows are opened in one another [nested flows]; ``None``: all, or as many
            as Mermaid's limit on the length of a text leaves.
    """
    drawn = picture(flow, depth)
    text = _written(drawn)
    deepest = max((box.key.count("/") + 1 for box in drawn.boxes if box.open), default=0)
    for fewer in range(deepest - 1, -1, -1) if depth is None else ():
        if len(text) <= _LONGEST:
            break
        text = _written(picture(flow, fewer))
    return text


def _written(drawn: Picture) -> str:
    return "\n".join(["stateDiagram-v2", *_lines(_closed(drawn)), ""])


def _closed(drawn: Picture) -> Picture:
    """Return *drawn* with all that is nested in a branch closed.

    Mermaid fails at an arrow to a composite state in a region of a parallel one.
    """
    branches = {
        part.key for box in drawn.boxes if box.frame == "parallel" for part in drawn.inside(box.key)
    }
    gone: set[str] = set()
    boxes: list[Box] = []
    for box in drawn.boxes:
        if box.within in gone:
            gone.add(box.key)
        elif box.open and box.within in branches:
            gone.add(box.key)
            boxes.append(replace(box, open=False))
        else:
            boxes.append(box)
    arrows = tuple(arrow for arrow in drawn.arrows if arrow.within not in gone)
    return replace(drawn, boxes=tuple(boxes), arrows=arrows)


def _lines(drawn: Picture) -> Iterator[str]:
    keys = _keys(drawn)
    yield from _level(drawn, keys, "", regions=False)
    yield from _classes([box for box in drawn.boxes if keys[box.key] != _DOT], keys)


def _level(drawn: Picture, keys: Mapping[str, str], within: str, *, regions: bool) -> Iterator[str]:
    """Yield what stands in one frame, or on the paper itself; in regions where they are many."""
    if not regions:
        yield "  direction TB"
    boxes = [box for box in drawn.inside(within) if keys[box.key] != _DOT]
    for number, box in enumerate(boxes):
        if regions and number > 0:
            yield "  --"
        yield from _place(drawn, keys, box)
    for arrow in drawn.arrows:
        if arrow.within == within:
            words = _words(arrow)
            ends = f"{keys[arrow.source]} --> {keys[arrow.target]}"
            yield f"  {ends} : {words}" if words else f"  {ends}"
    for box in boxes:
        if box.ends:
            yield f"  {keys[box.key]} --> {_DOT}"


def _place(drawn: Picture, keys: Mapping[str, str], box: Box) -> Iterator[str]:
    if not box.open:
        yield f"  {_box(box, keys[box.key])}"
        return
    yield f"  {_framed(box, keys[box.key])} {{"
    for row in _level(drawn, keys, box.key, regions=box.frame == "parallel"):
        yield f"  {row}"
    yield "  }"


def _classes(boxes: list[Box], keys: Mapping[str, str]) -> Iterator[str]:
    looks: list[Look] = [look for look in LOOKS if look not in {"start", "junction"}]
    for look in looks:
        members = [keys[box.key] for box in boxes if box.look == look]
        if members:
            colours = LOOKS[look]
            thick = ",stroke-width:3px" if look == "human" else ""
            yield (
                f"  classDef {look} fill:{colours.tint},stroke:{colours.ink},"
                f"color:{colours.ink}{thick}"
            )
            yield f"  class {','.join(members)} {look}"


def _keys(drawn: Picture) -> Mapping[str, str]:
    """Return what each box is called in the text: a word that is none of Mermaid's own.

    Mermaid calls the dots in a composite state ``x`` ``x_start`` and ``x_end``.
    """
    keys: dict[str, str] = {}
    taken = _dots("root")
    for box in drawn.boxes:
        if box.look == "start" or box.done:
            keys[box.key] = _DOT
            continue
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", box.path)
        if stem.lower() in _TAKEN or not re.match(r"[A-Za-z]", stem):
            stem = f"s_{stem}"
        found, count = stem, 1
        while taken & {found, *_dots(found, box)}:
            count += 1
            found = f"{stem}__{count}"
        taken |= {found, *_dots(found, box)}
        keys[box.key] = found
    return keys


def _dots(key: str, box: Box | None = None) -> set[str]:
    """Return what Mermaid calls the dots in *key*, where that is open."""
    return {f"{key}_start", f"{key}_end"} if box is None or box.open else set()


def _box(box: Box, key: str) -> str:
    if box.look == "junction":
        return f"state {key} <<choice>>"
    lines = [box.name, _speaks(box), ", ".join(box.limits), *box.notes]
    shown = "<br/>".join(_text(shortened(line)) for line in lines if line)
    return f'state "{shown}" as {key}'


def _framed(box: Box, key: str) -> str:
    """Return the header of a composite state: one line, for Mermaid leaves no room for more."""
    parts = (box.name, _speaks(box), ", ".join(box.limits))
    shown = " · ".join(_text(shortened(part)) for part in parts if part)
    return f'state "{shown}" as {key}'


def _speaks(box: Box) -> str:
    """Return who speaks in *box*."""
    parts = (box.tag, box.who, "" if box.open else box.holds)
    who = " ".join(part for part in parts if part)
    return f"{who} · {box.by}" if box.by else who


def _words(arrow: Arrow) -> str:
    order = f"({arrow.order})" if arrow.order is not None else ""
    action = f"/ {shortened(arrow.action)}" if arrow.action else ""
    parts = (order, shortened(arrow.when) if arrow.when else "", action)
    return _text(" ".join(part for part in parts if part))


def _text(text: str) -> str:
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
