"""``stateflow step``: at a real terminal, and in a pipe."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stateflow.stores.file import read_file
from stateflow.testing.cassette.cassette import write_cassette
from tests.cli.made import Call, command, environment

HELP = "q quit"


class Screen:
    """Somebody at a terminal that shows what the command says, and gives it keys."""

    def __init__(self, folder: Path, *words: str, **more: str) -> None:
        self.ours, theirs = pty.openpty()
        given = {**environment(folder), "COLUMNS": "100", "LINES": "40", "TERM": "xterm", **more}
        self.process = subprocess.Popen(
            command(*words), cwd=folder, env=given, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> str:
        """Wait until *words* are shown, and return what was shown up to them."""
        while words not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], 30.0)
            assert ready, f"{words!r} was not shown, but {self.seen!r}"
            piece = os.read(self.ours, 65536).decode("utf-8", "replace")
            assert piece, f"{words!r} was not shown, but {self.seen!r}"
            self.seen += piece
        before, _, self.seen = self.seen.partition(words)
        return before

    def press(self, keys: str, until: str = HELP) -> str:
        """Press *keys*, and return the next screen."""
        os.write(self.ours, keys.encode())
        return self.until(until)

    def code(self) -> int:
        return self.process.wait(timeout=30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)


@pytest.fixture
def screen(folder: Path, sf: Call) -> Iterator[Screen]:
    """Step through a run of four turns; what was said tries to move the cursor."""
    assert sf("run", "done.py", "--input", "go").code == 0
    at = Screen(folder, "step", "last", NO_COLOR="1")
    yield at
    at.close()


def test_keys_go_forwards_and_backwards_through_the_turns(screen: Screen) -> None:
    assert "turn 0 of 4  before the first turn" in screen.until(HELP)
    first = screen.press("n")
    assert "turn 1 of 4  write  writer" in first
    assert "draft [bold]" in first
    assert "\x1b[31m" not in first
    assert "turn 2 of 4  review" in screen.press(" ")
    assert "turn 3 of 4  write" in screen.press("\x1b[C")
    assert "turn 2 of 4  review" in screen.press("\x1b[D")
    assert "turn 1 of 4" in screen.press("p")
    assert "turn 2 of 4" in screen.press("\r")
    os.write(screen.ours, b"q")
    assert screen.code() == 0


def test_a_turn_is_gone_to_and_a_text_is_found(screen: Screen) -> None:
    screen.until(HELP)
    screen.press("g", "turn: ")
    assert "turn 3 of 4" in screen.press("3\n")
    screen.press("g", "turn: ")
    assert "there is no turn 9; there are 4" in screen.press("9\n")
    screen.press("/", "/")
    assert "turn 4 of 4" in screen.press("approved\n")
    assert "that was the last turn" in screen.press("n")
    screen.press("/", "/")
    assert "nobody said 'nowhere'" in screen.press("nowhere\n")


def test_messages_data_and_the_command_that_forks_here_are_shown(screen: Screen) -> None:
    screen.until(HELP)
    screen.press("n")
    assert "user: go" in screen.press("m")
    assert "{}" in screen.press("d")
    assert "stateflow fork " in (told := screen.press("f"))
    assert "--at 1" in told
    assert "no nested run began in this turn" in screen.press("s")
    assert "nothing is around it" in screen.press("u")


def test_a_nested_run_is_entered_and_left(folder: Path, sf: Call) -> None:
    sf("run", "nested.py", "--no-input")
    at = Screen(folder, "step", "last", "--at", "1", NO_COLOR="1")
    try:
        assert "turn 1 of 1  p  parent" in at.until(HELP)
        assert "p#1.0/turn 0 of 1" in at.press("s")
        assert "forks begin at turns of the run itself" in at.press("f")
        inside = at.press("n")
        assert "p#1.0/turn 1 of 1  c  kid" in inside
        assert "kid: inner" in inside
        assert "\r\nturn 1 of 1  p" in at.press("u")
    finally:
        at.close()


def test_the_terminal_is_left_as_it_was_and_ctrl_c_ends_it(folder: Path, sf: Call) -> None:
    """Keys are shown again, and given a line at a time."""
    import termios

    sf("run", "done.py", "--input", "go")
    at = Screen(folder, "step", "last")
    try:
        before = termios.tcgetattr(at.ours)
        at.until(HELP)
        at.process.send_signal(signal.SIGINT)
        assert at.code() == 130
        assert termios.tcgetattr(at.ours)[3] == before[3]
    finally:
        at.close()


def test_in_a_pipe_every_turn_is_printed(sf: Call) -> None:
    sf("run", "done.py", "--input", "go")

    came = sf("step", "last")

    assert came.code == 0
    assert [row.split("  ")[0] for row in came.out.splitlines() if row.startswith("turn ")] == [
        f"turn {number} of 4" for number in range(5)
    ]
    assert "\x1b" not in came.out
    assert HELP not in came.out


def test_a_turn_that_could_not_be_taken_is_shown_with_its_verdicts(sf: Call) -> None:
    assert sf("run", "stuck.py").code == 5

    out = sf("step", "last").out

    assert "    ✘ says('yes')" in out
    assert "    stuck at 'a': no guard held" in out
    assert "next     a again, once it is resumed" in out


def test_a_file_is_stepped_through_and_cannot_be_forked(sf: Call, folder: Path) -> None:
    sf("run", "done.py", "--input", "go", "--record", "kept.jsonl")
    at = Screen(folder, "step", "kept.jsonl", NO_COLOR="1")
    try:
        at.until(HELP)
        assert "this run lies in a file" in at.press("f")
    finally:
        at.close()


def test_a_run_that_is_not_there_is_told(sf: Call) -> None:
    came = sf("step", "nobody")

    assert came.code == 1
    assert "nobody" in came.err


def test_a_cassette_is_stepped_through(sf: Call, folder: Path) -> None:
    """It is text in a repository, and there is no store to look into."""
    sf("run", "done.py", "--input", "go", "--record", "kept.jsonl")
    write_cassette(read_file(folder / "kept.jsonl"), folder / "kept.yaml")

    told = sf("step", "kept.yaml").out

    assert "turn 4 of 4  review  critic" in told
    assert "    critic: APPROVED" in told
