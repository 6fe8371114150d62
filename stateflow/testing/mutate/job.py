"""A job: one mutant and the tests that are run against it, and the outcome, both as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stateflow.testing.home import Home

__all__ = ["Job", "Outcome"]


@dataclass(frozen=True, slots=True)
class Job:
    """One mutant, and the tests that are run against it."""

    home: Home
    mutant: str
    """Its id; empty: the flow stays as it is, which shows whether the tests are green."""
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
