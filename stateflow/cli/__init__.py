"""The command line: ``stateflow run``, ``check``, ``render``, ``show``, ``replay``, ...

stdout is the result, stderr the progress and the trouble.  Exit codes: 0 done, or an end that
counts as success; 1 failed, diverged, stale or found fault with; 2 usage; 3 budget; 4 waiting
for a person; 5 stuck; 130 interrupted or paused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

__all__ = ["call", "main"]


def main() -> None:
    """Run the command in ``sys.argv``, and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started it; there is nobody to tell
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show it all
    sys.exit(call(sys.argv[1:]))


def call(words: Sequence[str]) -> int:
    """Run the command *words*, and return its exit code; trouble is told on stderr."""
    from stateflow.cli.app import app
    from stateflow.cli.trouble import guarded

    return guarded(app, words)
