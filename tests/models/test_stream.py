"""Chat completions in the words of servers that say things their own way."""

from __future__ import annotations

import httpx2
import pytest

from stateflow.errors import BadReply
from stateflow.models.base import ModelReply
from stateflow.value import Json
from tests.support.openai_wire import ask, chunk, model, streamed

DONE = b"data: [DONE]\n\n"


def whole(message: Json, finish: str) -> httpx2.Response:
    """Return a reply in one piece."""
    choices: Json = [{"index": 0, "message": message, "finish_reason": finish}]
    return httpx2.Response(200, json={"object": "chat.completion", "choices": choices})


def called(reply: ModelReply) -> list[tuple[str, str]]:
    """Return the names and arguments of the calls."""
    return [(call.name, call.arguments) for call in reply.calls]


async def test_a_call_in_its_first_form_is_a_call() -> None:
    """Before there were many tools there was one function, without an id."""
    said: Json = {"content": None, "function_call": {"name": "look", "arguments": '{"a": 1}'}}
    start: Json = {"function_call": {"name": "look", "arguments": ""}}
    rest: Json = {"function_call": {"arguments": '{"a": 1}'}}
    stream = streamed(chunk(start), chunk(rest), chunk({}, "function_call"), DONE)

    for reply in (await ask(model(whole(said, "function_call"))), await ask(model(stream))):
        assert called(reply) == [("look", '{"a": 1}')]
        assert (reply.calls[0].id, reply.stop) == ("call_0", "function_call")


async def test_a_free_text_for_a_tool_is_its_only_argument() -> None:
    """OpenAI's custom tools take no JSON."""
    custom: Json = {"id": "c", "type": "custom", "custom": {"name": "sum", "input": '2 + "2"'}}

    reply = await ask(model(whole({"tool_calls": [custom]}, "tool_calls")))

    assert called(reply) == [("sum", '{"input": "2 + \\"2\\""}')]


async def test_what_was_spoken_is_the_text() -> None:
    """The sound itself is not kept."""
    said: Json = {"content": None, "audio": {"id": "a", "data": "QUJD", "transcript": "Hello."}}

    assert (await ask(model(whole(said, "stop")))).text == "Hello."


async def test_a_call_without_arguments_is_made_with_none() -> None:
    """A server may say null, or nothing."""
    one: Json = {"index": 0, "id": "c", "function": {"name": "look", "arguments": None}}

    reply = await ask(model(streamed(chunk({"tool_calls": [one]}), chunk({}, "tool_calls"))))

    assert called(reply) == [("look", "{}")]


async def test_a_reply_that_says_it_is_done_needs_no_reason() -> None:
    """Without either it broke off; the words alone in a text mean nothing."""
    one: Json = {"index": 0, "id": "c", "function": {"name": "look", "arguments": "{}"}}
    text, calls = chunk({"content": "Hi"}), chunk({"tool_calls": [one]})
    quoted = chunk({"content": "\ndata: [DONE]"})

    assert (await ask(model(streamed(text, DONE)))).stop == "stop"
    assert (await ask(model(streamed(text, calls, DONE)))).stop == "tool_calls"
    for cut in (streamed(text), streamed(quoted), streamed(DONE)):
        with pytest.raises(BadReply, match="broke off"):
            await ask(model(cut))


async def test_the_last_event_needs_no_blank_line_after_it() -> None:
    """A part of an event is still nothing."""
    text, last = chunk({"content": "Hi"}), chunk({}, "stop")

    for end in (last.rstrip(), last[:-1]):
        assert (await ask(model(streamed(text, end)))).stop == "stop"
    with pytest.raises(BadReply, match="broke off"):
        await ask(model(streamed(text, last[:-9])))
