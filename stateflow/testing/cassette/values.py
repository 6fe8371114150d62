"""Small parts of a run, from what a cassette says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.errors import StoreError
from stateflow.journal.codec import decode
from stateflow.journal.event import Event
from stateflow.testing.cassette import check
from stateflow.testing.cassette.names import USAGE
from stateflow.testing.cassette.trouble import Wrong

__all__ = ["at", "decoded", "fault_in", "files_in", "usage_in"]

T = TypeVar("T")
_FIELDS: Final = {short: name for name, short in USAGE.items()}


def files_in(found: Mapping[str, Any]) -> tuple[File, ...]:
    """Return the files that *found* names."""
    try:
        return tuple(File.from_json(one) for one in found["files"])
    except (KeyError, TypeError, AttributeError) as error:
        sentence = f"a file has 'name', 'media_type', 'sha256' and 'size'; {error} is missing"
        raise Wrong(sentence, "files") from error


def decoded(kind: str, fields: Mapping[str, Any]) -> Event:
    """Return the event of *kind* with *fields*."""
    try:
        return decode(kind, json.dumps(fields), place="it")
    except StoreError as error:
        raise Wrong(str(error)) from error


def usage_in(found: Mapping[str, Any], name: str, calls: int) -> Usage:
    """Return the usage *name* of *found*."""
    if name not in found:
        return NO_USAGE
    try:
        said = check.mapping(found[name], repr(name))
        check.known(said, _FIELDS, "a usage")
        figures: dict[str, Any] = {"calls": calls}
        for short, value in said.items():
            if short == "usd":
                figures["usd"] = None if value is None else check.whole(value, float, "'usd'")
            else:
                figures[_FIELDS[short]] = check.whole(value, int, repr(short))
        came = Usage(**figures)
    except Wrong as error:
        raise error.below(name) from None
    for short, name_of in _FIELDS.items():
        value = getattr(came, name_of)
        if value is not None and value < 0:
            raise Wrong(f"{short!r} is {value}, and nothing costs less than 0", name)
    return came


def fault_in(said: Any, name: str, ordinal: int | None) -> Fault:  # noqa: ANN401 - what was parsed
    """Return the fault that *said* names."""
    fields: dict[str, Any] = said
    at(name, lambda: check.mapping(said, repr(name)))
    if "name" not in fields:
        raise Wrong("'name' is missing: what kind of fault it is", name)
    try:
        check.known(fields, {"name", "text", "kinds", "ordinal", "which"}, "a fault")
        return Fault(
            check.field(fields, "name", str, ""),
            check.field(fields, "text", str, ""),
            tuple(check.field(fields, "kinds", list, [])),
            fields.get("ordinal", ordinal),
            check.field(fields, "which", str, ""),
        )
    except Wrong as error:
        raise error.below(name) from None


def at(name: str, call: Callable[[], T]) -> T:
    """Return what *call* does, a check of the field *name*."""
    try:
        return call()
    except Wrong as error:
        raise error.below(name) from None
