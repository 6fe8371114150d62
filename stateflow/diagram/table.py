"""The transition table of a flow: as text for terminals, as Markdown for pull requests.

One row a transition, in the order they are tried.  Nothing is shortened here: this is where a
reviewer reads which guard or order has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from stateflow.diagram.box import Arrow, Box, Picture, at
from stateflow.diagram.look import line, width
from stateflow.diagram.mermaid import fits, fitting
from stateflow.diagram.overlay import signed
from stateflow.diagram.picture import picture
from stateflow.machine.flow import Flow

__all__ = ["Row", "page", "rows", "to_page", "to_text", "write"]

_HEAD = ("state", "kind", "agent", "#", "when", "to")
_WIDEST = 48
"""A column gives room for so much; longer cells go on in the line below [columns]."""


class Row(NamedTuple):
    """One row; the first three are empty where the state is that of the row above."""

    state: str
    kind: str
    agent: str
    order: str
    """Its place in the order of trial, ``!`` added where it takes faults or a used-up budget."""
    when: str
    to: str


def rows(drawn: Picture) -> tuple[Row, ...]:
    """Return the transition table of *drawn*, ``on_error`` last in each flow.

    Places of nested flows are called by their paths, and follow the state that they run in.
    """
    return tuple(_level(_Index.of(drawn), "", drawn.on_error))


def to_text(flow: Flow, depth: int | None = None) -> str:
    """Return the transition table of *flow* as text; the same flow gives the same bytes.

    Args:
        flow: whose table it is.
        depth: so many flows are opened in one another [nested flows]; ``None``: all.
    """
    return write(picture(flow, depth, branches=None))


def write(drawn: Picture) -> str:
    """Return the transition table of *drawn* as text."""
    cells = [[_folded(cell) for cell in row] for row in [_HEAD, *rows(drawn)]]
    widths = [
        max(width(part) for row in cells for part in row[column]) for column in range(len(_HEAD))
    ]
    lines = [f"(●) → {drawn.initial}"]
    for row in cells:
        lines += [_aligned(parts, widths) for parts in zip_longest(*row, fillvalue="")]
    return "\n".join([*lines, ""])


def to_page(flow: Flow, depth: int | None = None) -> str:
    """Return the Markdown page of *flow*: drawing, table and fingerprint.

    Args:
        flow: what the page is about.
        depth: so many flows are opened in one another in its drawing [nested flows]; ``None``:
            all.  The table is always whole.
    """
    return page(picture(flow, depth), picture(flow, branches=None), flow.fingerprint())


def page(drawn: Picture, whole: Picture, fingerprint: str = "") -> str:
    """Return a Markdown page: a drawing, a table and a fingerprint.

    Args:
        drawn: what is drawn; frames are closed where Mermaid would have too much to read.
        whole: what the table tells.
        fingerprint: of the flow; left out if empty.
    """
    text = fitting(drawn)
    drawing = (
        f"```mermaid\n{text}```"
        if fits(text)
        else "*Too large to be drawn here: Mermaid reads no more than 50,000 characters.*"
    )
    parts = [
        f"# {_markdown(drawn.name)}",
        *_paragraphs(drawn.description),
        f"*{_markdown(drawn.caption)}*",
        drawing,
        _markdown_table(whole),
        *([f"Fingerprint: `{fingerprint}`"] if fingerprint else []),
    ]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Index:
    """A picture, by what is looked for in it."""

    boxes: Mapping[str, Box]
    inside: Mapping[str, Sequence[Box]]
    exits: Mapping[str, Sequence[Arrow]]

    @classmethod
    def of(cls, drawn: Picture) -> _Index:
        boxes = {box.key: box for box in drawn.boxes}
        inside: dict[str, list[Box]] = {"": [], **{key: [] for key in boxes}}
        exits: dict[str, list[Arrow]] = {key: [] for key in boxes}
        for box in drawn.boxes:
            inside[box.within].append(box)
        for arrow in drawn.arrows:
            if arrow.stroke != "error":
                exits[arrow.source].append(arrow)
        return cls(boxes, inside, exits)


def _level(index: _Index, within: str, on_error: str | None) -> Iterator[Row]:
    """Yield the rows of what stands in one frame, or on the paper itself."""
    for box in index.inside[within]:
        if box.look != "start" or within:
            yield from _rows(index, box)
        if box.open and box.frame != "phase":
            yield from _level(index, box.key, box.on_error)
    if on_error is not None:
        target = _target(index.boxes[on_error])
        yield Row(at(within, "(any)"), "", "", "!", "on error", target)


def _rows(index: _Index, box: Box) -> Iterator[Row]:
    exits = index.exits[box.key]
    who = _who(box)
    over = box.mark or box.count is not None
    if not exits and (box.tag or box.frame == "phase" or over):
        yield Row(*who, "", "", "")
    for arrow in exits:
        when = signed(arrow, arrow.text)
        yield Row(*who, _order(arrow), when, _target(index.boxes[arrow.target]))
        who = ("", "", "")


def _who(box: Box) -> tuple[str, str, str]:
    if box.look == "start":
        return (at(box.within, "(●)"), "", "")
    path = signed(box, f"◎ {box.path}" if box.ends else box.path)
    if box.look in {"junction", "phase"}:
        return (path, box.look.upper(), "" if box.open else box.holds)
    holds = "" if box.open else box.holds
    who = " ".join(part for part in (box.who, holds) if part)
    agent = "  ".join(part for part in (who, ", ".join((*box.limits, *box.notes))) if part)
    return (path, box.tag, agent)


def _order(arrow: Arrow) -> str:
    number = "" if arrow.order is None else str(arrow.order)
    return f"{number}!" if arrow.stroke in {"fault", "limit"} else number


def _target(box: Box) -> str:
    return f"◎ {box.path}" if box.ends else box.path


def _folded(cell: str) -> Sequence[str]:
    """Return *cell* in parts of which none is wider than a column, broken at spaces if possible."""
    if width(cell) <= _WIDEST:
        return (cell,)
    parts, room = [""], _WIDEST
    for word in re.split(r"(?<= )", cell):
        if width(word.rstrip()) > room < _WIDEST:
            parts, room = [*parts, ""], _WIDEST
        for char in word:
            if width(char) > room and char != " ":
                parts, room = [*parts, ""], _WIDEST
            parts[-1] += char
            room -= width(char)
    return tuple(part.rstrip() for part in parts)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True))
    return "   ".join(cells).rstrip()


def _markdown_table(drawn: Picture) -> str:
    found = rows(drawn)
    lines = [_piped(_HEAD), "|" + " --- |" * len(_HEAD)]
    lines += [_piped([_markdown(cell) for cell in row]) for row in found]
    return "\n".join(lines)


def _piped(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _markdown(text: str) -> str:
    r"""Return *text* so that Markdown shows it as it is.

    Example:
        >>> _markdown("a|b <i> snake_case __init__")
        'a\\|b \\<i\\> snake_case \\_\\_init\\_\\_'
    """
    escaped = re.sub(r"[\\`*\[\]<>|~$#&]", r"\\\g<0>", text)
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)


def _paragraphs(text: str) -> Iterator[str]:
    """Give the paragraphs of *text*, none of which can begin a list, a heading or a rule."""
    for part in re.split(r"\n\s*\n", text):
        if part.strip():
            yield re.sub(r"^(\d*)([-+=:.)])", r"\1\\\2", _markdown(line(part)))
