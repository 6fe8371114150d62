"""Data models as JSON schemas, and back."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
    field_serializer,
)

from stateflow import DefinitionError
from stateflow.exchange.data_class import model_of, schema_form
from stateflow.exchange.unwritten import Unwritable


class Part(BaseModel):
    """A part."""

    number: int = Field(ge=1)


class Whole(BaseModel):
    """A whole.

    Of several lines.
    """

    model_config = ConfigDict(extra="forbid")

    needed: int
    maybe: str | None = None
    made: list[str] = Field(default_factory=list)
    parts: list[Part] = []
    word: Literal["a", "b"] = "a"
    one: Literal["k"]
    by_name: dict[str, float] = Field(default_factory=dict, description="By name.")
    part: Part
    within: Annotated[int, Field(ge=0, le=3)] | None = None
    anything: Any = None
    titled: float = Field(1.5, gt=0, title="Number")
    text: str = Field("x", min_length=1, pattern="^x")
    deep: list[dict[str, list[int]]] = Field(min_length=1)


def test_a_model_comes_back_as_it_was() -> None:
    schema = schema_form(Whole)

    built = model_of("Whole", schema)

    assert built.model_json_schema() == Whole.model_json_schema()
    assert list(built.model_fields) == list(Whole.model_fields)


def test_what_comes_back_accepts_and_refuses_the_same() -> None:
    built = model_of("Whole", schema_form(Whole))
    good: dict[str, Any] = {"needed": 1, "one": "k", "part": {"number": 1}, "deep": [{"a": [1]}]}

    assert built(**good).model_dump() == Whole(**good).model_dump()
    wrongs: list[dict[str, Any]] = [
        *({"needed": "x"}, {"part": {"number": 0}}, {"deep": []}, {"text": "y"}, {"z": 1})
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            built(**{**good, **wrong})


def test_lists_are_made_anew() -> None:
    built = model_of("Whole", schema_form(Whole))
    one: Any = built.model_construct()

    one.made.append("x")

    assert built.model_construct().made == []  # type: ignore[attr-defined]


class Colour(enum.Enum):
    RED = "red"


class Dated(BaseModel):
    at: dt.datetime


class Coloured(BaseModel):
    colour: Colour = Colour.RED


class Tree(BaseModel):
    parts: list[Tree] = []


class Called(BaseModel):
    name: int = Field(alias="other")


class Made(BaseModel):
    name: int = Field(default_factory=lambda: 3)


class Paired(BaseModel):
    pair: tuple[int, ...] = ()


class Mixed(BaseModel):
    some: set[str] = set()


class Acting(BaseModel):
    act: Callable[[], int]


class Renamed(BaseModel):
    model_config = ConfigDict(title="Other")

    name: int


class Checked(BaseModel):
    names: list[Annotated[str, AfterValidator(str.strip)]]


class Counting(BaseModel):
    names: list[str]

    @computed_field
    def count(self) -> int:
        return len(self.names)


class Shown(BaseModel):
    name: str

    @field_serializer("name")
    def shout(self, name: str) -> str:
        return name.upper()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Dated, "'format' is not read"),
        (Coloured, "model 'Colour': 'enum' is not read"),
        (Tree, "model 'Tree' holds itself"),
        (Called, "which holds an alias"),
        (Made, "is not required and has no default"),
        (Paired, "which holds a tuple"),
        (Mixed, "'uniqueItems' is not read"),
        (Acting, "which is more than its JSON schema says"),
        (Renamed, "no object that is titled 'Renamed'"),
        (Checked, "a validator, a Python function"),
        (Counting, "a computed field, a Python function"),
        (Shown, "a serializer"),
        (Strict, "settings of pydantic"),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_a_model_that_is_more_than_its_schema_is_refused(model: type[BaseModel], told: str) -> None:
    with pytest.raises(Unwritable, match=re.escape(told)):
        schema_form(model)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"type": "string", "format": "date"}, "'format' is not read"),
        ({"type": "tuple"}, "of type 'tuple', which is not read"),
        ({"$ref": "#/$defs/None"}, "None"),
        ({"anyOf": []}, "is no list of JSON schemas"),
        ({"type": "array", "items": 3}, "3 is no JSON schema"),
        ({"type": "string", "pattern": "("}, "model 'M'"),
        (3, "3 is no JSON schema"),
    ],
    ids=str,
)
def test_a_schema_that_is_not_read_is_told(field: Any, told: str) -> None:  # noqa: ANN401 - any JSON
    schema: Any = {"type": "object", "properties": {"x": field}, "required": ["x"]}

    with pytest.raises(DefinitionError, match=re.escape(told)):
        model_of("M", schema)


@pytest.mark.parametrize("name", ["class", "a-b", "_x", "", "ﬁ", "1"])
def test_a_field_of_no_name_is_told(name: str) -> None:
    schema: Any = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}

    with pytest.raises(DefinitionError, match="is no name of a field"):
        model_of("M", schema)
