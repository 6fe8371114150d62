"""What every provider can do, under the name by which a flow asks for it.

A server on this machine answers in the provider's words; the SDKs, the transport and the sockets
are real.  The table in ``docs/models.md`` names these tests.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from stateflow.conversation.file import File
from stateflow.errors import BadRequest
from stateflow.models.base import (
    ChatMessage,
    ModelClient,
    ModelReply,
    ModelRequest,
    Settings,
    ToolSpec,
)
from stateflow.models.names import open_model
from stateflow.value import Json
from tests.support.hostile import Hostile, hostile, sized
from tests.support.openai_wire import Sent
from tests.support.openai_wire import model as openai_at_its_address
from tests.support.wires import NAMES, READ, TEXT, WIRES, WRITTEN, Wire

CHAT, RESPONSES, MESSAGES = WIRES
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PNG = File.from_bytes(b"\x89PNG\r\n\x1a\nnot much", name="a.png")
PDF = File.from_bytes(b"%PDF-1.7 not much", name="b.pdf")
PNG64, PDF64 = "iVBORw0KGgpub3QgbXVjaA==", "JVBERi0xLjcgbm90IG11Y2g="
ASK = ModelRequest("m", "Be brief.", (ChatMessage("user", "user: hi"),))
TOOLS = tuple(ToolSpec(name, "Do it.", SCHEMA) for name in NAMES)


@dataclass(frozen=True)
class Provider:
    """How a provider is reached, and the words it speaks."""

    name: str
    """Of a model there; ``{}`` stands for the server's host and port."""
    wire: Wire
    variable: str = ""
    """Of the environment: what tells where the server is."""
    value: str = ""


PROVIDERS = {
    "openai": Provider("openai:m", CHAT, "OPENAI_BASE_URL", "http://{}/v1"),
    "openai-responses": Provider(
        "openai-responses:m", RESPONSES, "OPENAI_BASE_URL", "http://{}/v1"
    ),
    "azure": Provider("azure:m", CHAT, "AZURE_OPENAI_ENDPOINT", "http://{}"),
    "anthropic": Provider("anthropic:m", MESSAGES, "ANTHROPIC_BASE_URL", "http://{}"),
    "ollama": Provider("ollama:m", CHAT, "OLLAMA_HOST", "{}"),
    "openai-compatible": Provider("openai+http://{}/v1#m", CHAT),
    "anthropic-compatible": Provider("anthropic+http://{}#m", MESSAGES),
}
every = pytest.mark.parametrize("provider", PROVIDERS)
IMAGES: dict[str, Json] = {
    "chat": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG64}"}},
    "responses": {
        "type": "input_image",
        "image_url": f"data:image/png;base64,{PNG64}",
        "detail": "auto",
    },
    "messages": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PNG64},
    },
}
_URL = f"data:application/pdf;base64,{PDF64}"
DOCUMENTS: dict[str, Json] = {
    "chat": {"type": "file", "file": {"filename": "b.pdf", "file_data": _URL}},
    "responses": {"type": "input_file", "filename": "b.pdf", "file_data": _URL},
    "messages": {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF64},
        "title": "b.pdf",
    },
}
SCHEMAS: dict[str, Json] = {
    "chat": {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}},
    "responses": {"type": "json_schema", "name": "reply", "schema": SCHEMA},
    "messages": {"type": "json_schema", "schema": SCHEMA},
}


def line(said: Json) -> bytes:
    """Return one event without a name."""
    return f"data: {json.dumps(said)}\n\n".encode()


THOUGHTS = {
    "chat": line({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}),
    "responses": line({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
    "messages": line(
        {"type": "content_block_start", "index": 9, "content_block": {"type": "thinking"}}
    )
    + line(
        {
            "type": "content_block_delta",
            "index": 9,
            "delta": {"type": "thinking_delta", "thinking": "hm"},
        }
    )
    + line({"type": "content_block_stop", "index": 9}),
}
EFFORTS: dict[str, dict[str, Json]] = {
    "chat": {"reasoning_effort": "low"},
    "responses": {"reasoning": {"effort": "low"}},
    "messages": {"output_config": {"effort": "low"}},
}


@pytest.fixture(autouse=True)
def _nothing_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own comes in, and Azure gets the key that it asks for."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")


@asynccontextmanager
async def reached(
    provider: str, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Hostile, ModelClient]]:
    """Yield a server that gives *answer*, and the model that is reached there by its name."""
    said = PROVIDERS[provider]
    async with hostile([answer]) as server:
        place = f"127.0.0.1:{server.port}"
        if said.variable:
            monkeypatch.setenv(said.variable, said.value.format(place))
        model = open_model(said.name.format(place))
        try:
            yield server, model
        finally:
            await model.aclose()


async def ask(
    provider: str, request: ModelRequest, monkeypatch: pytest.MonkeyPatch, body: bytes = b""
) -> tuple[ModelReply, list[str], dict[str, Any]]:
    """Return the reply, the pieces it came in, and the body that was sent."""
    pieces: list[str] = []
    wire = PROVIDERS[provider].wire
    async with reached(provider, sized(body or wire.body(0)), monkeypatch) as (server, model):
        reply = await model.complete(request, on_delta=pieces.append)
    (sent,) = server.requests
    return reply, pieces, json.loads(sent.partition(b"\r\n\r\n")[2])


