"""``docs/review.md``: what it would have people paste is pasted into a small repository, and run.

Hooks are run as pre-commit runs them, without a shell; steps of jobs by ``bash -e``, as GitHub
does.  Steps that only set a machine up (``uses:``, ``pip install``) are left out.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from os import pathsep
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stateflow.cli import call
from tests.cli.made import Came, environment
from tests.docs.tables import ROOT

yaml: Any = import_module("yaml")  # has no stubs

PAGE = (ROOT / "docs/review.md").read_text("utf-8")
DIFF_PAGE = (ROOT / "docs/diff.md").read_text("utf-8")
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
CONFIG, WORKFLOW = map(yaml.safe_load, BLOCK.findall(PAGE))
(COMMENT,) = map(yaml.safe_load, BLOCK.findall(DIFF_PAGE))
OWN: Mapping[str, Any] = {one["id"]: one for one in CONFIG["repos"][0]["hooks"]}
OFFERED: Mapping[str, Any] = {
    one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
COMMANDS = [
    *re.findall(r"^\| [^|]+ \| `(stateflow [^`]+)`", PAGE, re.MULTILINE),
    *re.findall(r"^stateflow .*$", PAGE, re.MULTILINE),
]

FLOW = '''
"""A line, written and approved."""
from stateflow import *
from wording import PROMPT

writer = Assistant("writer", "scripted:A line.", PROMPT)
owner = Human("owner", "Publish it?", options=["yes", "no"])
flow = Flow(
    "x",
    State("write", writer, to("accept"), visits=4),
    State("accept", owner, to("publish", when=answered("yes")), to("write")),
    State("publish", writer, to(None)),
    Final("gave_up", ok=False),
    budget=Budget(tokens=20_000),
    on_error="gave_up",
    rules=[never("publish").before("accept")],
)
'''
WORDING = 'PROMPT = "Write one line."\n'
FLAWED = FLOW.replace(', to("write")),\n    State("publish"', '),\n    State("publish"')
CHANGED = FLOW.replace("visits=4", "visits=3")

Said: TypeAlias = "Callable[..., Came]"


class Project:
    """A clone of a repository, on a branch of its own, with one flow and a file beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, path: str = "flows/x.py") -> None:
        (self.folder / path).write_text(text, "utf-8")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
        told = subprocess.run(
            ["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return told.stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=as it is")

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run *script* as jobs run it, with ``stateflow`` on the path."""
        known = environment(self.folder)
        path = f"{Path(sys.executable).parent}{pathsep}{known['PATH']}"
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={**known, "PATH": path, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def job(self, workflow: Mapping[str, Any]) -> tuple[list[str], str]:
        """Return the steps of the *workflow* that failed, with all that was said, and the summary.

        As there, what stands behind a step that failed is run only if it always is.
        """
        (job,) = workflow["jobs"].values()
        summary = self.folder.parent / "summary.md"
        summary.touch()
        failed: list[str] = []
        for step in job["steps"]:
            command: str = step.get("run", "pip install")
            if command.startswith(("pip install", "gh ")) or (failed and "if" not in step):
                continue
            told = self.run(command, GITHUB_BASE_REF="main", GITHUB_STEP_SUMMARY=str(summary))
            if told.returncode:
                failed.append(f"{command}\n{told.stdout}{told.stderr}")
        return failed, summary.read_text("utf-8")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose pages are drawn.  Tests clone it and leave it as it is."""
    project = Project(tmp_path_factory.mktemp("origin"))
    (project.folder / "flows").mkdir()
    project.write(FLOW)
    project.write(WORDING, "flows/wording.py")
    assert project.run("stateflow render flows").returncode == 0
    project.git("init", "--quiet", "--initial-branch=main")
    project.write("__pycache__\n", ".gitignore")
    project.commit()
    return project.folder


@pytest.fixture
def project(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a clone on a branch of its own; ``main`` and ``origin/main`` are what it came from."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "wording", raising=False)
    project = Project(tmp_path / "clone")
    project.folder.mkdir()
    project.git("clone", "--quiet", str(origin), ".")
    project.git("checkout", "--quiet", "-b", "work")
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def said(project: Project, capsys: pytest.CaptureFixture[str]) -> Said:
    """Return a function that runs a command in the clone, as pre-commit does: without a shell."""

    def run(command: str, *more: str) -> Came:
        assert project.folder == Path.cwd()
        _, *words = shlex.split(command, comments=True)
        code = call([*words, *more])
        out, err = capsys.readouterr()
        return Came(code, out, err)

    return run


def hooked(said: Said, hook: Mapping[str, Any]) -> Came:
    """Run *hook* as pre-commit runs one that is given no names of files."""
    assert hook["pass_filenames"] is False
    return said(hook["entry"], *hook.get("args", []))


def test_every_command_of_the_page_does_what_it_says(project: Project, said: Said) -> None:
    """One after the other, on a flow that has changed as one should."""
    project.write(CHANGED)

    assert len(COMMANDS) == 8
    for command in COMMANDS:
        assert said(command).code == 0, command


def test_the_hooks_of_the_page_let_a_good_change_pass_with_its_drawing(
    project: Project, said: Said
) -> None:
    project.write(CHANGED)

    assert [hooked(said, hook).code for hook in OWN.values()] == [0, 0]
    changed = project.git("diff", "--name-only").split()  # what pre-commit looks at
    assert changed == ["diagrams/x.md", "flows/x.py"]
    project.commit()
    assert hooked(said, OWN["stateflow-render"]).code == 0
    assert project.git("status", "--porcelain") == ""


def test_the_page_of_a_new_flow_has_to_be_added(project: Project, said: Said) -> None:
    project.write(FLOW.replace('"x"', '"y"'), "flows/y.py")
    project.git("add", "flows")

    assert hooked(said, OWN["stateflow-render"]).code == 0
    assert project.git("diff", "--name-only") == ""  # so pre-commit has nothing to stop
    assert "git add diagrams" in PAGE


@pytest.mark.parametrize("hook", [OWN["stateflow-check"], OFFERED["stateflow-check"]])
def test_a_hook_refuses_what_is_wrong_at_its_line(
    project: Project, said: Said, hook: Mapping[str, Any]
) -> None:
    assert hooked(said, hook).code == 0

    project.write(FLAWED)

    told = hooked(said, hook)
    assert told.code == 1
    assert told.out.startswith("flows/x.py:11: SF103 error at 'accept'")


def test_the_hook_that_is_offered_refuses_a_stale_page_and_changes_nothing(
    project: Project, said: Said
) -> None:
    hook = OFFERED["stateflow-render"]
    assert hooked(said, hook).code == 0

    project.write(CHANGED)

    told = hooked(said, hook)
    assert told.code == 1
    assert "diagrams/x.md" in told.err
    assert project.git("diff", "--name-only").split() == ["flows/x.py"]


def test_the_hooks_that_are_offered_are_those_of_the_page() -> None:
    assert list(OFFERED) == list(OWN)
    words = "id name description entry args language types_or pass_filenames always_run"
    known = set(words.split())
    for name, hook in OFFERED.items():
        assert set(hook) <= known
        assert hook["language"] == "python"  # pre-commit installs this repository
        assert f"`{name}`" in PAGE


def test_the_workflow_passes_and_tells_what_has_changed(project: Project) -> None:
    project.write(CHANGED)
    project.write(WORDING.replace("one line", "two lines"), "flows/wording.py")
    assert project.run("stateflow render flows").returncode == 0
    project.commit()

    failed, summary = project.job(WORKFLOW)

    assert failed == []
    assert "| ~ | state `write` | `visits 4 → 3` |" in summary
    assert "-Write one line.\n+Write two lines.\n" in summary
    assert summary.count("```mermaid") == 1  # and nothing of the file that is no flow


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(FLAWED, "::error file=flows/x.py,line=11,title=SF103", id="a-fault"),
        pytest.param(CHANGED, "diagrams/x.md", id="a-stale-page"),
    ],
)
def test_the_workflow_fails_and_still_tells_what_has_changed(
    project: Project, text: str, told: str
) -> None:
    project.write(text)
    project.commit()

    failed, summary = project.job(WORKFLOW)

    assert len(failed) == 1
    assert told in failed[0]
    assert "origin/main" in summary


def test_the_comment_of_the_page_on_diff_is_written(project: Project) -> None:
    project.write(FLOW, "flows/essay.py")
    project.commit()
    project.git("update-ref", "refs/remotes/origin/next", "HEAD")
    project.write(CHANGED, "flows/essay.py")

    (job,) = COMMENT["jobs"].values()
    (command,) = (one["run"] for one in job["steps"] if "stateflow diff" in one.get("run", ""))
    told = project.run(command, GITHUB_BASE_REF="next")

    assert told.returncode == 0, told
    assert "`visits 4 → 3`" in (project.folder / "diff.md").read_text("utf-8")
