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
"""On every container and network."""
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
    boot, space, started = [*labels.get("stateflow.started", "").split("-"), "", ""][:3]
    ours = _space()
    if ours != (boot, space):
        return bool(boot) and ours[0] != boot  # in another namespace, its number says nothing
    with suppress(ValueError):
        pid = int(labels.get("stateflow.pid", ""))
        return not _lives(pid) or _ticks(pid) != started
    return False


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # it has no signal that only asks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False  # no process has such a number
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """Return when and where process *pid* started, so that another of its number is told apart."""
    return "-".join([*_space(), _ticks(pid)])


def _space() -> tuple[str, str]:
    """Return in which life of this machine, and in which of its namespaces, numbers are ours."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii")[:8]
        return boot, str((_PROC / "self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "", ""  # not Linux


def _ticks(pid: int) -> str:
    """Return when process *pid* started, in ticks of the machine's clock."""
    try:
        status = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[_STARTED]
