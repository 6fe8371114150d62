"""The key of a request: the same for what is answered alike, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.models.base import ChatMessage, ModelRequest, Settings, ToolSpec
from stateflow.models.cache import request_key

CALL = ToolCall("c1", "look", '{"at": 1}')
FILE = File.from_bytes(b"%PDF-1.7 one", name="bill.pdf")
ASKED = ChatMessage("user", "what is it?", files=(FILE,))
SAID = ChatMessage("assistant", "", calls=(CALL,), native={"signed": "x"})
CAME = ChatMessage("tool", "a bill", call_id="c1")
TOOL = ToolSpec("look", "Looks.", {"type": "object"})
REQUEST = ModelRequest(
    "openai:gpt-5", "Be brief.", (ASKED, SAID, CAME), Settings(seed=1), {"type": "object"}, (TOOL,)
)


def _with(number: int, message: ChatMessage) -> ModelRequest:
    messages = list(REQUEST.messages)
    messages[number] = message
    return replace(REQUEST, messages=tuple(messages))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(REQUEST, model="azure:gpt-5"), id="model"),
        pytest.param(replace(REQUEST, system="Be long."), id="system"),
        pytest.param(replace(REQUEST, messages=REQUEST.messages[:2]), id="fewer-messages"),
        pytest.param(replace(REQUEST, settings=Settings(seed=2)), id="settings"),
        pytest.param(replace(REQUEST, settings=Settings(seed=1, extra={"k": 1})), id="extra"),
        pytest.param(replace(REQUEST, schema=None), id="schema"),
        pytest.param(replace(REQUEST, tools=()), id="tools"),
        pytest.param(replace(REQUEST, tool_choice="none"), id="tool-choice"),
        pytest.param(_with(0, replace(ASKED, role="assistant")), id="role"),
        pytest.param(_with(0, replace(ASKED, text="and that?")), id="text"),
        pytest.param(_with(0, replace(ASKED, files=())), id="no-file"),
        pytest.param(
            _with(0, replace(ASKED, files=(File.from_bytes(b"%PDF-1.7 two", name="bill.pdf"),))),
            id="another-file",
        ),
        pytest.param(_with(1, replace(SAID, native=None)), id="native"),
        pytest.param(_with(1, replace(SAID, calls=())), id="no-call"),
        pytest.param(_with(1, replace(SAID, calls=(replace(CALL, id="c2"),))), id="call-id"),
        pytest.param(_with(1, replace(SAID, calls=(replace(CALL, arguments="{}"),))), id="args"),
        pytest.param(_with(2, replace(CAME, call_id="c2")), id="answered-call"),
        pytest.param(_with(2, replace(CAME, ok=False)), id="ok"),
    ],
)
def test_another_request_has_another_key(other: ModelRequest) -> None:
    """Everything that the model is told counts."""
    assert request_key(other) != request_key(REQUEST)


def test_a_file_at_rest_is_the_same_file() -> None:
    """Its content is known by its hash."""
    at_rest = _with(0, replace(ASKED, files=(FILE.at_rest,)))
    assert request_key(at_rest) == request_key(REQUEST)


def test_the_order_of_names_does_not_count() -> None:
    """Two ways to write the same JSON."""
    one = replace(REQUEST, schema={"type": "object", "title": "T"})
    two = replace(REQUEST, schema={"title": "T", "type": "object"})
    assert request_key(one) == request_key(two)


def test_a_text_that_no_file_can_hold_has_a_key() -> None:
    """Half a surrogate pair is not the other half."""
    high, low = (request_key(replace(REQUEST, system=half)) for half in ("\ud800", "\udc00"))
    assert len(high) == 64
    assert high != low
