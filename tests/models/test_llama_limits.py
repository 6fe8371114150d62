"""What the embedded model cannot do, so that the table of ``docs/models.md`` may say so."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from stateflow.conversation.file import File
from stateflow.errors import BadRequest
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings, ToolSpec
from stateflow.models.llama import LlamaModel
from stateflow.value import Json
from tests.support.embedded import need_embedded

CITY: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = ToolSpec("get_weather", "Tell the weather of a city.", CITY)
PNG = File.from_bytes(b"\x89PNG\r\n\x1a\nnot much", name="a.png")
PDF = File.from_bytes(b"%PDF-1.7 not much", name="b.pdf")
NOTE = File.from_bytes(b"The key is under the mat.", name="c.txt")


async def ask(request: ModelRequest) -> ModelReply:
    """Ask once and close."""
    need_embedded()
    async with aclosing(LlamaModel("smollm2")) as model:
        return await model.complete(request, on_delta=lambda _: None)


@pytest.mark.parametrize("file", [PNG, PDF], ids=["image", "pdf"])
async def test_it_reads_no_images_and_no_pdf(file: File) -> None:
    """Its server says so, with a status that would mean something else."""
    asked = ChatMessage("user", "What is it?", files=(file,))

    with pytest.raises(BadRequest, match="llama:smollm2"):
        await ask(ModelRequest("m", "", (asked,), Settings(max_tokens=4)))


async def test_it_reads_documents_that_are_text() -> None:
    """What it makes of them is its own affair."""
    asked = ChatMessage("user", "What does it say?", files=(NOTE,))

    reply = await ask(ModelRequest("m", "", (asked,), Settings(temperature=0.0, max_tokens=8)))

    assert reply.text
    assert reply.usage.input_tokens > 20


async def test_it_does_not_think_first() -> None:
    """It is asked to, and answers at once."""
    asked = ChatMessage("user", "Name a colour.")

    reply = await ask(ModelRequest("m", "", (asked,), Settings(max_tokens=8, effort="low")))

    assert (bool(reply.text), reply.reasoning) == (True, "")


async def test_it_calls_one_tool_at_a_time() -> None:
    """Also where two cities are asked about."""
    asked = ChatMessage("user", "What is the weather in Paris and in Rome? Look up both.")
    settings = Settings(temperature=0.0, max_tokens=120)

    reply = await ask(
        ModelRequest("m", "", (asked,), settings, tools=(WEATHER,), tool_choice="required")
    )

    assert [call.name for call in reply.calls] == ["get_weather"]
