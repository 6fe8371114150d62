"""What each form of a flow tells of its places and transitions, read back from its text.

Each reader knows the form's own grammar and nothing of how it was written.  The first place is the
initial one.  A target is the name of a place; ``None`` is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any, Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from stateflow import Flow
from stateflow.diagram.look import width
from stateflow.value import Json

__all__ = [
    "Arrow",
    "Level",
    "dot_arrows",
    "json_levels",
    "level_of",
    "mermaid_arrows",
    "page_rows",
    "scxml_levels",
    "squeezed",
    "table_columns",
    "xstate_levels",
]

Row: TypeAlias = tuple[Json, int]
"""The guard's form, ``None`` for one that always holds; and which place it leads to."""

Level: TypeAlias = Sequence[tuple[str, Sequence[Row]]]
"""The places of one flow in order, each with its transitions in the order they are tried."""

W3C: Final = "{http://www.w3.org/2005/07/scxml}"
SF: Final = "{urn:stateflow}"
_PLACES: Final = {f"{W3C}state", f"{W3C}parallel", f"{W3C}final"}


class Arrow(NamedTuple):
    """What a drawing tells of one transition; its texts without any white space."""

    source: str
    order: str
    words: str
    target: str


def level_of(flow: Flow) -> Level:
    """Return what *flow* itself is, without the flows in it."""
    return _level(
        {
            name: [
                (None if row.when is None else row.when.form, row.target)
                for row in place.transitions
            ]
            for name, place in flow.places.items()
        }
    )


def _level(rows: Mapping[str, Sequence[tuple[Json, str | None]]]) -> Level:
    places: dict[str | None, int] = {name: number for number, name in enumerate((*rows, None))}
    return [(name, [(form, places[end]) for form, end in found]) for name, found in rows.items()]


def json_levels(text: str) -> list[Level]:
    """Read a JSON document: its flows."""
    return [
        _level(
            {one["name"]: [_json_row(row) for row in one.get("to", [])] for one in flow["places"]}
        )
        for flow in json.loads(text)["flows"].values()
    ]


def _json_row(row: Mapping[str, Any]) -> tuple[Json, str | None]:
    late: Json = {"guard": "after", "args": [row["after"]]} if "after" in row else None
    asked = [one for one in (late, row.get("when")) if one is not None]
    return ({"and": asked} if len(asked) > 1 else asked[0] if asked else None), row["to"]


def scxml_levels(text: str) -> list[Level]:
    """Read an SCXML document: every flow in it, as often as it is laid out."""
    found: list[Level] = []
    ahead = [ET.fromstring(text)]  # noqa: S314 - our own
    while ahead:
        parent = ahead.pop()
        inside = [one for one in parent if one.tag in _PLACES]
        ahead += inside
        if f"{SF}flow" in parent.attrib:
            ids = {one.attrib["id"]: number for number, one in enumerate(inside)}
            found.append([(one.attrib[f"{SF}name"], _scxml_rows(one, ids)) for one in inside])
    return found


def _scxml_rows(element: ET.Element, ids: Mapping[str, int]) -> Sequence[Row]:
    rows = [one for one in element.findall(f"{W3C}transition") if not one.get(f"{SF}otherwise")]
    assert [one.get(f"{SF}order") for one in rows] == [str(n) for n in range(len(rows))]
    forms = [one.get(f"{SF}form", "null") for one in rows]
    ends = [ids[one.attrib["target"]] for one in rows]
    return [(json.loads(form), end) for form, end in zip(forms, ends, strict=True)]


def xstate_levels(text: str) -> list[Sequence[tuple[str, Sequence[int]]]]:
    """Read an XState machine: every flow in it, as often as it is laid out, without guards."""
    found: list[Sequence[tuple[str, Sequence[int]]]] = []
    ahead: list[dict[str, Any]] = [json.loads(text)]
    while ahead:
        parent = ahead.pop()
        states: dict[str, dict[str, Any]] = parent.get("states", {})
        ahead += states.values()
        if states and parent.get("type") != "parallel":
            keys = {key: number for number, key in enumerate(states)}
            found.append([(_name(one), _ends(one, keys)) for one in states.values()])
    return found


