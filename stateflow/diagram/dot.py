r"""A picture as DOT text for Graphviz: the golden form of a drawing.

Round thinks, square computes, thick waits for a person, double ring ends.  Shape, tag and border
carry the meaning; colour only repeats it.

Source: https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final as Constant

from stateflow.diagram.box import Arrow, Box, Picture, at
from stateflow.diagram.label import (
    BREAK,
    SMALL,
    UNSEEN,
    arrow_look,
    bold,
    box_look,
    font,
    frame_look,
    gap,
    plain_text,
    quoted,
    words,
)
from stateflow.diagram.look import DARK, INK, MUTED, PAPER, Theme
from stateflow.diagram.picture import picture
from stateflow.machine.flow import Flow

__all__ = ["to_dot", "write"]

_FONT = "Helvetica,Arial,sans-serif"
_COLOUR: Constant = re.compile(r'(?<=olor=")#[0-9a-f]{6}(?=")', re.IGNORECASE)
"""A colour; never in a name, where the quotation mark would be escaped."""


def to_dot(flow: Flow, depth: int | None = None) -> str:
    """Return the drawing of *flow* as DOT text; the same flow gives the same bytes.

    Args:
        flow: what to draw.
        depth: so many flows are opened in one another [nested flows]; ``None``: all.
    """
    return write(picture(flow, depth))


def write(drawn: Picture, *, dpi: int | None = None, theme: Theme = "light") -> str:
    """Return *drawn* as DOT text.

    Args:
        drawn: what to draw.
        dpi: resolution of pixels [dots per inch]; leave it out for text and SVG.
        theme: colours of the day or of the night; SVG has both by itself.
    """
    text = "\n".join([f"digraph {quoted(drawn.name)} {{", *_lines(drawn, dpi), "}", ""])
    return text if theme == "light" else _COLOUR.sub(lambda found: DARK[found[0]], text)


def _lines(drawn: Picture, dpi: int | None) -> Iterator[str]:
    title = font(bold(drawn.name), "16", INK) + BREAK + gap()
    title += font(plain_text(drawn.caption), SMALL, MUTED)
    way = drawn.direction.upper()
    yield f'  graph [rankdir={way}, nodesep=0.45, ranksep=0.45, pad=0.25, bgcolor="{PAPER}",'
    yield f'    fontname="{_FONT}", labelloc=t, labeljust=l,'
    yield f"    label=<{title}{BREAK}{BREAK}>]"
    if dpi is not None:
        yield f"  graph [dpi={dpi}]"
    yield f'  node [fontname="{_FONT}", fontsize=12, shape=box, margin="0.14,0.07", height=0.4]'
    yield f'  edge [fontname="{_FONT}", fontsize=10, arrowsize=0.7]'
    yield ""
    if any(box.open for box in drawn.boxes):
        # ranks over phases, or each would be ranked alone, and ends stand between them
        ranks = ", newrank=true" if any(box.phase for box in drawn.boxes) else ""
        yield f"  graph [compound=true{ranks}]"
    yield from _level(drawn, "")
    yield ""
    framed = any(box.open for box in drawn.boxes)
    places = {box.key: place for place, box in enumerate(drawn.boxes)} if framed else {}
    for arrow in drawn.arrows:
        yield from _ways(drawn, arrow, places)


def _level(drawn: Picture, within: str) -> Iterator[str]:
    """Yield the boxes that stand in one frame, or on the paper itself, and frames among them."""
    for box in drawn.inside(within):
        if box.open:
            yield from _framed(drawn, box)
        else:
            yield f"  {quoted(box.key)} [{box_look(box)}]"


def _framed(drawn: Picture, box: Box) -> Iterator[str]:
    """Yield a frame with all that is in it, and the words of its ways into itself beside it.

    Branches hang between two points that nobody sees, so that they stand beside each other.
    """
    yield f"  subgraph {quoted(_cluster(box))} {{"
    yield f"    graph [{frame_look(box)}]"
    parts = drawn.inside(box.key) if box.frame == "parallel" else ()
    if parts:
        yield f"    {quoted(_in(box))}, {quoted(_out(box))} [{UNSEEN}]"
    for row in _level(drawn, box.key):
        yield f"  {row}"
    yield "  }"
    for part in parts:
        yield f"  {quoted(_in(box))} -> {quoted(_head(drawn, part))} [style=invis]"
        yield f"  {quoted(_tail(drawn, part))} -> {quoted(_out(box))} [style=invis]"
    for arrow in drawn.exits(box.key):
        if arrow.target == box.key:
            label = words(arrow, drawn.direction)
            shape = f"shape=plain, label=<{label}>" if label else UNSEEN
            yield f'  {quoted(_word(arrow))} [id="{arrow.id}-words", {shape}]'


def _ways(drawn: Picture, arrow: Arrow, places: Mapping[str, int]) -> Iterator[str]:
    """Yield *arrow*, cut at the border of the frames that it leaves and enters.

    Where there are frames, one that leads up is written downwards, with its head at the tail:
    Graphviz ranks frames before it looks for cycles, and would turn their order around.
    """
    source, target = drawn.box(arrow.source), drawn.box(arrow.target)
    if source is target and source.open:
        yield from _loop(drawn, source, arrow)
        return
    up = bool(places) and places[source.key] > places[target.key] and not target.ends
    upper, lower = (target, source) if up else (source, target)
    look = arrow_look(arrow, drawn.direction, framed=source.open or target.open)
    look += _cut(upper, lower, arrow.text)
    ends = f"{quoted(_tail(drawn, upper))} -> {quoted(_head(drawn, lower))}"
    yield f"  {ends} [{look}{', dir=back' if up else ''}]"


def _loop(drawn: Picture, box: Box, arrow: Arrow) -> Iterator[str]:
    """Yield the way from a frame into itself: up beside it, by way of its words."""
    word = quoted(_word(arrow))
    plain = replace(arrow, order=None, when="", action="", count=None)
    around = replace(plain, id=f"{arrow.id}-back")
    frame = quoted(_cluster(box))
    tail, head = quoted(_tail(drawn, box)), quoted(_head(drawn, box))
    yield f"  {word} -> {tail} [{arrow_look(plain, drawn.direction)}, lhead={frame}, dir=none]"
    yield f"  {head} -> {word} [{arrow_look(around, drawn.direction)}, ltail={frame}, dir=back]"


def _cut(upper: Box, lower: Box, told: str) -> str:
    """Return at which frames an arrow between the two is cut, and room to see it."""
    tail = f", ltail={quoted(_cluster(upper))}" if upper.open else ""
    head = f", lhead={quoted(_cluster(lower))}" if lower.open else ""
    room = ", minlen=2" if lower.open and lower.frame == "parallel" and not told else ""
    return f"{tail}{head}{room}"


def _cluster(box: Box) -> str:
    return f"cluster/{box.key}"  # the word by which Graphviz knows it


def _in(box: Box) -> str:
    return at(box.key, "/in")


def _out(box: Box) -> str:
    return at(box.key, "/out")


def _word(arrow: Arrow) -> str:
    return at(arrow.within, f"/{arrow.id}")


def _head(drawn: Picture, box: Box) -> str:
    """Return the node that arrows to *box* lead to: of a frame, the first one in it."""
    if not box.open:
        return box.key
    return _in(box) if box.frame == "parallel" else _head(drawn, drawn.inside(box.key)[0])


def _tail(drawn: Picture, box: Box) -> str:
    """Return the node that arrows from *box* come from: of a frame, its last end."""
    if not box.open:
        return box.key
    if box.frame == "parallel":
        return _out(box)
    inside = drawn.inside(box.key)
    ends = [one for look in ("failed", "final") for one in inside if one.look == look]
    return _tail(drawn, (ends or inside)[-1])
