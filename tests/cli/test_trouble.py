"""Bad input: one sentence, an exit code, no traceback."""

from __future__ import annotations

import errno
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.made import HEAD, Call

BAD = HEAD + 'flow = Flow("f", State("a", Scripted("x", ["1"]), to("nowhere")))\n'


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run"], 2, "requires an argument"),
        (["frob"], 2, 'Unknown command "frob"'),
        (["run", "none.py"], 1, "there is no file 'none.py'"),
        (["run", "folder/none.py:flow"], 1, "there is no file"),
        (["run", "."], 1, "is a folder"),
        (["run", "no.such.module:flow"], 1, "there is no module 'no.such.module'"),
        (["run", "not a name"], 1, "names no flow"),
        (["run", "syntax.py"], 1, "syntax.py, line 2: SyntaxError"),
        (["run", "raises.py"], 1, "raises.py, line 2: ZeroDivisionError: division by zero"),
        (["run", "exits.py"], 1, "exits.py, line 1: SystemExit: 3"),
        (["run", "leaves.py"], 1, "leaves.py, line 2: Leave: now"),
        (["check", "binary.py"], 1, "binary.py: source code string cannot contain null bytes"),
        (["check", ""], 1, "'' names no flow"),
        (["run", "needs.py"], 1, "needs.py, line 1: ModuleNotFoundError: No module named 'nope'"),
        (["run", "needs:flow"], 1, "ModuleNotFoundError: No module named 'nope'"),
        (["run", "raises:flow"], 1, "ZeroDivisionError"),
        (["run", "bad.py"], 1, "bad.py, line 4: flow 'f': a transition of 'a' leads to unknown"),
        (["run", "empty.py"], 1, "defines no flow"),
        (["run", "several.py"], 1, "several flows (one, two); say which"),
        (["run", "several.py:three"], 1, "'three' of 'several.py' is not defined"),
        (["run", "done.py:writer"], 1, "'writer' of 'done.py' is no flow"),
        (["run", "done.py", "--input", "@none"], 1, "cannot be read"),
        (["run", "done.py", "--data", "{"], 2, "--data is not JSON"),
        (["run", "done.py", "--data", "[]"], 2, "not a JSON object"),
        (["run", "done.py", "--data", '{"a": 1}'], 1, "declares no data"),
        (["run", "done.py", "--budget", "turns"], 2, "NAME=NUMBER"),
        (["run", "done.py", "--budget", "frogs=1"], 2, "the limits are turns"),
        (["run", "done.py", "--budget", "turns=x"], 2, "is no number"),
        (["run", "done.py", "--budget", "turns=-1"], 2, "0 or more"),
        (["run", "done.py", "--budget", "turns=1.5"], 2, "turns are counted"),
        (["run", "done.py", "--budget", "unpriced=perhaps"], 2, "is neither yes nor no"),
        (["run", "done.py", "--model", "writer"], 2, "AGENT=NAME"),
        (["run", "done.py", "--model", "writer="], 2, "AGENT=NAME"),
        (["run", "done.py", "--model", "=scripted:x"], 2, "AGENT=NAME"),
        (["run", "done.py", "--model", "scripted:x"], 2, "nobody in flow 'tagline' asks a model"),
        (["run", "model.py", "--model", "frob:x=y"], 2, "'frob:x=y' is no known kind of model"),
        (["run", "model.py", "--model", "openai+http://h"], 2, "'openai+http://h' names no model"),
        (["run", "done.py", "--file", "none.png"], 1, "'none.png' cannot be attached"),
        (["run", "done.py", "--file", "hollow"], 1, "'hollow' cannot be attached"),
        (["run", "done.py", "--model", "nobody=scripted:x"], 2, "has no agent 'nobody'"),
        (["run", "done.py", "--model", "writer=frob:x"], 2, "'frob:x' is no known kind of model"),
        (["run", "done.py", "--store", "done.py"], 1, "the file is not a database"),
        (["resume", "none"], 1, "no one run is called 'none'"),
        (["resume", "x", "--answer", "a", "--answers", "{}"], 2, "do not go together"),
        (["resume", "x", "--answers", '{"a": 1}'], 2, "each answer is a text"),
        (["fork", "none", "--at", "1"], 1, "no one run is called 'none'"),
        (["show", "none"], 1, "no one run is called 'none'"),
        (["show", "x", "--path", "--guards"], 2, "do not go together"),
        (["show", "none.jsonl"], 1, "there is no journal 'none.jsonl'"),
        (["replay", "torn.jsonl"], 1, "torn"),
        (["render", "done.py", "--format", "png"], 2, "needs --out"),
        (["render", "hollow"], 1, "no file in folder 'hollow' defines"),
        (["ls", "flows", "none"], 1, "there is no folder 'none'"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    sf: Call, folder: Path, words: list[str], code: int, sentence: str
) -> None:
    (folder / "syntax.py").write_text("x = 1\ny = = 2\n")
    (folder / "raises.py").write_text("x = 1\ny = x / 0\n")
    (folder / "exits.py").write_text("raise SystemExit(3)\n")
    (folder / "leaves.py").write_text("class Leave(BaseException): ...\nraise Leave('now')\n")
    (folder / "binary.py").write_bytes(b"\0\1\2")
    (folder / "needs.py").write_text("import nope\n")
    (folder / "bad.py").write_text(BAD)
    (folder / "empty.py").write_text("x = 1\n")
    flow = 'Flow("f", State("a", Scripted("x", ["1"]), to(None)))\n'
    (folder / "several.py").write_text(f"{HEAD}one = {flow}two = {flow}")
    (folder / "torn.jsonl").write_text('{"id": "x", "run": "", "se')
    (folder / "hollow").mkdir()
    came = sf(*words)
    assert came.code == code
    assert came.err.startswith("error: ")
    assert sentence in came.err
    assert came.err.count("\n") == 1
    assert "Traceback" not in came.err
    assert came.out == ""


