"""A picture as Mermaid text, which GitHub and GitLab draw inside Markdown.

Mermaid's state diagrams have neither number chips nor dashed arrows, so order and faults are
words: ``(1) tests_pass``, ``on TimedOut``.  Every character that Mermaid or Markdown could read
as syntax is written as an entity code.

Source: https://mermaid.js.org/syntax/stateDiagram.html
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stateflow.diagram.box import Arrow, Box, Picture
from stateflow.diagram.closed import ALL, at_depth, close
from stateflow.diagram.look import INK, LOOKS, MUTED, shortened
from stateflow.diagram.overlay import coloured, dashed, faint, signed, step, warm
from stateflow.diagram.picture import picture
from stateflow.machine.flow import Flow

__all__ = ["fits", "fitting", "to_mermaid", "write"]

_DOT = "[*]"
"""Where a flow starts and where it ends, in each frame its own."""

_LONGEST = 50_000
"""Mermaid's ``maxTextSize`` [characters]; it draws nothing that is longer."""

_PLAIN = frozenset(" _-.,()≤→·…/=+−×●~'!?")
_LOOKS = list(LOOKS)
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
    return write(drawn) if depth is not None else fitting(drawn)


def write(drawn: Picture) -> str:
    """Return *drawn* as Mermaid text."""
    return "\n".join(["stateDiagram-v2", *_head(drawn), *_lines(_unbranched(drawn)), ""])


def fitting(drawn: Picture) -> str:
    """Return *drawn* as Mermaid text, with fewer frames open where it would be too long.

    What is too long even so is returned as it is; :func:`fits` tells.
    """
    text = write(drawn)
    if fits(text):
        return text
    deepest = max((box.within.count("/") + 1 for box in drawn.boxes if box.open), default=0)
    depth = bisect_left(range(deepest), x=True, key=lambda deep: not _fits_at(drawn, deep)) - 1
    return write(at_depth(drawn, depth) if depth >= 0 else close(drawn, [ALL]))


def _fits_at(drawn: Picture, depth: int) -> bool:
    return fits(write(at_depth(drawn, depth)))


def fits(text: str) -> bool:
    """Tell whether Mermaid draws a text of this length."""
    return len(text) <= _LONGEST


def _unbranched(drawn: Picture) -> Picture:
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


def _head(drawn: Picture) -> Iterator[str]:
    """Yield the words for people who hear the drawing."""
    yield f"  accTitle: {_text(drawn.name)}"
    yield f"  accDescr: {_text(drawn.caption)}"


def _lines(drawn: Picture) -> Iterator[str]:
    keys = _keys(drawn)
    yield from _level(drawn, keys, "", regions=False)
    yield from _classes([box for box in drawn.boxes if keys[box.key] != _DOT], keys)


def _level(drawn: Picture, keys: Mapping[str, str], frame: str, *, regions: bool) -> Iterator[str]:
    """Yield what stands in one frame, or on the paper itself; in regions where they are many."""
    if not regions:
        yield f"  direction {drawn.direction.upper()}"
    boxes = [box for box in drawn.inside(frame) if keys[box.key] != _DOT]
    for number, box in enumerate(boxes):
        if regions and number > 0:
            yield "  --"
        yield from _place(drawn, keys, box)
    for arrow in drawn.arrows:
        if _around(drawn, arrow) == frame:
            words = _words(arrow)
            ends = f"{keys[arrow.source]} --> {keys[arrow.target]}"
            yield f"  {ends} : {words}" if words else f"  {ends}"
    for box in drawn.boxes:
        if box.ends and box.within == frame and keys[box.key] != _DOT:
            yield f"  {keys[box.key]} --> {_DOT}"


def _around(drawn: Picture, arrow: Arrow) -> str:
    """Return the key of the frame that *arrow* is drawn in: a phase, where it does not leave it."""
    phases = {drawn.box(arrow.source).phase, drawn.box(arrow.target).phase}
    return phases.pop() or arrow.within if len(phases) == 1 else arrow.within


def _place(drawn: Picture, keys: Mapping[str, str], box: Box) -> Iterator[str]:
    if not box.open:
        yield f"  {_box(box, keys[box.key])}"
        return
    yield f"  {_framed(box, keys[box.key])} {{"
    for row in _level(drawn, keys, box.key, regions=box.frame == "parallel"):
        yield f"  {row}"
    yield "  }"


def _classes(boxes: Sequence[Box], keys: Mapping[str, str]) -> Iterator[str]:
    """Yield the colours of *boxes*, each of which has one class, what is drawn over it included."""
    classes: dict[str, list[Box]] = {}
    for box in sorted(boxes, key=lambda box: _LOOKS.index(box.look)):
        if box.look != "junction" or box.mark:
            classes.setdefault(_class(box), []).append(box)
    for name, members in classes.items():
        yield f"  classDef {name} {_style(members[0])}"
        yield f"  class {','.join(keys[box.key] for box in members)} {name}"


def _class(box: Box) -> str:
    frame = "frame" if box.open else ""
    heat = f"heat{step(box.heat) + 1}" if warm(box) else ""
    return "_".join(word for word in (box.look, frame, box.mark, heat) if word)


def _style(box: Box) -> str:
    """Return how *box* looks; a frame lets its reader's paper shine through, white or black."""
    colours = coloured(box)
    dash = ",stroke-dasharray:4" if dashed(box) else ""
    if box.open:
        return f"fill:transparent,stroke:{colours.ink}{dash}"
    ink = LOOKS[box.look].ink if box.look != "phase" else MUTED
    ink = MUTED if faint(box) else INK if warm(box) else ink
    thick = ",stroke-width:3px" if box.look == "human" or box.mark == "live" else ""
    return f"fill:{colours.tint},stroke:{colours.ink},color:{ink}{thick}{dash}"


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
    lines = [_name(box), _speaks(box), ", ".join(box.limits), *box.notes]
    shown = "<br/>".join(_text(shortened(line)) for line in lines if line)
    return f'state "{shown}" as {key}'


def _framed(box: Box, key: str) -> str:
    """Return the header of a composite state: one line, for Mermaid leaves no room for more."""
    parts = (_name(box), _speaks(box), ", ".join(box.limits))
    shown = " · ".join(_text(shortened(part)) for part in parts if part)
    return f'state "{shown}" as {key}'


def _name(box: Box) -> str:
    return signed(box, shortened(box.name))


def _speaks(box: Box) -> str:
    """Return who speaks in *box*."""
    parts = (box.tag, box.who, "" if box.open else box.holds)
    who = " ".join(part for part in parts if part)
    return f"{who} · {box.by}" if box.by else who


def _words(arrow: Arrow) -> str:
    order = f"({arrow.order})" if arrow.order is not None else ""
    action = f"/ {shortened(arrow.action)}" if arrow.action else ""
    asked = shortened(arrow.when) if arrow.when else ""
    told = signed(arrow, f"{asked} {action}".strip())
    return _text(f"{order} {told}".strip())


def _text(text: str) -> str:
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
