"""Forms at the terminal: a JSON schema, asked field by field.

What is checked here is what a person can mend at once: the kind of a value and its limits.  The
whole object is held against the flow's own model by the run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from rich.console import Console
from rich.text import Text

from stateflow.agents.human import fitting
from stateflow.cli.chart import MUTED, clean, cut
from stateflow.cli.console import say
from stateflow.value import Json

__all__ = ["Field", "fields_of", "filled", "skeleton"]

Schema: TypeAlias = Mapping[str, Any]
Read: TypeAlias = tuple[Json, bool]
"""A value, and whether the text was one."""

_NONE: Final[Read] = (None, False)
_TRUTH: Final = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_WIDEST: Final = 60
"""Widest default that is shown [columns]."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    name: str
    schema: Schema
    parts: Schema
    """What schemas refer to, by name."""
    required: bool

    @property
    def kind(self) -> str:
        """What it takes, in words."""
        return _kind(self.schema, self.parts)

    def read(self, text: str) -> tuple[Json, str]:
        """Return the value that *text* stands for, and ``""``; or ``None``, and what is wrong."""
        value, good = _read(self.schema, self.parts, text)
        return (value, "") if good else (None, f"give {self.kind}")


def fields_of(form: Json) -> list[Field]:
    """Return the fields of *form*, in order.

    Example:
        >>> score = {"type": "integer", "minimum": 1, "maximum": 10}
        >>> [field] = fields_of({"properties": {"score": score}, "required": ["score"]})
        >>> field.kind, field.read("8"), field.read("11")
        ('a whole number, 1 to 10', (8, ''), (None, 'give a whole number, 1 to 10'))
    """
    schema: Any = form
    parts: Schema = schema.get("$defs", {})
    required: Sequence[str] = schema.get("required", ())
    fields: Mapping[str, Schema] = schema.get("properties", {})
    return [Field(name, one, parts, name in required) for name, one in fields.items()]


def skeleton(form: Json) -> str:
    """Return what an answer to *form* looks like; as it is, it is no JSON.

    Example:
        >>> skeleton({"properties": {"score": {"type": "integer"}, "why": {"type": "string"}}})
        '{"score": INTEGER, "why": TEXT}'
    """
    words = [f"{json.dumps(one.name)}: {_word(one)}" for one in fields_of(form)]
    return f"{{{', '.join(words)}}}"


def _word(field: Field) -> str:
    schema = _followed(field.schema, field.parts)
    word = "CHOICE" if _choices(schema) else str(schema.get("type", "value")).upper()
    return "TEXT" if word == "STRING" else word


def filled(
    form: Json, given: Mapping[str, Json], line: Callable[[], str | None], out: Console
) -> str | None:
    """Ask for each field of *form*, and return the object as JSON; ``None``: not now.

    Args:
        form: its JSON schema.
        given: what Enter alone means, by field.
        line: reads a line; ``None`` is the end.
        out: where the fields are shown.
    """
    value: dict[str, Json] = {}
    for field in fields_of(form):
        _show(field, given, out)
        while (text := line()) is not None:
            if not text and (field.name in given or not field.required):
                if field.name in given:
                    value[field.name] = given[field.name]
                break
            part, wrong = field.read(text) if text else (None, "it needs a value")
            if not wrong:
                value[field.name] = part
                break
            say(out, f"{clean(field.name)}: {clean(wrong)}", "yellow")
        if text is None:
            return None
    return json.dumps(value, ensure_ascii=False)


def _show(field: Field, given: Mapping[str, Json], out: Console) -> None:
    about = Text(clean(field.name), "bold").append(f"  {clean(field.kind)}", MUTED)
    if description := str(field.schema.get("description", "")):
        about.append(f"\n{clean(description)}", "")
    default: Any = given.get(field.name, field.schema.get("default", ...))
    if default is not ...:
        told = cut(json.dumps(default, ensure_ascii=False), _WIDEST)
        about.append(f"\nEnter alone: {told}", MUTED)
    elif not field.required:
        about.append("\nEnter alone leaves it out", MUTED)
    say(out, about)


def _followed(schema: Schema, parts: Schema) -> Schema:
    """Return *schema* with what it refers to in its place."""
    for _ in range(len(parts) + 1):
        if "$ref" not in schema:
            break
        name = str(schema["$ref"]).rpartition("/")[2]
        schema = {**parts.get(name, {}), **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _choices(schema: Schema) -> list[Json]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _others(schema: Schema) -> Sequence[Schema]:
    """Return the schemas of which one has to fit."""
    others: Sequence[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return others


def _kind(schema: Schema, parts: Schema) -> str:
    schema = _followed(schema, parts)
    if choices := _choices(schema):
        return " / ".join(map(_shown, choices))
    if others := _others(schema):
        return " or ".join(dict.fromkeys(_kind(one, parts) for one in others))
    kind = str(schema.get("type", ""))
    if kind == "string" and "format" in schema:
        return f"a {schema['format']}"
    limits = ", ".join(_limits(schema))
    return f"{_WORDS.get(kind, 'a value as JSON')}{f', {limits}' if limits else ''}"


_WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "null": "null",
    "array": 'a list as JSON, such as ["a", "b"]',
    "object": "an object as JSON",
}


def _limits(schema: Schema) -> Iterator[str]:
    for least, most, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
    ):
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield f"{low} to {high}{unit}"
        elif low is not None:
            yield f"{low}{unit} or more"
        elif high is not None:
            yield f"up to {high}{unit}"
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield f"less than {schema['exclusiveMaximum']}"


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(schema: Schema, parts: Schema, text: str) -> Read:
    schema = _followed(schema, parts)
    if choices := _choices(schema):
        named = {_shown(one): one for one in choices}
        picked = fitting(text, list(named))
        return (named[picked], True) if picked in named else _NONE
    if others := _others(schema):
        texts_last = sorted(others, key=lambda one: _followed(one, parts).get("type") == "string")
        found = (_read(one, parts, text) for one in texts_last)
        return next((one for one in found if one[1]), _NONE)
    return _READERS.get(str(schema.get("type", "")), _any)(schema, text)


def _string(schema: Schema, text: str) -> Read:
    said = "" if text == '""' else text
    good = schema.get("minLength", 0) <= len(said) <= schema.get("maxLength", math.inf)
    return (said, True) if good else _NONE


def _number(schema: Schema, text: str) -> Read:
    whole = schema.get("type") == "integer"
    try:
        number = int(text) if whole or text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return _NONE
    good = (
        math.isfinite(number)
        and schema.get("minimum", -math.inf) <= number <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < number
        and number < schema.get("exclusiveMaximum", math.inf)
    )
    return (number, True) if good else _NONE


def _boolean(schema: Schema, text: str) -> Read:
    del schema
    value = _TRUTH.get(text.lower())
    return (value, True) if value is not None else _NONE


def _json(schema: Schema, text: str) -> Read:
    kinds: Mapping[str, type] = {"array": list, "object": dict, "null": type(None)}
    kind: Any = kinds.get(schema.get("type", ""), object)
    try:
        value: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NONE
    return (value, True) if isinstance(value, kind) else _NONE


def _any(schema: Schema, text: str) -> Read:
    """Read what may be anything: JSON where it is, else a text."""
    value, good = _json(schema, text)
    return (value, True) if good else (text, True)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_READERS: Final[Mapping[str, Callable[[Schema, str], Read]]] = {
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
    "array": _json,
    "object": _json,
    "null": _json,
}
