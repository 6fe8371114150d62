"""Which process has a run of an SQLite file under way.

It holds a lock of the operating system, which goes with the process however that dies: one byte of
the file ``runs.db-lock``, where the hash of the run's name says.  Windows has no such locks: there
only a second life in the same process is refused.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

from stateflow.errors import RunHeld, StoreError

__all__ = ["claim"]

_FLOCK: Final = "hhqqi"
"""``struct flock`` of Linux: type, whence, start, length, process."""


@dataclass(slots=True)
class _LockFile:
    """The one descriptor of a lock file: closing any would drop all locks of the process on it."""

    descriptor: int
    runs: set[str] = field(default_factory=set[str])


_guard = threading.Lock()
_open: dict[str, _LockFile] = {}
"""By path, while a run is held."""


def claim(database: Path, run: str) -> Callable[[], None]:
    """Hold *run* of *database* for this process, and return what lets go of it, once.

    Raises:
        RunHeld: another process holds it, or this one does.
        StoreError: the lock file cannot be opened or locked.
    """
    path = f"{os.path.realpath(database)}-lock"
    with _guard:
        file = _open.get(path)
        if file is None:
            file = _open[path] = _LockFile(_descriptor(path))
        try:
            if run in file.runs:
                raise RunHeld(run, pid=os.getpid())
            _lock(path, file, run)
            file.runs.add(run)
        finally:
            _close_unused(path, file)
    return partial(_let_go, path, file, run)


def _let_go(path: str, file: _LockFile, run: str) -> None:
    with _guard:
        if _open.get(path) is file:  # else it is the parent's, and this is a forked child
            _unlock(file, run)
            file.runs.remove(run)
            _close_unused(path, file)


def _close_unused(path: str, file: _LockFile) -> None:
    if not file.runs:
        del _open[path]
        os.close(file.descriptor)


def _descriptor(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: OSError) -> StoreError:
    return StoreError(
        f"{path!r} cannot be locked ({error.strerror}); make its folder writable, or choose "
        "another path for the store"
    )


def _byte(run: str) -> int:
    """Return where the lock of *run* lies; that two runs meet there is not to be expected."""
    name = run.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(name, digest_size=8).digest()) >> 2


def _lock(path: str, file: _LockFile, run: str) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.lockf(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(run))
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EAGAIN}:
            raise _unusable(path, error) from error
        raise RunHeld(run, pid=_holder(file, run)) from error


def _unlock(file: _LockFile, run: str) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, _byte(run))


def _holder(file: _LockFile, run: str) -> int | None:
    """Return the process that holds *run*, where the system tells."""
    if sys.platform != "linux":
        return None
    import fcntl

    question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _byte(run), 1, 0)
    answer = fcntl.fcntl(file.descriptor, fcntl.F_GETLK, question)
    pid: int = struct.unpack(_FLOCK, answer)[-1]
    return pid if pid > 0 else None  # 0: it ended just now, or lives in another container


def _forget() -> None:
    """Hold nothing: a forked child has none of its parent's locks."""
    global _guard  # noqa: PLW0603 - a thread of the parent may have held it
    _guard = threading.Lock()
    _open.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
