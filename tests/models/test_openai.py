"""OpenAI's wire, with a made-up server behind the SDK's own transport."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings
from stateflow.models.openai import OpenAIModel
from stateflow.models.price import Price
from stateflow.value import Json

KEY = "sk-very-secret-key"
ASK = ModelRequest("m", "Be brief.", (ChatMessage("user", "user: hi"),))
OPEN: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED: dict[str, Json] = {**OPEN, "required": ["a"], "additionalProperties": False}


def chunk(delta: Json = None, finish: str | None = None, **more: Json) -> bytes:
    """Return one event of a stream."""
    choices: Json = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    said = {"id": "x", "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(said)}\n\n".encode()


def streamed(*events: bytes) -> httpx2.Response:
    """Return a stream of events, as a server sends it."""
    headers = {"content-type": "text/event-stream", "x-request-id": "req-7"}
    return httpx2.Response(200, headers=headers, content=b"".join(events))


def refused(status: int, code: str = "", message: str = f"bad key {KEY}") -> httpx2.Response:
    """Return an error as OpenAI words it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return httpx2.Response(status, json=body)


def model(
    answer: httpx2.Response | Callable[[httpx2.Request], httpx2.Response],
    *,
    base_url: str | None = None,
    api_key: str = KEY,
    price: Price | None = None,
    extra_body: dict[str, Json] | None = None,
) -> OpenAIModel:
    """Return a model whose server always gives *answer*."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        return answer(request) if callable(answer) else answer

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    return OpenAIModel(
        "m",
        base_url=base_url,
        api_key=api_key,
        price=price,
        extra_body=extra_body,
        http_client=client,
    )


async def ask(
    asked: OpenAIModel, request: ModelRequest = ASK, pieces: list[str] | None = None
) -> ModelReply:
    """Ask once and close."""
    try:
        return await asked.complete(request, on_delta=([] if pieces is None else pieces).append)
    finally:
        await asked.aclose()


async def test_a_stream_becomes_a_reply_with_its_usage_and_price() -> None:
    """Text comes in pieces, usage in the last chunk."""
    usage: Json = {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    answer = streamed(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "hm"}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}, "stop"),
        chunk(choices=[], usage=usage),
        b"data: [DONE]\n\n",
    )
    pieces: list[str] = []

    reply = await ask(model(answer, price=Price(1e6, 1e6)), pieces=pieces)

    assert (reply.text, reply.stop, reply.reasoning) == ("Hello", "stop", "hm")
    assert (reply.request_id, pieces) == ("req-7", ["Hel", "lo"])
    assert reply.usage.cached_tokens == 3
    assert reply.usage.reasoning_tokens == 2
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.usd) == (10, 4, 14.0)


async def test_without_a_count_usage_is_estimated_and_an_unknown_price_stays_unknown() -> None:
    """A budget must not take a silent server for a free one."""
    reply = await ask(model(streamed(chunk({"content": "Hello"}, "stop"))))

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 2)
    assert reply.usage.usd is None


async def test_tool_calls_are_put_together_from_their_pieces() -> None:
    """Arguments come in fragments, by index."""
    first: Json = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}
    rest: Json = {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}

    reply = await ask(
        model(streamed(chunk({"tool_calls": [first]}), chunk(rest), chunk(None, "tool_calls")))
    )

    (call,) = reply.calls
    assert (call.id, call.name, call.arguments) == ("c1", "f", '{"a":1}')


@pytest.mark.parametrize(
    ("url", "limit"),
    [(None, "max_completion_tokens"), ("http://localhost:1/v1", "max_tokens")],
    ids=["official", "other"],
)
@pytest.mark.parametrize("schema", [OPEN, CLOSED], ids=["open", "closed"])
async def test_the_request_holds_what_was_set(url: str | None, limit: str, schema: Json) -> None:
    """Only a schema that OpenAI's strict mode takes is sent as strict."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return streamed(chunk({"content": "{}"}, "stop"))

    settings = Settings(temperature=0.0, top_p=0.5, seed=7, max_tokens=5)
    request = ModelRequest("m", "", ASK.messages, settings, {"anyOf": [schema]})
    await ask(model(answer, base_url=url, extra_body={"cache_prompt": False}), request)

    (body,) = sent
    assert (body[limit], body["temperature"], body["top_p"], body["seed"]) == (5, 0.0, 0.5, 7)
    assert body["cache_prompt"] is False
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"]["json_schema"]["name"] == "reply"
    assert body["response_format"]["json_schema"]["strict"] is (schema is CLOSED)


