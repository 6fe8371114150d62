"""Who a container belongs to: labels, by which leftovers of a process that died are known."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["DERIVED", "LABEL", "is_left", "labels_of"]

LABEL: Final = "stateflow=sandbox"
"""On every container, volume and network."""
DERIVED: Final = "stateflow=derived"
"""On every image with packages baked in."""
_PROC: Final = Path("/proc")
_STARTED: Final = 19
"""Which field behind its name, in the status of a process, says when it started."""


def labels_of(pid: int | None = None) -> dict[str, str]:
    """Return the labels of what process *pid* makes; of our own if not given."""
    pid = os.getpid() if pid is None else pid
    key, _, value = LABEL.partition("=")
    return {
        key: value,
        "stateflow.host": socket.gethostname(),
        "stateflow.pid": str(pid),
        "stateflow.started": _started(pid),
    }


def is_left(labels: Mapping[str, str]) -> bool:
    """Tell whether the process that made what has these *labels* is gone.

    It is not said of other machines' processes, nor where this machine cannot tell.
    """
    if labels.get("stateflow.host") != socket.gethostname():
        return False
    with suppress(ValueError):
        pid = int(labels.get("stateflow.pid", ""))
        return not _lives(pid) or _started(pid) != labels.get("stateflow.started")
    return False


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # it has no signal that only asks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _started(pid: int) -> str:
    """Return when process *pid* started, so that another of its number is told apart."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii")[:8]
        status = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""  # not Linux
    return f"{boot}-{status.rpartition(')')[2].split()[_STARTED]}"
