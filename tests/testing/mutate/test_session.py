"""Mutants tried with real tests, in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stateflow.engine.finding import find_flow
from stateflow.testing.mutate.crew import Crew
from stateflow.testing.mutate.look import Look
from stateflow.testing.mutate.mutant import Mutant
from stateflow.testing.mutate.mutants import mutants
from stateflow.testing.mutate.session import Tried, concerned, score, tried

_FLOW = """
from stateflow import *

critic = Scripted("critic", ["too long", "APPROVED"])
flow = Flow(
    "tagline",
    State("write", Scripted("writer", ["one", "two"]), to("review"), visits=4),
    State("review", critic, to(None, when=says("APPROVED")), to("write", when=~says("APPROVED"))),
    Final("gave_up", ok=False),
    on_error="gave_up",
)
"""
_TESTS = """
import os
import subprocess
import sys
import pytest
from stateflow import run_sync
from stateflow.engine.finding import find_flow
from tagline import flow

@pytest.fixture(scope="module")
def result():
    return run_sync(find_flow("tagline.py").flow, "task")

@pytest.fixture(scope="module")
def path(result):
    return result.path

def test_path(path):
    print("noise")
    print("noise", file=sys.stderr)
    assert path == ("write", "review", "write", "review")

def test_shared(result):
    assert result.stop.ok

def test_it_ends():
    if flow.places["review"].transitions[0].when is None:
        os._exit(3)
    if flow.places["review"].transitions[0].target == "review":
        while True:
            pass
    run_sync(flow, "task")

def test_of_something_else():
    assert flow.name == "tagline"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a flow and its tests."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tagline.py").write_text(_FLOW, "utf-8")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_tagline.py").write_text(_TESTS, "utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\nfilterwarnings = error\n", "utf-8"
    )
    return folder


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the project, as the present folder, with a pytest that begins fast."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return project


@pytest.fixture(scope="module")
def seen(project: Path) -> Path:
    """Return the folder that holds what a run of all tests showed."""
    folder = project / "look"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(project)
        patched.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        look, said = Crew(["tests"], [], folder).look()
    assert look is not None, said
    assert look.failed == []
    return folder


def looked(seen: Path, folder: Path) -> tuple[Crew, Look, Sequence[Mutant]]:
    shutil.copy(seen / "look.json", folder)
    look = Look.read(folder / "look.json")
    return Crew(["tests"], [], folder), look, mutants(find_flow("tagline.py").flow)


def came_to(chosen: Sequence[Mutant], crew: Crew, look: Look, folder: Path) -> dict[str, Tried]:
    how = {"at_once": 2, "accepted": {"drop-on-error at tagline": "nothing fails"}}
    found = tried(chosen, look, crew, folder, grace_s=1.0, **how)  # type: ignore[arg-type]
    return {one.mutant.id: one for one in found}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_session_tells_who_noticed_what(here: Path, seen: Path, tmp_path: Path) -> None:
    crew, look, all_mutants = looked(seen, tmp_path)

    found = came_to(all_mutants, crew, look, tmp_path)

    test = "tests/test_tagline.py::test_"
    killed = found["drop-transition at tagline/write.1"]
    assert (killed.fate, killed.killer) == ("killed", f"{test}path")
    assert list(killed.tests) == [f"{test}path", f"{test}shared", f"{test}it_ends"]
    assert found["drop-cap at tagline/write"].fate == "survived"
    assert found["drop-on-error at tagline"].why == "nothing fails"
    assert found["swap-transitions at tagline/review.1"].fate == "equivalent"
    assert found["flip-ok at tagline/gave_up"].why == "no test comes by"
    assert len(found) == len(all_mutants)
    assert 0 < score(list(found.values())) < 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_endless_and_ended_tests_have_noticed(here: Path, seen: Path, tmp_path: Path) -> None:
    crew, look, all_mutants = looked(seen, tmp_path)
    only = look.tests["tests/test_tagline.py::test_it_ends"]
    others = {name: test for name, test in look.tests.items() if test is not only}
    for test in others.values():
        test.places.clear()
    names = ("drop-guard at tagline/review.1", "retarget at tagline/review.1")

    found = came_to([one for one in all_mutants if one.id in names], crew, look, tmp_path)

    assert [found[name].fate for name in names] == ["killed", "timed out"]
    assert found[names[0]].why == "it ended the tests"


def test_without_fork_each_mutant_has_a_process_of_its_own(
    here: Path, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    crew, look, all_mutants = looked(seen, tmp_path)
    same = [one for one in all_mutants if one.operator == "swap-transitions" and one.equivalent]
    killed = [one for one in all_mutants if one.id == "end-here at tagline/write.1"]

    found = came_to([_unproved(one) for one in same] + killed, crew, look, tmp_path)

    assert sorted(one.fate for one in found.values()) == ["killed", "survived"]


def _unproved(mutant: Mutant) -> Mutant:
    return replace(mutant, equivalent="")


def test_a_mutant_concerns_the_tests_that_come_by(here: Path, seen: Path, tmp_path: Path) -> None:
    _, look, all_mutants = looked(seen, tmp_path)
    names = {one.id: concerned(one, look) for one in all_mutants}

    assert names["flip-ok at tagline/gave_up"] == []
    assert "tests/test_tagline.py::test_of_something_else" not in names["drop-on-error at tagline"]
    assert len(names["drop-on-error at tagline"]) == 3


def by_hand(mutant: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "stateflow.testing.plugin.mutating"),
            *(f"--stateflow-mutant={mutant}", *words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_mutant_can_be_seen_by_hand(here: Path) -> None:
    came = by_hand("tagline.py::end-here at tagline/write.1", "tests")

    assert came.returncode == 1
    assert "assert ('write',) == ('write', 're" in came.stdout


def test_a_mutant_that_no_test_meets_is_refused(here: Path, tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_nothing(): pass\n", "utf-8")

    came = by_hand("tagline.py::drop-on-error at tagline", str(tmp_path))

    assert came.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the tests neither made nor ran the flow of" in came.stdout


@pytest.mark.parametrize(
    ("mutant", "told"),
    [
        ("tagline.py::drop-cap at nowhere", "has no mutant 'drop-cap at nowhere'"),
        ("tagline.py", "write FLOW::ID"),
        ("gone.py::drop-cap at nowhere", "gone.py"),
    ],
)
def test_a_mutant_that_is_none_is_refused(
    mutant: str, told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-q", "-p", "stateflow.testing.plugin.mutating", f"--stateflow-mutant={mutant}"]

    code = pytest.main([*words, "tests"])

    assert code == pytest.ExitCode.USAGE_ERROR
    assert told in capsys.readouterr().err
