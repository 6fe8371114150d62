"""Requests, replies and prices."""

from __future__ import annotations

from stateflow.conversation.message import ToolCall, Usage
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, Settings, estimate_tokens


def test_settings_tell_only_what_is_set() -> None:
    """What is not set is the provider's business, and not part of a print."""
    assert Settings(seed=0).json() == {"seed": 0, "max_tokens": 1024}


def test_a_reply_survives_its_json_and_gets_its_usage_back() -> None:
    """A replayed reply is the recorded one."""
    usage = Usage(calls=1, input_tokens=3)
    reply = ModelReply("hi", (ToolCall("c", "f", "{}"),), "hm", "stop", usage, "req-1")

    said = reply.to_json()

    assert "usage" not in said
    assert ModelReply.from_json(said, usage) == reply
    assert ModelReply.from_json(ModelReply("").to_json()) == ModelReply("")


def test_the_estimate_counts_bytes_over_four_and_four_a_message() -> None:
    """Every part of a request counts, rounded up."""
    call = ToolCall("c", "fn", "{}")
    messages = (ChatMessage("user", "äöü"), ChatMessage("assistant", "", (call,)))

    assert estimate_tokens(ModelRequest("m", "12345", messages, schema={"a": 1})) == 15
