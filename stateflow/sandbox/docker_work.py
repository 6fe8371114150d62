"""What lies in a work folder: read from the engine's archive, or from a folder of this machine.

Whoever made it is not trusted.  An archive may have no end (a sparse file of a terabyte is sent as
zeros), so it is read up to a limit and kept on disk.  In a folder of this machine every link is a
trap, so none is followed, neither as a file nor as a folder on the way to one.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import IO, Final, TypeAlias

from stateflow.conversation.file import File
from stateflow.sandbox.files import Found, inside

__all__ = ["HostFolder", "fetched", "pack"]

_IN_MEMORY: Final = 1_000_000
_ENTRY: Final = 2_048
"""Most that an entry of an archive takes beside its content, for names of usual length [bytes]."""
_LARGEST_READ: Final = 64_000_000
_Print: TypeAlias = tuple[int, int, int, int]
_CUT: Final = "Some files may be left out: the work folder claims to hold more than fits in it."


def pack(files: Iterable[File], user: str) -> tuple[IO[bytes], dict[str, bytes]]:
    """Return an archive of *files* that belong to *user*, and what is in it, by name.

    Those whose names lead out of the folder are left out.
    """
    packed = {
        name: file.content
        for file in files
        if (name := inside(file.name)) is not None and file.content is not None
    }
    uid, _, gid = user.partition(":")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in packed.items():
            for entry in _made_of(name):
                entry.uid, entry.gid = int(uid), int(gid or uid)
                entry.mtime = int(time.time())
                entry.size = 0 if entry.isdir() else len(content)
                tar.addfile(entry, None if entry.isdir() else io.BytesIO(content))
    archive.seek(0)
    return archive, packed


def _made_of(name: str) -> Iterator[tarfile.TarInfo]:
    """Yield the entries of an archive that *name* needs: its folders, and itself."""
    parts = name.split("/")
    for at in range(1, len(parts)):
        folder = tarfile.TarInfo("/".join(parts[:at]))
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        yield folder
    file = tarfile.TarInfo(name)
    file.mode = 0o644
    yield file


@contextmanager
def fetched(pieces: Iterator[bytes], limit_bytes: int) -> Generator[tuple[list[Found], str]]:
    """Read an archive from its *pieces*; give what is in it, and a sentence if it was cut off.

    The first part of every name, the folder itself, is left out.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        room = limit_bytes
        for piece in pieces:
            file.write(piece)
            room -= len(piece)
            if room < 0:
                break
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
        file.seek(0)
        found: list[Found] = []
        cut = room < 0
        with ExitStack() as stack:
            try:
                tar = stack.enter_context(tarfile.open(fileobj=file, mode="r:"))
                found.extend(_entries(tar))
            except (tarfile.TarError, OSError):  # it ends in the middle
                cut = True
            yield found, _CUT if cut else ""


def _entries(tar: tarfile.TarFile) -> Iterator[Found]:
    for entry in tar:
        name = entry.name.removeprefix("./")
        if entry.isdir() or not name:
            continue
        read = partial(_content, tar, entry) if entry.isreg() else None
        yield Found(name, entry.size, read)


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    try:
        file = tar.extractfile(entry)
        return b"" if file is None else file.read()
    except tarfile.TarError as error:
        raise OSError(str(error)) from error


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
