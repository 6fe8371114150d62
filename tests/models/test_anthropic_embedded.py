"""Anthropic's API at a real server: the embedded model's own, through the SDK.

The model is weak, so what it says is its own affair; how it says it is not.  This server heeds no
schema in this API.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from stateflow.errors import ContextTooLong
from stateflow.models import llama
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings, ToolSpec
from stateflow.models.names import open_model
from stateflow.value import Json
from tests.support.embedded import need_embedded

CITY: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = ToolSpec("get_weather", "Tell the weather of a city.", CITY)
COLOUR = (ChatMessage("user", "Name a colour."),)


@pytest.fixture
async def name() -> str:
    """Return the name of the model; its server lives as long as the process."""
    need_embedded()
    address = await asyncio.to_thread(llama._address, "smollm2")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return f"anthropic+{address}#m"


async def ask(name: str, request: ModelRequest, pieces: list[str] | None = None) -> ModelReply:
    """Ask the model called *name* and close it."""
    async with aclosing(open_model(name)) as model:
        return await model.complete(request, on_delta=([] if pieces is None else pieces).append)


async def test_a_reply_comes_in_pieces_and_is_counted(name: str) -> None:
    """No key is needed, and every setting is taken."""
    pieces: list[str] = []
    settings = Settings(temperature=0.0, top_p=0.9, seed=1, max_tokens=12)

    reply = await ask(name, ModelRequest("m", "Be brief.", COLOUR, settings), pieces)

    assert len(pieces) > 1
    assert "".join(pieces) == reply.text
    assert reply.stop in {"end_turn", "max_tokens"}
    assert reply.usage.input_tokens > 0
    assert 0 < reply.usage.output_tokens <= 12


async def test_a_tool_is_called_and_its_result_read(name: str) -> None:
    """The conversation goes on after it, under the id that the server gave."""
    asked = ChatMessage("user", "What is the weather in Paris?")
    settings = Settings(temperature=0.0, max_tokens=80)
    first = ModelRequest("m", "", (asked,), settings, tools=(WEATHER,), tool_choice="required")

    called = await ask(name, first)
    (call,) = called.calls
    told = ChatMessage("tool", "It rains in Paris.", call_id=call.id)
    failed = ChatMessage("tool", "No such city.", call_id=call.id, ok=False)
    said = ChatMessage("assistant", called.text, called.calls, native=called.native)
    replies = [
        await ask(name, ModelRequest("m", "", (asked, said, result), Settings(max_tokens=12)))
        for result in (told, failed)
    ]

    assert (call.name, called.stop) == ("get_weather", "tool_use")
    assert "city" in json.loads(call.arguments)
    assert all(reply.text for reply in replies)


async def test_a_request_is_counted_as_the_server_counts_it(name: str) -> None:
    """More text, more tokens; the same number as in the usage."""
    short = ModelRequest("m", "Be brief.", COLOUR, Settings(max_tokens=1, temperature=0.0))
    long = ModelRequest("m", "Be brief. " * 20, COLOUR)
    async with aclosing(open_model(name)) as model:
        counted, more = await model.count(short), await model.count(long)
        reply = await model.complete(short, on_delta=lambda _: None)

    assert counted is not None
    assert more is not None
    assert counted < more
    assert reply.usage.input_tokens == counted


async def test_a_request_that_is_too_long_is_told_as_such(name: str) -> None:
    """The embedded model reads 8192 tokens."""
    long = ModelRequest("m", "", (ChatMessage("user", "word " * 9000),), Settings(max_tokens=4))

    with pytest.raises(ContextTooLong, match="sees=last"):
        await ask(name, long)
