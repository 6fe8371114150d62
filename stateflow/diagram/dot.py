r"""A picture as DOT text for Graphviz: the golden form of a drawing.

Round thinks, square computes, thick waits for a person, double ring ends.  Shape, tag and border
carry the meaning; colour only repeats it.

Labels are HTML-like, in which only ``& < > " \`` could mean anything, and those are written as
character references.

Source: https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape

from stateflow.diagram.box import Arrow, Box, at
from stateflow.diagram.look import (
    AMBER,
    INK,
    LOOKS,
    MUTED,
    PAPER,
    STROKES,
    shortened,
    wrapped,
)
from stateflow.diagram.picture import START, Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["to_dot", "write"]

_FONT = "Helvetica,Arial,sans-serif"
_BREAK = '<BR ALIGN="LEFT"/>'
_SMALL = "9"
_GAP = f'<FONT POINT-SIZE="3" COLOR="{INK}">&#160;</FONT>{_BREAK}'
_UNSEEN = 'shape=point, style=invis, label="", width=0.01, height=0.01'
_CHIP = (
    '<TABLE BORDER="1" STYLE="ROUNDED" COLOR="{colour}" CELLBORDER="0" CELLSPACING="0" '
    'CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="14" HEIGHT="14">'
    '<TR><TD WIDTH="12" HEIGHT="12">'
)
"""A table of its own, because a cell would stretch with the words beside it."""


def to_dot(flow: Flow, depth: int | None = None) -> str:
    """Return the drawing of *flow* as DOT text; the same flow gives the same bytes.

    Args:
        flow: what to draw.
        depth: so many flows are opened in one another [nested flows]; ``None``: all.
    """
    return write(picture(flow, depth))


def write(drawn: Picture, *, dpi: int | None = None) -> str:
    """Return *drawn* as DOT text.

    Args:
        drawn: what to draw.
        dpi: resolution of pixels [dots per inch]; leave it out for text and SVG.
    """
    return "\n".join([f"digraph {_quoted(drawn.name)} {{", *_lines(drawn, dpi), "}", ""])


def _lines(drawn: Picture, dpi: int | None) -> Iterator[str]:
    title = _font(_bold(drawn.name), "16", INK) + _BREAK + _GAP
    title += _font(_text(drawn.caption), _SMALL, MUTED)
    yield f'  graph [rankdir=TB, nodesep=0.45, ranksep=0.45, pad=0.25, bgcolor="{PAPER}",'
    yield f'    fontname="{_FONT}", labelloc=t, labeljust=l,'
    yield f"    label=<{title}{_BREAK}{_BREAK}>]"
    if dpi is not None:
        yield f"  graph [dpi={dpi}]"
    yield f'  node [fontname="{_FONT}", fontsize=12, shape=box, margin="0.14,0.07", height=0.4]'
    yield f'  edge [fontname="{_FONT}", fontsize=10, arrowsize=0.7]'
    yield ""
    if any(box.open for box in drawn.boxes):
        yield "  graph [compound=true]"
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
            yield f"  {_quoted(box.key)} [{_box(box)}]"


def _framed(drawn: Picture, box: Box) -> Iterator[str]:
    """Yield a frame with all that is in it, and the words of its ways into itself beside it.

    Branches hang between two points that nobody sees, so that they stand beside each other.
    """
    yield f"  subgraph {_quoted(_cluster(box))} {{"
    yield f"    graph [{_frame(box)}]"
    parts = drawn.inside(box.key) if box.frame == "parallel" else ()
    if parts:
        yield f"    {_quoted(_in(box))}, {_quoted(_out(box))} [{_UNSEEN}]"
    for row in _level(drawn, box.key):
        yield f"  {row}"
    yield "  }"
    for part in parts:
        yield f"  {_quoted(_in(box))} -> {_quoted(_head(drawn, part))} [style=invis]"
        yield f"  {_quoted(_tail(drawn, part))} -> {_quoted(_out(box))} [style=invis]"
    for arrow in drawn.arrows:
        if arrow.source == arrow.target == box.key:
            words = _words(arrow, STROKES[arrow.stroke][0])
            shape = f"shape=plain, label=<{words}>" if words else _UNSEEN
            yield f'  {_quoted(_word(arrow))} [id="{arrow.id}-words", {shape}]'


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
    look = _arrow(arrow, framed=source.open or target.open) + _cut(upper, lower, arrow.text)
    ends = f"{_quoted(_tail(drawn, upper))} -> {_quoted(_head(drawn, lower))}"
    yield f"  {ends} [{look}{', dir=back' if up else ''}]"


def _loop(drawn: Picture, box: Box, arrow: Arrow) -> Iterator[str]:
    """Yield the way from a frame into itself: up beside it, by way of its words."""
    word = _quoted(_word(arrow))
    plain = replace(arrow, order=None, when="", action="")
    around = replace(plain, id=f"{arrow.id}-back")
    frame = _quoted(_cluster(box))
    tail, head = _quoted(_tail(drawn, box)), _quoted(_head(drawn, box))
    yield f"  {word} -> {tail} [{_arrow(plain)}, lhead={frame}, dir=none]"
    yield f"  {head} -> {word} [{_arrow(around)}, ltail={frame}, dir=back]"


def _cut(upper: Box, lower: Box, words: str) -> str:
    """Return at which frames an arrow between the two is cut, and room to see it."""
    tail = f", ltail={_quoted(_cluster(upper))}" if upper.open else ""
    head = f", lhead={_quoted(_cluster(lower))}" if lower.open else ""
    room = ", minlen=2" if lower.open and lower.frame == "parallel" and not words else ""
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


def _frame(box: Box) -> str:
    colours = LOOKS[box.look]
    return (
        f'id="{box.id}", style="rounded,filled", color="{colours.ink}", '
        f'fillcolor="{colours.tint}", margin=14, label=<{_GAP}{_label(box)}>'
    )


def _box(box: Box) -> str:
    colours = LOOKS[box.look]
    given = f'id="{box.id}", color="{colours.ink}", fillcolor="{colours.tint}"'
    if box.look == "start":
        return f'{given}, shape=circle, style=filled, label="", width=0.16, height=0.16'
    label = f"label=<{_label(box)}>"
    if box.look == "junction":
        return f'{given}, shape=diamond, style=filled, margin="0,0", {label}'
    style = "rounded,filled" if colours.round else "filled"
    more = ", penwidth=2.4" if box.look == "human" else ""
    if box.look in {"final", "failed"}:
        more = ', peripheries=2, margin="0.2,0.07"'
    return f'{given}, style="{style}"{more}, {label}'


def _label(box: Box) -> str:
    """Return the lines of a box: name, who speaks, limits, notes."""
    if box.look == "junction":
        return _font(_text(shortened(box.name)), _SMALL, INK)
    name = _font(_bold(shortened(box.name)), "12", INK)
    lines = [name]
    if box.tag:
        who = box.who if box.open or not box.holds else f"{box.who} {box.holds}".strip()
        who = shortened(f"{who} · {box.by}" if box.by else who)
        tag = _font(_bold(box.tag), _SMALL, LOOKS[box.look].ink)
        lines.append(f"{tag} {_font('&#160;' + _text(who), _SMALL, MUTED)}")
    if box.limits:
        lines.append(_font(_text(", ".join(box.limits)), _SMALL, AMBER))
    lines += [_font(_text(shortened(note)), _SMALL, MUTED) for note in box.notes]
    return lines[0] if len(lines) == 1 else "".join(line + _BREAK for line in lines)


def _arrow(arrow: Arrow, *, framed: bool = False) -> str:
    """Return how *arrow* looks; those that are *framed*, Graphviz ranks by their weight alone."""
    colour, dash = STROKES[arrow.stroke]
    given = f'id="{arrow.id}", color="{colour}"'
    if dash != "solid":
        given += f", style={dash}"
    if arrow.stroke in {"fault", "limit", "error"} and not framed:
        given += ", weight=0"
    if arrow.source == at(arrow.within, START):
        given += ", weight=4"
    label = _words(arrow, colour)
    return f"{given}, label=<{label}>" if label else given


def _words(arrow: Arrow, colour: str) -> str:
    """Return the label of an arrow: a chip with its number, guard and action."""
    cells = ""
    if arrow.order is not None:
        chip = _font(str(arrow.order), "8", colour)
        cells = f'<TD VALIGN="TOP">{_CHIP.format(colour=colour)}{chip}</TD></TR></TABLE></TD>'
    if arrow.text:
        cells += f'<TD ALIGN="LEFT" CELLPADDING="2">{_guard(arrow, colour)}</TD>'
    if not cells:
        return ""
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0">'
    return f'{table}<TR><TD WIDTH="3"></TD>{cells}</TR></TABLE>'


def _guard(arrow: Arrow, colour: str) -> str:
    when = shortened(arrow.when)
    if arrow.stroke == "plain" and when:
        when = f"[{when}]"
    action = f" / {shortened(arrow.action)}" if arrow.action else ""
    rows = wrapped((when + action).strip(), 2 * 48)
    italic = arrow.stroke == "else"
    shown = [f"<I>{_text(row)}</I>" if italic else _text(row) for row in rows]
    ink = MUTED if italic else INK if arrow.stroke == "plain" else colour
    text = shown[0] if len(shown) == 1 else "".join(row + _BREAK for row in shown)
    return _font(text, "10", ink)


def _quoted(text: str) -> str:
    r"""Return *text* as a DOT name: in quotes, ``"`` and ``\`` escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(text: str) -> str:
    return escape(text).replace("\\", "&#92;")


def _bold(text: str) -> str:
    return f"<B>{_text(text)}</B>"


def _font(text: str, size: str, colour: str) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{text}</FONT>'
