"""References: files, folders, and what is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stateflow.errors import FlowNotFound
from stateflow.testing.coverage.wanted import wanted

FLOW = """
from stateflow import Flow, Scripted, State, to
flow = Flow("{name}", State("a", Scripted("x", ["y"]), to(None)))
other = Flow("other", State("a", Scripted("x", ["y"]), to(None)))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with two files of flows and one of something else."""
    monkeypatch.chdir(tmp_path)
    flows = tmp_path / "flows"
    flows.mkdir()
    for name in ("one", "two"):
        (flows / f"{name}.py").write_text(FLOW.format(name=name), "utf-8")
    (flows / "words.py").write_text("x = 1\n", "utf-8")
    return tmp_path


def test_a_folder_means_each_flow_of_its_files(folder: Path) -> None:
    assert [flow.name for flow in wanted(["flows"])] == ["one", "two"]


def test_a_file_may_say_which_of_its_flows(folder: Path) -> None:
    found = wanted(["flows/one.py:other", "flows/two.py"])

    assert [flow.name for flow in found] == ["other", "two"]


def test_the_folder_and_the_path_of_modules_stay_as_they_were(folder: Path) -> None:
    (folder / "flows" / "away.py").write_text(
        f"import os, sys\nos.chdir('/')\nsys.path.append('/gone')\n{FLOW}", "utf-8"
    )
    before = list(sys.path)

    wanted(["flows/away.py:flow"])

    assert sys.path == before
    assert Path.cwd() == folder


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("flows/gone.py", "there is no file 'flows/gone.py'"),
        ("flows/one.py:gone", "'gone' of 'flows/one.py' is not defined"),
        ("empty", "no file in folder 'empty' defines `flow = Flow(...)`"),
        ("flows/bad.py", "flows/bad.py, line 1: ZeroDivisionError"),
    ],
)
def test_what_is_no_flow_is_one_sentence(folder: Path, reference: str, told: str) -> None:
    (folder / "empty").mkdir()
    (folder / "flows" / "bad.py").write_text("flow = 1 / 0\n", "utf-8")

    with pytest.raises(FlowNotFound) as caught:
        wanted([reference])

    assert told in str(caught.value)
