"""The command line, called in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow.cli import call
from tests.cli import made
from tests.cli.made import Call, Came

FILES = {
    "done.py": made.DONE,
    "asks.py": made.ASKS,
    "stuck.py": made.STUCK,
    "fails.py": made.FAILS,
    "gives_up.py": made.GIVES_UP,
    "slow.py": made.SLOW,
    "nested.py": made.NESTED,
    "model.py": made.MODEL,
    "flawed.py": made.FLAWED,
    "odd.py": made.ODD,
    "tools.py": made.TOOLS,
    "chat.py": made.CHAT,
    "opaque.py": made.OPAQUE,
    "coding.py": made.CODE,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, which holds the flows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATEFLOW_STORE", str(tmp_path / "runs.db"))
    for name in ("NO_COLOR", "FORCE_COLOR", "STATEFLOW_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def sf(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs a command."""
    assert folder.is_dir()

    def run(*words: str) -> Came:
        code = call(words)
        out, err = capsys.readouterr()
        return Came(code, out, err)

    return run
