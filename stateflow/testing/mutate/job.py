"""What passes between the command and the processes that run tests, as JSON.

A *look* is the run of all tests without a mutant; a *job* is one mutant and the tests for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stateflow.testing.mutate.mutant import Home

__all__ = ["Job", "Look", "Looked", "Outcome"]


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


@dataclass(frozen=True, slots=True)
class Job:
    """One mutant, and the tests that are run against it."""

    home: Home
    mutant: str
    """Its id."""
    result: str
    """The file that takes the outcome."""
    files: Sequence[str] = ()
    """The files of the tests; none: those that the command line names."""
    others: Sequence[str] = ()
    """Tests of these files that are not run."""
    seconds: float = 0.0
    """Its time limit [s]."""

    def line(self) -> str:
        """Return it as a line of JSON."""
        return f"{json.dumps(asdict(self))}\n"

    @classmethod
    def of(cls, line: str) -> Job:
        """Return what *line* holds."""
        given: dict[str, Any] = json.loads(line)
        home = Home(*given.pop("home"))
        return cls(home, **given)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests made of a mutant."""

    failed: Sequence[str] = ()
    """The tests that noticed; the first is enough."""
    met: bool = True
    """Whether any flow was changed, or run."""

    def write(self, path: Path) -> None:
        """Write it to *path*."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Outcome | None:
        """Return what was written to *path*; ``None``: nothing, for the process was ended."""
        try:
            given: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return cls(**given)
