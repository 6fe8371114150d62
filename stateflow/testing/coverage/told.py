"""The report as it is told: as text, a table and what is left by file and line; and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from stateflow.diagram.look import line, width
from stateflow.testing.coverage.outline import Item, Kind
from stateflow.testing.coverage.report import FlowReport, Left, Part, Report, shown
from stateflow.testing.home import Home
from stateflow.value import Json

__all__ = ["figures", "missing", "table"]


_HEADS: Final = ("flow", "states", "transitions", "guards", "stops", "tools", "taken")
_OTHERS: Final[Mapping[str, Kind]] = {
    "states": "place",
    "stops": "stop",
    "tools": "tool",
    "branches": "branch",
}
"""What is told beside the transitions, by its word."""


def table(report: Report, root: Path) -> Iterator[str]:
    """Yield the lines of the table: what was seen of each flow, and of all.

    Args:
        report: to tell.
        root: paths below it are told from there.
    """
    names = _names(report, root)
    rows = [_row(names[one.flow], one) for one in report.flows]
    if len(rows) > 1:
        whole = report.transitions
        parts = [sum((_parts(one)[n] for one in report.flows), Part(0, 0)) for n in range(5)]
        rows.append(("all", *map(str, parts), shown(whole.percent)))
    wide = [max(map(width, column)) for column in zip(_HEADS, *rows, strict=True)]
    for row in (_HEADS, *rows):
        name, *figures = row
        cells = [f"{one:>{size}}" for one, size in zip(figures, wide[1:], strict=True)]
        yield "  ".join((name + " " * (wide[0] - width(name)), *cells))


def missing(report: Report, root: Path) -> Iterator[str]:
    """Yield the lines about what is left: transitions, guards, what else, and what is exempt.

    Args:
        report: to tell.
        root: paths below it are told from there.
    """
    never = [(one, left) for one in report.flows for left in one.never]
    yield from _listed(
        "never taken",
        [_told(left, root, flow.verdicts(left.item)) for flow, left in never if not left.reason],
    )
    one_way = [left for one in report.flows for left in one.one_sided]
    yield from _listed(
        "taken whenever asked", [_told(left, root, "guard only true") for left in one_way]
    )
    names = _names(report, root)
    yield from _listed(
        "never seen", [told for one in report.flows for told in _others(one, names[one.flow])]
    )
    yield from _listed(
        "exempt", [_told(left, root, left.reason) for _, left in never if left.reason]
    )
    yield from _listed(
        "exempt for nothing; take it out of [tool.stateflow.coverage.exempt]",
        [f"{line(one.flow.name)}: {line(told)}" for one in report.flows for told in one.stale],
    )


def _place(flow: Home, at: int, root: Path) -> str:
    """Return the file of *flow*, from *root* if it is below, and the line *at*."""
    path = Path(flow.file)
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else flow.file
    return f"{file}:{at}"


def _names(report: Report, root: Path) -> dict[Home, str]:
    """Return the name of each flow, with its line where another is called the same."""
    flows = [one.flow for one in report.flows]
    named = Counter(flow.name for flow in flows)
    return {
        flow: line(flow.name)
        if named[flow.name] == 1
        else f"{line(flow.name)} ({_place(flow, flow.line, root)})"
        for flow in flows
    }


def _parts(one: FlowReport) -> Sequence[Part]:
    stops = one.part("stop")
    return one.part("place"), one.transitions, one.guards, stops, one.part("tool")


def _row(name: str, one: FlowReport) -> tuple[str, ...]:
    return (name, *map(str, _parts(one)), shown(one.transitions.percent))


def _told(left: Left, root: Path, note: str) -> str:
    where = _place(left.flow, left.line, root)
    told = f"{where}  {line(str(left.item))}"
    return f"{told}  {line(note)}" if note else told


def _others(one: FlowReport, name: str) -> Iterator[str]:
    """Yield what is left of one flow beside its transitions, on one line."""
    told: list[str] = []
    for word, kind in _OTHERS.items():
        names = [_whole(left) for left in one.left(kind)]
        if names:
            told.append(f"{word} {', '.join(names)}")
    if told:
        yield f"{name}: {'; '.join(told)}"


def _whole(left: Left) -> str:
    item = left.item
    return line(f"{item.at}/{item.to}" if item.kind == "branch" else str(item))


def _listed(head: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{head}:"
        yield from (f"  {told}" for told in lines)


def figures(report: Report, root: Path) -> dict[str, Json]:
    """Return *report* as JSON.

    Args:
        report: to tell.
        root: paths below it are told from there.

    Example:
        >>> from stateflow.testing.coverage.coverage import Coverage
        >>> from stateflow.testing.coverage.report import report
        >>> figures(report(Coverage()), Path("/"))
        {'transitions': {'covered': 0, 'all': 0}, 'percent': 100.0, 'flows': []}
    """
    return {
        "transitions": _part(report.transitions),
        "percent": round(report.percent, 2),
        "flows": [_flow(one, root) for one in report.flows],
    }


def _part(part: Part) -> dict[str, Json]:
    return {"covered": part.covered, "all": part.all}


def _flow(one: FlowReport, root: Path) -> dict[str, Json]:
    rows: list[Json] = [_transition(one, item, root) for item in one.counts if item.kind == "taken"]
    told: dict[str, Json] = {
        "flow": one.flow.name,
        "origin": _place(one.flow, one.flow.line, root),
        "percent": round(one.transitions.percent, 2),
        "covered": {
            "transitions": _part(one.transitions),
            "guards": _part(one.guards),
            **{word: _part(one.part(kind)) for word, kind in _OTHERS.items()},
        },
        "transitions": rows,
    }
    for word, kind in _OTHERS.items():
        told[word] = [
            {**_named(item), "seen": times}
            for item, times in one.counts.items()
            if item.kind == kind
        ]
    told["exempt_for_nothing"] = list(one.stale)
    return told


def _transition(one: FlowReport, item: Item, root: Path) -> Json:
    row: dict[str, Json] = {
        "from": item.at or None,
        "to": item.to or None,
        "guard": item.guard or None,
        "origin": _place(one.flow, one.lines[item], root),
        "taken": one.counts[item],
    }
    if item._replace(kind="true") in one.counts:
        row["true"] = one.counts[item._replace(kind="true")]
        row["false"] = one.counts[item._replace(kind="false")]
    if not one.counts[item]:
        row["exempt"] = one.reason(item) or None
    return row


def _named(item: Item) -> dict[str, Json]:
    if item.kind == "branch":
        return {"state": item.at, "branch": item.to}
    return {"stop": item.at, "final": item.to} if item.to else {item.kind: item.at}