def test_a_flow_that_moved_away_is_named(sf: Call, folder: Path) -> None:
    sf("run", "asks.py")
    (folder / "asks.py").rename(folder / "moved.py")
    came = sf("resume", "last", "--answer", "accept")
    assert came.code == 1
    assert "there is no file 'asks.py'" in came.err
    assert sf("resume", "last", "--answer", "accept", "--flow", "moved.py").code == 0


def test_an_answer_that_fits_nothing_is_refused(sf: Call) -> None:
    sf("run", "done.py")
    assert "nothing waits" in sf("resume", "last", "--answer", "x").err
    assert "to 4 (after its last)" in sf("fork", "last", "--at", "9").err


def test_a_replay_that_diverges_names_the_turn(sf: Call, folder: Path) -> None:
    sf("run", "done.py")
    text = (folder / "done.py").read_text()
    (folder / "done.py").write_text(text.replace('says("APPROVED")', 'says("too long")'))
    came = sf("replay", "last")
    assert came.code == 1
    assert "diverges at turn 2 (state 'review', visit 1)" in came.err
    assert sf("replay", "last", "none").code == 1


def test_changed_requests_may_be_ignored(sf: Call, folder: Path) -> None:
    sf("run", "model.py")
    text = (folder / "model.py").read_text()
    (folder / "model.py").write_text(text.replace('prompt="Write."', 'prompt="Sing."'))
    assert "the request has changed" in sf("replay", "last").err
    came = sf("replay", "last", "--match", "state")
    assert came.code == 0
    assert "same path" in came.out


def test_the_unexpected_is_told_in_a_sentence_too(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("stateflow.cli.run.find_flow", fail)
    came = sf("run", "done.py")
    assert came.code == 1
    assert came.err == (
        "error: unexpected RuntimeError: odd; run it again with --debug for the traceback\n"
    )
    assert "Traceback" in sf("run", "done.py", "--debug").err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 141)])
def test_interrupts_end_quietly(
    sf: Call, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], code: int
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("stateflow.cli.run.find_flow", fail)

    def keep(*args: object) -> None:
        """Leave stdout to pytest."""

    monkeypatch.setattr("os.dup2", keep)
    came = sf("run", "done.py")
    assert (came.code, came.err) == (code, "")


def test_a_full_disk_is_told_in_a_sentence(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stateflow.cli.run.find_flow", fail)

    came = sf("run", "done.py")

    assert came.code == 1
    assert came.err.startswith("error: the result cannot be written (No space left on device); ")


def test_a_stream_that_was_closed_costs_only_what_would_be_told_there(folder: Path) -> None:
    for closed in (">&-", "2>&-"):
        words = [sys.executable, "-m", "stateflow", "check", "done.py"]
        done = subprocess.run(  # noqa: S602 - only a shell closes a stream
            f"{shlex.join(words)} {closed}",
            shell=True,
            cwd=folder,
            capture_output=True,
            check=False,
        )

        assert (done.returncode, done.stdout) == (0, b"")
        assert b"error" not in done.stderr
