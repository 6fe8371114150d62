"""Files that belong to a message: images and documents, told apart by their content.

A message names a file; the store keeps its bytes once, under their hash.  No journal, print or
diagram ever holds them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from mimetypes import MimeTypes
from typing import Any, Final

from stateflow.errors import DefinitionError
from stateflow.value import Json, plain

__all__ = ["LARGEST", "File"]

LARGEST: Final = 20_000_000
"""Most that a file may hold [bytes].

In base64 it grows by a third, and a request of 32 MB is the most that every provider takes.
Source: https://platform.claude.com/docs/en/build-with-claude/vision
"""
_BEGINNINGS: Final = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
"""How content of these media types begins."""
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_ENDINGS: Final = {
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".md": "text/markdown",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
}
"""Names of these media types end so, which not every Python knows."""
_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a message."""

    name: str
    media_type: str
    """Such as ``image/png`` or ``application/pdf``."""
    sha256: str
    """Of its content, in hexadecimal."""
    size: int
    """Length of its content [bytes]."""
    content: bytes | None = field(default=None, repr=False, compare=False)
    """Here on its way to the store or to a model; ``None`` at rest."""

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str = "", media_type: str | None = None) -> File:
        """Return the file that holds *content*.

        Its media type follows from how the content begins, else from the end of its *name*:
        providers refuse an image whose name lies about it.

        Raises:
            DefinitionError: it is empty or too large.

        Example:
            >>> File.from_bytes(b"%PDF-1.7", name="bill.txt").media_type
            'application/pdf'
        """
        if not content:
            raise DefinitionError(f"file {name!r} is empty; attach one that holds something")
        if len(content) > LARGEST:
            raise DefinitionError(
                f"file {name!r} is larger than {LARGEST // 10**6} MB, which not every model takes; "
                "make it smaller or attach a part of it"
            )
        kind = media_type or _media_type(content, name)
        return cls(plain(name), kind, hashlib.sha256(content).hexdigest(), len(content), content)

    @property
    def at_rest(self) -> File:
        """The same file without its content."""
        return self if self.content is None else replace(self, content=None)

    def to_json(self) -> dict[str, Json]:
        """Return what a journal keeps of it: all but the content."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "sha256": self.sha256,
            "size": self.size,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> File:
        """Return the file that :meth:`to_json` wrote, at rest."""
        return cls(said["name"], said["media_type"], said["sha256"], said["size"])


def _media_type(content: bytes, name: str) -> str:
    for kind, beginning in _BEGINNINGS.items():
        if beginning.match(content):
            return kind
    table = MimeTypes()  # our own, as the module's holds what else this machine has on file
    for ending, kind in _ENDINGS.items():
        table.add_type(kind, ending)
    named, packed = table.guess_type(name, strict=False)
    return named if named is not None and packed is None else _UNKNOWN
