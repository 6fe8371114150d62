"""Calls of tools made from functions: arguments, threads, and what comes back."""

from __future__ import annotations

import asyncio
import contextvars
import json
import math
import threading
from collections.abc import Awaitable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.conversation.file import File
from stateflow.tools.base import ToolReply
from stateflow.tools.function import FunctionTool, tool
from tests.support.toolbox import Colour, Order, add, send_money

# the call


async def test_arguments_are_read_as_pydantic_reads_json() -> None:
    """Small models write numbers as text."""
    assert (await add.call({"a": "3", "b": 4.0})).text == "7"
    assert (await send_money.call({"amount": "1.50", "to": "eve"})).text == "eve has 1.50 more"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"a": [], "b": "x" * 99},
            (
                "add: a: Input should be a valid integer; it got []. b: Input should be a "
                "valid integer, unable to parse string as an integer; "
                "it got 'xxxxxxxxxxxx...xxxxxxxxxxxxx'"
            ),
        ),
        ({}, "add: a: Field required"),
        ({"a": 1, "c": 2}, "add: c: Extra inputs are not permitted; it takes a, b"),
        (
            {"b": None},
            "add: a: Field required. b: Input should be a valid integer; it got None",
        ),
        (
            {"a": 1, "x\n\u2028\x1by" + "y" * 99: 2},
            f"add: x {'y' * 76}: Extra inputs are not permitted; it takes a, b",
        ),
        (
            {"a": 1, "\ud800": 2},
            (
                "add: Input should be a valid string, unable to parse raw data as a unicode "
                "string; it got '\\ud800'"
            ),
        ),
    ],
)
async def test_wrong_arguments_are_told_in_one_sentence(
    arguments: dict[str, Any], sentence: str
) -> None:
    """A model can act on it; nothing it wrote breaks the line."""
    with pytest.raises(ValueError, match=r"^add: ") as caught:
        await add.call(arguments)

    assert str(caught.value) == sentence


async def test_many_wrong_arguments_are_counted() -> None:
    """The sentence stays one that can be read."""
    with pytest.raises(ValueError, match=r"and 5 more$"):
        await add.call({"a": 1, **{f"x{n}": "y" * 10_000 for n in range(10)}})


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@tool
async def everything(
    a: int,
    b: Order | None = None,
    c: list[Decimal] | dict[str, float] | None = None,
    d: Literal["x", 3] = "x",
    e: date | Colour | bool = Colour.RED,
    f: bytes = b"",
) -> str:
    """Take one of each kind."""
    return repr((a, b, c, d, e, f))


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from("abcdef") | st.text(), ANY_JSON, max_size=6))
def test_any_arguments_are_taken_or_told_in_one_line(arguments: dict[str, Any]) -> None:
    """Nothing that a model can write gets another error than this one."""
    sentence = ""
    try:
        asyncio.run(everything.call(arguments))
    except ValueError as error:
        sentence = str(error)
    assert not sentence or sentence.startswith("everything: ")
    assert len(sentence.splitlines()) <= 1
    assert sentence.encode().decode() == sentence


VOICE: contextvars.ContextVar[str] = contextvars.ContextVar("VOICE", default="")


async def test_a_plain_function_runs_in_a_thread_with_the_callers_context() -> None:
    """A blocking tool holds up no other run."""
    VOICE.set("low")
    met = threading.Barrier(2, timeout=30)

    @tool
    def wait() -> list[str]:
        met.wait()
        return [VOICE.get(), threading.current_thread().name]

    async with asyncio.TaskGroup() as group:  # each waits for the other
        calls = [group.create_task(wait.call({})) for _ in range(2)]

    replies = [json.loads(call.result().text) for call in calls]
    assert [voice for voice, _ in replies] == ["low", "low"]
    assert threading.current_thread().name not in [thread for _, thread in replies]


async def test_an_async_function_runs_in_the_loop() -> None:
    """Also one that hides behind a plain function."""

    @tool
    async def where() -> str:
        return threading.current_thread().name

    def hidden() -> Awaitable[str]:
        return where()

    here = threading.current_thread().name
    assert (await where.call({})).text == here
    assert (await FunctionTool(hidden).call({})).text == here


async def test_what_the_function_raises_goes_on_to_the_caller() -> None:
    """The engine hands it to the model and into the outcome."""

    @tool
    def fail(a: int) -> None:
        raise LookupError(a)

    with pytest.raises(LookupError, match=r"^7$"):
        await fail.call({"a": 7})


async def test_an_iterator_that_runs_out_ends_the_call() -> None:
    """No future can hold a StopIteration, so a thread must not let one out."""

    @tool
    def first() -> int:
        return next(iter([]))

    with pytest.raises(RuntimeError, match="an iterator ran out"):
        await first.call({})


# what comes back


def numbers() -> Iterator[int]:
    """Count."""
    yield from range(3)


A_FILE = File.from_bytes(b"\x89PNG\r\n\x1a\n", name="plot.png")
NAMELESS = File.from_bytes(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ("as \n it is", ToolReply("as \n it is")),
        ("", ToolReply("")),
        (Colour.RED, ToolReply("red")),
        (None, ToolReply("done")),
        (ToolReply("no", ok=False), ToolReply("no", ok=False)),
        (ToolReply("over", handoff="reviewer"), ToolReply("over", handoff="reviewer")),
        (A_FILE, ToolReply("plot.png (image/png)", files=(A_FILE,))),
        (NAMELESS, ToolReply("a file (application/pdf)", files=(NAMELESS,))),
        (True, ToolReply("true")),
        ({"ä": [1, None], "b": date(2025, 1, 2)}, ToolReply('{"ä":[1,null],"b":"2025-01-02"}')),
        (Order(item="tea"), ToolReply('{"item":"tea","count":1,"after":null}')),
        ([math.nan, math.inf], ToolReply('["NaN","Infinity"]')),
        (numbers(), ToolReply("[0,1,2]")),
    ],
)
async def test_what_a_function_returns_is_written_down(value: object, reply: ToolReply) -> None:
    """Text stays as it is; values become compact JSON that every parser reads."""

    @tool
    async def give() -> object:
        return value

    assert await give.call({}) == reply


@pytest.mark.parametrize("value", [object(), {"a": {1: object()}}, b"\xff", math, ["\ud800"]])
async def test_what_json_cannot_hold_is_told_with_its_type(value: object) -> None:
    """The cure is in the function, so the sentence names it."""

    @tool
    async def give() -> object:
        return value

    with pytest.raises(
        TypeError,
        match=f"give: it returned a {type(value).__name__} that cannot be written as JSON",
    ):
        await give.call({})
