"""The command line as a process: real signals, real pipes."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.made import HEAD, Call, begun, command, environment

DIES = (
    HEAD
    + """
import os

def look(view):
    return Message("seen", calls=(ToolCall("1", "look", "{}", "a lot"),))

def die(view):
    os._exit(9)

both = steps(FunctionAgent("first", look), FunctionAgent("last", die))
flow = Flow("dies", State("work", both, to(None)))
"""
)


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_leaves_a_run_that_can_go_on(folder: Path, presses: int) -> None:
    process, told = begun(folder, "run", "slow.py")
    process.send_signal(signal.SIGINT)
    for line in told:
        if "pausing after this turn; Ctrl-C again stops now" in line:
            break
    if presses == 2:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert ("asked to pause" if presses == 1 else "in the middle of a turn") in out
    assert re.search(r"stateflow resume \w+", out)
    words = command("resume", "last", "--budget", "turns=2")
    again = subprocess.run(
        words, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert again.returncode == 3
    assert "2 turns" in again.stdout


def test_a_pipe_gets_plain_text_and_a_waiting_run_goes_on(folder: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words),
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    waiting = run("run", "asks.py")
    assert waiting.returncode == 4
    assert "\x1b" not in waiting.stdout + waiting.stderr
    found = re.search(r"stateflow (resume \w+ --answer) 'accept\|reject'", waiting.stdout)
    assert found is not None
    assert run(*found[1].split(), "accept").returncode == 0


def test_a_run_that_was_killed_is_shown_with_what_it_did_and_the_way_on(
    folder: Path, sf: Call
) -> None:
    (folder / "dies.py").write_text(DIES, "utf-8")
    died = subprocess.run(
        command("run", "dies.py"), cwd=folder, env=environment(folder), check=False
    )
    assert died.returncode == 9
    shown = sf("show", "last").out
    assert "cut off, or still running" in shown
    assert "open     turn 1, at work\n    look({}) ok: a lot\n" in shown
    found = re.search(r"next     stateflow (resume \w+)\n", shown)
    assert found is not None
    assert "    look({}) ok: a lot\n" in sf("show", "last", "--messages").out
    (folder / "cut.jsonl").write_text(sf("show", "last", "--json").out, "utf-8")
    assert "next" not in sf("show", "cut.jsonl").out
    (folder / "dies.py").write_text(DIES.replace("os._exit(9)", "return 'alive'"), "utf-8")
    assert sf(*found[1].split()).code == 0
