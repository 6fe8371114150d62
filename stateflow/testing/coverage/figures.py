"""The report as JSON, for those who make something else of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stateflow.testing.coverage.item import Item, Kind
from stateflow.testing.coverage.report import FlowReport, Part, Report
from stateflow.testing.coverage.text import place_of
from stateflow.value import Json

__all__ = ["figures"]

_OTHERS: Final[Mapping[str, Kind]] = {
    "states": "place",
    "stops": "stop",
    "tools": "tool",
    "branches": "branch",
}


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
        "origin": place_of(one.flow, one.flow.line, root),
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
        "origin": place_of(one.flow, one.lines[item], root),
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