def _name(state: Mapping[str, Any]) -> str:
    """Return the name of a state; the end that is none of the flow's places is done."""
    meta: Any = state.get("meta", {"stateflow": {"name": "done"}})
    name: str = meta["stateflow"]["name"]
    return name


def _ends(state: Mapping[str, Any], keys: Mapping[str, int]) -> Sequence[int]:
    offers = [*state.get("on", {}).values(), *state.get("after", {}).values()]
    rows = [*(state.get(word, []) for word in ("always", "onDone")), *offers]
    notes = [(row["target"], row["meta"]["stateflow"]) for offer in rows for row in offer]
    ends = {note["order"]: keys[end] for end, note in notes if "otherwise" not in note}
    assert sorted(ends) == list(range(len(ends)))
    return [ends[order] for order in sorted(ends)]


def dot_arrows(text: str) -> list[Arrow]:
    """Read a drawing in DOT in which no nested flow is open."""
    node = r'"((?:[^"\\]|\\.)*)"'
    found: list[Arrow] = []
    for tail, head, look in re.findall(rf"^  {node} -> {node} \[(.*)\]$", text, re.MULTILINE):
        if "style=invis" in look:
            continue
        label = re.search(r"label=<(.*)>(?:, dir=back)?(?:, minlen=2)?$", look)
        cells = re.split(r"</TD></TR></TABLE></TD>", label[1] if label else "", maxsplit=1)
        order, words = cells if len(cells) > 1 else ("", cells[0])
        back = look.endswith("dir=back")
        ends = [_undone(one) for one in ((head, tail) if back else (tail, head))]
        found.append(Arrow(ends[0], _plain(order), _plain(words), ends[1]))
    return found


def _undone(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _plain(label: str) -> str:
    """Return the letters of an HTML-like *label*."""
    return squeezed(unescape(re.sub(r"<[^>]*>", "", label)).replace("\\\\", "\\"))


def squeezed(text: str) -> str:
    """Return *text* without white space."""
    return "".join(text.split())


def mermaid_arrows(text: str) -> tuple[list[str], list[Arrow]]:
    """Read a drawing in Mermaid: the keys of places in order, and arrows between keys."""
    keys: list[str] = []
    found: list[Arrow] = []
    for line in text.splitlines():
        state = re.fullmatch(r'\s+state (?:"[^"]*" as )?(\w+)( <<choice>>)?( \{)?', line)
        arrow = re.fullmatch(r"\s+(\S+) --> (\S+)(?: : (?:\((\d+)\))?(.*))?", line)
        if state and not state[3]:
            keys.append(state[1])
        elif arrow:
            words = squeezed(re.sub(r"#(\d+);", lambda one: chr(int(one[1])), arrow[4] or ""))
            found.append(Arrow(arrow[1], arrow[3] or "", words, arrow[2]))
    return keys, found


def page_rows(text: str) -> list[tuple[str, ...]]:
    """Read the table of a Markdown page: its cells, one row a transition or a place."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [re.findall(r"((?:[^|\\]|\\.)*)\|", line[1:]) for line in lines[2:]]
    return [tuple(_undone(cell.strip()) for cell in row) for row in cells]


def table_columns(text: str) -> list[str]:
    """Read a table as text: its columns from the top down, without white space."""
    _, *lines = text.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+", lines[0])]
    cut = [_cut(line, starts) for line in lines[1:]]
    return [squeezed("".join(cells)) for cells in zip(*cut, strict=True)]


def _cut(line: str, starts: Sequence[int]) -> list[str]:
    """Cut *line* at columns of a terminal."""
    cells = [""] * len(starts)
    column = 0
    for char in line:
        wide = width(char)
        at = max(n for n, start in enumerate(starts) if start < column + max(wide, 1))
        cells[at] += char
        column += wide
    return cells
