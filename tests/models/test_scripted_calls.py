"""Scripts that call tools, and what else a script can stand in for."""

from __future__ import annotations

import pytest

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.errors import BadReply
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, ToolSpec
from stateflow.models.names import open_model
from stateflow.models.scripted import ScriptedModel

ADD = ToolSpec("add", "Add.", {"type": "object", "properties": {}})
ASK = (ChatMessage("user", "Add one and two."),)
SCRIPT = 'scripted:add({"a": 1, "b": 2})|It is 3.'


async def said(name: str, request: ModelRequest) -> ModelReply:
    """Return what a script says to *request*."""
    return await open_model(name).complete(request, on_delta=lambda _: None)


async def test_a_line_that_is_a_call_calls_the_tool_and_the_next_one_answers() -> None:
    """A call has an id of its own, and says nothing beside."""
    called = await said(SCRIPT, ModelRequest("m", "", ASK, tools=(ADD,)))
    told = (
        ChatMessage("assistant", called.text, called.calls),
        ChatMessage("tool", "3", call_id=called.calls[0].id),
    )
    answered = await said(SCRIPT, ModelRequest("m", "", (*ASK, *told), tools=(ADD,)))

    assert called.calls == (ToolCall("call-0", "add", '{"a": 1, "b": 2}'),)
    assert (called.text, called.stop) == ("", "tool_calls")
    assert (answered.text, answered.calls) == ("It is 3.", ())


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('add({"a": 1}) add({"a": ")"})', ['{"a": 1}', '{"a": ")"}']),
        ('add({})\n\nadd({}) add({"a": {}})', ["{}", "{}", '{"a": {}}']),
        ('add({"a": })', ['{"a": }']),
    ],
)
async def test_calls_side_by_side_are_so_many_calls(line: str, arguments: list[str]) -> None:
    """Each with an id of its own; one whose arguments are broken is still a call."""
    reply = await said(f"scripted:{line}", ModelRequest("m", "", ASK, tools=(ADD,)))

    assert [call.arguments for call in reply.calls] == arguments
    assert len({call.id for call in reply.calls}) == len(arguments)


@pytest.mark.parametrize("line", ['ad({"a": 1})', 'add({"a": 1}) ad({})'])
async def test_a_call_of_a_tool_that_is_not_offered_is_no_text(line: str) -> None:
    """Said as a text, it would look like a turn that went well."""
    with pytest.raises(BadReply, match="'ad', which is not offered; there are: add"):
        await said(f"scripted:{line}", ModelRequest("m", "", ASK, tools=(ADD,)))


@pytest.mark.parametrize("line", ['add({"a": 1})', "add(1)", 'So add({"a": 1})'])
async def test_a_line_that_calls_where_no_tools_are_is_said(line: str) -> None:
    """A text about calls is a text."""
    reply = await said(f"scripted:{line}", ModelRequest("m", "", ASK))

    assert (reply.text, reply.calls) == (line, ())


async def test_a_whole_reply_may_think_and_call_twice() -> None:
    """For tests of what comes after."""
    calls = (ToolCall("a", "add", "{}"), ToolCall("b", "add", "{}"))
    model = ScriptedModel([ModelReply("", calls, reasoning="hm")])

    reply = await model.complete(ModelRequest("m", "", ASK), on_delta=lambda _: None)

    assert (reply.calls, reply.reasoning) == (calls, "hm")


async def test_files_are_passed_over_and_words_are_counted() -> None:
    """It reads nothing that is shown to it."""
    file = File.from_bytes(b"\x89PNG\r\n\x1a\nnot much", name="a.png")
    shown = ModelRequest("m", "Be brief.", (ChatMessage("user", "What is it?", files=(file,)),))
    model = open_model("scripted:A cup.")

    reply = await model.complete(shown, on_delta=lambda _: None)

    assert reply.text == "A cup."
    assert reply.usage.input_tokens == await model.count(shown) == 5


async def test_a_schema_is_the_scripts_own_affair() -> None:
    """It says its text, whatever is asked for."""
    asked = ModelRequest("m", "", ASK, schema={"type": "object"})

    assert (await said('scripted:{"score": 8}', asked)).text == '{"score": 8}'