TEXT = chunk({"content": "Hel"})
NUMBERS = b'data: {"choices":[{"delta":{"content":5}}]}\n\n'
NO_INDEX = b'data: {"choices":[{"delta":{"tool_calls":[{"id":"x"}]}}]}\n\n'
IN_STREAM = b'data: {"error":{"message":"oh ' + KEY.encode() + b'"}}\n\n'


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(refused(429), RateLimited, id="429"),
        pytest.param(refused(401), AuthFailed, id="401"),
        pytest.param(refused(403), AuthFailed, id="403"),
        pytest.param(refused(404), ModelNotFound, id="404"),
        pytest.param(refused(408), TimedOut, id="408"),
        pytest.param(refused(413), ContextTooLong, id="413"),
        pytest.param(refused(500), Overloaded, id="500"),
        pytest.param(refused(503), Overloaded, id="503"),
        pytest.param(refused(400), BadRequest, id="400"),
        pytest.param(refused(422), BadRequest, id="422"),
        pytest.param(httpx2.Response(400, text="<html>"), BadRequest, id="400-html"),
        pytest.param(refused(400, "context_length_exceeded"), ContextTooLong, id="context"),
        pytest.param(
            refused(400, message="its maximum context length is 8"), ContextTooLong, id="vllm"
        ),
        pytest.param(refused(400, "content_filter"), Refused, id="filter-400"),
        pytest.param(streamed(chunk(None, "content_filter")), Refused, id="filter"),
        pytest.param(streamed(chunk({"refusal": "No."}, "stop")), Refused, id="refusal"),
        pytest.param(httpx2.Response(200, text="<html>hello"), BadReply, id="garbage"),
        pytest.param(refused(200), BadReply, id="error-in-200"),
        pytest.param(streamed(b"data: {not json\n\n"), BadReply, id="invalid-json"),
        pytest.param(streamed(b"data: 5\n\n"), BadReply, id="a-number"),
        pytest.param(streamed(NUMBERS), BadReply, id="wrong-types"),
        pytest.param(streamed(NO_INDEX), BadReply, id="call-without-index"),
        pytest.param(streamed(b"data: \xff\n\n"), BadReply, id="not-utf-8"),
        pytest.param(streamed(TEXT), BadReply, id="cut-stream"),
        pytest.param(streamed(), BadReply, id="empty"),
        pytest.param(streamed(TEXT, IN_STREAM), BadReply, id="error-in-stream"),
    ],
)
async def test_trouble_becomes_a_typed_fault_that_never_holds_the_key(
    answer: httpx2.Response, fault: type[FaultError]
) -> None:
    """The sentence names the model; the SDK's error stays as the cause."""
    with pytest.raises(fault) as caught:
        await ask(model(answer))

    assert type(caught.value) is fault
    assert "openai:m" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("stop", "says"), [("length", "raise max_tokens"), ("stop", "try again")])
async def test_a_reply_that_breaks_its_schema_is_a_bad_reply(stop: str, says: str) -> None:
    """What is not JSON is never handed on as a structured reply."""
    request = ModelRequest("m", "", ASK.messages, schema=CLOSED)

    with pytest.raises(BadReply, match=says):
        await ask(model(streamed(chunk({"content": '{"a": '}, stop))), request)


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        (httpx2.ReadTimeout("slow"), TimedOut),
        (httpx2.ConnectError("down"), Unreachable),
        (httpx2.RemoteProtocolError("hung up"), Unreachable),
    ],
)
async def test_a_failing_network_is_told_apart(raised: Exception, fault: type[FaultError]) -> None:
    """Slow is not down."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        raise raised

    with pytest.raises(fault):
        await ask(model(answer))


async def test_broken_unicode_is_a_bad_request_on_the_way_out_and_mended_on_the_way_in() -> None:
    """Half a character can neither be sent nor stored."""
    whole = streamed(chunk({"content": "a\ud800"}, "stop"))
    broken = ModelRequest("m", "\ud800", ASK.messages)

    assert (await ask(model(whole))).text == "a�"
    with pytest.raises(BadRequest, match="unicode"):
        await ask(model(whole), broken)


async def test_what_on_delta_raises_is_not_taken_for_the_models_fault() -> None:
    """A bug in a screen must not look like a bad reply."""
    asked = model(streamed(TEXT, chunk(None, "stop")))

    def fail(piece: str) -> None:
        raise ValueError(piece)

    with pytest.raises(ValueError, match="Hel"):
        await asked.complete(ASK, on_delta=fail)
    await asked.aclose()


async def test_a_key_with_a_line_break_is_trimmed_and_a_strange_one_is_refused() -> None:
    """Both would make the transport tell the key."""
    done = streamed(chunk({"content": "x"}, "stop"))

    assert (await ask(model(done, api_key=f"{KEY}\n"))).text == "x"
    with pytest.raises(AuthFailed) as caught:
        await ask(model(done, api_key=f"{KEY}\nü"))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[", "http://h:99999999/v1", "no-scheme/v1"])
async def test_a_malformed_address_is_unreachable(url: str) -> None:
    """It comes from the environment, so it is checked late."""
    with pytest.raises(Unreachable, match="address"):
        await ask(OpenAIModel("m", base_url=url))


async def test_a_server_that_is_down_is_unreachable() -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unreachable, match=f"127.0.0.1:{port}"):
        await ask(OpenAIModel("m", base_url=f"http://127.0.0.1:{port}/v1"))


async def test_a_server_that_says_nothing_times_out() -> None:
    """The connection stands, and then there is silence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = httpx2.AsyncClient(timeout=0.2, trust_env=False)

        with pytest.raises(TimedOut):
            await ask(OpenAIModel("m", base_url=f"http://127.0.0.1:{port}/v1", http_client=client))
