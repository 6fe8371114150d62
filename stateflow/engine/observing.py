"""Observers: who looks on as runs take their turns, such as the coverage of a test session.

Live runs, resumed ones and replays are told alike, nested runs each with their own flow.  An
observer changes nothing: a run with observers has the same journal as one without.
"""

from __future__ import annotations

from typing import Final, Protocol

from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow

__all__ = ["OBSERVERS", "Observer"]


class Observer(Protocol):
    """Looks on."""

    def turned(self, flow: Flow, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        """Hear of *turn*, before it is recorded.

        Args:
            flow: whose turn it is.
            fold: the run before the turn; what its last effects came to may not stand there yet.
            turn: what was said, tried and taken.
            stop: why the run stops with it; ``None``: it goes on.
        """
        ...

    def stopped(self, flow: Flow, stop: Stop) -> None:
        """Hear that a run of *flow* stopped, by a turn or between two."""
        ...


OBSERVERS: Final[list[Observer]] = []
"""Of every run in this process; whoever puts one in takes it out again."""
