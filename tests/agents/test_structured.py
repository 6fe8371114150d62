"""Structured replies: the schema a model is given, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, RootModel

from stateflow import DefinitionError
from stateflow.agents.structured import read_reply, schema_of


class Node(BaseModel):
    """Holds itself."""

    value: float
    below: list[Node] = []


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]


class Pets(BaseModel):
    """Has what strict modes do not take as pydantic writes it."""

    properties: dict[str, str]
    first: Cat = Field(description="who came first")
    last: Annotated[Cat | Dog, Field(discriminator="kind")]


class Words(RootModel[list[str]]):
    """Is no object."""


class Tags(BaseModel):
    """Has no order."""

    tags: frozenset[str]


class Calls(BaseModel):
    """Cannot be written as JSON."""

    what: Callable[[], None]


def test_a_model_that_holds_itself_is_an_object_at_the_top() -> None:
    """There providers take no reference."""
    schema: Any = schema_of(Node)
    assert (schema["type"], schema["required"]) == ("object", ["value", "below"])
    assert schema["properties"]["below"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["additionalProperties"] is False


def test_a_schema_is_written_as_strict_modes_take_it() -> None:
    """No oneOf, and nothing beside a reference; a field may have any name."""
    schema: Any = schema_of(Pets)
    assert schema["required"] == ["properties", "first", "last"]
    assert schema["properties"]["properties"]["additionalProperties"] == {"type": "string"}
    cat = {"$ref": "#/$defs/Cat"}
    assert schema["properties"]["first"] == {"anyOf": [cat], "description": "who came first"}
    assert schema["properties"]["last"]["anyOf"] == [cat, {"$ref": "#/$defs/Dog"}]
    assert "oneOf" not in str(schema)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Words, "reply=Words is no JSON object"),
        (Tags, "reply=Tags holds a set"),
        (Calls, "reply=Calls: pydantic finds no JSON schema"),
        (str, "no pydantic model"),
        ({"type": "objekt"}, "is no JSON schema: type: 'objekt' is not valid"),
    ],
)
def test_what_no_reply_can_follow_is_refused(reply: object, told: str) -> None:
    """When it is declared."""
    with pytest.raises(DefinitionError, match=told):
        schema_of(reply)


@pytest.mark.parametrize("text", ['```json\n{"value": 1}\n```', ' ```\n{"value": 1}```\n'])
@pytest.mark.parametrize("reply", [Node, {"type": "object"}])
def test_a_reply_that_is_one_fenced_block_is_read(reply: Any, text: str) -> None:  # noqa: ANN401
    """Models that chat write it so."""
    value, wrong = read_reply(reply, text)
    assert (value["value"], wrong) == (1, "")  # type: ignore[call-overload, index] # an object


@pytest.mark.parametrize(
    "text", ['Here:\n```json\n{"value": 1}\n```', '```\n{"value": 1}\n```\n```\n{}\n```']
)
def test_a_block_among_other_things_is_no_reply(text: str) -> None:
    """Nobody knows which part is meant."""
    assert read_reply(Node, text)[1].startswith("it is not JSON")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
@pytest.mark.parametrize("reply", [Node, {"type": "object"}])
def test_a_number_that_json_cannot_hold_is_told_to_the_model(reply: Any, number: str) -> None:  # noqa: ANN401
    """No journal could hold it."""
    value, wrong = read_reply(reply, f'{{"value": {number}}}')
    assert (value, wrong) == (None, "it holds NaN or Infinity, which are not JSON")


CHOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event": {"enum": ["APPROVE", "REJECT"]},
        "below": {"$ref": "#"},
        "marks": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["event"],
}
DEEP = '{"event": "REJECT"' + ', "below": {"event": "REJECT"' * 300 + "}" * 301


@pytest.mark.parametrize(
    ("schema", "text", "told"),
    [
        pytest.param(CHOICE, '{"event": "APPROVE", "marks": [1]}', "", id="fits"),
        pytest.param(
            CHOICE,
            '{"event": "MAYBE"}',
            "event: 'MAYBE' is not one of ['APPROVE', 'REJECT']",
            id="not-one-of-them",
        ),
        pytest.param(CHOICE, "{}", "the whole: 'event' is a required property", id="missing"),
        pytest.param(
            CHOICE,
            '{"event": "APPROVE", "marks": [1, "two"]}',
            "marks.1: 'two' is not of type 'integer'",
            id="inside",
        ),
        pytest.param(CHOICE, DEEP, "it is nested too deeply", id="too-deep"),
        pytest.param(
            {"$ref": "https://example.org/schema"},
            '{"event": "APPROVE"}',
            "its schema refers to 'https://example.org/schema', which is not in it",
            id="nothing-is-fetched",
        ),
    ],
)
def test_a_reply_is_held_against_a_json_schema(
    schema: dict[str, Any], text: str, told: str
) -> None:
    value, wrong = read_reply(schema, text)

    assert wrong == told
    assert (value is None) is bool(told)
