"""The report as text: a table of the flows, then what is left, by file and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from stateflow.diagram.look import line, width
from stateflow.testing.coverage.item import Ident, Kind
from stateflow.testing.coverage.report import FlowReport, Left, Part, Report, shown

__all__ = ["missing", "place_of", "table"]

_HEADS: Final = ("flow", "states", "transitions", "guards", "stops", "tools", "taken")
_OTHERS: Final[tuple[tuple[Kind, str], ...]] = (
    ("place", "states"),
    ("stop", "stops"),
    ("tool", "tools"),
    ("branch", "branches"),
)


def table(report: Report, root: Path) -> Iterator[str]:
    """Yield the lines of the table: what was seen of each flow, and of all.

    Args:
        report: to tell.
        root: paths below it are told from there.
    """
    named = Counter(one.flow.name for one in report.flows)
    rows = [
        _row(_name(one.flow, root, alone=named[one.flow.name] == 1), one) for one in report.flows
    ]
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
    yield from _listed("never seen", [told for one in report.flows for told in _others(one)])
    yield from _listed(
        "exempt", [_told(left, root, left.reason) for _, left in never if left.reason]
    )
    yield from _listed(
        "exempt for nothing; take it out of [tool.stateflow.coverage]",
        [f"{line(one.flow.name)}: {line(told)}" for one in report.flows for told in one.stale],
    )


def place_of(flow: Ident, at: int, root: Path) -> str:
    """Return the file of *flow*, from *root* if it is below, and the line *at*."""
    path = Path(flow.file)
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else flow.file
    return f"{file}:{at}"


def _name(flow: Ident, root: Path, *, alone: bool) -> str:
    return line(flow.name) if alone else f"{line(flow.name)} ({place_of(flow, flow.line, root)})"


def _parts(one: FlowReport) -> Sequence[Part]:
    stops = one.part("stop")
    return one.part("place"), one.transitions, one.guards, stops, one.part("tool")


def _row(name: str, one: FlowReport) -> tuple[str, ...]:
    return (name, *map(str, _parts(one)), shown(one.transitions.percent))


def _told(left: Left, root: Path, note: str) -> str:
    where = place_of(left.flow, left.line, root)
    told = f"{where}  {line(str(left.item))}"
    return f"{told}  {line(note)}" if note else told


def _others(one: FlowReport) -> Iterator[str]:
    """Yield what is left of one flow beside its transitions, on one line."""
    told: list[str] = []
    for kind, word in _OTHERS:
        names = [_whole(left) for left in one.left(kind)]
        if names:
            told.append(f"{word} {', '.join(names)}")
    if told:
        yield f"{line(one.flow.name)}: {'; '.join(told)}"


def _whole(left: Left) -> str:
    item = left.item
    return line(f"{item.at}/{item.to}" if item.kind == "branch" else str(item))


def _listed(head: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{head}:"
        yield from (f"  {told}" for told in lines)
