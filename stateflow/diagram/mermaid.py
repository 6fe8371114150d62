"""A picture as Mermaid text, which GitHub and GitLab draw inside Markdown.

Mermaid's state diagrams have neither number chips nor dashed arrows, so order and faults are
words: ``(1) tests_pass``, ``on TimedOut``.  Every character that Mermaid or Markdown could read
as syntax is written as an entity code.

Source: https://mermaid.js.org/syntax/stateDiagram.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stateflow.diagram.look import LOOKS, Look, shortened
from stateflow.diagram.picture import DONE, START, Arrow, Box, Picture, picture
from stateflow.machine.flow import Flow

__all__ = ["to_mermaid"]

_PLAIN = frozenset(" _-.,()≤→·…/=+'!?")
_TAKEN = frozenset(
    """
    accdescr acctitle as class classdef click default direction end fork href join note scale
    state statediagram style
    """.split()  # noqa: SIM905 - words of Mermaid, easier to read so
)


def to_mermaid(flow: Flow) -> str:
    """Return the drawing of *flow* as Mermaid text; the same flow gives the same bytes."""
    drawn = picture(flow)
    return "\n".join(["stateDiagram-v2", *_lines(drawn), ""])


def _lines(drawn: Picture) -> Iterator[str]:
    keys = _keys(drawn)
    boxes = [box for box in drawn.boxes if box.key not in {START, DONE}]
    yield "  direction TB"
    for box in boxes:
        yield f"  {_box(box, keys[box.key])}"
    for arrow in drawn.arrows:
        words = _words(arrow)
        ends = f"{keys[arrow.source]} --> {keys[arrow.target]}"
        yield f"  {ends} : {words}" if words else f"  {ends}"
    for box in boxes:
        if box.look in {"final", "failed"}:
            yield f"  {keys[box.key]} --> [*]"
    yield from _classes(boxes, keys)


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
    """Return what each box is called in the text: a word that is none of Mermaid's own."""
    keys = {START: "[*]", DONE: "[*]"}
    taken: set[str] = set()
    for box in drawn.boxes:
        if box.key in keys:
            continue
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", box.name)
        if stem.lower() in _TAKEN or not re.match(r"[A-Za-z]", stem):
            stem = f"s_{stem}"
        found, count = stem, 1
        while found in taken:
            count += 1
            found = f"{stem}__{count}"
        taken.add(found)
        keys[box.key] = found
    return keys


def _box(box: Box, key: str) -> str:
    if box.look == "junction":
        return f"state {key} <<choice>>"
    lines = [box.name]
    if box.tag:
        lines.append(f"{box.tag} {box.who}" + (f" · {box.by}" if box.by else ""))
    if box.limits:
        lines.append(", ".join(box.limits))
    lines += box.notes
    shown = "<br/>".join(_text(shortened(line)) for line in lines)
    return f'state "{shown}" as {key}'


def _words(arrow: Arrow) -> str:
    order = f"({arrow.order})" if arrow.order is not None else ""
    action = f"/ {shortened(arrow.action)}" if arrow.action else ""
    parts = (order, shortened(arrow.when) if arrow.when else "", action)
    return _text(" ".join(part for part in parts if part))


def _text(text: str) -> str:
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
