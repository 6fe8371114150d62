"""The look: all tests run once without a mutant, and by which places of flows each comes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.testing.home import Home, home_of

__all__ = ["Look", "Looked", "Seen", "Watch"]

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


@dataclass(slots=True)
class Looked:
    """One test that passed by."""

    file: str
    seconds: float = 0.0
    places: dict[Home, list[str]] = field(default_factory=dict[Home, list[str]])
    """The places that runs of the test came by, by the flow's home."""


@dataclass(slots=True)
class Look:
    """What a run of all tests showed."""

    tests: dict[str, Looked] = field(default_factory=dict[str, Looked])
    """By node id, in the order in which they ran."""
    failed: list[str] = field(default_factory=list[str])
    """Tests, and files that could not be collected."""
    whole: bool = True
    """Nothing ended the tests before their time."""
    modules: list[str] = field(default_factory=list[str])
    """What was imported that is installed, in order: a server has it before it forks."""

    def write(self, path: Path) -> None:
        """Write it to *path*."""
        tests = [
            [name, one.file, one.seconds, [[*home, seen] for home, seen in one.places.items()]]
            for name, one in self.tests.items()
        ]
        whole = [tests, self.failed, self.whole, self.modules]
        path.write_text(json.dumps(whole), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Look:
        """Return what was written to *path*."""
        rows, failed, whole, modules = json.loads(path.read_text("utf-8"))
        tests = {
            name: Looked(file, seconds, {Home(*home): seen for *home, seen in places})
            for name, file, seconds, places in rows
        }
        return cls(tests, failed, whole, modules)
