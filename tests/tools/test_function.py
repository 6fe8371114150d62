"""Tools made from typed functions: the schema, the function itself, what is refused."""

from __future__ import annotations

import functools
import inspect
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from stateflow.errors import DefinitionError
from stateflow.tools.base import Tool
from stateflow.tools.function import FunctionTool, as_tool, tool
from stateflow.tools.handoff import handoff
from tests.support.toolbox import Colour, Order, Shop, add, send_money

# the schema


def test_hints_and_docstring_become_the_schema() -> None:
    """Sections of the docstring tell of the parameters; its prose is the description."""
    assert (add.name, add.description) == ("add", "Add two numbers.\n\nWhole ones only.")
    assert add.parameters == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "the first."},
            "b": {"type": "integer", "default": 1, "description": "the second,\nor one."},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


def google(a: int) -> None:
    """Say it.

    Args:
        a: told.
    """


def sphinx(a: int) -> None:
    """Say it.

    :param a: told.
    """


def numpy(a: int) -> None:
    """Say it.

    Parameters
    ----------
    a : int
        told.
    """


@pytest.mark.parametrize("function", [google, sphinx, numpy])
def test_three_styles_of_docstring_are_read(function: Callable[..., None]) -> None:
    """Users bring functions they have."""
    made = FunctionTool(function)

    assert made.description == "Say it."
    assert made.parameters["properties"] == {"a": {"type": "integer", "description": "told."}}


def test_what_a_field_says_goes_before_the_docstring() -> None:
    """It stands nearer to the parameter."""

    @tool
    def f(
        a: Annotated[int, Field(description="near", ge=0)], b: str = Field("x", max_length=3)
    ) -> None:
        """Do it.

        Args:
            a: far.
            b: far too.
        """

    properties: Any = f.parameters["properties"]

    assert properties["a"] == {"type": "integer", "minimum": 0, "description": "near"}
    assert properties["b"] == {
        "type": "string",
        "default": "x",
        "maxLength": 3,
        "description": "far too.",
    }


async def test_models_are_parameters_and_refer_to_their_definitions() -> None:
    """A model may hold itself."""

    @tool
    def buy(order: Order) -> str:
        return f"{type(order).__name__} of {order.item}"

    reply = await buy.call({"order": {"item": "tea", "after": {"item": "milk"}}})

    properties: Any = buy.parameters["properties"]
    assert properties == {"order": {"$ref": "#/$defs/Order"}}
    assert reply.text == "Order of tea"
    with pytest.raises(ValueError, match=r"buy: order\.after\.count: .* equal to 1; it got 0"):
        await buy.call({"order": {"item": "tea", "after": {"item": "milk", "count": 0}}})


async def test_a_function_without_parameters_or_docstring_is_a_tool() -> None:
    """Its object is empty and closed."""

    @tool
    def ping() -> str:
        return "pong"

    assert ping.description == ""
    assert ping.parameters == {"type": "object", "properties": {}, "additionalProperties": False}
    assert (await ping.call({})).text == "pong"
    with pytest.raises(ValueError, match=r"ping: x: Extra inputs .*; it takes none"):
        await ping.call({"x": 1})


async def test_parameters_may_be_called_what_models_call_their_own() -> None:
    """Neither a warning nor a clash."""

    @tool
    def f(json: str, copy: str, _x: str, model_dump: str, arg_json: str, self_: str) -> list[str]:
        return [json, copy, _x, model_dump, arg_json, self_]

    names = ["json", "copy", "_x", "model_dump", "arg_json", "self_"]
    properties: Any = f.parameters["properties"]
    assert list(properties) == names
    assert json.loads((await f.call({name: name for name in names})).text) == names


async def test_a_default_that_json_cannot_hold_stays_the_functions_own() -> None:
    """The schema only says that the parameter may be left out."""
    missing = object()

    @tool
    def f(a: object = missing) -> bool:
        return a is missing

    assert f.parameters["properties"] == {"a": {}}
    assert "required" not in f.parameters
    assert (await f.call({})).text == "true"


def test_a_default_without_order_is_given_one() -> None:
    """A set's own is another in every process, and what the model is told has a print."""

    def find(kinds: frozenset[str] = frozenset("dcba")) -> None:
        """Find something."""

    assert tool(find).parameters["properties"]["kinds"]["default"] == ["a", "b", "c", "d"]  # type: ignore[index, call-overload]  # JSON


async def test_defaults_are_not_shared_between_calls() -> None:
    """As they would be in Python."""

    @tool
    def f(seen: list[int] = []) -> int:  # noqa: B006 - the mistake that is tried
        seen.append(1)
        return len(seen)

    assert [(await f.call({})).text for _ in range(2)] == ["1", "1"]


@given(
    st.text()
    | st.lists(st.sampled_from(["Args:\n", "    a: x\n", ":param a:", ":", "\n"])).map("".join)
)
def test_any_docstring_will_do(text: str) -> None:
    """What cannot be read as sections is prose."""

    def f(a: int) -> None: ...

    f.__doc__ = text

    assert FunctionTool(f).name == "f"


