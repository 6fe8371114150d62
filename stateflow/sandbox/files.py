"""Files of a work folder: which names may stand in it, and which files a block made.

Names and sizes come from where untrusted code runs, so nothing here believes them: a name that
leads out of the folder is never used, a link is never followed, and no more is read than may be
kept.  What is left out is named, in a sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stateflow.conversation.file import LARGEST, File
from stateflow.sandbox.blocks import Block
from stateflow.value import plain

__all__ = ["CODE_FILES", "Folder", "Found", "code_name", "inside"]

CODE_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "python": ".block.py",
        "sh": ".block.sh",
        "bash": ".block.sh",
        "javascript": ".block.js",
    }
)
"""Where a block without a name is written to, by its language.  Never counts as a file made."""

_LONGEST: Final = 200
"""Longest name of a file, with its folders [bytes]; a file system takes 255 for each part."""
_DRIVE: Final = re.compile("[A-Za-z]:")
_OTHER_CODE: Final = ".block"
_PASSED_OVER: Final = frozenset({*CODE_FILES.values(), _OTHER_CODE})
_CACHE: Final = "__pycache__"
"""Folder that Python makes beside modules; nobody asked for it."""
_TOLD: Final = 10
"""Most files left out that are told by name."""
_SHORT: Final = 60
"""Longest name in a sentence [characters]."""
_EMPTY: Final = "empty"


def inside(name: str) -> str | None:
    """Return *name* as a plain relative path, or ``None`` where no file may have it.

    Refused are names that are empty, absolute, longer than 200 bytes, with a ``..``, a backslash,
    a drive, or a character that cannot be printed, and those of folders.

    Example:
        >>> inside("./data//a.csv"), inside("../../x"), inside("/etc/passwd")
        ('data/a.csv', None, None)
    """
    if not name or not name.isprintable() or len(name.encode()) > _LONGEST:
        return None
    if name.startswith("/") or "\\" in name or _DRIVE.match(name):
        return None
    parts = name.split("/")
    if ".." in parts or parts[-1] in {"", "."}:
        return None
    return "/".join(part for part in parts if part not in {"", "."})


def code_name(block: Block) -> str:
    """Return the file of the work folder that *block* is written to before it runs.

    It is ``""`` where the block wants a name that is not :func:`inside`: refuse it then.

    Example:
        >>> code_name(Block("x = 1", "python", "lib/x.py")), code_name(Block("ls", "bash"))
        ('lib/x.py', '.block.sh')
    """
    if block.name:
        return inside(block.name) or ""
    return CODE_FILES.get(block.language, _OTHER_CODE)


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a work folder, folders aside."""

    name: str
    """Below the work folder, as it was found: untrusted."""
    size: int
    """Of its content [bytes], as the sandbox says."""
    read: Callable[[], bytes] | None
    """Returns its content; ``None``: a link, a device or the like, which is never read."""


class Folder:
    """What is known of a work folder, so that each block is told to have made what it made.

    A file is made if it is new, or is not what it was when it was last seen.  One that goes and
    comes back as it was is not made anew.

    Args:
        limit: most files that one block may make.
        limit_bytes: most that these may hold together [bytes].

    Example:
        >>> folder = Folder(limit=10, limit_bytes=1_000)
        >>> made, left_out = folder.made([Found("a.txt", 2, lambda: b"hi"), Found("b", 0, bytes)])
        >>> made[0].name, left_out
        ('a.txt', "Files left out: 'b' (empty).")
        >>> folder.made([Found("a.txt", 2, lambda: b"hi")])
        ((), '')
    """

    def __init__(self, *, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._largest = min(limit_bytes, LARGEST)
        self._seen: dict[str, str] = {}  # by name: the hash of what it held, or why it was left out

    def note(self, name: str, content: bytes) -> None:
        """Know that *content* was put in as *name*: no block made it."""
        self._seen[inside(name) or name] = _print(content) if content else _EMPTY

    def made(self, found: Iterable[Found]) -> tuple[tuple[File, ...], str]:
        """Return the files among all that are there now that the last block made, by name.

        With them comes a sentence that names those left out, ``""`` if there are none.  What
        cannot be kept is told once; what only came after too many others is tried again with the
        next block.
        """
        files: list[File] = []
        left_out: list[str] = []
        room = self._limit_bytes
        for one in sorted(found, key=lambda one: one.name):
            name = inside(one.name) or ""
            if name in _PASSED_OVER or _CACHE in name.split("/"):
                continue
            content, why = self._look(one, name, room if len(files) < self._limit else 0)
            if content:
                room -= len(content)
                files.append(File.from_bytes(content, name=name))
            elif why:
                left_out.append(f"{_short(one.name)} ({why})")
        return tuple(files), _sentence(left_out)

    def _look(self, one: Found, name: str, room: int) -> tuple[bytes, str]:
        """Return what *one* holds if it was made and fits into *room* [bytes], else why not.

        Both are empty where it is as it was.
        """
        known = self._seen.get(name or one.name)
        crowded = f"more than {self._limit} files or {self._limit_bytes:,} bytes together"
        content = b""
        why = "" if name else "its name is not safe"
        why = why or ("a link or a device" if one.read is None else self._unfit(one.size))
        if not why and known is None and one.size > room:
            return b"", crowded
        if not why and one.read is not None:
            content, why = self._read(one.read)
        now = why or _print(content)
        if now == known:
            return b"", ""
        if len(content) > room:
            return b"", crowded
        self._seen[name or one.name] = now
        return content, why

    def _read(self, read: Callable[[], bytes]) -> tuple[bytes, str]:
        try:
            content = read()
        except OSError:
            return b"", "it cannot be read"
        why = self._unfit(len(content))  # it may have grown since
        return (b"", why) if why else (content, "")

    def _unfit(self, size: int) -> str:
        if size > self._largest:
            return f"{size:,} bytes, more than {self._largest:,}"
        return "" if size > 0 else _EMPTY


def _print(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(name: str) -> str:
    name = plain(name)
    return repr(name if len(name) <= _SHORT else f"{name[:_SHORT]}...")


def _sentence(left_out: list[str]) -> str:
    if not left_out:
        return ""
    told = left_out[:_TOLD]
    if len(left_out) > _TOLD:
        told.append(f"and {len(left_out) - _TOLD} more")
    return f"Files left out: {', '.join(told)}."
