"""What is sent to OpenAI's chat completions."""

from __future__ import annotations

import base64
from typing import cast

import pytest

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.errors import BadRequest
from stateflow.models.base import ChatMessage, ModelRequest, Settings, ToolChoice, ToolSpec
from stateflow.models.openai_wire import closed, to_openai
from stateflow.value import Json
from tests.support.openai_wire import ASK, Sent, ask, model

OPEN: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED: dict[str, Json] = {**OPEN, "required": ["a"], "additionalProperties": False}
TOOL = ToolSpec("look", "Look it up.", {"type": "object", "properties": {}})
IMAGE = File("a.png", "image/png", "00", 1, b"i")
PDF = File("b.pdf", "application/pdf", "00", 1, b"p")
NOTE = File("c.csv", "text/csv", "00", 3, b"x,y")


@pytest.mark.parametrize(
    ("url", "limit"),
    [(None, "max_completion_tokens"), ("http://localhost:1/v1", "max_tokens")],
    ids=["official", "other"],
)
@pytest.mark.parametrize("schema", [OPEN, CLOSED], ids=["open", "closed"])
async def test_the_request_holds_what_was_set(url: str | None, limit: str, schema: Json) -> None:
    """Only a schema that OpenAI's strict mode takes is sent as strict."""
    sent = Sent()
    settings = Settings(0.0, 0.5, 7, max_tokens=5, effort="low", extra={"top_k": 40})

    await ask(
        model(sent, base_url=url),
        ModelRequest("m", "", ASK.messages, settings, {"anyOf": [schema]}),
    )

    body = sent.body
    assert (body[limit], body["temperature"], body["top_p"], body["seed"]) == (5, 0.0, 0.5, 7)
    assert (body["reasoning_effort"], body["top_k"]) == ("low", 40)
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"]["json_schema"]["name"] == "reply"
    assert body["response_format"]["json_schema"]["strict"] is (schema is CLOSED)


async def test_what_was_not_set_is_not_sent() -> None:
    """The provider decides."""
    sent = Sent()

    await ask(model(sent))

    limits = {"stream", "stream_options", "max_completion_tokens"}
    assert set(sent.body) == {"model", "messages", *limits}


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
async def test_tools_are_functions(choice: ToolChoice) -> None:
    """Auto is what every server does when nothing is said."""
    sent = Sent()

    await ask(model(sent), ModelRequest("m", "", ASK.messages, tools=(TOOL,), tool_choice=choice))

    function = {"name": "look", "description": "Look it up.", "parameters": TOOL.parameters}
    assert sent.body["tools"] == [{"type": "function", "function": function}]
    assert sent.body.get("tool_choice", "auto") == choice


def test_files_of_a_user_stand_in_the_message() -> None:
    """An image and a PDF as data, a text as text."""
    message = ChatMessage("user", "user: see", files=(IMAGE, PDF, NOTE))

    (wire,) = to_openai(ModelRequest("m", "", (message,)))

    data = {"filename": "b.pdf", "file_data": "data:application/pdf;base64,cA=="}
    url = f"data:image/png;base64,{base64.b64encode(b'i').decode()}"
    assert wire["content"] == [
        {"type": "text", "text": "user: see"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": data},
        {"type": "text", "text": "c.csv:\n\nx,y"},
    ]


def test_files_of_a_tool_stand_behind_all_results() -> None:
    """Every call must be answered before anything else is said, and by text."""
    calls = (ToolCall("1", "look", "{}"), ToolCall("2", "look", "not json"))
    messages = (
        ChatMessage("assistant", "", calls),
        ChatMessage("tool", "seen", call_id="1", files=(IMAGE,)),
        ChatMessage("tool", "no such page", call_id="2", ok=False),
        ChatMessage("assistant", "Well."),
    )

    wire = to_openai(ModelRequest("m", "", messages))

    assert [one["role"] for one in wire] == ["assistant", "tool", "tool", "user", "assistant"]
    assert wire[0]["tool_calls"][1]["function"]["arguments"] == "not json"
    assert wire[2] == {"role": "tool", "tool_call_id": "2", "content": "no such page"}
    assert wire[3]["content"][0]["type"] == "image_url"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (File("d.zip", "application/zip", "00", 1, b"z"), "cannot be sent"),
        (File("e.png", "image/png", "00", 1), "attach it anew"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named(file: File, says: str) -> None:
    """It is not left out in silence."""
    with pytest.raises(BadRequest, match=says) as caught:
        to_openai(ModelRequest("m", "", (ChatMessage("user", "", files=(file,)),)))
    assert repr(file.name) in str(caught.value)


@pytest.mark.parametrize(
    ("properties", "sound"),
    [
        pytest.param({"properties": {"type": "string"}}, True, id="called-properties"),
        pytest.param({"a": {"type": "object", "additionalProperties": {}}}, False, id="a-dict"),
        pytest.param({"a": {"$ref": "#/$defs/b"}}, True, id="a-reference"),
    ],
)
def test_strict_is_said_of_closed_objects_only(properties: Json, sound: bool) -> None:
    """Whatever the fields are called."""
    names = list(cast("dict[str, Json]", properties))
    schema: Json = {
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
        "$defs": {"b": {"type": "string"}},
    }
    assert closed(schema) is sound
