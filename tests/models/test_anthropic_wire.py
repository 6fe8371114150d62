"""What Anthropic is sent, held by a golden file."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.errors import BadRequest
from stateflow.models.anthropic_wire import counted, to_anthropic, to_body
from stateflow.models.base import ChatMessage, ModelRequest, Settings, ToolSpec
from stateflow.value import Json

GOLDEN = Path(__file__).parent / "golden/anthropic_body.json"
FOUND = ToolCall("c1", "search", '{"q":"primes"}')
BROKEN = ToolCall("c2", "search", "not json")
SIGNED: Json = [
    {"type": "thinking", "thinking": "Look it up.", "signature": "s1"},
    {"type": "redacted_thinking", "data": "d1"},
]


def file(name: str, kind: str, content: bytes | None = b"abc") -> File:
    """Return a file of three bytes."""
    return File(name, kind, "0" * 64, 3, content)


FILES = (
    file("a.png", "image/png"),
    file("b.pdf", "application/pdf"),
    file("c.csv", "text/csv; charset=utf-8"),
)
SEARCH = ToolSpec("search", "Search the web.", {"type": "object", "properties": {}})
ASK = ModelRequest(
    "m",
    "You plot.",
    (
        ChatMessage("assistant", "Hello?"),
        ChatMessage("user", "Plot primes.", files=FILES),
        ChatMessage("assistant", "Let me look.", (FOUND, BROKEN), native=SIGNED),
        ChatMessage("tool", "2 3 5", call_id="c1", files=FILES[:1]),
        ChatMessage("tool", "no such page", call_id="c2", ok=False),
        ChatMessage("user", "And?"),
    ),
    Settings(0.5, 0.9, 7, 100, "high", {"top_k": 40, "output_config": {"task_budget": 5}}),
    {"type": "object"},
    (SEARCH,),
    "required",
)


def test_everything_that_can_be_set_is_sent_as_the_golden_file_says() -> None:
    """Signed thinking before the rest, results before the user; STATEFLOW_GOLDEN=write anew."""
    text = json.dumps(to_body("claude", ASK), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("STATEFLOW_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8") == text


def test_what_is_not_set_is_not_sent() -> None:
    """The provider decides, and no field is there that it might refuse."""
    body = to_body("claude", ModelRequest("m", messages=(ChatMessage("user", "hi"),)))

    assert set(body) == {"model", "max_tokens", "stream", "messages"}


def test_no_effort_turns_thinking_off() -> None:
    """The vendor has no such effort, but a word for it."""
    body = to_body("claude", ModelRequest("m", settings=Settings(effort="none")))

    assert body["thinking"] == {"type": "disabled"}
    assert "output_config" not in body


def test_a_vendors_own_field_wins() -> None:
    """Who writes it knows better."""
    own = Settings(effort="low", extra={"thinking": {"type": "enabled", "budget_tokens": 2000}})

    body = to_body("claude", ModelRequest("m", settings=own))

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert body["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("choice", "sent"), [("auto", None), ("required", {"type": "any"}), ("none", {"type": "none"})]
)
def test_a_choice_of_tools_is_told_in_the_vendors_word(choice: str, sent: Json) -> None:
    """What is the default is not told."""
    request = replace(ASK, tool_choice=choice)  # type: ignore[arg-type]  # a parameter is a str

    assert to_body("claude", request).get("tool_choice") == sent


def test_counting_takes_only_what_is_counted() -> None:
    """The vendor refuses the rest by name."""
    body = counted(to_body("claude", ASK))

    assert {"temperature", "top_k", "max_tokens", "stream", "seed"}.isdisjoint(body)
    assert {"model", "system", "messages", "tools", "output_config"} <= set(body)


def test_what_another_vendor_wants_back_is_not_sent() -> None:
    """The turn may have begun at another model."""
    foreign: Json = ["x", {"type": "reasoning", "encrypted_content": "y"}]
    for native in (foreign, "text", {"type": "thinking"}):
        message = ChatMessage("assistant", "hi", native=native)

        _, (_, turn) = to_anthropic(ModelRequest("m", messages=(message,)))

        assert turn["content"] == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (file("a.zip", "application/zip"), "attach an image, a PDF or a text"),
        (file("a.png", "image/png", None), "without its content"),
    ],
)
def test_a_file_that_cannot_be_sent_is_a_bad_request_that_names_it(wrong: File, says: str) -> None:
    """Nothing is left out in silence."""
    request = ModelRequest("m", messages=(ChatMessage("user", "see", files=(wrong,)),))

    with pytest.raises(BadRequest, match=says) as caught:
        to_body("claude", request)

    assert repr(wrong.name) in str(caught.value)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": 1e999}', {"arguments": '{"a": 1e999}'}),
        ("[1]", {"arguments": "[1]"}),
        ("[" * 100_000, {"arguments": "[" * 100_000}),
    ],
    ids=["half-character", "not-a-number", "infinite", "list", "deep"],
)
def test_arguments_that_no_json_can_hold_do_not_cost_the_next_request(
    written: str, sent: Json
) -> None:
    """The model wrote them, and is told that they were wrong."""
    message = ChatMessage("assistant", "", (ToolCall("c1", "f", written),))

    _, (_, turn) = to_anthropic(ModelRequest("m", messages=(message,)))

    assert turn["content"][0]["input"] == sent
    json.dumps(sent, ensure_ascii=False, allow_nan=False).encode()
