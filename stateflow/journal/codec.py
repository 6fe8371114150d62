"""Events as JSON text and back.  What comes from disk is checked by pydantic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stateflow.errors import StoreError
from stateflow.journal.event import EVENTS, SCHEMA_VERSION, Event
from stateflow.value import Json

__all__ = ["decode", "decode_fields", "encode", "event_json"]


@cache
def _adapter(kind: str) -> TypeAdapter[Event]:
    return TypeAdapter(EVENTS[kind])


def encode(event: Event) -> tuple[str, str]:
    """Return the kind of *event* and its fields as JSON text, defaults left out."""
    kind = type(event).__name__
    return kind, _adapter(kind).dump_json(event, exclude_defaults=True).decode("utf-8")


def event_json(event: Event) -> dict[str, Json]:
    """Return the fields of *event* as JSON, defaults left out."""
    fields: dict[str, Json] = _adapter(type(event).__name__).dump_python(
        event, mode="json", exclude_defaults=True
    )
    return fields


def decode(kind: str, body: str | bytes, *, place: str) -> Event:
    """Return the event that :func:`encode` wrote.

    Raises:
        StoreError: it is not one, or a newer stateflow wrote it; *place* says where it lies.
    """
    return _checked(kind, place, lambda adapter: adapter.validate_json(body))


def decode_fields(kind: str, fields: Mapping[str, Any], *, place: str) -> Event:
    """Return the event whose *fields* somebody has read from JSON already; others are ignored.

    Raises:
        StoreError: see :func:`decode`.
    """
    return _checked(kind, place, lambda adapter: adapter.validate_python(fields))


def _checked(kind: str, place: str, read: Callable[[TypeAdapter[Event]], Event]) -> Event:
    if kind not in EVENTS:
        sentence = f"{place}: unknown event {kind!r}; a newer stateflow may have written it"
        raise StoreError(sentence)
    try:
        event = read(_adapter(kind))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        sentence = f"{place}: broken {kind} event: {where}: {first['msg']}"
        raise StoreError(sentence) from error
    version = getattr(event, "version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        sentence = (
            f"{place}: written in schema version {version}; this stateflow reads up to "
            f"{SCHEMA_VERSION}. Upgrade stateflow to read it"
        )
        raise StoreError(sentence)
    return event
