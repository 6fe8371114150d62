"""OpenAI's Responses API, with a made-up server behind the SDK's own transport."""

from __future__ import annotations

import httpx2
import pytest

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.errors import (
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    Overloaded,
    RateLimited,
    Refused,
)
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings, ToolSpec
from stateflow.models.openai import needs_responses
from stateflow.value import Json
from tests.support.openai_wire import ASK, KEY, Sent, ask, event, model, streamed

TOOL = ToolSpec("look", "Look it up.", {"type": "object", "properties": {}})
USAGE: Json = {
    "input_tokens": 10,
    "output_tokens": 4,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens_details": {"reasoning_tokens": 2},
}
THOUGHT: dict[str, Json] = {
    "type": "reasoning",
    "id": "rs",
    "summary": [],
    "encrypted_content": "gAAA",
}


def text(said: str) -> Json:
    """Return an item that says *said*."""
    content: Json = [{"type": "output_text", "text": said}]
    return {"type": "message", "role": "assistant", "content": content}


def call(key: str) -> Json:
    """Return an item that calls the tool."""
    return {"type": "function_call", "call_id": key, "name": "look", "arguments": '{"a": 1}'}


def ended(status: str, **more: Json) -> bytes:
    """Return the last event of a response."""
    response = {"object": "response", "status": status, "usage": USAGE, **more}
    return event(f"response.{status}", response=response)


async def asked(*events: bytes, pieces: list[str] | None = None) -> ModelReply:
    """Return the reply that *events* make."""
    return await ask(model(streamed(*events), api="responses"), pieces=pieces)


async def test_a_stream_becomes_a_reply_with_its_usage_and_reasoning() -> None:
    """What deltas have told is not told again by the items that repeat it."""
    pieces: list[str] = []

    reply = await asked(
        event("response.created", response={"status": "in_progress"}),
        event("response.reasoning_summary_text.delta", delta="hm"),
        event("response.output_item.done", item={**THOUGHT, "summary": [{"text": "hm"}]}),
        event("response.output_text.delta", delta="Hel"),
        event("response.output_text.delta", delta="lo"),
        event("response.output_item.done", item=text("Hello")),
        event("response.something.new", delta="?"),
        ended("completed", output=[THOUGHT, text("Hello")]),
        pieces=pieces,
    )

    assert (reply.text, reply.reasoning, reply.stop) == ("Hello", "hm", "completed")
    assert (reply.request_id, pieces) == ("req-7", ["Hel", "lo"])
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (10, 4)
    assert (reply.usage.cached_tokens, reply.usage.reasoning_tokens) == (3, 2)


async def test_items_that_are_done_in_another_order_are_told_once_and_put_right() -> None:
    """Some servers end the text before the thoughts that led to it."""
    thought: Json = {**THOUGHT, "content": [{"type": "reasoning_text", "text": "hm"}]}

    reply = await asked(
        event("response.reasoning_text.delta", output_index=0, delta="hm"),
        event("response.output_text.delta", output_index=1, delta="4"),
        event("response.output_item.done", output_index=1, item=text("4")),
        event("response.output_item.done", output_index=0, item=thought),
        ended("completed", output=[thought, text("4"), call("c")]),
    )

    assert (reply.text, reply.reasoning) == ("4", "hm")
    assert reply.native == {"openai-responses": [thought, text("4"), call("c")]}


async def test_an_item_that_was_never_done_is_taken_from_the_whole() -> None:
    """And those that were done are not taken twice."""
    listed: Json = {"type": "mcp_list_tools", "tools": []}

    reply = await asked(
        event("response.output_text.delta", output_index=1, delta="Hi"),
        event("response.output_item.done", output_index=1, item=text("Hi")),
        ended("completed", output=[listed, text("Hi"), call("c")]),
    )

    assert (reply.text, [c.id for c in reply.calls]) == ("Hi", ["c"])
    assert reply.native == {"openai-responses": [listed, text("Hi"), call("c")]}


