r"""A picture as DOT text for Graphviz: the golden form of a drawing.

Round thinks, square computes, thick waits for a person, double ring ends.  Shape, tag and border
carry the meaning; colour only repeats it.

Labels are HTML-like, in which only ``& < > " \`` could mean anything, and those are written as
character references.

Source: https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

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
from stateflow.diagram.picture import START, Arrow, Box, Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["to_dot", "write"]

_FONT = "Helvetica,Arial,sans-serif"
_BREAK = '<BR ALIGN="LEFT"/>'
_SMALL = "9"
_CHIP = (
    '<TABLE BORDER="1" STYLE="ROUNDED" COLOR="{colour}" CELLBORDER="0" CELLSPACING="0" '
    'CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="14" HEIGHT="14">'
    '<TR><TD WIDTH="12" HEIGHT="12">'
)
"""A table of its own, because a cell would stretch with the words beside it."""


def to_dot(flow: Flow) -> str:
    """Return the drawing of *flow* as DOT text; the same flow gives the same bytes."""
    return write(picture(flow))


def write(drawn: Picture, *, dpi: int | None = None) -> str:
    """Return *drawn* as DOT text.

    Args:
        drawn: what to draw.
        dpi: resolution of pixels [dots per inch]; leave it out for text and SVG.
    """
    return "\n".join([f"digraph {_quoted(drawn.name)} {{", *_lines(drawn, dpi), "}", ""])


def _lines(drawn: Picture, dpi: int | None) -> Iterator[str]:
    gap = _font("&#160;", "3", INK) + _BREAK
    title = _font(_bold(drawn.name), "16", INK) + _BREAK + gap
    title += _font(_text(drawn.caption), _SMALL, MUTED)
    yield f'  graph [rankdir=TB, nodesep=0.45, ranksep=0.45, pad=0.25, bgcolor="{PAPER}",'
    yield f'    fontname="{_FONT}", labelloc=t, labeljust=l,'
    yield f"    label=<{title}{_BREAK}{_BREAK}>]"
    if dpi is not None:
        yield f"  graph [dpi={dpi}]"
    yield f'  node [fontname="{_FONT}", fontsize=12, shape=box, margin="0.14,0.07", height=0.4]'
    yield f'  edge [fontname="{_FONT}", fontsize=10, arrowsize=0.7]'
    yield ""
    for box in drawn.boxes:
        yield f"  {_quoted(box.key)} [{_box(box)}]"
    yield ""
    for arrow in drawn.arrows:
        yield f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [{_arrow(arrow)}]"


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
        who = shortened(f"{box.who} · {box.by}" if box.by else box.who)
        tag = _font(_bold(box.tag), _SMALL, LOOKS[box.look].ink)
        lines.append(f"{tag} {_font('&#160;' + _text(who), _SMALL, MUTED)}")
    if box.limits:
        lines.append(_font(_text(", ".join(box.limits)), _SMALL, AMBER))
    lines += [_font(_text(shortened(note)), _SMALL, MUTED) for note in box.notes]
    return lines[0] if len(lines) == 1 else "".join(line + _BREAK for line in lines)


def _arrow(arrow: Arrow) -> str:
    colour, dash = STROKES[arrow.stroke]
    given = f'id="{arrow.id}", color="{colour}"'
    if dash != "solid":
        given += f", style={dash}"
    if arrow.stroke in {"fault", "limit", "error"}:
        given += ", weight=0"
    if arrow.source == START:
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
