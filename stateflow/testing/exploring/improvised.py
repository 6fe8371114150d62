"""Improvised conversations: a list of numbers decides what is said, turn by turn.

A number names a line of the menu of whoever speaks; 0, and what is beyond the list, is whatever
comes to an end soonest.  So a shorter list of smaller numbers is a shorter and duller
conversation, which is what a search for the shortest bad one needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stateflow.engine.result import Result
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.testing.exploring.cast import Cast
from stateflow.testing.exploring.guide import Goal, Guide, Map
from stateflow.testing.exploring.line import Line, fault_in
from stateflow.testing.exploring.play import Play, Row, play
from stateflow.testing.exploring.stage import Ask

__all__ = ["LARGEST", "Improvised", "bounded"]

LARGEST: Final = 200
"""The largest number of those that name a line; more than any menu has lines."""
_WRONG: Final = 8
"""So many of the numbers name what goes wrong."""
_LIKELY: Final = 8
"""So many lines at the top of a menu are what guards ask for."""


class Improvised:
    """A cast that improvises; made by ``agents_for(flow)``."""

    def __init__(  # noqa: PLR0913 - all but the first two are keywords with defaults
        self,
        known: Map,
        numbers: Sequence[int],
        *,
        data: Mapping[str, Any] | None = None,
        task: str = "",
        turns: int = 60,
        real: Collection[str] = (),
        aims: Sequence[Row] = (),
    ) -> None:
        """Decide nothing yet.

        Args:
            known: of the flow.
            numbers: which lines are said.
            data: that a run starts with; ``None``: the flow declares none.
            task: that a run starts from.
            turns: most of a run, where its flow allows more [turns].
            real: names of agents that speak for themselves.
            aims: transitions to be taken, one after another, where no number says otherwise.
        """
        self.flow = known.flow
        self.numbers = tuple(numbers)
        self.data = data
        self.task = task
        self.real = tuple(real)
        self.aims = tuple(aims)
        self.budget = bounded(known.flow, turns)
        self._known = known
        self.said: Cast | None = None
        """What was said in the last run, to be said again."""

    def run(self, task: str | None = None) -> Result:
        """Run the flow with this cast, offline; the same cast says the same each time."""
        return self.play(task).result

    def play(self, task: str | None = None) -> Play:
        """Run the flow, and tell which transitions were taken."""
        voice = _Voice(self._known, self.numbers, self.aims)
        task = self.task if task is None else task
        try:
            return play(self.flow, voice, task, data=self.data, budget=self.budget, real=self.real)
        finally:
            self.said = Cast(voice.lines, picks=voice.picks, real=self.real)

    def __repr__(self) -> str:
        """Return what was said, once it was; else the numbers."""
        if self.said is not None:
            return repr(self.said)
        return f"<cast of {self.flow.name!r} that improvises by {list(self.numbers)}>"


class _Voice(Guide):
    """Says the lines that the numbers name, and else leads to the aims, and then to an end."""

    def __init__(self, known: Map, numbers: Sequence[int], aims: Sequence[Row]) -> None:
        self._aims: list[Goal] = [(row,) for row in aims]
        super().__init__(known, self._aims.pop() if self._aims else None)
        self._numbers = iter(numbers)

    def took(self, flow: Flow, rows: Sequence[Row], stop: Stop | None) -> None:
        super().took(flow, rows, stop)
        if self.goal is None and self._aims:
            self.goal = self._aims.pop()

    def choose(self, ask: Ask, options: Sequence[Line]) -> Line:
        number = next(self._numbers, 0)
        if number and options:
            return _named(number, options)
        return super().choose(ask, options)

    def prefer(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        number = next(self._numbers, 0)
        if number:
            return candidates[(number - 1) % len(candidates)]
        return super().prefer(state, candidates, run)


def _named(number: int, options: Sequence[Line]) -> Line:
    """Return the line that *number* names: mostly what guards ask for, seldom what goes wrong."""
    wrong = [one for one in options if fault_in(one) is not None]
    well = [one for one in options if fault_in(one) is None]
    if number > LARGEST - _WRONG:
        found = wrong or well
    else:
        found = (well[:_LIKELY] if number <= LARGEST // 2 else well) or wrong
    return found[(number - 1) % len(found)]


def bounded(flow: Flow, turns: int) -> Budget | None:
    """Return the budget of *flow* with no more than *turns*; ``None``: as it is."""
    return None if turns >= flow.budget.turns else replace(flow.budget, turns=turns)