async def test_a_free_text_for_a_tool_is_its_only_argument() -> None:
    """OpenAI's custom tools take no JSON."""
    free: Json = {"type": "custom_tool_call", "call_id": "s", "name": "sum", "input": "2 + 2"}

    reply = await asked(
        event("response.output_item.done", output_index=0, item=free),
        event("response.output_item.done", output_index=1, item=call("c")),
        ended("completed", output=[free, call("c")]),
    )

    assert [(c.id, c.arguments) for c in reply.calls] == [
        ("s", '{"input": "2 + 2"}'),
        ("c", '{"a": 1}'),
    ]
    assert reply.native is None


@pytest.mark.parametrize(
    ("status", "stop"),
    [("complete", "complete"), ("queued", None), ("in_progress", None), ("cancelled", None)],
)
async def test_only_a_response_that_is_still_to_come_is_broken_off(
    status: str, stop: str | None
) -> None:
    """What servers call one that is over differs."""
    said: Json = {"object": "response", "status": status, "output": [text("Hi")]}
    asking = ask(model(httpx2.Response(200, json=said), api="responses"))

    if stop is None:
        with pytest.raises(BadReply, match="broke off"):
            await asking
    else:
        assert (await asking).stop == stop


async def test_thoughts_go_back_as_they_came_with_the_calls_they_led_to() -> None:
    """Without them a reasoning model would have to think anew after each tool."""
    reply = await asked(
        event("response.output_item.done", item=THOUGHT),
        event("response.output_item.done", item=call("c")),
        event("response.output_item.done", item=call("c")),
        ended("completed", output=[]),
    )
    results = (
        ChatMessage("tool", "seen", call_id="c"),
        ChatMessage("tool", "failed", call_id="c-2", ok=False),
    )
    sent = Sent(streamed(ended("completed", output=[text("ok")])))
    again = ChatMessage("assistant", reply.text, reply.calls, native=reply.native)
    await ask(model(sent, api="responses"), ModelRequest("m", "", (again, *results)))

    assert [c.id for c in reply.calls] == ["c", "c-2"]
    assert sent.body["input"] == [
        THOUGHT,
        call("c"),
        call("c-2"),
        {"type": "function_call_output", "call_id": "c", "output": "seen"},
        {"type": "function_call_output", "call_id": "c-2", "output": "failed"},
    ]


async def test_the_native_form_of_another_vendor_is_not_sent() -> None:
    """A fallback may have answered in between."""
    calls = (ToolCall("c", "look", "{}"),)
    said = ChatMessage("assistant", "Let me look.", calls, native={"anthropic": [1]})
    sent = Sent(streamed(ended("completed", output=[text("ok")])))

    await ask(model(sent, api="responses"), ModelRequest("m", "", (said,)))

    content = [{"type": "output_text", "text": "Let me look."}]
    assert sent.body["input"] == [
        {"type": "message", "role": "assistant", "content": content},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
    ]


async def test_the_request_holds_what_was_set_and_nothing_is_kept_at_the_server() -> None:
    """The same request, in the other API's words."""
    sent = Sent(streamed(ended("completed", output=[text("{}")])))
    image, pdf = (
        File("a.png", "image/png", "00", 1, b"i"),
        File("b.pdf", "application/pdf", "00", 1, b"p"),
    )
    request = ModelRequest(
        "m",
        "Be brief.",
        (ChatMessage("user", "see", files=(image, pdf)),),
        Settings(temperature=0.0, max_tokens=5, effort="high", extra={"truncation": "auto"}),
        {"type": "object"},
        (TOOL,),
        "required",
    )

    await ask(model(sent, api="responses"), request)

    body = sent.body
    assert sent.requests[0].url.path == "/v1/responses"
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert (body["instructions"], body["max_output_tokens"]) == ("Be brief.", 5)
    assert (body["reasoning"], body["truncation"]) == ({"effort": "high"}, "auto")
    assert body["tools"] == [{"type": "function", **TOOL.json(), "strict": False}]
    assert (body["tool_choice"], body["temperature"]) == ("required", 0.0)
    assert body["text"]["format"]["type"] == "json_schema"
    assert [part["type"] for part in body["input"][0]["content"]] == [
        "input_text",
        "input_image",
        "input_file",
    ]


