"""``stateflow diff``: flows, revisions and runs, as a user compares them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stateflow.cli.revision import AtRevision, at_revision
from tests.cli.made import HEAD, Call

MAIN = (
    HEAD
    + """
from helpers import PROMPT
writer, critic = Scripted("writer", ["a", "b"]), Scripted("critic", ["no", "OK"])
flow = Flow(
    "essay",
    State("write", writer, to("review"), prompt=PROMPT),
    State("review", critic, to(None, when=says("OK")), to("write")),
)
"""
)
BRANCH = MAIN.replace('to("review")', 'to("check")').replace('State("review"', 'State("check"')
PROMPT = 'PROMPT = """Write it.\nBe short.\nEnd."""\n'
BRIEF = 'PROMPT = """Write it.\nBe brief ```x``` | \\x1b[31m.\nEnd."""\n'


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def forget_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a test before has imported: each command is a process of its own."""
    monkeypatch.delitem(sys.modules, "helpers", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose branch ``main`` has one version, and whose files another."""
    forget_helpers(monkeypatch)
    flows = folder / "flows"
    flows.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", ".")
    (flows / "helpers.py").write_text(PROMPT, "utf-8")
    (flows / "x.py").write_text(MAIN, "utf-8")
    git(folder, "add", "flows")
    git(folder, "commit", "--quiet", "--message=one")
    (flows / "helpers.py").write_text(BRIEF, "utf-8")
    (flows / "x.py").write_text(BRANCH, "utf-8")
    return folder


TOLD = [
    "main → this branch: ~ 2 states",
    "~ state 'write': prompt",
    "      Write it.",
    "    - Be short.",
    "    + Be brief ```x``` | [31m.",
    "      End.",
    "~ state 'review' is now 'check'",
]


@pytest.mark.usefixtures("repository")
def test_a_revision_is_compared_with_what_it_imports(sf: Call) -> None:
    came = sf("diff", "main:flows/x.py", "flows/x.py")

    assert came.out.splitlines() == TOLD
    assert came.code == 0


def test_the_repository_is_left_as_it_was(sf: Call, repository: Path) -> None:
    def state() -> tuple[str, bytes]:
        quiet = ["git", "--no-optional-locks", "-c", "core.hooksPath=/dev/null"]
        told = subprocess.run(
            [*quiet, "status", "--porcelain"], cwd=repository, check=True, capture_output=True
        )
        return told.stdout.decode(), (repository / ".git" / "index").read_bytes()

    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.write_text("#!/bin/sh\ntouch ran\n", "utf-8")
    hook.chmod(0o755)
    before = state()
    modules, path = set(sys.modules), list(sys.path)

    came = sf("diff", "main:flows/x.py", "flows/x.py")

    assert came.code == 0
    assert state() == before
    assert not (repository / "ran").exists()
    assert "helpers" not in set(sys.modules) - modules
    assert sys.path == path


def test_a_revision_is_read_from_a_folder_of_the_repository(
    sf: Call, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "flows")

    assert sf("diff", "main:x.py", "x.py").out.splitlines() == TOLD
    assert sf("diff", "main:flows/x.py", "x.py").out.splitlines()[1:] == TOLD[1:]
    whole = repository / "flows" / "x.py"
    assert sf("diff", f"main:{whole}", str(whole)).out.splitlines() == TOLD


def test_two_revisions_are_called_by_their_names(sf: Call, repository: Path) -> None:
    git(repository, "commit", "--all", "--quiet", "--message=two")

    came = sf("diff", "HEAD~1:flows/x.py:flow", "HEAD:flows/x.py")

    assert came.out.splitlines() == ["HEAD~1 → HEAD: ~ 2 states", *TOLD[1:]]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("mian:flows/x.py", "'mian' is no revision of this repository; did you mean 'main'?"),
        ("0000:flows/x.py", "`git log --oneline` lists revisions"),
        (
            "main:flows/y.py",
            "no file 'flows/y.py' at revision 'main'; did you mean 'flows/x.py'?",
        ),
        ("main:../x.py", "there is no file '../x.py' at revision 'main'"),
        ("main:/etc/x.py", "there is no file '/etc/x.py' at revision 'main'"),
        ("main:flows/helpers.py", "at revision 'main': 'flows/helpers.py' defines no flow"),
        ("main:flows/x.py:flaw", "'flaw' of 'flows/x.py' is not defined"),
        ("nothing", "'nothing' is neither a flow (path.py, REV:path.py, pkg.mod:attr) nor a run"),
        ("flows/none.py", "there is no file 'flows/none.py'"),
        ("no.such", "there is no module 'no.such'"),
        ("none.jsonl", "none.jsonl"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_sentence(
    sf: Call, reference: str, sentence: str
) -> None:
    came = sf("diff", reference, "flows/x.py")

    assert sentence in came.err
    assert (came.code, came.out, came.err.count("\n")) == (1, "", 1)
    assert sf("diff", reference, "flows/x.py", "--exit-code").code == 2


def test_outside_of_a_repository_a_revision_is_refused(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))

    came = sf("diff", "main:done.py", "done.py")

    assert "is in no git repository; run it in one" in came.err


@pytest.mark.usefixtures("repository")
def test_without_git_a_revision_is_refused(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    came = sf("diff", "main:flows/x.py", "flows/x.py")

    assert "git is not installed" in came.err
    assert sf("diff", "flows/x.py", "flows/x.py").code == 0


@pytest.mark.parametrize(("other", "code"), [("done.py", 0), ("stuck.py", 1)])
def test_the_exit_code_tells_on_request(sf: Call, other: str, code: int) -> None:
    assert sf("diff", "done.py", other, "--exit-code").code == code
    assert sf("diff", "done.py", other).code == 0


def test_flows_of_two_folders_keep_their_own_helpers(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_helpers(monkeypatch)
    for name, prompt in (("one", PROMPT), ("two", BRIEF)):
        (folder / name).mkdir()
        (folder / name / "x.py").write_text(MAIN, "utf-8")
        (folder / name / "helpers.py").write_text(prompt, "utf-8")

    came = sf("diff", "one/x.py", "two/x.py")

    assert came.out.splitlines() == ["one/x.py → two/x.py: ~ 1 state", *TOLD[1:6]]


@pytest.mark.usefixtures("repository")
def test_the_page_is_good_for_a_pull_request(sf: Call) -> None:
    came = sf("diff", "main:flows/x.py", "flows/x.py", "--format", "md")

    assert came.out.startswith("**`essay`** `main` → `this branch`: ~ 2 states\n\n```mermaid\n")
    assert "| ~ | state `check` | `was review` |" in came.out
    assert (
        "state `write`: prompt\n\n````diff\n Write it.\n-Be short.\n+Be brief ```x``` | [31m."
        in (came.out)
    )
    assert "\x1b" not in came.out


@pytest.mark.usefixtures("repository")
def test_json_holds_every_change(sf: Call) -> None:
    came = sf("diff", "main:flows/x.py", "flows/x.py", "--format", "json")

    whole = json.loads(came.out)
    assert whole["summary"] == "~ 2 states"
    assert [change["kind"] for change in whole["changes"]] == ["changed", "renamed"]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.svg", b"<"),
        ("a.png", b"\x89PNG"),
        ("a.dot", b"digraph"),
        ("a.mmd", b"stateDiagram-v2"),
        ("a.md", b"**`essay`**"),
        ("a.json", b"{"),
        ("a.txt", b"main "),
    ],
)
def test_the_name_of_the_file_tells_the_form(
    sf: Call, folder: Path, name: str, begins: bytes
) -> None:
    came = sf("diff", "main:flows/x.py", "flows/x.py", "--out", f"made/{name}")

    assert came.out == f"made/{name}\n"
    assert (folder / "made" / name).read_bytes().startswith(begins)


def test_a_picture_needs_a_file_and_a_file_a_folder(sf: Call, folder: Path) -> None:
    came = sf("diff", "done.py", "done.py", "--format", "png")
    assert (came.code, came.err) == (2, "error: --format png needs --out FILE\n")

    came = sf("diff", "done.py", "done.py", "--out", "done.py/x.md")
    assert "cannot be written" in came.err


def test_a_run_is_compared_with_the_flow_as_it_is_now(sf: Call, repository: Path) -> None:
    sf("run", "flows/x.py", "--input", "Go.")
    (repository / "flows" / "x.py").write_text(BRANCH.replace('"OK"', '"FINE"'), "utf-8")

    came = sf("diff", "last", "flows/x.py")

    assert came.out.splitlines()[1:] == [
        "~ transition 'check → done': guard says('OK') → says('FINE')"
    ]
    refused = sf("diff", "last", "flows/x.py", "--format", "dot")
    assert (refused.code, "a run records the table" in refused.err) == (2, True)
    assert "mermaid" not in sf("diff", "last", "flows/x.py", "--format", "md").out


@pytest.fixture
def runs(sf: Call, repository: Path) -> tuple[str, str]:
    """Return two runs: of one flow, and of another version of it with another task."""
    sf("run", "flows/x.py", "--input", "Go.")
    (repository / "flows" / "x.py").write_text(BRANCH.replace('"b"', '"c\\x1b[2J"'), "utf-8")
    sf("run", "flows/x.py", "--input", "Go on.")
    first, second = (row["run"] for row in json.loads(sf("ls", "--json").out))
    return first, second


def test_two_runs_are_told_turn_by_turn_to_where_they_part(sf: Call, runs: tuple[str, str]) -> None:
    came = sf("diff", *runs)

    lines = came.out.splitlines()
    assert lines[0].endswith("they part at turn 3, at 'write'; 3 of 4 are the same")
    assert lines[1:-2] == [
        "~ task Go. → Go on.",
        "    1 write (writer)  a",
        "    2 check (critic)  no",
        "~   3 write (writer)  c[2J",
        "      - b",
        "      + c[2J",
        "      - else: yes",
        "      + else: yes",
        "    4 check (critic)  OK",
    ]
    assert all("4 turns · done at 'check'" in line for line in lines[-2:])
    assert (sf("diff", *runs, "--exit-code").code, sf("diff", *runs).code) == (1, 0)


def test_two_runs_are_compared_as_a_page_and_as_json(sf: Call, runs: tuple[str, str]) -> None:
    page = sf("diff", *runs, "--format", "md").out
    assert "```diff\n~ task Go. → Go on.\n" in page
    assert "| before |" in page

    whole = json.loads(sf("diff", *runs, "--format", "json").out)
    assert whole["first"] == 2
    assert [turn["same"] for turn in whole["turns"]] == [True, True, False, True]

    refused = sf("diff", *runs, "--format", "dot")
    assert (refused.code, "two runs are no picture" in refused.err) == (2, True)


def test_a_run_is_the_same_as_itself(sf: Call, runs: tuple[str, str]) -> None:
    came = sf("diff", "last", runs[1], "--exit-code")

    assert came.code == 0
    assert "the same 4 turns" in came.out


def test_runs_that_only_began_otherwise_say_so(sf: Call) -> None:
    for task in ("one", "two"):
        sf("run", "done.py", "--input", task)
    first, second = (row["run"] for row in json.loads(sf("ls", "--json").out))

    assert "the same turns; other task" in sf("diff", first, second).out


def test_a_colon_in_the_name_of_a_file_is_no_revision(folder: Path) -> None:
    (folder / "main:x.py").write_text("", "utf-8")

    assert at_revision("main:x.py") is None
    assert at_revision("main:y.json:b") == AtRevision("main", "y.json", ":b")
    assert at_revision("pkg.mod:attr") is None


@pytest.mark.usefixtures("repository")
def test_the_same_bytes_come_out_of_every_process(folder: Path) -> None:
    code = "import sys; from stateflow.cli.diff import diff; sys.exit(diff(*sys.argv[1:]))"
    words = [sys.executable, "-c", code, "main:flows/x.py", "done.py"]
    root = str(Path(__file__).resolve().parents[2])
    outs = {
        subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outs) == 1
