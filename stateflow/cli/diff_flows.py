"""Two flows that are compared: as lines on a terminal, as Markdown, as JSON, as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Final

from rich.text import Text

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.markdown import code, fenced
from stateflow.cli.sides import Side
from stateflow.cli.trouble import Misused
from stateflow.diagram.box import Picture
from stateflow.machine.difference.change import Change
from stateflow.machine.difference.difference import Difference
from stateflow.machine.difference.words import (
    SIGNS,
    about,
    is_text,
    sentence,
    text_lines,
    told,
)

__all__ = ["as_json", "as_lines", "as_page", "drawing"]

_STYLES: Final[Mapping[str, str]] = {"+": "green", "−": "red", "~": "yellow", "-": "red"}


def _heading(one: Side, other: Side, found: Difference) -> str:
    """Return all in one line."""
    return f"{one.label} → {other.label}: {sentence(found.changes)}"


def as_lines(one: Side, other: Side, found: Difference) -> Iterator[Text]:
    """Yield what differs, for a terminal."""
    yield Text(clean(_heading(one, other, found)), "bold")
    for change in found.changes:
        sign = SIGNS[change.kind]
        yield Text(f"{sign} ", _STYLES[sign]).append(clean(told(change)), "")
        if change.part and is_text(change):
            for row in text_lines(change):
                style = _STYLES.get(row[:1], MUTED)
                yield Text(f"    {row[:1]} {clean(row[1:])}".rstrip(), style)


def as_json(one: Side, other: Side, found: Difference) -> str:
    """Return what differs as JSON."""
    whole = {
        "before": one.label,
        "after": other.label,
        "summary": sentence(found.changes),
        "changes": [asdict(change) for change in found.changes],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def as_page(one: Side, other: Side, found: Difference) -> str:
    """Return what differs as Markdown for a pull request."""
    name = code(clean(str(other.table.get("name", ""))))
    labels = " → ".join(code(clean(side.label)) for side in (one, other))
    parts = [f"**{name}** {labels}: {sentence(found.changes)}"]
    if found and one.flow is not None and other.flow is not None:
        from stateflow.diagram.mermaid import fitting

        parts.append(fenced("mermaid", [fitting(drawing(one, other, found))]))
    if found:
        parts.append("\n".join(_table(found)))
    for change in found.changes:
        if change.part and is_text(change):
            text = fenced("diff", map(clean, text_lines(change)))
            parts.append(f"{_named(change)}: {change.part}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def drawing(one: Side, other: Side, found: Difference) -> Picture:
    """Return both flows in one picture.

    Raises:
        Misused: a run recorded no more than the table of one of them.
    """
    from stateflow.diagram.diff import merged
    from stateflow.diagram.picture import picture

    if one.flow is None or other.flow is None:
        raise Misused(
            "a run records the table of its flow, not a flow that could be drawn; compare it as "
            "text, md or json"
        )
    drawn = merged(picture(one.flow), picture(other.flow), found)
    return replace(drawn, caption=clean(_heading(one, other, found)))


def _table(found: Difference) -> Iterator[str]:
    yield "| | what | change |"
    yield "| --- | --- | --- |"
    for change in found.changes:
        yield f"| {SIGNS[change.kind]} | {_named(change)} | {code(clean(about(change)))} |"


def _named(change: Change) -> str:
    return f"{change.what} {code(clean(change.path))}".rstrip()
