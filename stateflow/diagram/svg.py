"""A picture as SVG, PNG or PDF.

Graphviz draws; the finish makes the drawing usable: words for people who cannot see it, ids to
link to, colours for the night, and nothing that differs from one version of Graphviz to the next
for no reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from stateflow.diagram.box import Arrow, Box
from stateflow.diagram.dot import write
from stateflow.diagram.layout import laid_out
from stateflow.diagram.look import DARK, Theme
from stateflow.diagram.overlay import tally
from stateflow.diagram.picture import Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["draw", "paper", "pixels", "to_png", "to_svg"]

_SVG = "http://www.w3.org/2000/svg"
_DPI = 144


def to_svg(flow: Flow, depth: int | None = None) -> str:
    """Return the drawing of *flow* as SVG, nested flows opened *depth* deep; ``None``: all.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    return draw(picture(flow, depth))


def draw(drawn: Picture) -> str:
    """Return *drawn* as SVG.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    return _finished(drawn, laid_out(drawn, write(drawn), "svg").decode("utf-8"))


def to_png(flow: Flow, depth: int | None = None) -> bytes:
    """Return the drawing of *flow* as PNG, nested flows opened *depth* deep; ``None``: all.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    return pixels(picture(flow, depth))


def pixels(drawn: Picture, theme: Theme = "light") -> bytes:
    """Return *drawn* as PNG.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    return laid_out(drawn, write(drawn, dpi=_DPI, theme=theme), "png")


def paper(drawn: Picture, theme: Theme = "light") -> bytes:
    """Return *drawn* as PDF.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    return laid_out(drawn, write(drawn, theme=theme), "pdf")


def _finished(drawn: Picture, svg: str) -> str:
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314 - drawn by Graphviz a moment ago; drops its comments
    root.set("role", "img")
    words = _titles(drawn)
    for group in root.iter(f"{{{_SVG}}}g"):
        for title in group.findall(f"{{{_SVG}}}title"):
            title.text = words.get(group.get("id", ""), drawn.name)
    for at, (tag, text) in enumerate(
        (("title", drawn.name), ("desc", _described(drawn)), ("style", _night()))
    ):
        element = ET.Element(f"{{{_SVG}}}{tag}")
        element.text, element.tail = text, "\n"
        root.insert(at, element)
    return ET.tostring(root, encoding="unicode") + "\n"


def _night() -> str:
    """Return the style that swaps every colour for its colour at night."""
    rules = "".join(
        f'[fill="{day}"]{{fill:{night}}}[stroke="{day}"]{{stroke:{night}}}'
        for day, night in DARK.items()
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"


def _titles(drawn: Picture) -> Mapping[str, str]:
    """Return what a pointer over each box and arrow shows: its words, in full."""
    titles = {
        box.id: " ".join(filter(None, (box.path, box.tag, box.who, _over(box))))
        for box in drawn.boxes
    }
    for arrow in drawn.arrows:
        told = _told(drawn, arrow)
        titles |= {arrow.id: told, f"{arrow.id}-words": told, f"{arrow.id}-back": told}
    return titles


def _told(drawn: Picture, arrow: Arrow) -> str:
    ends = f"{drawn.box(arrow.source).path} → {drawn.box(arrow.target).path}"
    told = " ".join(filter(None, (arrow.text, _over(arrow))))
    return f"{ends}: {told}" if told else ends


def _described(drawn: Picture) -> str:
    """Return the drawing in words, for people who hear it."""
    return " ".join(_sentences(drawn))


def _sentences(drawn: Picture) -> Iterator[str]:
    yield f"{drawn.caption}."
    yield f"Starts at {drawn.initial}."
    for box in drawn.boxes:
        exits = drawn.exits(box.key)
        if box.look == "start":
            if box.within:
                yield f"In {box.within} it starts at {drawn.box(exits[0].target).path}."
        elif box.frame == "phase" and box.open:
            held = ", ".join(one.path for one in drawn.inside(box.key))
            yield f"The phase {box.path} holds {held}."
        else:
            yield _sentence(drawn, box, exits)


def _sentence(drawn: Picture, box: Box, exits: Sequence[Arrow]) -> str:
    told = (box.tag, box.who, "" if box.open else box.holds, *box.limits, *box.notes, _over(box))
    who = ", ".join(filter(None, told))
    name = f"{box.path} ({who})" if who else box.path
    if not exits:
        return f"{name} {_stands(drawn, box)}."
    ways = (f"to {drawn.box(arrow.target).path}" + _asked(arrow) for arrow in exits)
    return f"{name} leads {', then '.join(ways)}."


def _asked(arrow: Arrow) -> str:
    told = ", ".join(filter(None, (arrow.text, _over(arrow))))
    return f" ({told})" if told else ""


def _over(thing: Box | Arrow) -> str:
    """Return in words what is drawn over *thing*."""
    change = thing.mark if thing.mark in {"added", "removed", "changed", "taken"} else ""
    return " ".join(filter(None, (change, tally(thing))))


def _stands(drawn: Picture, box: Box) -> str:
    """Return what a box without a way on is: a branch, or an end."""
    around = drawn.box(box.within).frame if box.within else ""
    if around == "parallel":
        return f"is a branch of {box.within}"
    if around == "steps":
        return f"is the last step of {box.within}"
    return f"ends{' not ok' if box.look == 'failed' else ''}"
