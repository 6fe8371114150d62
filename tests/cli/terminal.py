"""A person at a terminal: a real one, or one whose lines are given."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.made import command, environment

LATER = "stateflow resume k3f9 --answer X"
"""The command that answers another time."""


class Sitting:
    """Somebody at a real terminal, before a process of its own."""

    def __init__(self, folder: Path, *words: str, **more: str) -> None:
        self.ours, theirs = pty.openpty()
        given = {**environment(folder), "NO_COLOR": "1", "COLUMNS": "160", **more}
        self.process = subprocess.Popen(
            command(*words), cwd=folder, env=given, stdin=theirs, stderr=theirs, stdout=-1
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> str:
        """Wait until *words* are shown, and return what was shown up to them."""
        while words not in self.seen:
            piece = self._read()
            assert piece, f"{words!r} was not shown, but {self.seen!r}"
            self.seen += piece
        before, _, self.seen = self.seen.partition(words)
        return before + words

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.ours, text.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and the result."""
        while piece := self._read():
            self.seen += piece
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out.decode()

    def _read(self, limit_s: float = 30.0) -> str:
        ready, _, _ = select.select([self.ours], [], [], limit_s)
        assert ready, f"nothing more was shown after {self.seen!r}"
        try:
            return os.read(self.ours, 65536).decode("utf-8", "replace")
        except OSError:  # all that had the terminal are gone
            return ""

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        os.close(self.ours)


Sit: TypeAlias = Callable[..., Sitting]
"""Begins a command at a terminal."""


@contextmanager
def sittings(folder: Path) -> Generator[Sit]:
    """Yield what begins commands in *folder*, and leave none of them behind."""
    begun: list[Sitting] = []

    def begin(*words: str, **more: str) -> Sitting:
        begun.append(Sitting(folder, *words, **more))
        return begun[-1]

    try:
        yield begin
    finally:
        for one in begun:
            one.close()


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str | None) -> None:
    """Type *lines*; ``None`` is the end."""
    left = iter(lines)
    monkeypatch.setattr("stateflow.cli.human._line", lambda: next(left))
