"""OpenAI's wire, with a made-up server behind the SDK's own transport."""

from __future__ import annotations

import socket

import httpx2
import openai
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
from stateflow.models.base import ModelRequest
from stateflow.models.http import MOST_TEXT
from stateflow.models.openai import OpenAIModel
from stateflow.value import Json
from tests.support.openai_wire import ASK, KEY, Sent, ask, chunk, model, refused, streamed

OPEN: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED: dict[str, Json] = {**OPEN, "required": ["a"], "additionalProperties": False}


async def test_a_stream_becomes_a_reply_with_its_usage() -> None:
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

    reply = await ask(model(answer), pieces=pieces)

    assert (reply.text, reply.stop, reply.reasoning) == ("Hello", "stop", "hm")
    assert (reply.request_id, pieces) == ("req-7", ["Hel", "lo"])
    assert reply.usage.cached_tokens == 3
    assert reply.usage.reasoning_tokens == 2
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.usd) == (10, 4, 0.0)


async def test_without_a_count_usage_is_estimated() -> None:
    """A budget must not take a silent server for a free one."""
    reply = await ask(model(streamed(chunk({"content": "Hello"}, "stop"))))

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 2)


async def test_tool_calls_are_put_together_from_their_pieces() -> None:
    """Arguments come in fragments, by index."""
    first: Json = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}
    rest: Json = {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}

    reply = await ask(
        model(streamed(chunk({"tool_calls": [first]}), chunk(rest), chunk(None, "tool_calls")))
    )

    (call,) = reply.calls
    assert (call.id, call.name, call.arguments) == ("c1", "f", '{"a":1}')


TEXT = chunk({"content": "Hel"})
NUMBERS = b'data: {"choices":[{"delta":{"content":5}}]}\n\n'
NO_CALL = b'data: {"choices":[{"delta":{"tool_calls":"x"}}]}\n\n'
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
        pytest.param(refused(200), BadRequest, id="error-in-200"),
        pytest.param(streamed(b"data: {not json\n\n"), BadReply, id="invalid-json"),
        pytest.param(streamed(b"data: 5\n\n"), BadReply, id="a-number"),
        pytest.param(streamed(NUMBERS), BadReply, id="wrong-types"),
        pytest.param(streamed(NO_CALL), BadReply, id="call-of-a-wrong-type"),
        pytest.param(streamed(b"data: \xff\n\n"), BadReply, id="not-utf-8"),
        pytest.param(streamed(TEXT), BadReply, id="cut-stream"),
        pytest.param(streamed(), BadReply, id="empty"),
        pytest.param(streamed(TEXT, IN_STREAM), BadReply, id="error-in-stream"),
    ],
)
async def test_trouble_becomes_a_typed_fault_that_never_holds_the_key(
    answer: httpx2.Response, fault: type[FaultError]
) -> None:
    """The sentence names the model; the SDK's error, which holds the key, is not kept."""
    with pytest.raises(fault) as caught:
        await ask(model(answer))

    assert type(caught.value) is fault
    assert not isinstance(caught.value.__cause__ or caught.value.__context__, openai.OpenAIError)
    assert "openai:m" in str(caught.value)
    assert KEY not in str(caught.value)


CUT_CALL: Json = {
    "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]
}


@pytest.mark.parametrize(
    ("delta", "schema"),
    [
        pytest.param({"content": '{"a": '}, CLOSED, id="structured"),
        pytest.param(CUT_CALL, None, id="call"),
        pytest.param({"reasoning_content": "hm"}, None, id="nothing-but-thoughts"),
    ],
)
async def test_what_is_cut_off_in_its_middle_is_a_bad_reply(delta: Json, schema: Json) -> None:
    """More tokens would have completed it; what it cost is told."""
    answer = streamed(chunk(delta, "length"), chunk(choices=[], usage={"completion_tokens": 9}))

    with pytest.raises(BadReply, match="raise max_tokens") as caught:
        await ask(model(answer), ModelRequest("m", "", ASK.messages, schema=schema))

    assert caught.value.usage.output_tokens == 9


async def test_broken_json_that_was_not_cut_off_is_left_to_its_reader() -> None:
    """The model can be asked to mend it."""
    request = ModelRequest("m", "", ASK.messages, schema=CLOSED)

    structured = await ask(model(streamed(chunk({"content": "{"}, "stop"))), request)
    called = await ask(model(streamed(chunk(CUT_CALL, "tool_calls"))))
    plain = await ask(model(streamed(chunk({"content": "Once upon"}, "length"))))

    assert (structured.text, plain.text, plain.stop) == ("{", "Once upon", "length")
    assert called.calls[0].arguments == '{"a'


