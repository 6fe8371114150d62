"""The transition table of a flow: as text for terminals, as Markdown for pull requests.

One row a transition, in the order they are tried.  Nothing is shortened here: this is where a
reviewer reads which guard or order has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stateflow.diagram.look import line, width
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import START, Arrow, Box, Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["Row", "rows", "to_page", "to_text"]

_HEAD = ("state", "kind", "agent", "#", "when", "to")
_WIDEST = 40
"""A column gives room for so much; longer cells push their own row only [columns]."""


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
    """Return the transition table of *drawn*, ``on_error`` last."""
    found: list[Row] = []
    for box in drawn.boxes:
        exits = [
            arrow
            for arrow in drawn.arrows
            if arrow.source == box.key and box.key != START and arrow.stroke != "error"
        ]
        who = _who(box)
        if not exits and box.tag:
            found.append(Row(*who, "", "", ""))
        for arrow in exits:
            found.append(Row(*who, _order(arrow), arrow.text, _target(drawn, arrow.target)))
            who = ("", "", "")
    if drawn.on_error is not None:
        found.append(Row("(any)", "", "", "!", "on error", _target(drawn, drawn.on_error)))
    return tuple(found)


def to_text(flow: Flow) -> str:
    """Return the transition table of *flow* as text; the same flow gives the same bytes."""
    drawn = picture(flow)
    cells = [_HEAD, *rows(drawn)]
    widths = [
        max(width(row[at]) for row in cells if at == 0 or width(row[at]) <= _WIDEST)
        for at in range(len(_HEAD))
    ]
    lines = [f"(●) → {drawn.initial}", *(_aligned(row, widths) for row in cells)]
    return "\n".join([*lines, ""])


def to_page(flow: Flow) -> str:
    """Return the Markdown page of *flow*: drawing, table and fingerprint."""
    drawn = picture(flow)
    parts = [
        f"# {_markdown(drawn.name)}",
        *_paragraphs(drawn.description),
        f"*{_markdown(drawn.caption)}*",
        f"```mermaid\n{to_mermaid(flow)}```",
        _markdown_table(drawn),
        f"Fingerprint: `{flow.fingerprint()}`",
    ]
    return "\n\n".join(parts) + "\n"


def _who(box: Box) -> tuple[str, str, str]:
    if box.look == "junction":
        return (box.name, "JUNCTION", "")
    agent = "  ".join(part for part in (box.who, ", ".join((*box.limits, *box.notes))) if part)
    return (box.name, box.tag, agent)


def _order(arrow: Arrow) -> str:
    number = "" if arrow.order is None else str(arrow.order)
    return f"{number}!" if arrow.stroke in {"fault", "limit"} else number


def _target(drawn: Picture, key: str) -> str:
    box = drawn.box(key)
    return f"◎ {box.name}" if box.look in {"final", "failed"} else box.name


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
