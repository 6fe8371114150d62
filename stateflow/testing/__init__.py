"""Replay as a test, and what follows from it: cassettes, coverage, exploring, mutants.

Everything here is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stateflow.engine.finding import find_flow
    from stateflow.testing.cassette.cassette import (
        CassetteError,
        dump_cassette,
        read_cassette,
        write_cassette,
    )
    from stateflow.testing.coverage.coverage import Coverage
    from stateflow.testing.coverage.journals import coverage_of
    from stateflow.testing.coverage.watch import watched
    from stateflow.testing.exploring.cast import Cast
    from stateflow.testing.exploring.explore import agents_for, explore
    from stateflow.testing.exploring.paths import paths
    from stateflow.testing.mutate.mutants import mutants
    from stateflow.testing.path import assert_path
    from stateflow.testing.plugin.replaying import Replay
    from stateflow.testing.rows import outline

__all__ = [
    "CassetteError",
    "Cast",
    "Coverage",
    "Replay",
    "agents_for",
    "assert_path",
    "coverage_of",
    "dump_cassette",
    "explore",
    "find_flow",
    "mutants",
    "outline",
    "paths",
    "read_cassette",
    "watched",
    "write_cassette",
]

_LATER = {
    "CassetteError": "stateflow.testing.cassette.cassette",
    "dump_cassette": "stateflow.testing.cassette.cassette",
    "read_cassette": "stateflow.testing.cassette.cassette",
    "write_cassette": "stateflow.testing.cassette.cassette",
    "Cast": "stateflow.testing.exploring.cast",
    "Coverage": "stateflow.testing.coverage.coverage",
    "agents_for": "stateflow.testing.exploring.explore",
    "coverage_of": "stateflow.testing.coverage.journals",
    "explore": "stateflow.testing.exploring.explore",
    "find_flow": "stateflow.engine.finding",
    "mutants": "stateflow.testing.mutate.mutants",
    "paths": "stateflow.testing.exploring.paths",
    "Replay": "stateflow.testing.plugin.replaying",
    "assert_path": "stateflow.testing.path",
    "outline": "stateflow.testing.rows",
    "watched": "stateflow.testing.coverage.watch",
}
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    """Import *name* from the module that defines it."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
