"""Content of files: read from disk, found in a journal, held against its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from stateflow.conversation.file import LARGEST, File
from stateflow.errors import DefinitionError, StoreError
from stateflow.journal.event import EffectDone, Event, Journal, RunPaused, RunStarted, TurnTaken

__all__ = ["attach", "check_content", "files_of", "lacks"]


def attach(path: str | Path, *, media_type: str | None = None) -> File:
    """Return the file at *path* with its content, to put into a message.

    Raises:
        DefinitionError: it is missing, empty, too large, no file, or cannot be read.
    """
    path = Path(path)
    try:
        if not path.is_file():
            trouble = "is no file" if path.exists() else "is not there"
            raise DefinitionError(f"{str(path)!r} cannot be attached: it {trouble}; check the path")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise DefinitionError(
            f"{str(path)!r} cannot be attached ({error.strerror}); check the path and who may "
            "read it"
        ) from error
    return File.from_bytes(content, name=path.name, media_type=media_type)


def check_content(sha256: str, content: bytes) -> None:
    """Hold *content* against its hash.

    Raises:
        StoreError: it has another.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise StoreError(
            f"the content kept as file {sha256!r} has the SHA-256 {found!r}: it is not that file, "
            "or it was changed; attach it anew, or restore it from a copy"
        )


def lacks(sha256: str, where: str) -> StoreError:
    """Return the error of a file whose content is not kept *where* it is looked for."""
    return StoreError(
        f"the content of file {sha256!r} is not in {where}; use the store in which the run was "
        "recorded, or attach the file anew"
    )


def files_of(journal: Journal) -> dict[str, File]:
    """Return the files that *journal* and those nested in it refer to, by hash.

    One content may have several names; the first is told.
    """
    found: dict[str, File] = {}
    for recorded in journal.events:
        for said in _named(recorded.event):
            file = File.from_json(said)
            found.setdefault(file.sha256, file)
    for key in sorted(journal.children):
        found = files_of(journal.children[key]) | found
    return found


def _named(event: Event) -> Iterator[Mapping[str, Any]]:
    match event:
        case RunStarted():
            yield from [file.to_json() for file in event.files]
        case EffectDone():
            yield from _files(event.result)
        case TurnTaken():
            for said in event.said:
                yield from _files(said.part)
        case RunPaused(turn=TurnTaken() as turn):
            yield from _named(turn)
        case _:
            pass


def _files(said: object) -> Iterable[Mapping[str, Any]]:
    return cast("Mapping[str, Any]", said).get("files", ()) if isinstance(said, Mapping) else ()
