"""Schemas: what each field of a reply can hold that is held against a JSON schema.

Only what a schema says plainly is concluded: choices, truths and texts, and which fields must be
there.  Of a field that is described otherwise, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from typing import Final as Constant

from stateflow.machine.algebra.value import ANYTHING, NOTHING, Domain, choices

__all__ = ["SchemaFields", "schema_fields"]

_BESIDE: Constant = frozenset({"title", "description", "$schema", "$id"})
"""Words that restrict nothing."""
_OBJECT: Constant = _BESIDE | {"type", "properties", "required", "additionalProperties"}
_SIMPLE: Constant[Mapping[str, Domain]] = {
    "boolean": Domain(values=(True, False)),
    "string": Domain(texts=True),
    "null": Domain(values=(None,)),
}
_UNKNOWN: Constant = Domain(json=True)


@dataclass(frozen=True, slots=True)
class SchemaFields:
    """The fields of an object, by name."""

    known: Mapping[str, Domain]
    required: tuple[str, ...]
    closed: bool
    """It has no other fields."""

    def dumped(self, name: str) -> Domain:
        """Return what the field called *name* can hold."""
        if name not in self.known:
            return NOTHING if self.closed else ANYTHING
        return self.known[name] if name in self.required else self.known[name] | NOTHING

    def filled(self, given: Mapping[str, object]) -> Mapping[str, object] | None:
        """Return a reply that holds what is *given*; ``None``: none comes to mind."""
        missing = [name for name in self.required if name not in given]
        unknown = [name for name in (*missing, *given) if self.known.get(name) == _UNKNOWN]
        if unknown or any(name not in self.known for name in missing):
            return None
        return {**{name: next(choices(self.known[name], ())) for name in missing}, **given}


def schema_fields(schema: Mapping[str, Any]) -> SchemaFields | None:
    """Return the fields that *schema* describes; ``None``: nothing is certain of it.

    Example:
        >>> event = {"enum": ["APPROVE", "REJECT"]}
        >>> schema = {"type": "object", "properties": {"event": event}, "required": ["event"]}
        >>> fields = schema_fields(schema)
        >>> fields and fields.dumped("event").values
        ('APPROVE', 'REJECT')
    """
    if schema.get("type") != "object" or not _OBJECT.issuperset(schema):
        return None
    described: object = schema.get("properties", {})
    if not isinstance(described, Mapping):
        return None
    properties = cast("Mapping[str, object]", described)
    known = {name: _domain(part) for name, part in properties.items()}
    closed = schema.get("additionalProperties") is False
    return SchemaFields(known, tuple(schema.get("required", ())), closed)


def _domain(part: object) -> Domain:
    if not isinstance(part, Mapping):
        return _UNKNOWN
    schema = cast("Mapping[str, Any]", part)
    words = set(schema) - _BESIDE
    if words in ({"const"}, {"enum"}):
        values = tuple(schema.get("enum", (schema.get("const"),)))
        plain = all(one is None or isinstance(one, str | int | float) for one in values)
        return Domain(values=values) if plain and values else _UNKNOWN
    return _SIMPLE.get(str(schema.get("type")), _UNKNOWN) if words == {"type"} else _UNKNOWN
