"""What runs come by while tests run: the places of each flow, told by where it is defined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.testing.mutate.mutant import Home, home_of

__all__ = ["Seen", "Watch"]

Seen: TypeAlias = dict[Home, dict[str, None]]
"""The places that runs came by, by the flow's home."""


@dataclass(slots=True)
class Watch:
    """Looks on as runs take their turns."""

    seen: Seen = field(default_factory=dict[Home, dict[str, None]])
    """Of what runs at present: a test, or a fixture that many share."""

    def turned(self, flow: Flow, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        """Note the places of a turn."""
        del stop
        places = self._of(flow)
        places[fold.state] = None
        for step in turn.steps:
            places[step.at] = None
            if step.to is not None:
                places[step.to] = None

    def stopped(self, flow: Flow, stop: Stop) -> None:
        """Note where a run stopped."""
        self._of(flow)[stop.state] = None

    def _of(self, flow: Flow) -> dict[str, None]:
        return self.seen.setdefault(home_of(flow), {})