def test_what_the_docstring_parser_trips_over_is_prose() -> None:
    """The description is the whole text."""

    def f() -> None: ...

    f.__doc__ = ":    :    :"

    assert FunctionTool(f).description == ":    :    :"


# the function itself


async def test_it_stays_the_function() -> None:
    """Other code calls it, and reads its signature, as before."""
    assert (add(1), add(1, b=2)) == (2, 3)
    assert await send_money(Decimal(2), "bob") == "bob has 2 more"
    assert inspect.getdoc(add) == inspect.getdoc(inspect.unwrap(add))
    assert vars(add)["__name__"] == "add"
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 1) -> 'int'"
    assert get_type_hints(add)["b"] is int


def test_it_is_a_value() -> None:
    """Equal ones do the same; its print shows no address."""
    assert FunctionTool(google) == FunctionTool(google)
    assert len({FunctionTool(google), FunctionTool(google), FunctionTool(sphinx)}) == 2
    assert repr(send_money) == "FunctionTool(name='pay', approve=True, repeat=False, timeout_s=30)"
    assert replace(add, approve=True).approve
    with pytest.raises(AttributeError):
        add.name = "sub"  # type: ignore[misc]  # frozen is what is tried


def test_it_says_how_it_is_to_be_called() -> None:
    """The engine reads this; the tool does not act on it."""
    plain: Tool = add
    careful: Tool = send_money

    assert (plain.approve, plain.repeat, plain.timeout_s) == (False, True, None)
    assert (careful.approve, careful.repeat, careful.timeout_s) == (True, False, 30)
    assert tool(google, description="Other words.").description == "Other words."


async def test_a_bound_method_is_a_tool() -> None:
    """Its object is what the tool remembers with."""
    shop = Shop()

    sell = FunctionTool(shop.sell)

    assert (sell.name, sell.description) == ("sell", "Sell one.")
    assert (await sell.call({"item": "tea"})).text == "1"
    assert shop.sold == ["tea"]
    assert tool(shop.sell, repeat=False).repeat is False


# what is refused when it is made


def no_hint(a) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - what is tried
    """Say nothing of a."""


def many(*names: str) -> None:
    """Take any number."""


def more(**names: str) -> None:
    """Take any name."""


def by_place(a: int, /) -> None:
    """Take it by its place only."""


def unknown(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821 - what is tried
    """Name what is not there."""


def uncallable(a: Callable[[], int]) -> None:
    """Take what no JSON is."""


def strange(a: threading.Thread) -> None:
    """Take what pydantic does not know."""


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (no_hint, r"'no_hint': its parameter 'a' has no type hint; write a: str"),
    (Shop.sell, r"'sell': its parameter 'self' .* of the bound method: tool\(thing\.method\)"),
    (many, r"'many': a model gives arguments by name, which 'names' is not; write named"),
    (more, r"'more': a model gives arguments by name"),
    (by_place, r"'by_place': a model gives arguments by name"),
    (unknown, r"'unknown': its type hints cannot be read .*Nowhere.*; import or define"),
    (uncallable, r"'uncallable': pydantic finds no JSON schema .*Callable.*; take text"),
    (strange, r"'strange': pydantic finds no JSON schema .*Thread"),
    (lambda: None, r"'<lambda>' cannot name a tool: .*; give another with name="),
    (functools.partial(google, 1), r"partial.* is neither a function nor a bound method"),
    (Shop, r"Shop.* is neither a function nor a bound method"),
    (len, r"'len': a model gives arguments by name"),
]


@pytest.mark.parametrize(("function", "sentence"), REFUSED)
def test_what_no_model_could_call_is_refused(function: Callable[..., Any], sentence: str) -> None:
    """Found where it is made, never in the middle of a run."""
    with pytest.raises(DefinitionError, match=sentence):
        FunctionTool(function)


@pytest.mark.parametrize("name", ["é", "a b", "a.b", "x" * 65, "a\n"])
def test_names_that_providers_refuse_are_refused(name: str) -> None:
    """Each provider would refuse the whole request."""
    with pytest.raises(DefinitionError, match="cannot name a tool"):
        tool(google, name=name)
    assert tool(google, name="x" * 64).name == "x" * 64


@pytest.mark.parametrize("timeout_s", [0, -1.5])
def test_a_limit_that_leaves_no_time_is_refused(timeout_s: float) -> None:
    """No call could be made."""
    with pytest.raises(DefinitionError, match="'google': a call needs time"):
        tool(google, timeout_s=timeout_s)


def test_functions_become_tools_and_tools_stay() -> None:
    """An assistant takes either."""
    over = handoff("bob")

    assert as_tool(google) == FunctionTool(google)
    assert as_tool(add) is add
    assert as_tool(over) is over


@pytest.mark.parametrize("thing", [3, "add", Order, Colour.RED, None])
def test_other_things_are_no_tools(thing: object) -> None:
    """The sentence says what would be one."""
    with pytest.raises(DefinitionError, match="is not a tool; give a typed function"):
        as_tool(thing)
