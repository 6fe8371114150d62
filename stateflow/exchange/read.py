"""Text into a document: size, depth, version and schema are checked before anything is built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from stateflow.errors import DefinitionError
from stateflow.exchange.document import FORMAT, Document
from stateflow.value import Json

__all__ = ["LARGEST", "document_in", "json_in"]

LARGEST: Final = 20_000_000
"""Of a document [bytes]."""
DEEPEST: Final = 240
"""So deep may lists and objects be in each other [levels]."""

_MOST: Final = 5
"""So many troubles are told at once."""
_CURE: Final = "hold it against docs/flow.schema.json (stateflow export --schema prints it)"


def document_in(source: str | bytes | Path) -> Document:
    """Return the document that *source* holds: a text, or the path of a file.

    Raises:
        DefinitionError: it is no such document; the sentence says where, and what to do.
    """
    value = json_in(source)
    if not isinstance(value, Mapping) or "stateflow" not in value:
        raise DefinitionError(
            f'this JSON is no flow of ours: it has no "stateflow", the version of its form; {_CURE}'
        )
    version = value["stateflow"]
    if type(version) is not int:
        raise DefinitionError(f"$.stateflow: {version!r} is no version of the form; write {FORMAT}")
    if version > FORMAT:
        raise DefinitionError(
            f"this flow is written in form {version}, and this version of stateflow reads up to "
            f"form {FORMAT}; update it: pip install -U stateflow-agents"
        )
    try:
        return Document.model_validate(value)
    except ValidationError as error:
        raise DefinitionError(_told(error, value)) from error


def json_in(source: str | bytes | Path) -> Json:
    """Return the JSON that *source* holds: a text, or the path of a file.

    Raises:
        DefinitionError: it is too long or too deep, no JSON, or says one thing twice.
    """
    text = _text(source)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError as error:
        raise DefinitionError(_too_deep()) from error
    except ValueError as error:
        raise DefinitionError(f"this is no JSON: {error}") from error
    _refuse_depth(value)
    return cast("Json", value)


def _text(source: str | bytes | Path) -> str:
    if not isinstance(cast("object", source), str | bytes | Path):
        raise DefinitionError(
            f"a flow is read from JSON text or a path, not from a {type(source).__name__}; "
            "write json.dumps(...) around it"
        )
    if isinstance(source, Path):
        try:
            size = source.stat().st_size
            source = b"" if size > LARGEST else source.read_bytes()
        except OSError as error:
            raise DefinitionError(f"{str(source)!r} cannot be read ({error.strerror})") from error
    else:
        size = len(source)
    if size > LARGEST:
        raise DefinitionError(
            f"this JSON holds {size:,} bytes, and a flow may be {LARGEST:,}; nest less in it"
        )
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError("this JSON is not UTF-8; save it in that encoding") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:80]!r} is there twice in one object; leave one out")
    return found


def _constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON; where no limit is meant, write 'unlimited'")


def _refuse_depth(value: object) -> None:
    ahead: list[tuple[object, int]] = [(value, 1)]
    while ahead:
        part, depth = ahead.pop()
        inner: Sequence[object] = ()
        if isinstance(part, dict):
            inner = list(cast("dict[str, object]", part).values())
        elif isinstance(part, list):
            inner = cast("list[object]", part)
        if inner and depth > DEEPEST:
            raise DefinitionError(_too_deep())
        ahead += [(one, depth + 1) for one in inner]


def _too_deep() -> str:
    return (
        f"this JSON is more than {DEEPEST} levels deep; flows are not written inside of one "
        "another, but beside: in flows"
    )


def _told(error: ValidationError, value: Json) -> str:
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    told: dict[str, str] = {}
    for one in wrong:
        told.setdefault(_path(one["loc"], value), one["msg"])
    shown = "; ".join(f"{path}: {message}" for path, message in list(told.items())[:_MOST])
    more = f"; and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f"{shown}{more}; {_CURE}"


def _path(loc: tuple[int | str, ...], value: object) -> str:
    """Return where *loc* leads in *value*; what names a choice of the schema leads nowhere."""
    path, part = "$", value
    for position, step in enumerate(loc):
        final = position == len(loc) - 1
        if isinstance(part, list):
            items = cast("list[object]", part)
            if isinstance(step, int) and step < len(items):
                path, part = f"{path}[{step}]", items[step]
        elif isinstance(part, dict):
            fields = cast("dict[object, object]", part)
            if step in fields or final:
                path, part = f"{path}.{step}", fields.get(step)
    return path
