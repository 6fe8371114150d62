"""Data models as Python classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stateflow.errors import DefinitionError
from stateflow.exchange.code import STEP, Call, Chain, Expr, Name, Str, laid, literal, value
from stateflow.exchange.shape import PLAIN, FieldShape, ModelShape, Shape
from stateflow.value import Json

__all__ = ["class_code"]

_TYPES: Final = {name: "None" if kind is None else kind.__name__ for name, kind in PLAIN.items()}
_WORDS: Final = frozenset(
    {*_TYPES.values(), "list", "dict", "Annotated", "Any", "ConfigDict", "Field", "Literal"}
)
"""What the annotations of a class are made of; a field of that name would hide it."""


def class_code(model: ModelShape, names: Sequence[str]) -> tuple[str, set[str]]:
    """Return the class of *model*, and the names that it imports.

    Args:
        model: what is written.
        names: of all classes.

    Raises:
        DefinitionError: a field has the name of a type.
    """
    used = {"BaseModel"}
    body = list(_head(model))
    if model.extra:
        used.add("ConfigDict")
        body.append(f"model_config = ConfigDict(extra={literal(model.extra)})")
    fields: list[str] = []
    for one in model.fields:
        if one.name in _WORDS or one.name in names:
            raise DefinitionError(
                f"field {one.name!r} of model {model.name!r} hides the type of that name; rename it"
            )
        fields.append(_field(one, used))
    whole = "\n\n".join(f"{STEP}{part}" for part in body)
    rest = "\n".join(f"{STEP}{one}" for one in fields)
    parts = [part for part in (whole, rest) if part] or [f"{STEP}pass"]
    return f"class {model.name}(BaseModel):\n" + "\n\n".join(parts) + "\n", used


def _head(model: ModelShape) -> Iterator[str]:
    if not model.doc:
        return
    lines = model.doc.split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    odd = "\\" in model.doc or '"""' in model.doc or model.doc[-1] == '"' or model.doc[0] in ' "'
    if not plain or odd or not lines[0]:
        yield laid(Str(model.doc), STEP, "__doc__ = ")
    elif len(lines) == 1:
        yield f'"""{model.doc}"""'
    else:
        text = "\n".join(f"{STEP}{line}".rstrip() for line in lines)
        yield f'"""{text.lstrip(" ")}\n{STEP}"""'


def _field(field: FieldShape, used: set[str]) -> str:
    kind = _kind(field.shape, used, outer=True)
    given: list[tuple[str, Expr]] = []
    if field.made:
        given.append(("default_factory", Name("list" if field.shape.kind == "list" else "dict")))
    elif not field.required:
        default: Json = field.default  # type: ignore[assignment]  # of a JSON schema
        given.append(("default", value(default)))
    given += [(key, Str(text)) for key, text in field.told.items()]
    given += [(key, value(limit)) for key, limit in field.shape.limits]
    if not given:
        return laid(kind, STEP, f"{field.name}: ")
    if len(given) == 1 and given[0][0] == "default":
        set_to = given[0][1]
    else:
        used.add("Field")
        set_to = Call("Field", tuple(given))
    flat = laid(kind, "", f"{field.name}: ")
    return laid(set_to, STEP, f"{flat} = ")


def _kind(shape: Shape, used: set[str], *, outer: bool = False) -> Expr:
    parts = [_kind(part, used) for part in shape.parts]
    made: Expr
    if shape.kind == "plain":
        made = Name(_TYPES[shape.name])
    elif shape.kind == "any":
        used.add("Any")
        made = Name("Any")
    elif shape.kind == "values":
        used.add("Literal")
        made = Call("Literal", tuple(("", value(one)) for one in shape.values), "[]")
    elif shape.kind == "list":
        made = Call("list", (("", parts[0]),), "[]")
    elif shape.kind == "dict":
        made = Call("dict", (("", Name("str")), ("", parts[0])), "[]")
    elif shape.kind == "union":
        made = Chain("|", tuple(parts))
    else:
        made = Name(shape.name)
    if not shape.limits or outer:
        return made
    used |= {"Annotated", "Field"}
    limits = Call("Field", tuple((key, value(one)) for key, one in shape.limits))
    return Call("Annotated", (("", made), ("", limits)), "[]")
