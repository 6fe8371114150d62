"""A work folder on this machine's disk, in which no link is ever followed.

What lies in it was made by code that nobody trusts, so a name is never resolved through anything
but real folders, nothing but plain files is opened, and no depth or number of folders is too much.
"""

from __future__ import annotations

import os
import stat

# ruff: noqa: PTH101, PTH104, PTH108, PTH123 - paths have no dir_fd
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from stateflow.sandbox.files import Found

__all__ = ["found_in", "remove", "write"]

_MOST: Final = 10_000
"""Most entries of a work folder that are looked at; the rest is left out, and told."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def write(root: Path, name: str, content: bytes) -> None:
    """Write *content* to the file *name* below *root*, making folders; it replaces what is there.

    Raises:
        OSError: a folder on the way is a link or a file, or a folder has the name already.
    """
    *folders, last = name.split("/")
    at = os.open(root, _FOLDER)
    try:
        for folder in folders:
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700, dir_fd=at)
            below = os.open(folder, _FOLDER, dir_fd=at)
            os.close(at)
            at = below
        with suppress(FileNotFoundError):
            os.unlink(last, dir_fd=at)  # a link, or a pipe, would be written through
        with open(os.open(last, _WRITE, 0o600, dir_fd=at), "wb") as file:
            file.write(content)
    finally:
        os.close(at)


def found_in(root: Path) -> list[Found]:
    """Return what lies below *root*, real folders aside, which are looked through."""
    found: list[Found] = []
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
            here = [_found(root, one) for one in inside if not one.is_dir(follow_symlinks=False)]
        except OSError:  # nobody may look into it, its path is too long, or it is going away
            found.append(Found(_below(root, folder), 0, None))
            continue
        found += here
        waiting += [one.path for one in inside if one.is_dir(follow_symlinks=False)]
        if len(found) + len(waiting) > _MOST:
            return [*found[:_MOST], Found(f"... after {_MOST:,} entries", 0, None)]
    return found


def remove(root: Path) -> None:
    """Remove *root* and all that is in it, as far as that can be done.

    Folders are moved up to *root* first, so that no depth makes a path too long.
    """
    if root.is_symlink() or not root.is_dir():
        return
    folders = [root]
    mark = uuid4().hex
    for folder in folders:  # which grows
        with suppress(OSError):
            folder.chmod(0o700)
            for entry in list(os.scandir(folder)):
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry)
                        continue
                    os.chmod(entry, 0o700)
                    above = root / f"{mark}-{len(folders)}"
                    os.rename(entry, above)
                    folders.append(above)
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def _below(root: Path, path: str) -> str:
    # a name that is no UTF-8 gets backslashes, with which no name is safe
    return os.path.relpath(path, root).encode("utf-8", "backslashreplace").decode()


def _found(root: Path, entry: os.DirEntry[str]) -> Found:
    about = entry.stat(follow_symlinks=False)
    plain = stat.S_ISREG(about.st_mode)
    read = partial(_read, entry.path, about.st_size) if plain else None
    return Found(_below(root, entry.path), about.st_size, read)


def _read(path: str, size: int) -> bytes:
    with open(os.open(path, _READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path!r} is no plain file any more")
        return file.read(size + 1)  # one more tells that it has grown
