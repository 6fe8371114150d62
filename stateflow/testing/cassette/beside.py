"""What lies beside a cassette, each under a name that ends with its hash.

The folder ``files`` is shared by all cassettes of a folder: what several of them name lies there
once.  Flows' tables are ``FLOW-HASH.json``, long texts ``text-HASH.txt``, the content of attached
files is called by its whole hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stateflow.stores.content import check_content
from stateflow.stores.whole import write_whole
from stateflow.testing.cassette.trouble import CassetteError, Wrong

__all__ = ["FOLDER", "Beside", "Kept", "content_beside", "named_in", "put", "sweep"]

FOLDER: Final = "files"
_LONG: Final = 4000
"""Texts longer than that lie beside the cassette [characters]."""
_NAME: Final = re.compile(rf"{FOLDER}/([\w.-]*?([0-9a-f]{{16}})\.(?:json|txt))")
_CONTENT: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_WORD: Final = re.compile(r"[^A-Za-z0-9_]+")
_TOLD: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


@dataclass(slots=True)
class Beside:
    """What is to be written beside one cassette, by name."""

    parts: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def table(self, flow: str, table: Mapping[str, Any]) -> str:
        """Keep the table of *flow*, and return its name."""
        word = _WORD.sub("_", flow).strip("_")[:40] or "flow"
        text = json.dumps(table, ensure_ascii=False, indent=1, allow_nan=False)
        return self._keep(word, f"{text}\n", "json")

    def text(self, text: str) -> str | None:
        """Keep *text* if it is long, and return its name."""
        if len(text) <= _LONG:
            return None
        if _TOLD.search(text):  # what would not survive an editor, or another system's line ends
            return self._keep("text", json.dumps(text), "json")
        return self._keep("text", text, "txt")

    def table_at(self, name: str) -> dict[str, Any]:
        """Return the table that was kept under *name*."""
        table: dict[str, Any] = json.loads(self.parts[name.rpartition("/")[2]])
        return table

    def text_at(self, name: str) -> str:
        """Return the text that was kept under *name*."""
        text = self.parts[name.rpartition("/")[2]].decode("utf-8")
        return str(json.loads(text)) if name.endswith(".json") else text

    def _keep(self, word: str, text: str, ending: str) -> str:
        data = text.encode("utf-8", "replace")
        name = f"{word}-{hashlib.sha256(data).hexdigest()[:16]}.{ending}"
        self.parts[name] = data
        return f"{FOLDER}/{name}"


@dataclass(slots=True)
class Kept:
    """What lies beside the cassette at *path*."""

    path: Path

    def table(self, name: str) -> dict[str, Any]:
        """Return the table called *name*."""
        try:
            table: Any = json.loads(self._read(name))
        except (ValueError, RecursionError) as error:
            raise Wrong(
                f"{name!r} is no JSON ({error}); restore it from version control"
            ) from error
        try:
            whole = isinstance(table["places"], list) and table["initial"]
        except (KeyError, TypeError):
            whole = False
        if not whole:
            raise Wrong(f"{name!r} is no table of a flow; restore it from version control")
        return table  # type: ignore[no-any-return]

    def text(self, name: str) -> str:
        """Return the text called *name*."""
        text = self._read(name)
        if name.endswith(".json"):
            text = json.loads(text)
        return text

    def _read(self, name: str) -> str:
        found = _NAME.fullmatch(name)
        if found is None:
            raise Wrong(
                f"{name!r} names nothing beside a cassette, which is 'files/NAME-HASH.json'"
            )
        path = self.path.parent / name
        try:
            data = path.read_bytes()
        except OSError as error:
            cure = "restore it from version control, or record the cassette anew"
            raise Wrong(f"{str(path)!r} cannot be read ({error.strerror}); {cure}") from error
        for one in (data, data.replace(b"\r\n", b"\n")):
            if hashlib.sha256(one).hexdigest().startswith(found[2]):
                return one.decode("utf-8")
        cure = "it was changed: restore it from version control, or record the cassette anew"
        raise Wrong(f"{str(path)!r} is not what its hash says; {cure}")


def content_beside(path: Path, sha256: str) -> bytes:
    """Return the content of an attached file of the cassette at *path*.

    Raises:
        CassetteError: it is missing, cannot be read, or is not what its hash says.
    """
    place = path.parent / FOLDER / sha256
    cure = "restore it from version control, or record the cassette anew"
    if not _CONTENT.fullmatch(sha256):  # or it could lead out of the folder
        raise CassetteError(f"{sha256[:60]!r} is no hash of a file; {cure}", path=str(path))
    try:
        content = place.read_bytes()
    except OSError as error:
        sentence = f"{str(place)!r} cannot be read ({error.strerror}); {cure}"
        raise CassetteError(sentence, path=str(path)) from error
    check_content(sha256, content)
    return content


def named_in(text: str) -> set[str]:
    """Return the names of what the cassette *text* has beside it."""
    return {found[1] for found in _NAME.finditer(text)} | set(_CONTENT.findall(text))


def sweep(path: Path, before: set[str], now: set[str]) -> None:
    """Remove what the cassette at *path* named before and names no more, unless another does."""
    gone = {name for name in before - now if (path.parent / FOLDER / name).is_file()}
    if not gone:
        return
    for other in (*path.parent.glob("*.yaml"), *path.parent.glob("*.yml")):
        with suppress(OSError):
            if other != path:
                gone -= named_in(other.read_text("utf-8", "replace"))
    for name in sorted(gone):
        with suppress(OSError):
            (path.parent / FOLDER / name).unlink()


def put(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all, unless it holds just that.

    Raises:
        CassetteError: it cannot be written.
    """
    try:
        with suppress(FileNotFoundError):
            if path.read_bytes() == data:
                return
        write_whole(path, data, mode=0o644)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> CassetteError:
    return CassetteError(
        f"{str(path)!r} cannot be written ({error.strerror}); choose another place for the cassette"
    )
