"""The report: figures of each flow, and what is left, by file and line.

The percentage is of transitions, every flow's together.  What is exempt is not covered: it is told
apart, with its reason, and counts as any other transition that was never taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.outline import Item, Kind
from stateflow.testing.home import Home
from stateflow.testing.reasons import Exemptions, normal

__all__ = ["FlowReport", "Left", "Part", "Report", "report", "shown"]


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many."""

    covered: int
    all: int

    def __add__(self, other: Part) -> Part:
        """Return both together."""
        return Part(self.covered + other.covered, self.all + other.all)

    @property
    def percent(self) -> float:
        """How much of it is covered [%]; of nothing all is."""
        return 100.0 * self.covered / self.all if self.all else 100.0

    def __str__(self) -> str:
        """Return ``3/4``, and a dash where there is nothing to cover."""
        return f"{self.covered}/{self.all}" if self.all else "–"


@dataclass(frozen=True, slots=True)
class Left:
    """What is left to cover."""

    flow: Home
    item: Item
    line: int
    reason: str = ""
    """Why that is meant, of a transition that is exempt."""


@dataclass(frozen=True)
class FlowReport:
    """What was seen of one flow."""

    flow: Home
    counts: Mapping[Item, int]
    """How often each item of it was come by [times]."""
    lines: Mapping[Item, int]
    exempt: Mapping[str, str]
    """Reasons by transition."""

    def part(self, kind: Kind) -> Part:
        """Return how much of one kind is covered."""
        times = [count for item, count in self.counts.items() if item.kind == kind]
        return Part(sum(count > 0 for count in times), len(times))

    @property
    def transitions(self) -> Part:
        """Transitions that were taken."""
        return self.part("taken")

    @property
    def guards(self) -> Part:
        """Guards that were seen both ways."""
        asked = [item for item in self.counts if item.kind == "true"]
        return Part(sum(not self.verdicts(item) for item in asked), len(asked))

    @cached_property
    def never(self) -> Sequence[Left]:
        """Transitions that were never taken, in the order of the file, those exempt included."""
        return sorted(self.left("taken"), key=lambda one: (one.line, one.item))

    @cached_property
    def one_sided(self) -> Sequence[Left]:
        """Guards that were seen true and never false, in the order of the file."""
        found = [one for one in self._all("true") if self.verdicts(one.item) == "only true"]
        return sorted(found, key=lambda one: (one.line, one.item))

    def verdicts(self, item: Item) -> str:
        """Return how the guard of transition *item* was seen; nothing where that was both ways."""
        true = self.counts.get(item._replace(kind="true"))
        false = self.counts.get(item._replace(kind="false"))
        if (true and false) or true is None:  # there is none to ask
            return ""
        if not true and not false:
            return "never asked"
        return "only true" if true else "only false"

    def left(self, kind: Kind) -> Sequence[Left]:
        """Return what of one kind was not seen."""
        return [one for one in self._all(kind) if not self.counts[one.item]]

    @cached_property
    def stale(self) -> Sequence[str]:
        """Exemptions that are none: of what is covered after all, or is not there."""
        return list(self._stale())

    def _stale(self) -> Iterator[str]:
        for way in self.exempt:
            taken = [item for item in self.counts if item.kind == "taken"]
            of = [item for item in taken if way in {normal(item.way), normal(str(item))}]
            if not of:
                yield f"{way}: the flow has no such transition"
            elif all(self.counts[item] for item in of):
                yield f"{way}: it was taken after all"

    def _all(self, kind: Kind) -> list[Left]:
        return [
            Left(self.flow, item, self.lines[item], self.reason(item))
            for item in self.counts
            if item.kind == kind
        ]

    def reason(self, item: Item) -> str:
        """Return why transition *item* is exempt; nothing where it is not."""
        return self.exempt.get(normal(str(item))) or self.exempt.get(normal(item.way), "")


@dataclass(frozen=True)
class Report:
    """What was seen of all flows."""

    flows: Sequence[FlowReport]

    @property
    def transitions(self) -> Part:
        """Transitions of all flows that were taken."""
        return _sum(one.transitions for one in self.flows)

    @property
    def percent(self) -> float:
        """Transitions of all flows that were taken [%]."""
        return self.transitions.percent

    @property
    def unexplained(self) -> Sequence[Left]:
        """Transitions that were never taken and are not exempt."""
        return [left for one in self.flows for left in one.never if not left.reason]

    def short_of(self, least: float) -> str:
        """Return what is wrong if less than *least* is covered [%]; else nothing."""
        if self.percent >= least:
            return ""
        part = self.transitions
        return (
            f"flow coverage is {shown(self.percent)} ({part.covered} of {part.all} transitions), "
            f"less than the {least:g} % asked for"
        )


def report(coverage: Coverage, exempt: Exemptions | None = None) -> Report:
    """Return what *coverage* comes to, flow by flow in the order of their files.

    Args:
        coverage: what was seen.
        exempt: reasons by the flow's name and transition.
    """
    reasons = exempt or {}
    return Report(
        [
            FlowReport(
                name, coverage.counted(name), coverage.flows[name].items, reasons.get(name.name, {})
            )
            for name in sorted(coverage.flows)
        ]
    )


def shown(percent: float) -> str:
    """Return *percent* with one place, never rounded up to a whole that is not reached.

    Example:
        >>> shown(100.0), shown(99.97), shown(94.96)
        ('100 %', '99.9 %', '94.9 %')
    """
    tenths = int(percent * 10)
    return f"{tenths / 10:g} %"


def _sum(parts: Iterable[Part]) -> Part:
    whole = Part(0, 0)
    for part in parts:
        whole += part
    return whole
