"""Journals as files of JSON lines: to look at, to send, to keep beside the code.

One event a line: ``run`` (the path below the root run, ``""`` for itself), ``seq``, ``at``,
``kind``, then the fields of the event.  The first line also names the run, as ``id``.

Content of files lies beside the lines, in ``NAME.files``, each under its hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from pydantic_core import from_json

from stateflow.errors import StoreError
from stateflow.journal.codec import decode_fields, encode
from stateflow.journal.event import Journal, Recorded
from stateflow.stores.content import check_content, files_of, lacks
from stateflow.stores.tree import journal_tree
from stateflow.stores.whole import write_whole

__all__ = ["ENVELOPE", "dump_lines", "read_content", "read_file", "write_file"]

ENVELOPE: Final = ("id", "run", "seq", "at", "kind")
"""What a line says beside the fields of its event."""
_SHA256: Final = re.compile("[0-9a-f]{64}")


def dump_lines(journal: Journal) -> Iterator[str]:
    """Yield the lines of *journal*, without line ends: its own, then its nested runs'.

    Raises:
        StoreError: a text in it cannot be written.
    """
    yield from _lines(journal, "", {"id": journal.run})


def _lines(journal: Journal, path: str, extra: dict[str, str]) -> Iterator[str]:
    for seq, at, event, _ in journal.events:
        kind, body = encode(event)
        envelope = {**extra, "run": path, "seq": seq, "at": at, "kind": kind}
        head = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
        yield f"{head[:-1]}}}" if body == "{}" else f"{head[:-1]},{body[1:]}"
        extra = {}
    for key in sorted(journal.children):
        yield from _lines(journal.children[key], f"{path}/{key}" if path else key, {})


def write_file(
    journal: Journal, path: str | Path, files: Mapping[str, bytes] = MappingProxyType({})
) -> None:
    """Write *journal* to *path*, whole or not at all; its folder is made where it is missing.

    Those of *files*, content by hash, that the journal refers to are written before it, into the
    folder ``PATH.files`` beside it.

    Raises:
        StoreError: it cannot be written, or a content is not what its hash says.  What was at
            *path* before is unharmed.
    """
    path = Path(path)
    lines = "".join(f"{line}\n" for line in dump_lines(journal)).encode("utf-8")
    for sha256 in files_of(journal):
        if sha256 in files:
            check_content(sha256, files[sha256])
            _write(_beside(path) / sha256, files[sha256])
    _write(path, lines)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.files")


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{str(path)!r} cannot be written ({error.strerror}); choose another place for the journal"
    )


def read_content(path: str | Path, sha256: str) -> bytes:
    """Return the content that :func:`write_file` put beside the journal at *path*.

    Raises:
        StoreError: it is missing, cannot be read, or is not what its hash says.
    """
    folder = _beside(Path(path))
    if not _SHA256.fullmatch(sha256):  # or it could lead out of the folder
        raise lacks(sha256, repr(str(folder)))
    try:
        content = (folder / sha256).read_bytes()
    except FileNotFoundError as error:
        raise lacks(sha256, repr(str(folder))) from error
    except OSError as error:
        sentence = f"{str(folder / sha256)!r} cannot be read ({error.strerror}); check the folder"
        raise StoreError(sentence) from error
    check_content(sha256, content)
    return content


def read_file(path: str | Path) -> Journal:
    """Return the journal that :func:`write_file` wrote.

    Raises:
        StoreError: it is missing, empty, torn, broken, out of order, or of a newer stateflow.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        sentence = f"there is no journal {str(path)!r}; check the path"
        raise StoreError(sentence) from error
    except OSError as error:
        sentence = f"journal {str(path)!r} cannot be read ({error.strerror})"
        raise StoreError(sentence) from error
    lines = data.removesuffix(b"\n").split(b"\n")
    if not data.strip():
        sentence = f"journal {str(path)!r} is empty; a journal begins with RunStarted"
        raise StoreError(sentence)
    whole = len(lines) if data.endswith(b"\n") else len(lines) - 1
    run = ""
    journals: dict[str, list[Recorded]] = {}
    shown = repr(str(path))
    for number, line in enumerate(lines, 1):
        where = f"line {number} of {shown}"
        fields = _fields(where, number, line, torn=number > whole)
        if number == 1:
            run = _run(where, fields)
        _take(where, fields, journals, run)
    return journal_tree(run, {_full(run, child): j for child, j in journals.items()})


def _parsed(line: bytes) -> object:
    """Return the JSON in *line*, by the quicker reader; what that refuses, ``json`` may read."""
    try:
        return from_json(line)
    except ValueError:
        return json.loads(line.decode("utf-8"))


def _fields(where: str, number: int, line: bytes, *, torn: bool) -> dict[str, Any]:
    try:
        fields = _parsed(line)
    except (ValueError, RecursionError) as error:
        if torn:
            cure = (
                f"the {number - 1} whole lines before it are unharmed: remove it and read again"
                if number > 1
                else "nothing of the journal is left"
            )
            sentence = f"{where} is torn, its end is missing; {cure}"
            raise StoreError(sentence) from error
        if isinstance(error, UnicodeDecodeError):
            sentence = f"{where} is not UTF-8; save the file in that encoding"
            raise StoreError(sentence) from error
        sentence = f"{where} is broken: {error}; restore it from a copy"
        raise StoreError(sentence) from error
    if not isinstance(fields, dict):
        sentence = f"{where} is broken: not an object; a line is one event"
        raise StoreError(sentence)
    return cast("dict[str, Any]", fields)


def _run(where: str, fields: dict[str, Any]) -> str:
    run = fields.get("id")
    if not isinstance(run, str) or not run or fields.get("run") != "":
        sentence = (
            f"{where} names no run; a journal begins with the root run's own "
            'events, the first with "id"'
        )
        raise StoreError(sentence)
    return run


def _full(run: str, child: str) -> str:
    """Return the name of the run *child*, a path below the root run *run*."""
    return f"{run}/{child}" if child else run


def _take(
    where: str, fields: dict[str, Any], journals: dict[str, list[Recorded]], run: str
) -> None:
    child, seq, at, kind = (fields.get(name) for name in ENVELOPE[1:])
    if not (
        isinstance(child, str)
        and isinstance(seq, int)
        and isinstance(at, int | float)
        and isinstance(kind, str)
    ):
        sentence = f"{where} is broken: it lacks one of {', '.join(ENVELOPE[1:])}"
        raise StoreError(sentence)
    parent = child.rpartition("/")[0]
    if parent not in journals and child:
        sentence = (
            f"{where} is out of order: {child!r} comes before the run it is nested in; "
            "restore the file from a copy"
        )
        raise StoreError(sentence)
    journal = journals.setdefault(child, [])
    if seq != len(journal) + 1:
        sentence = (
            f"{where} is out of order: event {seq} of run {child!r} stands where "
            f"{len(journal) + 1} belongs; restore the file from a copy"
        )
        raise StoreError(sentence)
    event = decode_fields(kind, fields, place=where)
    journal.append(Recorded(seq, float(at), event, _full(run, child)))
