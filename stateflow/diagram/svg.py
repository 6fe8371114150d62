"""A picture as SVG or PNG.  The only module that knows ``graphviz``.

Graphviz draws; the finish makes the drawing usable: words for people who cannot see it, ids to
link to, colours for the night, and nothing that differs from one version of Graphviz to the next
for no reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from stateflow.diagram.box import Arrow, Box
from stateflow.diagram.dot import write
from stateflow.diagram.look import DARK
from stateflow.diagram.picture import Picture, picture
from stateflow.errors import StateflowError
from stateflow.machine.flow import Flow

__all__ = ["to_png", "to_svg"]

_SVG = "http://www.w3.org/2000/svg"
_DPI = 144


def to_svg(flow: Flow, depth: int | None = None) -> str:
    """Return the drawing of *flow* as SVG, nested flows opened *depth* deep; ``None``: all.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    drawn = picture(flow, depth)
    return _finished(drawn, _pipe(drawn, write(drawn), "svg").decode("utf-8"))


def to_png(flow: Flow, depth: int | None = None) -> bytes:
    """Return the drawing of *flow* as PNG, nested flows opened *depth* deep; ``None``: all.

    Raises:
        StateflowError: Graphviz is not installed, or could not draw it.
    """
    drawn = picture(flow, depth)
    return _pipe(drawn, write(drawn, dpi=_DPI), "png")


def _pipe(drawn: Picture, dot: str, form: str) -> bytes:
    import graphviz  # pyright: ignore[reportMissingTypeStubs]  # annotated, but ships no py.typed

    try:
        drawing: bytes = graphviz.Source(dot).pipe(format=form)
    except graphviz.ExecutableNotFound as error:
        raise _undrawn(
            drawn,
            form,
            "the program `dot` of Graphviz is not on PATH; install it with "
            "`apt-get install graphviz` or `brew install graphviz`",
        ) from error
    except graphviz.CalledProcessError as error:
        raise _undrawn(drawn, form, f"Graphviz failed: {error}") from error
    return drawing


def _undrawn(drawn: Picture, form: str, why: str) -> StateflowError:
    return StateflowError(
        f"flow {drawn.name!r} cannot be drawn as {form}: {why}; "
        "`--format mermaid|text|dot` always work"
    )


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
    titles = {box.id: " ".join(filter(None, (box.path, box.tag, box.who))) for box in drawn.boxes}
    for arrow in drawn.arrows:
        told = _told(drawn, arrow)
        titles |= {arrow.id: told, f"{arrow.id}-words": told, f"{arrow.id}-back": told}
    return titles


def _told(drawn: Picture, arrow: Arrow) -> str:
    ends = f"{drawn.box(arrow.source).path} → {drawn.box(arrow.target).path}"
    return f"{ends}: {arrow.text}" if arrow.text else ends


def _described(drawn: Picture) -> str:
    """Return the drawing in words, for people who hear it."""
    return " ".join(_sentences(drawn))


def _sentences(drawn: Picture) -> Iterator[str]:
    yield f"{drawn.caption}."
    yield f"Starts at {drawn.initial}."
    for box in drawn.boxes:
        exits = [arrow for arrow in drawn.arrows if arrow.source == box.key]
        if box.look == "start":
            if box.within:
                yield f"In {box.within} it starts at {drawn.box(exits[0].target).path}."
            continue
        told = (box.tag, box.who, "" if box.open else box.holds, *box.limits)
        who = f" ({', '.join(filter(None, told))})" if box.tag else ""
        if not exits:
            yield f"{box.path}{who} {_stands(drawn, box)}."
            continue
        ways = (
            f"to {drawn.box(arrow.target).path}" + (f" ({arrow.text})" if arrow.text else "")
            for arrow in exits
        )
        yield f"{box.path}{who} leads {', then '.join(ways)}."


def _stands(drawn: Picture, box: Box) -> str:
    """Return what a box without a way on is: a branch, or an end."""
    around = drawn.box(box.within).frame if box.within else ""
    if around == "parallel":
        return f"is a branch of {box.within}"
    if around == "steps":
        return f"is the last step of {box.within}"
    return f"ends{' not ok' if box.look == 'failed' else ''}"
