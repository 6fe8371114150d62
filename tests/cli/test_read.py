"""``show``, ``ls``, ``render``, ``check``, ``replay``: reading runs and flows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.made import Call


def test_show_tells_path_spending_stop_and_place(sf: Call) -> None:
    sf("run", "model.py")
    out = sf("show", "last").out
    assert "done at 'write'" in out
    assert "  write  " in out
    assert "runs.db" in out


def test_show_has_other_forms(sf: Call) -> None:
    sf("run", "done.py", "--input", "hi")
    assert sf("show", "last", "--path").out == "write → review → write → review\n"
    assert "      1 says('APPROVED'): no" in sf("show", "last", "--guards").out
    assert "critic\n    APPROVED" in sf("show", "last", "--messages").out
    first = json.loads(sf("show", "last", "--json").out.splitlines()[0])
    assert first["kind"] == "RunStarted"


def test_replay_prints_the_print_of_the_journal(sf: Call) -> None:
    sf("run", "done.py")
    came = sf("replay", "last")
    assert came.code == 0
    assert came.out.startswith("replayed 4 turns: canonical journal identical (sha256 ")


@pytest.mark.parametrize("name", ["stuck", "fails", "gives_up", "asks", "nested", "model"])
def test_every_stop_replays_to_the_same_bytes(sf: Call, name: str) -> None:
    sf("run", f"{name}.py")
    came = sf("replay", "last")
    assert came.err == ""
    assert "identical" in came.out


def test_ls_lists_runs_and_flows(sf: Call, folder: Path) -> None:
    assert sf("ls").code == 0
    sf("run", "done.py")
    assert "tagline" in sf("ls", "runs").out
    (folder / "broken.py").write_text("flow = 1 / 0\n")
    came = sf("ls", "flows")
    assert came.code == 1
    assert "broken.py, line 1: ZeroDivisionError" in came.err
    assert "Write and review." in came.out
    rows = json.loads(sf("ls", "flows", "--json").out)
    assert {"flow": "done.py", "name": "tagline", "states": 2, "about": "Write and review."} in rows


def test_render_writes_page_and_drawing_and_checks_the_page(sf: Call, folder: Path) -> None:
    assert sf("render", "done.py").code == 0
    assert (folder / "diagrams/tagline.md").is_file()
    assert (folder / "diagrams/tagline.svg").is_file()
    assert sf("render", "done.py", "--check").code == 0
    (folder / "diagrams/tagline.md").write_text("old")
    came = sf("render", "done.py", "--check")
    assert came.code == 1
    assert "diagrams/tagline.md is stale; draw it again: stateflow render done.py" in came.err
    (folder / "diagrams/tagline.md").unlink()
    assert "is missing" in sf("render", ".", "--check").err
    assert sf("render", "done.py", "--check", "--format", "svg").code == 2


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "json", "md", "svg"])
def test_render_prints_text(sf: Call, form: str) -> None:
    came = sf("render", "done.py", "--format", form, *(["--out", "x.svg"] * (form == "svg")))
    assert came.code == 0
    assert came.out


def test_render_writes_where_it_is_told(sf: Call, folder: Path) -> None:
    assert sf("render", "done.py", "--format", "png", "--out", "a/b.png").out == "a/b.png\n"
    assert (folder / "a/b.png").read_bytes().startswith(b"\x89PNG")
    assert sf("render", "done.py", "stuck.py", "--format", "mermaid", "--out", "m").code == 0
    assert (folder / "m/stuck.mmd").is_file()
    assert sf("render", "done.py", "--out", "a/c.mmd").out == "a/c.mmd\n"
    assert "'.py' says no form" in sf("render", "done.py", "--out", "done.py").err
    assert "cannot be written" in sf("render", "done.py", "--out", "done.py/c.svg").err


def test_two_flows_of_one_name_are_refused(sf: Call, folder: Path) -> None:
    (folder / "twin.py").write_text((folder / "done.py").read_text())
    assert "both call their flow 'tagline'" in sf("render", "done.py", "twin.py").err


def test_without_graphviz_the_pages_are_written_all_the_same(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    came = sf("render", "done.py")
    assert came.code == 1
    assert "cannot be drawn as svg" in came.err
    assert (folder / "diagrams/tagline.md").is_file()


def test_check_fails_on_errors_only_unless_strict(sf: Call) -> None:
    assert sf("check", "done.py", "--format", "json").code == 0
    came = sf("check", "flawed.py")
    assert came.code == 1
    assert "flawed.py:8: SF101 error at 'nobody'" in came.out
    rows = json.loads(sf("lint", "flawed.py", "--format", "json").out)
    assert rows[0]["place"] == "nobody"
    github = sf("check", "flawed.py", "--format", "github").out
    assert github.startswith("::error file=flawed.py,line=8,title=SF101")
    warned = json.loads(sf("check", "asks.py", "--format", "json").out)
    assert {row["severity"] for row in warned} == {"warning"}
    assert sf("check", "asks.py").code == 0
    assert sf("check", "asks.py", "--strict").code == 1


def test_modules_are_found_by_name(sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    (folder / "sf_module_of_test.py").write_text((folder / "done.py").read_text())
    assert sf("run", "sf_module_of_test:flow").code == 0
    assert sf("replay", "last").code == 0


def test_version_and_help(sf: Call) -> None:
    assert sf("--version").code == 0
    assert "replay" in sf("--help").out
