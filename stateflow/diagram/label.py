r"""How one box, frame or arrow looks in DOT, and the words on it.

Labels are HTML-like, in which only ``& < > " \`` could mean anything, and those are written as
character references.

Source: https://graphviz.org/doc/info/shapes.html#html
"""

from __future__ import annotations

from html import escape

from stateflow.diagram.box import START, Arrow, Box, at
from stateflow.diagram.look import AMBER, INK, LOOKS, MUTED, STROKES, Direction, shortened, wrapped
from stateflow.diagram.overlay import coloured, dashed, faint, ink, pen, sign, tally, told, warm

__all__ = ["BREAK", "SMALL", "UNSEEN", "arrow_look", "bold", "box_look", "font", "frame_look"]
__all__ += ["gap", "plain_text", "quoted", "words"]

SMALL = "9"
BREAK = '<BR ALIGN="LEFT"/>'
UNSEEN = 'shape=point, style=invis, label="", width=0.01, height=0.01'
_CHIP = (
    '<TABLE BORDER="1" STYLE="ROUNDED" COLOR="{colour}" CELLBORDER="0" CELLSPACING="0" '
    'CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="14" HEIGHT="14">'
    '<TR><TD WIDTH="12" HEIGHT="12" VALIGN="BOTTOM">'
)
"""A table of its own, because a cell would stretch with the words beside it."""


def frame_look(box: Box) -> str:
    """Return how the frame of *box* looks."""
    colours = coloured(box)
    style = "rounded,filled,dashed" if dashed(box) else "rounded,filled"
    return (
        f'id="{box.id}", style="{style}", color="{colours.ink}", '
        f'fillcolor="{colours.tint}", margin=14{_pen(box)}, label=<{gap()}{_label(box)}>'
    )


def box_look(box: Box) -> str:
    """Return how *box* looks where it is no frame."""
    colours = coloured(box)
    given = f'id="{box.id}", color="{colours.ink}", fillcolor="{colours.tint}"'
    if box.look == "start":
        return f'{given}, shape=circle, style=filled, label="", width=0.16, height=0.16'
    label = f"label=<{_label(box)}>"
    if box.look == "junction":
        return f'{given}, shape=diamond, style=filled, margin="0,0"{_pen(box)}, {label}'
    style = "rounded,filled" if colours.round else "filled"
    style += ",dashed" if dashed(box) else ""
    more = _pen(box)
    if box.look in {"final", "failed"}:
        more += ', peripheries=2, margin="0.2,0.07"'
    return f'{given}, style="{style}"{more}, {label}'


def arrow_look(arrow: Arrow, direction: Direction, *, framed: bool = False) -> str:
    """Return how *arrow* looks; those that are *framed*, Graphviz ranks by their weight alone."""
    colour, dash = ink(arrow), STROKES[arrow.stroke][1]
    given = f'id="{arrow.id}", color="{colour}"'
    if dashed(arrow):
        dash = "dashed"
    if dash != "solid":
        given += f", style={dash}"
    if pen(arrow) > 1:
        given += f", penwidth={pen(arrow):g}"
    if arrow.stroke in {"fault", "limit", "error"} and not framed:
        given += ", weight=0"
    if arrow.source == at(arrow.within, START):
        given += ", weight=4"
    label = words(arrow, direction)
    return f"{given}, label=<{label}>" if label else given


def words(arrow: Arrow, direction: Direction) -> str:
    """Return the label of *arrow*: a chip with its number, guard, action and what is over it.

    It is held off the line, which passes on its left, or below where drawings grow to the right.
    """
    colour = told(arrow)
    cells = ""
    if arrow.order is not None:
        chip = font(str(arrow.order), "8", colour)
        cells = f'<TD VALIGN="TOP">{_CHIP.format(colour=colour)}{chip}</TD></TR></TABLE></TD>'
    if sign(arrow):
        cells += f'<TD CELLPADDING="2">{font(bold(sign(arrow)), "11", colour)}</TD>'
    if arrow.text:
        cells += f'<TD ALIGN="LEFT" CELLPADDING="2">{_guard(arrow, colour)}</TD>'
    if tally(arrow):
        cells += f'<TD CELLPADDING="2">{font(tally(arrow), SMALL, colour)}</TD>'
    if not cells:
        return ""
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0">'
    below = '<TR><TD HEIGHT="4"></TD></TR>' if direction == "lr" else ""
    return f'{table}<TR><TD WIDTH="3"></TD>{cells}</TR>{below}</TABLE>'


