"""What it costs to import stateflow, beside pydantic alone."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

__all__ = ["measure"]

_TIMED = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return the time of ``import stateflow`` against that of ``import pydantic``.

    Each in fresh processes, in turn; ``stateflow_ms`` (what a flow is written with),
    ``with_engine_ms`` (what a run needs besides) and ``pydantic_ms`` are medians [ms] of
    processor time.  What counts as importing pydantic is what every user of it loads: its
    ``BaseModel``, which its lazy package does not load by itself.
    """
    ours: list[float] = []
    running: list[float] = []
    theirs: list[float] = []
    for _ in range(5 if quick else 25):
        ours.append(_import_ms("stateflow"))
        running.append(_import_ms("stateflow; stateflow.run"))
        theirs.append(_import_ms("pydantic; pydantic.BaseModel"))
    return {
        "ratio": median(ours) / median(theirs),
        "stateflow_ms": median(ours),
        "with_engine_ms": median(running),
        "pydantic_ms": median(theirs),
    }


def _import_ms(module: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(module)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words
    return float(printed) * 1e3
