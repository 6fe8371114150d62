"""Data models: pydantic classes as JSON schemas, and the classes that such schemas describe.

A class that holds more than its schema tells (validators, aliases, dates) is not written, for what
is read would not be the same: every class is built from its schema once, and has to come out equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Union, cast, get_origin

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic_core import SchemaError

from stateflow.errors import DefinitionError
from stateflow.exchange.shape import PLAIN, FieldShape, Shape, shapes
from stateflow.exchange.unwritten import Unwritable
from stateflow.value import Json, canonical_json

__all__ = ["model_of", "schema_form"]

_TOLD: Final = frozenset(
    {
        *("str", "int", "float", "bool", "none", "any", "literal", "list", "dict"),
        *("nullable", "union", "default", "model", "model-fields", "model-field"),
        *("definitions", "definition-ref"),
    }
)
"""What pydantic calls the types that a JSON schema tells in full."""


def schema_form(model: type[BaseModel]) -> dict[str, Json]:
    """Return the JSON schema of *model*.

    Raises:
        Unwritable: the class is more than its schema says.
    """
    told = f"model {model.__name__!r}"
    try:
        schema = cast("dict[str, Json]", model.model_json_schema())
        built = model_of(model.__name__, schema)
    except (DefinitionError, PydanticUserError) as error:
        raise Unwritable(f"{told}, which is more than its JSON schema says ({error}),") from error
    same = canonical_json(cast("Json", built.model_json_schema())) == canonical_json(schema)
    if more := next(_more(model), "" if same else "types that a schema does not tell"):
        raise Unwritable(f"{told}, which holds {more},")
    return schema


def model_of(name: str, schema: Mapping[str, Json]) -> type[BaseModel]:
    """Return the class called *name* that *schema* describes.

    Raises:
        DefinitionError: the schema holds what is not read, which is named.
    """
    built: dict[str, type[BaseModel]] = {}
    for shape in shapes(name, schema):
        config = ConfigDict(extra=shape.extra) if shape.extra else None
        try:
            given = {one.name: (_type(one.shape, built), _field(one)) for one in shape.fields}
            built[shape.name] = create_model(
                shape.name,
                __config__=config,
                __doc__=shape.doc or None,
                **cast("Any", given),
            )
        except (PydanticUserError, SchemaError, NameError, TypeError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise DefinitionError(f"model {shape.name!r}: {first}") from error
    return built[name]


def _type(shape: Shape, built: Mapping[str, type[BaseModel]]) -> Any:  # noqa: ANN401 - a type
    parts = [_type(part, built) for part in shape.parts]
    made: dict[str, Any] = {
        "plain": lambda: PLAIN[shape.name],
        "any": lambda: Any,
        "values": lambda: Literal[shape.values],
        "list": lambda: list[parts[0]],  # type: ignore[valid-type]
        "dict": lambda: dict[str, parts[0]],  # type: ignore[valid-type]
        "union": lambda: Union[tuple(parts)],  # noqa: UP007 - of parts that are found
        "model": lambda: built[shape.name],
    }
    kind = made[shape.kind]()
    return Annotated[kind, Field(**cast("Any", dict(shape.limits)))] if shape.limits else kind


def _field(one: FieldShape) -> Any:  # noqa: ANN401 - of pydantic's making
    told = cast("Any", dict(one.told))
    if one.required:
        return Field(**told)
    if one.made:
        return Field(default_factory=list if one.shape.kind == "list" else dict, **told)
    return Field(default=one.default, **told)


def _more(model: type[BaseModel]) -> Iterator[str]:
    """Yield what *model* holds that no schema tells."""
    seen: set[int] = set()
    ahead: list[object] = [model.__pydantic_core_schema__]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            schema = cast("Mapping[str, object]", part)
            yield from _python_in(schema)
            ahead += [one for key, one in schema.items() if key not in {"cls", "default"}]
        elif isinstance(part, list | tuple):
            ahead += cast("list[object]", part)


def _python_in(schema: Mapping[str, object]) -> Iterator[str]:
    kind = schema.get("type")
    if isinstance(kind, str) and kind.startswith("function-"):
        yield "a validator, a Python function"
    elif isinstance(kind, str) and kind not in _TOLD:
        yield f"a {kind}"
    if schema.get("computed_fields"):
        yield "a computed field, a Python function"
    factory = schema.get("default_factory")
    if (get_origin(factory) or factory) not in {None, list, dict}:
        yield "a default that a Python function makes"
    if schema.get("serialization"):
        yield "a serializer"
    if schema.get("validation_alias") or schema.get("serialization_alias"):
        yield "an alias"
    if schema.get("strict") or schema.get("frozen") or schema.get("custom_init"):
        yield "settings of pydantic"
