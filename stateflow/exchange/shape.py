"""The shapes of data models, as their JSON schemas describe them.

Fields are texts, numbers, truths, choices among values, lists and dicts of them, and other such
models; whatever else a schema holds is refused by name.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from stateflow.errors import DefinitionError
from stateflow.value import Json

__all__ = [
    "PLAIN",
    "FieldShape",
    "ModelShape",
    "Shape",
    "classes",
    "shapes",
]

_CONSTRAINTS: Final[Mapping[str, str]] = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "pattern": "pattern",
}
"""Words of pydantic by the words of JSON schemas."""

PLAIN: Final[Mapping[str, type | None]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": None,
}
"""Types of Python by what JSON schemas call them."""
_ABSENT: Final = object()
_DEFS: Final = "#/$defs/"


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a field."""

    kind: Literal["plain", "any", "values", "list", "dict", "union", "model"]
    name: str = ""
    """Of a plain type, as JSON calls it, or of a model."""
    values: tuple[Json, ...] = ()
    parts: tuple[Shape, ...] = ()
    limits: tuple[tuple[str, Json], ...] = ()
    """Constraints in pydantic's words."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field of a model."""

    name: str
    shape: Shape
    required: bool
    default: object = _ABSENT
    """What it is if it is not given; absent: an empty list or dict."""
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    """Title and description, where they are given."""

    @property
    def made(self) -> bool:
        """Whether its default is made anew each time."""
        return not self.required and self.default is _ABSENT


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A model."""

    name: str
    doc: str
    extra: Literal["", "forbid", "allow"]
    fields: tuple[FieldShape, ...]


def shapes(name: str, schema: Mapping[str, Json]) -> list[ModelShape]:
    """Return the models that *schema* describes, each after those that it needs.

    Raises:
        DefinitionError: the schema holds what is not read, which is named.
    """
    defs = _mapping(name, schema.get("$defs", {}))
    whole = {key: part for key, part in schema.items() if key != "$defs"}
    known = {**defs, name: whole}
    done: dict[str, ModelShape] = {}
    ahead: list[tuple[str, bool]] = [(name, False)]
    begun: set[str] = set()
    while ahead:
        one, leaving = ahead.pop()
        if one in done:
            continue
        shape = _model_shape(one, _mapping(one, known.get(one)))
        if leaving:
            done[one] = shape
            continue
        if one in begun:
            raise DefinitionError(f"model {one!r} holds itself; write it as a list of names")
        begun.add(one)
        needed = [part for f in shape.fields for part in _needs(f.shape) if part not in done]
        ahead += [(one, True), *((part, False) for part in reversed(needed))]
    return list(done.values())


def classes(models: Mapping[str, Mapping[str, Json]]) -> list[ModelShape]:
    """Return the classes of *models*, each once, after those that it needs.

    Raises:
        DefinitionError: one is not read, or two of one name are not the same.
    """
    found: dict[str, ModelShape] = {}
    for name, schema in models.items():
        for shape in shapes(name, schema):
            if found.setdefault(shape.name, shape) != shape:
                raise DefinitionError(f"two models are called {shape.name!r}; rename one")
    return list(found.values())


def _model_shape(name: str, schema: Mapping[str, Json]) -> ModelShape:
    if not _is_name(name):
        raise DefinitionError(f"{name!r} names no model; write a word such as 'Verdict'")
    if "$ref" in schema:
        raise DefinitionError(f"model {name!r} holds itself; write it as a list of names")
    known = ("properties", "required", "title", "type", "description", "additionalProperties")
    _refuse_more(f"model {name!r}", schema, known)
    if schema.get("type") != "object" or schema.get("title", name) != name:
        raise DefinitionError(f"model {name!r} is no object that is titled {name!r}")
    more = schema.get("additionalProperties", "")
    required = schema.get("required", [])
    needed = required if isinstance(required, list) else []
    properties = _mapping(name, schema.get("properties", {}))
    fields = tuple(
        _field_shape(f"field {one!r} of model {name!r}", one, _mapping(one, part), one in needed)
        for one, part in properties.items()
    )
    doc = schema.get("description", "")
    return ModelShape(
        name,
        doc if isinstance(doc, str) else "",
        "" if more == "" else "allow" if more is True else "forbid",
        fields,
    )


def _field_shape(where: str, name: str, schema: Mapping[str, Json], required: bool) -> FieldShape:  # noqa: FBT001 - as the schema says
    if not _is_name(name) or name.startswith("_"):
        raise DefinitionError(f"{where}: {name!r} is no name of a field")
    rest = dict(schema)
    default = cast("object", rest.pop("default", cast("Json", _ABSENT)))
    title = rest.pop("title", None)
    description = rest.pop("description", None)
    told = {"title": title, "description": description}
    if title == name.replace("_", " ").title():
        del told["title"]
    shape = _shape(where, rest)
    if not required and default is _ABSENT and shape.kind not in {"list", "dict"}:
        raise DefinitionError(f"{where} is not required and has no default; give it one")
    if shape.kind != "dict" and _is_object(default):
        raise DefinitionError(f"{where} has an object as its default; leave it out")
    texts = {key: text for key, text in told.items() if isinstance(text, str)}
    return FieldShape(name, shape, required, default, texts)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _shape(where: str, schema: Mapping[str, Json]) -> Shape:
    if "$ref" in schema:
        _refuse_more(where, schema, ("$ref",))
        return Shape("model", str(schema["$ref"]).removeprefix(_DEFS))
    if "anyOf" in schema:
        _refuse_more(where, schema, ("anyOf",))
        return Shape(
            "union", parts=tuple(_shape(where, one) for one in _list(where, schema["anyOf"]))
        )
    if "const" in schema or "enum" in schema:
        _refuse_more(where, schema, ("const", "enum", "type"))
        return Shape("values", values=_values(where, schema.get("enum", [schema.get("const")])))
    if not schema:
        return Shape("any")
    return _typed(where, schema)


def _values(where: str, given: Json) -> tuple[Json, ...]:
    values = given if isinstance(given, list) else []
    if not values or not all(one is None or isinstance(one, str | int) for one in values):
        raise DefinitionError(
            f"{where}: {given!r} is no list of values; a choice is among texts, whole numbers, "
            "true, false and null"
        )
    return tuple(values)


def _typed(where: str, schema: Mapping[str, Json]) -> Shape:
    kind = str(schema.get("type"))
    limits = tuple((word, schema[key]) for key, word in _CONSTRAINTS.items() if key in schema)
    if kind in PLAIN:
        _refuse_more(where, schema, ("type", *_CONSTRAINTS))
        return Shape("plain", kind, limits=limits)
    if kind == "array":
        _refuse_more(where, schema, ("type", "items", *_CONSTRAINTS))
        return Shape(
            "list", parts=(_shape(where, _mapping(where, schema.get("items", {}))),), limits=limits
        )
    if kind == "object":
        _refuse_more(where, schema, ("type", "additionalProperties"))
        inner = schema.get("additionalProperties", True)
        part: Mapping[str, Json] = {} if inner is True else _mapping(where, inner)
        return Shape("dict", parts=(_shape(where, part),))
    raise DefinitionError(f"{where} is of type {kind!r}, which is not read")


def _needs(shape: Shape) -> Iterator[str]:
    if shape.kind == "model":
        yield shape.name
    for part in shape.parts:
        yield from _needs(part)


def _is_name(name: str) -> bool:
    """Tell whether Python takes *name* for a name, and keeps it as it is."""
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return plain and not keyword.iskeyword(name)


def _refuse_more(where: str, schema: Mapping[str, Json], known: tuple[str, ...]) -> None:
    for key in schema:
        if key not in known:
            raise DefinitionError(f"{where}: {key!r} is not read; simpler types are")


def _mapping(where: str, value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise DefinitionError(f"{where}: {value!r} is no JSON schema")
    return value


def _list(where: str, value: Json) -> list[Mapping[str, Json]]:
    if not isinstance(value, list) or not value:
        raise DefinitionError(f"{where}: {value!r} is no list of JSON schemas")
    return [_mapping(where, one) for one in value]
