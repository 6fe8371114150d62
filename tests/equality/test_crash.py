"""The promise of the journal, held with real deaths of real processes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_run_killed_at_any_commit_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """Parent and child, before and after each commit, SIGKILL; no recorded effect is repeated."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.crash", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    cuts = re.fullmatch(r"(\d+) cuts, all equal\n", done.stdout)
    assert cuts is not None
    assert int(cuts[1]) > 40
