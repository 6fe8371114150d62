"""The gallery's recorded runs come by nearly all that its flows can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stateflow import Flow
from stateflow.engine.finding import find_flow
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.journals import coverage_of
from stateflow.testing.coverage.report import report
from tests.flows.planted_changes import cassettes

FLOWS = Path(__file__).parents[2] / "flows"
GALLERY = sorted(path.stem for path in FLOWS.glob("*.py") if path.stem != "__init__")
LEAST = 95.0
"""So many of all transitions are taken [%]."""


def gallery() -> Iterator[Flow]:
    for name in GALLERY:
        yield find_flow(f"flows.{name}").flow


def test_every_flow_has_a_recorded_run_and_a_test_of_it() -> None:
    tests = Path(__file__).with_name("test_recorded.py").read_text("utf-8")
    runs = cassettes()

    sources = {(journal.started.source or "").partition(":")[0] for journal in runs.values()}

    assert sources == {f"flows.{name}" for name in GALLERY}
    assert [name for name in runs if f'replay("{name}.yaml")' not in tests] == []


def test_recorded_runs_take_nearly_all_transitions() -> None:
    runs = list(cassettes().values())

    covered = sum((coverage_of(flow, runs) for flow in gallery()), Coverage({}, {}))

    told = report(covered)
    assert told.percent >= LEAST, [str(left) for one in told.flows for left in one.never]
