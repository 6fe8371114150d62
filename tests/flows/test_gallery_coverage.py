"""The gallery's recorded runs come by nearly all that its flows can do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stateflow import Flow
from stateflow.engine.finding import find_flow
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.journals import coverage_of
from stateflow.testing.coverage.report import report
from stateflow.testing.reasons import exemptions
from tests.flows.planted_changes import cassettes

ROOT = Path(__file__).parents[2]
FLOWS = ROOT / "flows"
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


def test_recorded_runs_take_nearly_all_transitions_and_the_rest_has_reasons() -> None:
    runs = list(cassettes().values())

    covered = sum((coverage_of(flow, runs) for flow in gallery()), Coverage({}, {}))

    told = report(covered, exemptions(ROOT / "pyproject.toml"))
    assert told.percent >= LEAST, [str(left) for one in told.flows for left in one.never]
    assert [str(left.item) for left in told.unexplained] == []
    assert [way for one in told.flows for way in one.stale] == []


def test_the_tests_of_the_gallery_come_by_as_much() -> None:
    came = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("-n0", "tests/flows/test_recorded.py", "--stateflow-cov=flows"),
            f"--stateflow-cov-fail-under={LEAST:g}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert came.returncode == 0, came.stdout
    assert "never taken:" not in came.stdout
    assert "flows/stock_swarm.py:70  writer → done [says('TERMINATE', by='planner')]" in came.stdout