ERROR: Json = {"code": "rate_limit_exceeded", "message": f"slow, {KEY}"}
FILTERED: Json = {"reason": "content_filter"}
NO: Json = [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]
CUT: Json = {"reason": "max_output_tokens"}


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        pytest.param([ended("failed", error=ERROR)], RateLimited, id="failed"),
        pytest.param([ended("failed")], BadReply, id="failed-without-a-word"),
        pytest.param([event("error", code="server_error", message="x")], Overloaded, id="error"),
        pytest.param(
            [event("error", error={"code": "context_length_exceeded"})], ContextTooLong, id="nested"
        ),
        pytest.param([ended("incomplete", incomplete_details=FILTERED)], Refused, id="filter"),
        pytest.param([event("response.refusal.delta", delta="No."), ended("completed")], Refused),
        pytest.param([ended("completed", output=NO)], Refused, id="refusal"),
        pytest.param([ended("incomplete", incomplete_details=CUT)], BadReply, id="cut"),
        pytest.param([event("response.output_text.delta", delta="x")], BadReply, id="broken-off"),
        pytest.param([event("response.output_text.delta", delta=5)], BadReply, id="wrong-type"),
        pytest.param([event("response.output_item.done", item=5)], BadReply, id="no-item"),
        pytest.param([event("")], BadReply, id="no-type"),
    ],
)
async def test_trouble_becomes_a_typed_fault(events: list[bytes], fault: type[FaultError]) -> None:
    """Never with the key, and with what it cost where that was said."""
    with pytest.raises(fault) as caught:
        await asked(*events)

    assert type(caught.value) is fault
    assert KEY not in str(caught.value)
    if b'"usage"' in events[-1]:
        assert caught.value.usage.input_tokens == 10


async def test_a_response_that_was_not_streamed_is_understood() -> None:
    """So is its error."""
    said: Json = {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [text("Hi"), call("c"), text(" there")],
    }
    failed: Json = {"object": "response", "status": "failed", "error": {"code": "server_error"}}

    reply = await ask(model(httpx2.Response(200, json=said), api="responses"))
    with pytest.raises(Overloaded):
        await ask(model(httpx2.Response(200, json=failed), api="responses"))

    assert (reply.text, reply.calls[0].arguments) == ("Hi there", '{"a": 1}')
    assert reply.native is None


async def test_a_parameter_that_the_model_does_not_take_is_a_bad_request() -> None:
    """Nothing that was set is dropped in silence."""
    error: Json = {"error": {"message": "Unknown parameter: 'seed'.", "param": "seed"}}

    with pytest.raises(BadRequest, match="Unknown parameter: 'seed'"):
        await ask(model(httpx2.Response(400, json=error), api="responses"), ASK)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("o3-pro", True, id="listed-for-this-api-alone"),
        pytest.param("gpt-5", False, id="listed-for-chat"),
        pytest.param("gpt-5.1-codex", True, id="told-by-its-name-whatever-the-list-says"),
        pytest.param("gpt-99-pro", True, id="newer-than-the-sdk-and-told-by-its-name"),
        pytest.param("gpt-99-codex-max", True, id="newer-than-the-sdk-too"),
        pytest.param("gpt-99", False, id="newer-than-the-sdk-and-plain"),
        pytest.param("my-own-pro", False, id="of-no-vendor"),
    ],
)
def test_models_that_need_this_api_are_known(name: str, expected: bool) -> None:
    assert needs_responses(name) is expected