def quoted(text: str) -> str:
    r"""Return *text* as a DOT name: in quotes, ``"`` and ``\`` escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def plain_text(text: str) -> str:
    r"""Return *text* so that a label shows it as it is.

    Backslashes are doubled, for Graphviz reads ``\N`` as a name even where it is a reference.

    Example:
        >>> plain_text("<b> & \\N")
        '&lt;b&gt; &amp; &#92;&#92;N'
    """
    return escape(text).replace("\\", "&#92;&#92;")


def bold(text: str) -> str:
    """Return *text* in bold letters."""
    return f"<B>{plain_text(text)}</B>"


def font(label: str, size: str, colour: str) -> str:
    """Return *label* in letters of this size [points] and colour."""
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{label}</FONT>'


def gap() -> str:
    """Return a line that only holds the next one off."""
    return f'<FONT POINT-SIZE="3" COLOR="{INK}">&#160;</FONT>{BREAK}'


def _pen(box: Box) -> str:
    thick = 4.0 if box.mark == "live" else 2.4 if box.look == "human" or box.mark == "taken" else 1
    return f", penwidth={thick:g}" if thick > 1 else ""


def _label(box: Box) -> str:
    """Return the lines of a box: name, who speaks, limits, notes."""
    name = _name(box)
    if box.look == "junction":
        return name
    lines = [name]
    who = box.who if box.open or not box.holds else f"{box.who} {box.holds}".strip()
    who = shortened(f"{who} · {box.by}" if box.by else who)
    if box.tag:
        tag = font(bold(box.tag), SMALL, _on(box, LOOKS[box.look].ink))
        lines.append(f"{tag} {font('&#160;' + plain_text(who), SMALL, _on(box, MUTED))}")
    elif who:
        lines.append(font(plain_text(who), SMALL, _on(box, MUTED)))
    if box.limits:
        lines.append(font(plain_text(", ".join(box.limits)), SMALL, _on(box, AMBER)))
    lines += [font(plain_text(shortened(note)), SMALL, _on(box, MUTED)) for note in box.notes]
    return lines[0] if len(lines) == 1 else "".join(line + BREAK for line in lines)


def _on(box: Box, colour: str) -> str:
    """Return *colour*, or the one that words on *box* have in its stead, so that they are read."""
    return MUTED if faint(box) else INK if warm(box) else colour


def _name(box: Box) -> str:
    """Return the name of *box*, with the sign of what is over it before and the tally behind."""
    colour = _on(box, INK)
    if box.look == "junction":
        name = font(plain_text(shortened(box.name)), SMALL, colour)
    elif box.frame == "phase" and box.open:
        name = font(bold(shortened(box.name)), "11", MUTED)
    else:
        name = font(bold(shortened(box.name)), "12", colour)
    before = f"{font(bold(sign(box)), '12', coloured(box).ink)} " if sign(box) else ""
    after = f" {font('&#160;' + tally(box), SMALL, colour)}" if tally(box) else ""
    return f"{before}{name}{after}"


def _guard(arrow: Arrow, colour: str) -> str:
    when = shortened(arrow.when)
    if arrow.stroke == "plain" and when:
        when = f"[{when}]"
    action = f" / {shortened(arrow.action)}" if arrow.action else ""
    rows = wrapped((when + action).strip(), 2 * 48)
    italic = arrow.stroke == "else"
    shown = [f"<I>{plain_text(row)}</I>" if italic else plain_text(row) for row in rows]
    over = arrow.mark in {"", "taken"} and not arrow.count
    own = MUTED if italic else INK if arrow.stroke == "plain" else colour
    text = shown[0] if len(shown) == 1 else "".join(row + BREAK for row in shown)
    return font(text, "10", own if over else colour)
