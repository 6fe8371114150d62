"""Flow coverage of a test session, as people ask for it on the command line of pytest."""

from __future__ import annotations

import json
import re

import pytest

pytest_plugins = ["pytester"]

FLOW = """
from stateflow import Final, Flow, Scripted, State, exhausted, says, to

def essay(*said):
    return Flow(
        "essay",
        State("write", Scripted("writer", list(said)),
              to("gave_up", when=exhausted),
              to(None, when=says("DONE")),
              to("write")),
        Final("gave_up", ok=False),
    )

flow = essay("draft", "DONE")
"""
TESTS = """
import pytest
from stateflow import Flow, Scripted, State, run_sync, to
from essays.essay import essay

@pytest.mark.parametrize("said", [["DONE"], ["draft", "DONE"], ["draft", "draft", "DONE"]])
def test_it_is_done(said):
    assert run_sync(essay(*said)).stop.ok

def test_another_of_that_name():
    run_sync(Flow("essay", State("write", Scripted("x", ["y"]), to(None))))
"""
FLOWS = ("--stateflow-cov=essays/essay.py:flow", "--stateflow-cov=essays/never.py")
NEVER = FLOW.replace('"essay"', '"never"')


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a project with two flows, one of which its tests run."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        pythonpath = ["."]
        asyncio_default_fixture_loop_scope = "function"
        [tool.stateflow.coverage.exempt.essay]
        "write → gave_up" = "takes a hundred turns"
        """
    )
    flows = pytester.mkpydir("essays")
    (flows / "essay.py").write_text(FLOW, "utf-8")
    (flows / "never.py").write_text(NEVER, "utf-8")
    pytester.makepyfile(test_essay=TESTS)
    return pytester


def told(result: pytest.RunResult) -> list[str]:
    """Return what the session told of flow coverage."""
    lines = result.outlines
    start = next(n for n, line in enumerate(lines) if "= flow coverage =" in line)
    rest = lines[start + 1 :]
    end = next(n for n, line in enumerate(rest) if re.search(r"^=|\d passed", line))
    return rest[:end]


REPORT = [
    "flow   states  transitions  guards  stops  tools   taken",
    "essay     1/2          2/3     1/2    1/3      –  66.6 %",
    "never     0/2          0/3     0/2    0/3      –     0 %",
    "all       1/4          2/6     1/4    1/6      –  33.3 %",
    "never taken:",
    "  essays/never.py:8  write → gave_up [exhausted]  never asked",
    "  essays/never.py:9  write → done [says('DONE')]  never asked",
    "  essays/never.py:10  write → write [else]",
    "never seen:",
    "  essay: states gave_up; stops failed, gave_up",
    "  never: states gave_up, write; stops done, failed, gave_up",
    "exempt:",
    "  essays/essay.py:8  write → gave_up [exhausted]  takes a hundred turns",
]


def test_the_flows_that_are_named_are_told_whether_they_ran_or_not(
    project: pytest.Pytester,
) -> None:
    result = project.runpytest_inprocess(*FLOWS)

    assert result.ret == 0
    assert told(result) == REPORT


def test_workers_of_xdist_come_to_the_same_report(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(*FLOWS, "-n", "2", "--randomly-seed=2")

    assert told(result) == REPORT


def test_without_a_name_every_flow_that_ran_is_told(project: pytest.Pytester) -> None:
    lines = told(project.runpytest_inprocess("--stateflow-cov-report=term", "--stateflow-cov"))

    assert [line.split()[0] for line in lines] == ["flow", "essay", "essay", "all"]
    assert "(essays/essay.py:5)" in lines[1]
    assert "(test_essay.py:" in lines[2]


def test_workers_tell_of_every_flow_that_ran_as_one_process_does(project: pytest.Pytester) -> None:
    alone = told(project.runpytest_inprocess("--stateflow-cov"))

    assert told(project.runpytest_subprocess("--stateflow-cov", "-n", "2")) == alone


def test_a_drawing_that_nobody_can_lay_out_fails_the_session_and_says_so(
    project: pytest.Pytester,
) -> None:
    rows = "\n".join(f'    State("s{n}", x, to("s{n + 1}"), to(None)),' for n in range(520))
    begin = "from stateflow import *\nx = Scripted('x', ['y'])\nflow = Flow(\n    'big',\n"
    text = f"{begin}{rows}\n    State('s520', x, to(None)),\n)\n"
    (project.path / "essays" / "big.py").write_text(text, "utf-8")

    result = project.runpytest_inprocess(
        "--stateflow-cov=essays/big.py", *FLOWS, "--stateflow-cov-report=svg:out"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert any("flow 'big' is too large to be drawn" in line for line in told(result))
    assert (project.path / "out" / "essay.svg").exists()


def test_too_little_fails_the_session_in_one_sentence(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess(*FLOWS, "--stateflow-cov-fail-under=95")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=4)
    assert told(result)[-1] == (
        "FAILED: flow coverage is 33.3 % (2 of 6 transitions), less than the 95 % asked for"
    )


def test_enough_does_not(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess(FLOWS[0], "--stateflow-cov-fail-under=66.6")

    assert result.ret == 0


def test_the_report_goes_to_files(project: pytest.Pytester) -> None:
    forms = [f"--stateflow-cov-report={form}" for form in ("json:out/c.json", "svg:out/heat")]

    result = project.runpytest_inprocess(*FLOWS, *forms)

    out = project.path / "out"
    assert json.loads((out / "c.json").read_text("utf-8"))["percent"] == 33.33
    assert sorted(path.name for path in (out / "heat").iterdir()) == ["essay.svg", "never.svg"]
    assert told(result) == [f"wrote {out / 'c.json'}", f"wrote 2 drawings to {out / 'heat'}"]


def test_a_file_that_cannot_be_written_fails_the_session(project: pytest.Pytester) -> None:
    (project.path / "out").write_text("a file", "utf-8")

    result = project.runpytest_inprocess(*FLOWS, "--stateflow-cov-report=json:out/c.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert told(result) == ["FAILED: 'out/c.json' cannot be written (File exists)"]


def test_nobody_who_does_not_ask_is_told_anything(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess()

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*flow coverage*")


def test_a_session_without_a_run_says_so(project: pytest.Pytester) -> None:
    lines = told(project.runpytest_inprocess("--stateflow-cov", "-k", "done and not done"))

    assert lines == ["no flow ran"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--stateflow-cov=essays/gone.py"], "there is no file 'essays/gone.py'"),
        (["--stateflow-cov=essays/bad.py"], "essays/bad.py, line 1: ZeroDivisionError"),
        (["--stateflow-cov=empty"], "no file in folder 'empty' defines `flow = Flow(...)`"),
        (["--stateflow-cov-fail-under=95"], "tells of nothing without --stateflow-cov=FLOWS"),
        ([FLOWS[0], "--stateflow-cov-fail-under=101"], "'101' is no percentage; write one from"),
        ([FLOWS[0], "--stateflow-cov-fail-under=nan"], "'nan' is no percentage; write one from"),
        ([FLOWS[0], "--stateflow-cov-report=pdf"], "'pdf' is no form of report; write term, "),
        ([FLOWS[0], "--stateflow-cov-report=json:"], "'json:' is no form of report; write term, "),
        (["--stateflow-cov", "--stateflow-cov-report=svg:x"], "draws flows that are named; write"),
    ],
    ids=["file", "broken", "folder", "alone", "over", "nan", "form", "nowhere", "drawing"],
)
def test_a_slip_is_one_sentence_before_any_test_runs(
    project: pytest.Pytester, words: list[str], sentence: str
) -> None:
    (project.path / "empty").mkdir()
    (project.path / "essays" / "bad.py").write_text("flow = 1 / 0\n", "utf-8")

    result = project.runpytest_inprocess(*words)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert sum(sentence in line for line in result.errlines) == 1
    assert "Traceback" not in result.stderr.str()


def test_a_malformed_table_of_exemptions_is_one_sentence(project: pytest.Pytester) -> None:
    file = project.path / "pyproject.toml"
    file.write_text(f"{file.read_text('utf-8')}\n'a → b' = 3\n", "utf-8")

    result = project.runpytest_inprocess(FLOWS[0])

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*exempt.essay] lists 'a → b' and does not say why*")


def test_a_worker_that_crashes_is_told(project: pytest.Pytester) -> None:
    project.makepyfile(test_crash="import os\n\ndef test_crash():\n    os._exit(3)\n")

    result = project.runpytest_subprocess(FLOWS[0], "-n", "1", "--max-worker-restart=0")

    result.stdout.fnmatch_lines("FAILED: a worker crashed: what ran there is not in the flow *")
