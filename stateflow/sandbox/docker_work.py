"""A work folder that is a folder of this machine: what lies in it, and what of that is new.

Whoever made it is not trusted: every link is a trap, so none is followed, neither as a file nor as
a folder on the way to one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from stateflow.sandbox.files import Found, inside

__all__ = ["HostFolder"]

_LARGEST_READ: Final = 64_000_000
_Print: TypeAlias = tuple[int, int, int, int]


class HostFolder:
    """A folder of this machine that a container works in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = self._looked()

    def changed(self) -> None:
        """Know that what is there now is no block's work."""
        self._seen = self._looked()

    def found(self) -> list[Found]:
        """Return what was made or changed since the last time."""
        before, self._seen = self._seen, self._looked()
        return [
            Found(name, size, partial(self._read, name) if regular else None)
            for name, (print_, size, regular) in self._seen.items()
            if name not in before or before[name][0] != print_
        ]

    def _looked(self) -> dict[str, tuple[_Print, int, bool]]:
        """Return all that is there but folders, by name."""
        seen: dict[str, tuple[_Print, int, bool]] = {}
        handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name, status in _below(handle, ""):
                print_ = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                seen[name] = print_, status.st_size, stat.S_ISREG(status.st_mode)
        finally:
            os.close(handle)
        return seen

    def _read(self, name: str) -> bytes:
        """Return the content of *name*; no part of it may be a link."""
        *folders, last = name.split("/")
        handles = [os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            for folder in folders:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                handles.append(os.open(folder, flags, dir_fd=handles[-1]))
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            handles.append(os.open(last, flags, dir_fd=handles[-1]))
            if not stat.S_ISREG(os.fstat(handles[-1]).st_mode):
                raise OSError(f"{name!r} is no file any more")
            with os.fdopen(os.dup(handles[-1]), "rb") as file:
                return file.read(_LARGEST_READ)
        finally:
            for handle in handles:
                os.close(handle)


def _below(handle: int, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what lies in the folder that *handle* is open on, and below.

    Folders whose names no file may have are yielded and not entered: so deep goes nobody.
    """
    with os.scandir(handle) as entries:
        for entry in entries:
            name = f"{folder}{entry.name}"
            with suppress(OSError):  # gone meanwhile, or not ours to read
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode) or inside(name) is None:
                    yield name, status
                    continue
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                inner = os.open(entry.name, flags, dir_fd=handle)
                try:
                    yield from _below(inner, f"{name}/")
                finally:
                    os.close(inner)
