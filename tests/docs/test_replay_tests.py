"""``docs/replay-tests.md`` is followed to the letter, in a fresh folder.

Files are made as they are shown, changes applied, commands run by a shell.  A block of text tells
what the command before it says, line by line.  ``pip install`` is left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.made import environment
from tests.docs.tables import ROOT

PAGE = (ROOT / "docs/replay-tests.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
FLOW = "tagline.py"


def changed(text: str, diff: str) -> str:
    """Return *text* with the lines of *diff* replaced."""
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", diff, re.MULTILINE):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def ran(command: str, folder: Path) -> str:
    """Run *command* as the page says it comes out, and return all that it prints."""
    bin_folder = str(Path(sys.executable).parent)
    known = environment(folder)
    came = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**known, "PATH": f"{bin_folder}:{known['PATH']}", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (came.returncode != 0) == ("# fails" in command), came.stdout + came.stderr
    return came.stdout + came.stderr


def test_the_page_can_be_followed_to_the_letter(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    path = tmp_path / FLOW
    said = ""
    commands = 0
    for kind, block in BLOCKS:
        if kind == "python":
            path.write_text(block, "utf-8")
        elif kind == "diff":
            path.write_text(changed(path.read_text("utf-8"), block), "utf-8")
        elif kind == "text":
            assert [line for line in block.splitlines() if line.strip() not in said] == [], said
        elif not block.startswith("pip install"):
            said = ran(block, tmp_path)
            commands += 1

    assert f"as `{FLOW}`" in PAGE
    assert commands == 6
