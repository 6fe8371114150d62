"""Anthropic's messages, with a made-up server behind the SDK's own transport."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from stateflow.conversation.message import ToolCall, Usage
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
from stateflow.models.anthropic import AnthropicModel
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings
from stateflow.models.price import Price
from stateflow.value import Json

KEY = "sk-ant-very-secret-key"
ASK = ModelRequest("m", "Be brief.", (ChatMessage("user", "user: hi"),))
SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}


def event(kind: str, **more: Json) -> bytes:
    """Return one event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def start(**usage: Json) -> bytes:
    """Return the first event."""
    return event("message_start", message={"role": "assistant", "content": [], "usage": usage})


def block(index: int, opened: Json, *deltas: Json) -> bytes:
    """Return the events of one block."""
    pieces = [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    first = event("content_block_start", index=index, content_block=opened)
    return b"".join([first, *pieces, event("content_block_stop", index=index)])


def text(*pieces: str, index: int = 0) -> bytes:
    """Return a block of text."""
    deltas: list[Json] = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def call(*pieces: str, index: int = 0, key: str = "c1") -> bytes:
    """Return a block with a call."""
    deltas: list[Json] = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": key, "name": "f", "input": {}}, *deltas)


def end(stop: str = "end_turn", details: Json = None, **usage: Json) -> bytes:
    """Return the last two events."""
    delta: Json = {"stop_reason": stop, "stop_details": details}
    return event("message_delta", delta=delta, usage=usage) + event("message_stop")


def streamed(*events: bytes) -> httpx2.Response:
    """Return a stream of events, as a server sends it."""
    headers = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req-7"}
    return httpx2.Response(200, headers=headers, content=b"".join(events))


def refused(
    status: int, kind: str = "invalid_request_error", said: str = f"bad key {KEY}", **headers: str
) -> httpx2.Response:
    """Return an error as Anthropic words it."""
    body = {"type": "error", "error": {"type": kind, "message": said}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=body, headers=named)


def model(
    answer: httpx2.Response | Callable[[httpx2.Request], httpx2.Response],
    *,
    base_url: str | None = None,
    api_key: str | None = KEY,
    price: Price | None = None,
) -> AnthropicModel:
    """Return a model whose server always gives *answer*."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        return answer(request) if callable(answer) else answer

    client = httpx2.AsyncClient(
        transport=httpx2.MockTransport(handler), follow_redirects=True, trust_env=False
    )
    return AnthropicModel("m", base_url=base_url, api_key=api_key, price=price, http_client=client)


async def ask(
    asked: AnthropicModel, request: ModelRequest = ASK, pieces: list[str] | None = None
) -> ModelReply:
    """Ask once and close."""
    try:
        return await asked.complete(request, on_delta=([] if pieces is None else pieces).append)
    finally:
        await asked.aclose()


async def test_a_stream_becomes_a_reply_with_its_usage() -> None:
    """What was read from and written to a cache is input, too; money is not ours."""
    usage: dict[str, Json] = {"cache_read_input_tokens": 3, "cache_creation_input_tokens": 4}
    details: Json = {"thinking_tokens": 2}
    answer = streamed(
        start(input_tokens=10, output_tokens=1, **usage),
        event("ping"),
        text("Hel", "lo"),
        end(output_tokens=9, output_tokens_details=details),
    )
    pieces: list[str] = []

    reply = await ask(model(answer, price=Price(1e6, 1e6)), pieces=pieces)

    assert (reply.text, reply.stop, reply.request_id) == ("Hello", "end_turn", "req-7")
    assert pieces == ["Hel", "lo"]
    assert reply.native is None
    assert reply.usage == Usage(1, 17, 9, cached_tokens=3, reasoning_tokens=2, written_tokens=4)


async def test_without_a_count_usage_is_estimated() -> None:
    """A budget must not take a silent server for a free one."""
    reply = await ask(model(streamed(start(), text("Hello"), end())))

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 2)


async def test_thinking_is_kept_apart_and_goes_back_signed_with_what_the_tools_gave() -> None:
    """Anthropic refuses the next request without it."""
    hidden: Json = {"type": "redacted_thinking", "data": "zzz"}
    thought = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Let me "},
        {"type": "thinking_delta", "thinking": "see."},
        {"type": "signature_delta", "signature": "s1"},
    )

    body = (start(), thought, block(1, hidden), text("Hm.", index=2))
    reply = await ask(model(streamed(*body, call("{}", index=3), end("tool_use"))))
    plain = await ask(model(streamed(*body, end())))

    assert (reply.text, reply.reasoning) == ("Hm.", "Let me see.")
    assert reply.native == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "s1"},
        hidden,
    ]
    assert plain.native is None, "nobody asks for it where no tool is used"


async def test_calls_made_at_once_are_put_together_from_their_pieces_block_by_block() -> None:
    """Arguments are handed on as they were written; none at all is an empty object."""
    reply = await ask(
        model(streamed(start(), call('{"a"', ": 1}"), call(index=1, key="c2"), end("tool_use")))
    )

    assert reply.calls == (ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "f", "{}"))


async def test_two_calls_of_one_id_get_two() -> None:
    """A result must find its call."""
    reply = await ask(model(streamed(start(), call("{}"), call("{}", index=1), end("tool_use"))))

    assert [made.id for made in reply.calls] == ["c1", "c1-2"]


async def test_the_request_holds_what_was_set_and_a_schema_as_the_vendor_takes_it() -> None:
    """Objects are closed, and bounds that the vendor does not know are told in words."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return streamed(start(), text('{"a": 2}'), end())

    settings = Settings(temperature=0.0, max_tokens=5, extra={"top_k": 3})
    reply = await ask(model(answer), ModelRequest("m", "", ASK.messages, settings, SCHEMA))

    (request,) = sent
    body: dict[str, Any] = json.loads(request.content)
    assert str(request.url) == "https://api.anthropic.com/v1/messages"
    assert (body["max_tokens"], body["temperature"], body["top_k"]) == (5, 0.0, 3)
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert (
        "minimum: 1" in body["output_config"]["format"]["schema"]["properties"]["a"]["description"]
    )
    assert reply.text == '{"a": 2}'


async def test_a_schema_that_cannot_be_translated_is_sent_as_it_is() -> None:
    """The vendor says better what is wrong with it."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return streamed(start(), text("{}"), end())

    await ask(model(answer), ModelRequest("m", "", ASK.messages, schema={"title": "x"}))

    assert sent[0]["output_config"]["format"]["schema"] == {"title": "x"}


@pytest.mark.parametrize("written", ['{"a": ', ""], ids=["half", "none"])
async def test_arguments_that_are_cut_off_are_a_bad_reply(written: str) -> None:
    """A tool must not be called with half of them; only a whole call may have none."""
    answer = streamed(start(input_tokens=5), call(written), end("max_tokens", output_tokens=7))

    with pytest.raises(BadReply, match="raise max_tokens") as caught:
        await ask(model(answer))

    assert caught.value.usage == Usage(1, 5, 7)


async def test_broken_json_that_was_not_cut_off_is_left_to_its_reader() -> None:
    """The model can be asked to mend it; what was cut off, more tokens would have completed."""
    request = ModelRequest("m", "", ASK.messages, schema=SCHEMA)

    said = await ask(model(streamed(start(), text('{"a": '), end("end_turn"))), request)
    broken = await ask(model(streamed(start(), call('{"a": '), end("tool_use"))))
    empty = await ask(model(streamed(start(), call(""), end("tool_use"))))
    with pytest.raises(BadReply, match="raise max_tokens"):
        await ask(model(streamed(start(), text('{"a": '), end("max_tokens"))), request)

    assert said.text == '{"a": '
    assert (broken.calls[0].arguments, empty.calls[0].arguments) == ('{"a": ', "{}")


async def test_a_refusal_quotes_why_and_tells_what_it_cost() -> None:
    """The provider counts it."""
    why: Json = {"type": "refusal", "category": "bio", "explanation": f"No.\n{KEY}"}
    answer = streamed(start(input_tokens=20), end("refusal", why, output_tokens=3))

    with pytest.raises(Refused, match=r"No\. \*\*\*") as caught:
        await ask(model(answer))

    assert caught.value.usage == Usage(1, 20, 3)


async def test_what_was_said_before_a_stream_broke_off_is_estimated() -> None:
    """The provider counts it all the same, and never tells."""
    with pytest.raises(BadReply, match="broke off") as caught:
        await ask(model(streamed(start(input_tokens=20, output_tokens=1), text("x" * 400))))

    assert caught.value.usage == Usage(1, 20, 100)


BARE = b'event: error\ndata: {"code": 500, "message": "oh", "type": "server_error"}\n\n'
UNNAMED = b'data: {"type": "error", "error": {"type": "api_error", "message": "oh"}}\n\n'


def in_stream(kind: str) -> httpx2.Response:
    """Return a stream with an error after some text."""
    error: Json = {"type": kind, "message": f"oh {KEY}"}
    return streamed(start(), text("Hel"), event("error", error=error))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(refused(400), BadRequest, id="400"),
        pytest.param(refused(400, said="prompt is too long: 9 > 8"), ContextTooLong, id="long"),
        pytest.param(refused(401), AuthFailed, id="401"),
        pytest.param(refused(402), AuthFailed, id="402"),
        pytest.param(refused(403), AuthFailed, id="403"),
        pytest.param(refused(404), ModelNotFound, id="404"),
        pytest.param(refused(408), TimedOut, id="408"),
        pytest.param(refused(413), ContextTooLong, id="413"),
        pytest.param(refused(422), BadRequest, id="422"),
        pytest.param(refused(429), RateLimited, id="429"),
        pytest.param(refused(500), Overloaded, id="500"),
        pytest.param(refused(503), Overloaded, id="503"),
        pytest.param(refused(529), Overloaded, id="529"),
        pytest.param(httpx2.Response(400, text="<html>"), BadRequest, id="400-html"),
        pytest.param(refused(200), BadRequest, id="error-in-200"),
        pytest.param(refused(200, "overloaded_error"), Overloaded, id="busy-in-200"),
        pytest.param(refused(200, "surprise_error"), BadReply, id="surprise-in-200"),
        pytest.param(in_stream("overloaded_error"), Overloaded, id="busy-in-stream"),
        pytest.param(in_stream("api_error"), Overloaded, id="error-in-stream"),
        pytest.param(in_stream("rate_limit_error"), RateLimited, id="rate-in-stream"),
        pytest.param(in_stream("timeout_error"), TimedOut, id="timeout-in-stream"),
        pytest.param(in_stream("surprise_error"), BadReply, id="surprise-in-stream"),
        pytest.param(streamed(start(), BARE), Overloaded, id="bare-error-in-stream"),
        pytest.param(streamed(start(), UNNAMED), Overloaded, id="unnamed-error-in-stream"),
        pytest.param(httpx2.Response(200, html="<html>hello"), BadReply, id="html"),
        pytest.param(httpx2.Response(200, json=[1]), BadReply, id="json-of-another-kind"),
        pytest.param(streamed(), BadReply, id="empty"),
        pytest.param(streamed(start()), BadReply, id="cut-stream"),
        pytest.param(streamed(start(), event("message_stop")), BadReply, id="no-reason"),
        pytest.param(streamed(b"event: x\ndata: {not json\n\n"), BadReply, id="invalid-json"),
        pytest.param(streamed(start(), text("a"), text("b"), end()), BadReply, id="block-twice"),
        pytest.param(streamed(start(), call(key=""), end()), BadReply, id="call-without-id"),
    ],
)
async def test_trouble_becomes_a_typed_fault_that_never_holds_the_key(
    answer: httpx2.Response, fault: type[FaultError]
) -> None:
    """Not in the sentence, and not in what a traceback would show."""
    with pytest.raises(fault) as caught:
        await ask(model(answer))

    assert type(caught.value) is fault
    assert "anthropic:m" in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert caught.value.__context__ is None


async def test_a_fault_says_how_long_the_server_asks_us_to_wait() -> None:
    """Seconds, as its header has them."""
    with pytest.raises(RateLimited) as caught:
        await ask(model(refused(429, "rate_limit_error", retry_after="12")))

    assert caught.value.retry_after_s == 12.0


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
