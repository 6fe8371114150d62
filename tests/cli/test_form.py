"""Forms at the terminal: how a schema is told in words, and what a line of text is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from stateflow.agents.human import Human
from stateflow.cli.form import fields_of, skeleton


class Everything(BaseModel):
    """A field of every kind."""

    whole: int = Field(gt=0, lt=5)
    number: float = Field(ge=0.5)
    truth: bool
    text: str = Field(min_length=2, max_length=4)
    maybe: int | None = None
    either: int | str = 1
    tags: list[str] = []
    table: dict[str, int] = {}
    anything: Any = None


def everything() -> Any:  # noqa: ANN401 - a JSON schema
    return Human("h", form=Everything).schema


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("whole", "a whole number, more than 0, less than 5"),
        ("number", "a number, 0.5 or more"),
        ("truth", "yes or no"),
        ("text", "a text, 2 to 4 characters"),
        ("maybe", "a whole number or null"),
        ("either", "a whole number or a text"),
        ("tags", 'a list as JSON, such as ["a", "b"]'),
        ("table", "an object as JSON"),
        ("anything", "a value as JSON"),
    ],
)
def test_the_kind_of_a_field_is_told_in_words(name: str, kind: str) -> None:
    assert {one.name: one.kind for one in fields_of(everything())}[name] == kind


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("whole", "4", 4),
        ("number", "0.5", 0.5),
        ("number", "7", 7),
        ("truth", "Yes", True),
        ("truth", "n", False),
        ("text", "für", "für"),
        ("maybe", "null", None),
        ("maybe", "3", 3),
        ("either", "3", 3),
        ("either", "three", "three"),
        ("tags", '["a"]', ["a"]),
        ("table", '{"a": 1}', {"a": 1}),
        ("anything", "[1, null]", [1, None]),
        ("anything", "a word", "a word"),
    ],
)
def test_a_field_is_read_as_its_kind(name: str, text: str, value: object) -> None:
    field = {one.name: one for one in fields_of(everything())}[name]

    assert field.read(text) == (value, "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("whole", "5"),
        ("whole", "0"),
        ("whole", "1.5"),
        ("whole", "9" * 5000),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "0.4"),
        ("number", "much"),
        ("truth", "perhaps"),
        ("text", "x"),
        ("text", "x" * 10_000_000),
        ("maybe", "none of it"),
        ("tags", "a, b"),
        ("tags", '{"a": 1}'),
        ("tags", "[NaN]"),
        ("tags", "[" * 100_000),
        ("table", "[]"),
    ],
    ids=lambda value: value[:20],
)
def test_a_value_of_another_kind_is_told_of(name: str, text: str) -> None:
    field = {one.name: one for one in fields_of(everything())}[name]

    assert field.read(text) == (None, f"give {field.kind}")


@pytest.mark.parametrize(
    ("schema", "kind", "text", "value"),
    [
        ({"enum": ["low", "high"]}, "low / high", "H", "high"),
        ({"enum": [1, None, "x"]}, "1 / null / x", "null", None),
        ({"const": True}, "true", "true", True),
        ({"$ref": "#/$defs/Level"}, "low / high", "l", "low"),
        ({"$ref": "#/$defs/None"}, "a value as JSON", "7", 7),
        ({"$ref": "#/$defs/Loop"}, "a value as JSON", "7", 7),
        ({"type": "string", "format": "date"}, "a date", "2026-11-23", "2026-11-23"),
        ({"type": "string", "maxLength": 3}, "a text, up to 3 characters", '""', ""),
        ({"type": "string", "minLength": 1}, "a text, 1 characters or more", "x", "x"),
        ({"oneOf": [{"type": "boolean"}, {"type": "null"}]}, "yes or no or null", "y", True),
    ],
)
def test_what_a_schema_refers_to_is_followed(
    schema: object, kind: str, text: str, value: object
) -> None:
    parts = {"Level": {"enum": ["low", "high"]}, "Loop": {"$ref": "#/$defs/Loop"}}
    form: Any = {"properties": {"a": schema}, "$defs": parts}
    [field] = fields_of(form)

    assert (field.kind, field.read(text)) == (kind, (value, ""))


def test_a_choice_with_a_reason_is_no_choice() -> None:
    [field] = fields_of({"properties": {"a": {"enum": ["low", "high"]}}})

    assert field.read("low, I think") == (None, "give low / high")


def test_a_skeleton_names_every_field_and_is_no_answer() -> None:
    shown = skeleton(everything())

    assert shown.startswith('{"whole": INTEGER, "number": NUMBER, "truth": BOOLEAN, "text": TEXT,')
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(shown)
