"""Cassettes: recorded runs as text that people review, and that tests are answered from.

A cassette holds the canonical journal and nothing twice.  Left out is what two runs of one flow do
not share (times, run ids, attempts), what follows from the flow's table (visits, verdicts, why a
run ended), and what the same agent asked before in the same state.  The table and long texts lie
beside it, in the folder ``files``, under their hashes.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from stateflow.journal.canonical import canonical
from stateflow.journal.event import Journal, RunResumed
from stateflow.journal.redact import Redactor
from stateflow.stores.content import check_content, files_of
from stateflow.testing.cassette.beside import FOLDER, Beside, Kept, named_in, put, sweep
from stateflow.testing.cassette.course import Asked
from stateflow.testing.cassette.emit import Block, emit
from stateflow.testing.cassette.events import raw
from stateflow.testing.cassette.homeless import homeless
from stateflow.testing.cassette.parse import line_of, parse
from stateflow.testing.cassette.read import Reader
from stateflow.testing.cassette.trouble import CassetteError, Wrong
from stateflow.testing.cassette.write import Writer

__all__ = ["VERSION", "CassetteError", "dump_cassette", "read_cassette", "write_cassette"]

VERSION: Final = 1
_HEAD: Final = """\
# A recorded run; tests are answered from it.
# stateflow replay {name}    stateflow show {name}
"""
_SHOWN: Final = 6
"""So many characters of what no cassette may hold are shown."""


def dump_cassette(journal: Journal, name: str = "FILE.yaml") -> str:
    """Return *journal* as the text of the cassette *name*, without what lies beside it.

    Raises:
        CassetteError: it holds a secret that the environment names.
        StoreError: it does not begin with ``RunStarted``.
    """
    return _dumped(journal, name)[0]


def _dumped(journal: Journal, name: str) -> tuple[str, Beside]:
    _refuse_secrets(journal)
    journal = homeless(journal)
    beside = Beside()
    try:
        text = _HEAD.format(name=shlex.quote(name)) + _told(journal, beside)
    except RecursionError as error:
        raise CassetteError("the run holds data that is nested too deep to be written") from error
    return text, beside


def _told(journal: Journal, beside: Beside) -> str:
    """Return the cassette, turn by turn if it can be told like that, which is tried."""
    text = _lines(Writer(beside.table, beside.text, Asked()).root(journal))
    try:
        fields = parse(text, "")
        del fields["cassette"]
        again = Reader(beside.table_at, beside.text_at).root(fields, "")
        if canonical(again) == canonical(journal) and not _renamed(journal):
            return text
    except (Wrong, TypeError, ValueError, KeyError, AttributeError):
        pass  # an odd run: event by event, then
    beside.parts.clear()
    started = journal.started
    name = beside.table(started.flow, started.table)
    return _lines({"flow": started.flow, "table": name, **raw(journal, beside.table)})


def _lines(body: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line in emit(Block({"cassette": VERSION, **body})))


def _renamed(journal: Journal) -> bool:
    """Tell whether places were called otherwise from somewhere on."""
    found = (recorded.event for recorded in journal.events)
    return any(isinstance(event, RunResumed) and event.rename is not None for event in found)


def write_cassette(
    journal: Journal, path: str | Path, files: Mapping[str, bytes] = MappingProxyType({})
) -> None:
    """Write *journal* to *path* as a cassette, whole or not at all.

    What lies beside it is written before it.  What the cassette named until now and names no more
    is removed, unless another cassette of the folder names it.

    Args:
        journal: the run, whether it ended, stands paused, or was cut off.
        path: where, ending with ``.yaml``; its folder is made where it is missing.
        files: content by hash; what the run names of it is kept beside the cassette.

    Raises:
        CassetteError: it cannot be written, or it holds a secret that the environment names.
    """
    path = Path(path)
    if not path.name.isprintable():  # it stands in the first lines
        raise CassetteError(f"{path.name!r} is no name for a cassette; write it in letters")
    text, beside = _dumped(journal, path.name)
    before = _text_at(path)
    for sha256 in files_of(journal):
        if sha256 in files:
            check_content(sha256, files[sha256])
            beside.parts[sha256] = files[sha256]
    for name, data in beside.parts.items():
        put(path.parent / FOLDER / name, data)
    put(path, text.encode("utf-8"))
    for name, data in beside.parts.items():  # another cassette may just have swept them away
        put(path.parent / FOLDER / name, data)
    sweep(path, named_in(before), named_in(text))


def read_cassette(path: str | Path) -> Journal:
    """Return the journal that the cassette at *path* holds; its run is called as the file is.

    Raises:
        CassetteError: it is missing, no YAML, no cassette, changed so that it no longer fits its
            flow, or of a newer stateflow; it names the line.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise CassetteError("there is no such cassette; check the path", path=str(path)) from error
    except OSError as error:
        sentence = f"the cassette cannot be read ({error.strerror})"
        raise CassetteError(sentence, path=str(path)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        sentence = "this is not UTF-8; save the file in that encoding"
        raise CassetteError(sentence, path=str(path), line=line) from error
    body = parse(text, str(path))
    try:
        _check_version(body)
        kept = Kept(path)
        fields = {name: value for name, value in body.items() if name != "cassette"}
        return Reader(kept.table, kept.text).root(fields, path.stem)
    except Wrong as error:
        line = line_of(text, error.keys)
        raise CassetteError(error.sentence, path=str(path), line=line) from error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        sentence = f"this is no cassette that could be followed ({error!r}); record it anew"
        raise CassetteError(sentence, path=str(path)) from error


def _check_version(body: Any) -> None:  # noqa: ANN401 - what was parsed
    if body is None:
        raise Wrong("the cassette is empty; restore it, or record it anew")
    if not isinstance(body, dict) or "cassette" not in body:
        raise Wrong("this is no cassette: a cassette begins with `cassette: 1`")
    version = body["cassette"]
    if type(version) is not int or version < 1:
        raise Wrong(f"the version is {version!r}, and should be {VERSION}", "cassette")
    if version > VERSION:
        raise Wrong(
            f"written in version {version}; this stateflow reads up to {VERSION}: upgrade it",
            "cassette",
        )


def _text_at(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _refuse_secrets(journal: Journal) -> None:
    """Refuse what redacting would change: requests hold prints of the texts, and would not fit."""
    text = canonical(journal)
    redacted = Redactor.from_environment(os.environ).text(text)
    if redacted == text:
        return
    at = next(n for n, (a, b) in enumerate(zip(text, redacted, strict=False)) if a != b)
    name = redacted[max(0, at - 1) : at + 80].partition("[")[2].partition("]")[0]
    event = text.count("\n", 0, at) + 1
    raise CassetteError(
        f"event {event} of the run holds the secret {name!r}, which came to be known after it was "
        "recorded; change the secret, and record the run anew where the environment names it"
    )
