"""Files on their way into a container and out of it: archives, as ``tar`` makes them.

Whoever made one that comes out is not trusted.  It may have no end (a sparse file of a terabyte is
sent as zeros), so no more is taken than could lie in the work folder.  And it may be no archive at
all but what a program made up to hurt its reader: so it is read here, in a few lines that only
ever go forward, and not by the standard library, which understands a lot more than is needed.
"""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, Final

from stateflow.conversation.file import File
from stateflow.sandbox.files import Found, inside

__all__ = ["Archive", "folders", "pack"]

_IN_MEMORY: Final = 1_000_000
_BLOCK: Final = 512
_REGULAR: Final = (b"0", b"\0", b"7")
_FOLDER: Final = b"5"
_NO_CONTENT: Final = (b"1", b"2", b"3", b"4", b"5", b"6")
_LONG_NAME: Final = b"L"
_MORE: Final = b"x"
_NO_ENTRY: Final = (b"K", b"g")
"""Where a link leads to, and what holds for all: of no use here."""
_LONGEST: Final = 65_536
"""Most that is read of what describes an entry [bytes]."""
_RECORD: Final = re.compile(rb"\d+ (path|size)=([^\n]*)\n")
_LONGEST_NUMBER: Final = 20
_LARGE: Final = 0x80
_CUT: Final = "Some files may be left out: the work folder claims to hold more than fits in it."


def pack(files: Iterable[File]) -> tuple[bytes, dict[str, bytes]]:
    """Return an archive of *files*, and what is in it, by name.

    Those whose names lead out of the folder are left out.
    """
    packed = {
        name: file.content
        for file in files
        if (name := inside(file.name)) is not None and file.content is not None
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in folders(packed):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        for name, content in packed.items():
            tar.addfile(_entry(name, tarfile.REGTYPE, 0o644, len(content)), io.BytesIO(content))
    return archive.getvalue(), packed


def folders(names: Iterable[str]) -> list[str]:
    """Return the folders that files of these *names* lie in, outer ones first.

    Example:
        >>> folders(["a/b/x", "a/y", "z"])
        ['a', 'a/b']
    """
    parts = [name.split("/") for name in names]
    return sorted({"/".join(one[:at]) for one in parts for at in range(1, len(one))})


def _entry(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.mtime = kind, mode, size, int(time.time())
    return entry


class Archive:
    """What a container sent of its work folder, up to *limit_bytes* of it.

    Example:
        >>> archive = Archive(20_000)
        >>> archive.write(pack([File.from_bytes(b"hi", name="a.txt")])[0])
        >>> found, left_out = archive.found()
        >>> [(one.name, one.read and one.read()) for one in found], left_out
        ([('a.txt', b'hi')], '')
        >>> archive.close()
    """

    def __init__(self, limit_bytes: int) -> None:
        self._file: IO[bytes] | None = None
        self._limit_bytes = limit_bytes
        self.size = 0
        """What was taken [bytes]."""

    @property
    def full(self) -> bool:
        """Whether more came than is taken."""
        return self.size > self._limit_bytes

    def write(self, data: bytes) -> None:
        """Take *data*, if there is room."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
        if not self.full:
            self._file.write(data)
            self.size += len(data)

    def found(self) -> tuple[list[Found], str]:
        """Return what is in it but folders, and a sentence if it was cut off.

        Contents can be read until it is closed.
        """
        found: list[Found] = []
        whole = False
        at = 0
        name, size = b"", -1  # of the next entry, where they are told apart from it
        while (head := self._read(at, _BLOCK)) and len(head) == _BLOCK:
            at += _BLOCK
            whole = not any(head)
            length = _number(head[124:136])
            if whole or length < 0:
                break
            kind = head[156:157]
            if kind in {_LONG_NAME, _MORE}:
                told = self._read(at, min(length, _LONGEST))
                name, size = _told(kind, told, name, size)
            elif kind not in _NO_ENTRY:
                length = length if size < 0 else size
                one = self._found(name or _name(head), kind, at, length)
                found.extend(one)
                name, size = b"", -1
            at += 0 if kind in _NO_CONTENT else -(-length // _BLOCK) * _BLOCK
        return found, "" if whole and not self.full else _CUT

    def close(self) -> None:
        """Throw it away."""
        if self._file is not None:
            self._file.close()

    def _found(self, name: bytes, kind: bytes, at: int, size: int) -> Iterator[Found]:
        text = name.rstrip(b"\0").decode("utf-8", "surrogateescape").removeprefix("./")
        if kind != _FOLDER and text:
            yield Found(text, size, partial(self._content, at, size) if kind in _REGULAR else None)

    def _content(self, at: int, size: int) -> bytes:
        content = self._read(at, size)
        if len(content) < size:
            raise OSError("unexpected end of the archive")
        return content

    def _read(self, at: int, size: int) -> bytes:
        if self._file is None or at >= self.size:
            return b""
        self._file.seek(at)
        return self._file.read(min(size, self.size - at))


def _told(kind: bytes, told: bytes, name: bytes, size: int) -> tuple[bytes, int]:
    """Return name and size of the next entry, as *told* before it: *name* and *size* if not."""
    if kind == _LONG_NAME:
        return told, size
    for key, value in _RECORD.findall(told):
        if key == b"path":
            name = value
        elif value.isdigit() and len(value) < _LONGEST_NUMBER:
            size = int(value)
    return name, size


def _name(head: bytes) -> bytes:
    """Return the name in the *head* of an entry; long ones are in two parts."""
    name, prefix = head[:100].partition(b"\0")[0], head[345:500].partition(b"\0")[0]
    return prefix + b"/" + name if prefix and head[257:263] == b"ustar\0" else name


def _number(field: bytes) -> int:
    """Return the number in *field*: octal digits, or large and in bytes; -1 where it is none."""
    if field[0] & _LARGE:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        return -1
