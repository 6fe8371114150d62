"""The README's promises about itself."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_very_test_command_of_the_readme() -> None:
    """The last command under *Try it* is the one that decides what lands."""
    commands = re.findall(r"^python3 -m venv .*$", README, flags=re.MULTILINE)

    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_python_in_the_readme_runs() -> None:
    """Its blocks build the flows they show."""
    blocks = re.findall(r"```python\n(from .*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}

    for block in blocks:
        exec(block, names)  # noqa: S102 - our own README

    assert {"flow", "team"} <= names.keys()
