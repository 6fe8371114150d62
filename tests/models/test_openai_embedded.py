"""OpenAI's APIs at a real server: the embedded model's own, through the SDK.

The model is weak, so what it says is its own affair; how it says it is not.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from stateflow.errors import BadReply, ContextTooLong, ModelNotFound
from stateflow.models import llama
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings, ToolSpec
from stateflow.models.names import open_model
from stateflow.value import Json
from tests.support.embedded import need_embedded

CHOICE: dict[str, Json] = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
CITY: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = ToolSpec("get_weather", "Tell the weather of a city.", CITY)
COLOUR = (ChatMessage("user", "Name a colour."),)
both = pytest.mark.parametrize("prefix", ["openai", "openai-responses"])


@pytest.fixture
async def address() -> str:
    """Return where the server listens; it lives as long as the process."""
    need_embedded()
    return await asyncio.to_thread(llama._address, "smollm2")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


async def ask(name: str, request: ModelRequest, pieces: list[str] | None = None) -> ModelReply:
    """Ask the model called *name* and close it."""
    model = open_model(name)
    try:
        return await model.complete(request, on_delta=([] if pieces is None else pieces).append)
    finally:
        await model.aclose()


@both
async def test_a_reply_comes_in_pieces_and_is_counted(address: str, prefix: str) -> None:
    """The server counts both ways."""
    pieces: list[str] = []

    reply = await ask(
        f"{prefix}+{address}/v1#m",
        ModelRequest("m", "Be brief.", COLOUR, Settings(0.0, max_tokens=12)),
        pieces,
    )

    assert len(pieces) > 1
    assert "".join(pieces) == reply.text
    assert reply.usage.input_tokens > 0
    assert 0 < reply.usage.output_tokens <= 12


@both
async def test_a_tool_is_called_and_its_result_read(address: str, prefix: str) -> None:
    """The conversation goes on after it, under the id that the server gave."""
    asked = ChatMessage("user", "What is the weather in Paris?")
    settings = Settings(0.0, max_tokens=80)
    first = ModelRequest("m", "", (asked,), settings, tools=(WEATHER,), tool_choice="required")

    called = await ask(f"{prefix}+{address}/v1#m", first)
    (call,) = called.calls
    told = ChatMessage("tool", "It rains in Paris.", call_id=call.id)
    said = ChatMessage("assistant", called.text, called.calls, native=called.native)
    after = ModelRequest("m", "", (asked, said, told), Settings(0.0, max_tokens=12))
    reply = await ask(f"{prefix}+{address}/v1#m", after)

    assert call.name == "get_weather"
    assert "city" in json.loads(call.arguments)
    assert reply.text


async def test_a_structured_reply_follows_its_schema(address: str) -> None:
    """Chat completions only: this server does not heed a schema in its other API."""
    asked = (ChatMessage("user", "Is the sky blue?"),)

    reply = await ask(
        f"openai+{address}/v1#m", ModelRequest("m", "", asked, Settings(max_tokens=32), CHOICE)
    )

    assert json.loads(reply.text)["answer"] in {"yes", "no"}


async def test_a_structured_reply_that_is_cut_off_is_a_bad_reply(address: str) -> None:
    """Two tokens are too few for it."""
    with pytest.raises(BadReply, match="raise max_tokens"):
        await ask(
            f"openai+{address}/v1#m", ModelRequest("m", "", COLOUR, Settings(max_tokens=2), CHOICE)
        )


@both
async def test_a_request_that_is_too_long_is_told_apart(address: str, prefix: str) -> None:
    """The server has room for some thousand tokens."""
    long = ChatMessage("user", "word " * 9000)

    with pytest.raises(ContextTooLong, match="sees=last"):
        await ask(f"{prefix}+{address}/v1#m", ModelRequest("m", "", (long,)))


async def test_an_address_without_the_api_has_no_such_model(address: str) -> None:
    """A mistake in the address looks like this."""
    with pytest.raises(ModelNotFound, match="address"):
        await ask(f"openai+{address}/nothing#m", ModelRequest("m", "", COLOUR))


async def test_ollama_is_reached_where_its_variable_says(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ollama speaks chat completions, as this server does; no key is asked for."""
    monkeypatch.setenv("OLLAMA_HOST", address)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    reply = await ask("ollama:m", ModelRequest("m", "", COLOUR, Settings(max_tokens=4)))

    assert reply.text
