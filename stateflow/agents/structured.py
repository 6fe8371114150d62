"""Structured replies: the schema a model is given, and what is wrong with what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from stateflow.errors import DefinitionError
from stateflow.value import Json, canonical_json

__all__ = ["ReplyType", "complaint", "object_schema", "read_reply", "schema_of"]

ReplyType: TypeAlias = type[BaseModel] | Mapping[str, Json]
"""A pydantic model, or a JSON schema of an object."""

_MOST_TROUBLES = 5
_LONGEST = 200
"""So much is told of one trouble, which may quote the reply [characters]."""
_FENCED: Final = re.compile(r"\s*```(?:\w*\s)?(.*)```\s*", re.DOTALL)


def schema_of(reply: object) -> Json:
    """Return the JSON schema that the model is given: every object closed, every field asked for.

    Raises:
        DefinitionError: *reply* is neither a pydantic model of an object nor a JSON schema.
    """
    if isinstance(reply, type) and issubclass(reply, BaseModel):
        return cast("Json", _closed(object_schema(reply, f"reply={reply.__name__}")))
    if isinstance(reply, Mapping):
        return _sound(dict(cast("Mapping[str, Json]", reply)))
    raise DefinitionError(
        f"reply={reply!r} is no pydantic model and no JSON schema; write class Verdict(BaseModel)"
    )


def _sound(schema: dict[str, Json]) -> dict[str, Json]:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise DefinitionError(
            f"reply= is no JSON schema: {_place(tuple(error.absolute_path))}: {error.message}; "
            "write {'type': 'object', 'properties': {...}}, or a pydantic model"
        ) from error
    return schema


def object_schema(model: type[BaseModel], told: str) -> dict[str, Any]:
    """Return the JSON schema of *model*, its fields in the order they were declared.

    Args:
        model: of an object, which all providers ask for; one may hold itself.
        told: what errors call it, as in ``reply=Verdict``.

    Raises:
        DefinitionError: *model* is no object, or JSON cannot describe it, or not in one order.
    """
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema as error:
        raise DefinitionError(
            f"{told}: pydantic finds no JSON schema for it ({error.message}); take text, numbers, "
            "lists, dicts or pydantic models"
        ) from error
    if "$ref" in schema:  # of a model that holds itself
        name = schema.pop("$ref").removeprefix("#/$defs/")
        schema = {**schema["$defs"][name], **schema}
    if schema.get("type") != "object":
        raise DefinitionError(
            f"{told} is no JSON object with fields; put it into a field of a BaseModel"
        )
    if '"uniqueItems":true' in canonical_json(schema):
        raise DefinitionError(
            f"{told} holds a set, whose order is another in every process, so that no replay "
            "could be held against it; write a list"
        )
    return schema


def _closed(schema: Any) -> Any:  # noqa: ANN401 - a part of a JSON schema
    """Return *schema* as the providers' strict modes demand it."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]  # pyright: ignore[reportUnknownVariableType] - of an Any
    if not isinstance(schema, dict):
        return schema
    parts: dict[str, Any] = {}
    for word, part in cast("dict[str, Any]", schema).items():
        by_name = word in {"properties", "$defs"}
        parts[word] = {n: _closed(one) for n, one in part.items()} if by_name else _closed(part)
    if "properties" in parts:
        parts["required"] = list(parts["properties"])
        parts["additionalProperties"] = False
        for part in parts["properties"].values():
            part.pop("default", None)  # nothing is left out, so nothing is filled in
    if "oneOf" in parts:  # strict modes know anyOf only; pydantic checks the rest
        parts["anyOf"] = parts.pop("oneOf")
        parts.pop("discriminator", None)
    if "$ref" in parts and "description" in parts:  # nor may anything stand beside a $ref
        parts["anyOf"] = [{"$ref": parts.pop("$ref")}]
    return parts


def read_reply(reply: ReplyType, text: str) -> tuple[Json, str]:
    """Return the value that *text* holds, and ``""``; or ``None``, and what is wrong.

    Example:
        >>> read_reply({"type": "object"}, '{"score": 8}')
        ({'score': 8}, '')
        >>> read_reply({"type": "object"}, "eight")
        (None, 'it is not JSON: Expecting value: line 1 column 1 (char 0)')
    """
    try:
        text = _unfenced(text)
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, f"it is not JSON: {error}"
    if not isinstance(value, dict):
        return None, "it is not a JSON object"
    try:
        if isinstance(reply, type):
            value = reply.model_validate_json(text).model_dump(mode="json")
    except ValidationError as error:
        troubles = error.errors(include_url=False, include_input=False)[:_MOST_TROUBLES]
        told = "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in troubles)
        return None, told
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return None, "it holds NaN or Infinity, which are not JSON"
    wrong = "" if isinstance(reply, type) else _unlike(reply, cast("object", value))
    return (None, wrong) if wrong else (cast("Json", value), "")


def _unlike(schema: Mapping[str, Json], value: object) -> str:
    """Return where *value* is not what *schema* says; nothing, where it is."""
    from jsonschema import Draft202012Validator
    from jsonschema import ValidationError as ValidationTrouble
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator: Any = Draft202012Validator(schema, registry=Registry())  # which fetches nothing
    found: Iterator[ValidationTrouble] = validator.iter_errors(value)
    try:
        troubles = sorted(found, key=lambda one: [str(part) for part in one.absolute_path])
    except Unresolvable as error:
        return f"its schema refers to {error.ref!r}, which is not in it"
    except RecursionError:
        return "it is nested too deeply"
    return "; ".join(
        f"{_place(tuple(one.absolute_path))}: {one.message[:_LONGEST]}"
        for one in troubles[:_MOST_TROUBLES]
    )


def _unfenced(text: str) -> str:
    """Return what is inside, where all of *text* is one fenced block, as chat models like it."""
    fenced = _FENCED.fullmatch(text)
    return text if fenced is None else fenced[1]


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc)) or "the whole"


def complaint(wrong: str) -> str:
    """Return what the model is told where its reply is not what was asked for."""
    return f"That is not the JSON that was asked for: {wrong}. Answer again, with the JSON only."