async def test_calls_in_parallel_are_kept_apart_whatever_the_server_numbers_them() -> None:
    """By index, all under index 0, or without one; and each gets an id of its own."""
    calls: list[dict[str, Json]] = [
        {"id": "c", "function": {"name": n, "arguments": "{}"}} for n in ("f", "unknown")
    ]
    by_index: Json = {"tool_calls": [{"index": i, **call} for i, call in enumerate(calls)]}
    all_zero: list[Json] = [{"index": 0, **call, "id": f"c{i}"} for i, call in enumerate(calls)]
    no_id: Json = {"tool_calls": [{"function": {"name": "f"}}, {"function": {"arguments": "{}"}}]}

    first = await ask(model(streamed(chunk(by_index, "tool_calls"))))
    second = await ask(model(streamed(chunk({"tool_calls": all_zero}, "tool_calls"))))
    third = await ask(model(streamed(chunk(no_id, "tool_calls"))))

    assert [(c.id, c.name) for c in first.calls] == [("c", "f"), ("c-2", "unknown")]
    assert [(c.id, c.name) for c in second.calls] == [("c0", "f"), ("c1", "unknown")]
    assert [(c.id, c.arguments) for c in third.calls] == [("call_0", "{}")]


async def test_a_server_that_does_not_stream_is_understood() -> None:
    """It sends the whole reply at once."""
    call: Json = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message: Json = {"role": "assistant", "content": "Hi", "tool_calls": [call]}
    choices: Json = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    said: Json = {"object": "chat.completion", "choices": choices}
    pieces: list[str] = []

    reply = await ask(model(httpx2.Response(200, json=said)), pieces=pieces)

    assert (reply.text, reply.calls[0].name, pieces) == ("Hi", "f", ["Hi"])


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    """The sentence names the host, so that one can decide."""
    sent = Sent(httpx2.Response(307, headers={"location": "https://evil.example/v1"}))

    with pytest.raises(BadReply, match=r"evil\.example"):
        await ask(model(sent))

    assert [request.url.host for request in sent.requests] == ["api.openai.com"]


async def test_a_reply_without_an_end_is_not_read_on() -> None:
    """No server may fill the memory."""
    piece = chunk({"content": "x" * (MOST_TEXT // 8)})

    with pytest.raises(BadReply, match="longer than any model"):
        await ask(model(streamed(*[piece] * 9)))


async def test_a_key_is_sent_to_whom_it_is_for_and_none_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No made-up key either, and nobody else learns the name of the organization."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-7")
    ours, none = Sent(), Sent()

    await ask(model(ours))
    await ask(model(none, base_url="http://h/v1", api_key=""))

    assert ours.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert ours.requests[0].headers["openai-organization"] == "org-7"
    assert not {"authorization", "openai-organization"} & set(none.requests[0].headers)


async def test_a_password_in_the_address_is_sent_as_a_header_and_never_shown() -> None:
    """What is connected to is logged."""
    sent = Sent()
    asked = model(sent, base_url=f"https://me:{KEY}@h/v1")

    await ask(asked)

    assert str(sent.requests[0].url) == "https://h/v1/chat/completions"
    assert sent.requests[0].headers["authorization"].startswith("Basic ")
    assert KEY not in asked.name


async def test_openai_counts_tokens_and_other_servers_do_not() -> None:
    """The count is of the same request, and nothing is generated."""
    sent = Sent(httpx2.Response(200, json={"object": "response.input_tokens", "input_tokens": 9}))
    official, other = model(sent), model(sent, base_url="http://h/v1")

    counted = [await official.count(ASK), await other.count(ASK)]
    await official.aclose()
    await other.aclose()

    assert counted == [9, None]
    assert sent.requests[0].url.path == "/v1/responses/input_tokens"
    assert sent.body == {
        "model": "m",
        "instructions": "Be brief.",
        "input": [{"role": "user", "content": "user: hi"}],
    }


async def test_a_count_that_cannot_be_had_is_a_fault() -> None:
    """It is not a small number."""
    asked = model(httpx2.Response(200, json={"input_tokens": "many"}))

    with pytest.raises(BadReply):
        await asked.count(ASK)
    await asked.aclose()


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