def within(said: object) -> Iterator[object]:
    """Yield every object within *said*."""
    yield said
    if isinstance(said, dict):
        for value in said.values():  # pyright: ignore[reportUnknownVariableType] - any JSON
            yield from within(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON
    elif isinstance(said, list):
        for value in said:  # pyright: ignore[reportUnknownVariableType] - any JSON
            yield from within(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON


@every
async def test_a_reply_comes_in_pieces(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And with the count of tokens that the server gives."""
    reply, pieces, sent = await ask(provider, ASK, monkeypatch)

    assert sent["stream"] is True
    assert (reply.text, len(pieces)) == (TEXT, 2)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (READ, WRITTEN)


@every
async def test_a_tool_is_offered_and_called(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole schema of its arguments is sent."""
    request = ModelRequest("m", "", ASK.messages, tools=TOOLS, tool_choice="required")

    reply, _, sent = await ask(provider, request, monkeypatch, PROVIDERS[provider].wire.body(1))

    assert [call.name for call in reply.calls] == [NAMES[0]]
    assert json.loads(reply.calls[0].arguments) == {"city": "Rome"}
    assert SCHEMA in list(within(sent["tools"]))
    assert "tool_choice" in sent


@every
async def test_two_tools_are_called_at_once(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own id and arguments."""
    request = ModelRequest("m", "", ASK.messages, tools=TOOLS)

    reply, _, _ = await ask(provider, request, monkeypatch, PROVIDERS[provider].wire.body(2))

    assert [call.name for call in reply.calls] == list(NAMES)
    assert len({call.id for call in reply.calls}) == 2


@every
async def test_a_schema_is_sent_for_a_structured_reply(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the field where the provider looks for it."""
    wire = PROVIDERS[provider].wire
    body = wire.body(0).replace(TEXT[:4].encode(), b"{").replace(TEXT[4:].encode(), b"}")
    request = ModelRequest("m", "", ASK.messages, schema=SCHEMA)

    reply, _, sent = await ask(provider, request, monkeypatch, body)

    wanted: Any = SCHEMAS[wire.name]
    field = {"chat": "response_format", "responses": "text", "messages": "output_config"}[wire.name]
    form = sent[field] if wire.name == "chat" else sent[field]["format"]
    for one in (form, form.get("json_schema", {})):
        one.pop("strict", None)
    assert form == wanted
    assert json.loads(reply.text) == {}


@every
async def test_reasoning_is_asked_for_and_kept_apart(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was thought is not what was said."""
    wire = PROVIDERS[provider].wire
    first, *rest = wire.reply(0)
    body = b"".join([first, THOUGHTS[wire.name], *rest])
    request = ModelRequest("m", "", ASK.messages, Settings(effort="low"))

    reply, pieces, sent = await ask(provider, request, monkeypatch, body)

    assert (reply.text, reply.reasoning, "".join(pieces)) == (TEXT, "hm", TEXT)
    assert sent.items() >= EFFORTS[wire.name].items()


@every
async def test_an_image_is_sent_as_the_provider_takes_it(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its bytes, once."""
    request = ModelRequest("m", "", (ChatMessage("user", "What is it?", files=(PNG,)),))

    _, _, sent = await ask(provider, request, monkeypatch)

    assert IMAGES[PROVIDERS[provider].wire.name] in list(within(sent))
    assert json.dumps(sent).count(PNG64) == 1


@every
async def test_a_document_is_sent_as_the_provider_takes_it(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name."""
    request = ModelRequest("m", "", (ChatMessage("user", "What is it?", files=(PDF,)),))

    _, _, sent = await ask(provider, request, monkeypatch)

    assert DOCUMENTS[PROVIDERS[provider].wire.name] in list(within(sent))


@every
async def test_what_is_neither_image_nor_document_nor_text_is_refused_by_name(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent."""
    packed = File.from_bytes(b"PK\x03\x04", name="c.zip")
    request = ModelRequest("m", "", (ChatMessage("user", "What is it?", files=(packed,)),))

    async with reached(provider, b"", monkeypatch) as (server, model):
        with pytest.raises(BadRequest, match=r"c\.zip"):
            await model.complete(request, on_delta=lambda _: None)

    assert not server.requests


@pytest.mark.parametrize("provider", ["azure", "ollama", "openai-compatible"])
async def test_tokens_are_not_counted_ahead(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers have no way to; nothing is asked."""
    async with reached(provider, b"", monkeypatch) as (server, model):
        assert await model.count(ASK) is None

    assert not server.requests


@pytest.mark.parametrize("provider", ["anthropic", "anthropic-compatible"])
async def test_tokens_are_counted_ahead_by_the_server(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is the server's."""
    answer = sized(json.dumps({"input_tokens": READ}).encode(), kind="application/json")
    async with reached(provider, answer, monkeypatch) as (server, model):
        assert await model.count(ASK) == READ

    assert server.requests[0].startswith(b"POST /v1/messages/count_tokens")


@pytest.mark.parametrize("provider", ["openai", "openai-responses"])
async def test_tokens_are_counted_ahead_by_openai_itself(provider: str) -> None:
    """Only at its own address, so no server of ours can stand in there."""
    sent = Sent(httpx2.Response(200, json={"input_tokens": READ}))
    model = openai_at_its_address(sent, api="chat" if provider == "openai" else "responses")

    assert await model.count(ASK) == READ
    await model.aclose()

    assert str(sent.requests[0].url) == "https://api.openai.com/v1/responses/input_tokens"
