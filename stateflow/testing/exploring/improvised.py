"""Improvised conversations: a list of numbers decides what is said, turn by turn.

Number *n* is line *n* of the menu of whoever speaks; 0, and what is beyond the list, is whatever
comes to an end soonest.  So a shorter list of smaller numbers is a shorter and duller
conversation, which is what a search for the shortest bad one needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stateflow.engine.result import Result
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.testing.exploring.cast import Cast
from stateflow.testing.exploring.guide import Guide, Map
from stateflow.testing.exploring.line import Line
from stateflow.testing.exploring.play import Play, play
from stateflow.testing.exploring.stage import Ask

__all__ = ["Improvised", "bounded"]


class Improvised:
    """A cast that improvises; made by ``agents_for(flow)``."""

    def __init__(
        self,
        known: Map,
        numbers: Sequence[int],
        *,
        data: Mapping[str, Any] | None = None,
        task: str = "",
        turns: int = 60,
        real: Collection[str] = (),
    ) -> None:
        """Decide nothing yet.

        Args:
            known: of the flow.
            numbers: which lines are said.
            data: that a run starts with; ``None``: the flow declares none.
            task: that a run starts from.
            turns: most of a run, where its flow allows more [turns].
            real: names of agents that speak for themselves.
        """
        self.flow = known.flow
        self.numbers = tuple(numbers)
        self.data = data
        self.task = task
        self.real = tuple(real)
        self.budget = bounded(known.flow, turns)
        self._known = known
        self.said: Cast | None = None
        """What was said in the last run, to be said again."""

    def run(self, task: str | None = None) -> Result:
        """Run the flow with this cast, offline; the same cast says the same each time."""
        return self.play(task).result

    def play(self, task: str | None = None) -> Play:
        """Run the flow, and tell which transitions were taken."""
        voice = _Voice(self._known, self.numbers)
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
    """Says the lines that the numbers name, and then leads to an end."""

    def __init__(self, known: Map, numbers: Sequence[int]) -> None:
        super().__init__(known, None)
        self._numbers = iter(numbers)

    def choose(self, ask: Ask, options: Sequence[Line]) -> Line:
        number = next(self._numbers, 0)
        if number and options:
            return options[(number - 1) % len(options)]
        return super().choose(ask, options)

    def prefer(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        number = next(self._numbers, 0)
        if number:
            return candidates[(number - 1) % len(candidates)]
        return super().prefer(state, candidates, run)


def bounded(flow: Flow, turns: int) -> Budget | None:
    """Return the budget of *flow* with no more than *turns*; ``None``: as it is."""
    return None if turns >= flow.budget.turns else replace(flow.budget, turns=turns)
