"""Errors that say what they are in a code, a type or a sentence."""

from __future__ import annotations

import json

import httpx2
import pytest

from stateflow.conversation.message import Usage
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
)
from stateflow.value import Json
from tests.support.openai_wire import KEY, ask, chunk, model, refused, streamed


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"code": "rate_limit_exceeded"}, RateLimited),
        ({"type": "insufficient_quota"}, RateLimited),
        ({"code": 429}, RateLimited),
        ({"type": "overloaded_error"}, Overloaded),
        ({"code": 500, "type": "server_error"}, Overloaded),
        ({"code": "context_length_exceeded"}, ContextTooLong),
        ({"message": "Your input exceeds the context window of this model"}, ContextTooLong),
        ({"code": "invalid_api_key"}, AuthFailed),
        ({"code": "model_not_found", "type": "invalid_request_error"}, ModelNotFound),
        ({"type": "invalid_request_error"}, BadRequest),
        ({"code": "content_filter"}, Refused),
        ({"code": "cyber_policy"}, Refused),
        ({"code": "invalid_prompt", "message": "against our usage policy"}, Refused),
        ({"code": "timeout"}, TimedOut),
        ({"code": "image_parse_error"}, BadRequest),
        ({"code": "invalid_base64_image"}, BadRequest),
        ({"code": "99999"}, BadReply),
        ({"message": ["what"], "type": 5}, BadReply),
        ("something broke", BadReply),
    ],
)
async def test_an_error_in_the_stream_is_typed_by_what_it_calls_itself(
    error: Json, fault: type[FaultError]
) -> None:
    """The status was 200 by then."""
    begun = chunk({"content": "Hel"})
    failed = f"data: {json.dumps({'error': error, 'choices': []})}\n\n".encode()
    choice: Json = [{"index": 0, "delta": {}, "finish_reason": "error", "error": error}]
    in_choice = chunk(choices=choice)

    for broken in (failed, in_choice):
        with pytest.raises(fault) as caught:
            await ask(model(streamed(begun, broken)))
        assert type(caught.value) is fault


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, "model_not_found", ModelNotFound),
        (402, None, AuthFailed),
        (404, "DeploymentNotFound", ModelNotFound),
        (429, "insufficient_quota", RateLimited),
        (500, "server_error", Overloaded),
        (529, None, Overloaded),
    ],
)
async def test_a_status_is_told_apart(
    status: int, code: str | None, fault: type[FaultError]
) -> None:
    """A code that says more than the status wins."""
    with pytest.raises(fault) as caught:
        await ask(model(refused(status, code)))

    assert type(caught.value) is fault
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        pytest.param(
            b'data: {"error": {"code": 500, "message": "Invalid diff: x"}}\n\n', BadReply, id="call"
        ),
        pytest.param(chunk({"refusal": "No."}, "stop"), Refused, id="refusal"),
        pytest.param(chunk({"tool_calls": [{"index": 0}]}, "tool_calls"), BadReply, id="nameless"),
        pytest.param(b"", BadReply, id="broken-off"),
    ],
)
async def test_a_reply_that_failed_after_it_was_counted_tells_what_it_cost(
    last: bytes, fault: type[FaultError]
) -> None:
    """A budget counts it all the same."""
    used: Json = {"prompt_tokens": 5, "completion_tokens": 7}
    body = b"".join((chunk({"content": "a"}, usage=used), last))
    answer = httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})

    with pytest.raises(fault) as caught:
        await ask(model(answer))

    assert type(caught.value) is fault
    assert caught.value.usage == Usage(1, 5, 7)


async def test_a_server_that_asks_to_wait_is_heard() -> None:
    """Whoever retries knows how long."""
    slow = httpx2.Response(429, headers={"retry-after": "7"}, json={"error": {"message": "slow"}})

    with pytest.raises(RateLimited) as caught:
        await ask(model(slow))

    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("message", ["only supported in v1/responses", "This is not a chat model"])
async def test_a_model_that_needs_the_other_api_says_how_to_write_it(message: str) -> None:
    """OpenAI tells it in a 404."""
    with pytest.raises(BadRequest, match="openai-responses:NAME"):
        await ask(model(refused(404, None, message)))
