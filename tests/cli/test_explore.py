import json
import subprocess
import sys
from pathlib import Path

import pytest

from stateflow.cli.app import app
from stateflow.cli.trouble import guarded

FLOWS = Path(__file__).parents[2] / "flows"


def test_tests_are_written_that_are_formatted_and_green(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "tests" / "test_grade_paths.py"

    assert guarded(app, ["explore", str(FLOWS / "grade.py"), "--to", str(to)]) == 0

    assert "4 of 4 taken by 2 conversation(s)" in capsys.readouterr().out
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", str(to)]
    assert subprocess.run(ruff, check=False, capture_output=True).returncode == 0
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(to)]
    ran = subprocess.run(run, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout


def test_only_what_a_report_never_saw_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = {"from": "grade", "to": None, "guard": "replied('score', at_least=8)", "taken": 0}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"flows": [{"flow": "grade", "transitions": [never]}]}))

    assert guarded(app, ["explore", str(FLOWS / "grade.py"), "--uncovered", str(report)]) == 0

    assert "1 of 1 taken by 1 conversation(s)" in capsys.readouterr().out


def test_a_file_that_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "test_mine.py"
    to.write_text("mine")

    assert guarded(app, ["explore", str(FLOWS / "grade.py"), "--to", str(to)]) == 1

    assert to.read_text() == "mine"
    assert "add --force" in capsys.readouterr().err


def test_a_flow_in_json_is_refused_for_a_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "test_it.py"

    assert guarded(app, ["explore", "flow.json", "--to", str(to)]) == 1

    assert "a test finds a flow in Python, not in 'flow.json'" in capsys.readouterr().err
    assert not to.exists()
