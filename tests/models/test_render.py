"""The rendering rule, held by golden files for both vendors."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from stateflow.conversation.message import Message, ToolCall
from stateflow.models.anthropic_wire import to_anthropic
from stateflow.models.base import ModelRequest
from stateflow.models.openai_wire import to_openai
from stateflow.models.render import render

GOLDEN = Path(__file__).parent / "golden"

TASK = Message("Plot primes.", "user")
LOOKUP = ToolCall("c1", "search", '{"q":"primes"}', "2 3 5")
BROKEN = ToolCall("c2", "search", "not json", "no such page", ok=False)

CASES: dict[str, Sequence[Message]] = {
    "empty_transcript": [],
    "several_speakers": [
        TASK,
        Message("Write it down.", "planner"),
        Message("print(2)", "coder"),
        Message("2", "runner"),
    ],
    "self_loop": [TASK, Message("First half.", "coder"), Message("Second half.", "coder")],
    "nested_tool_calls": [
        TASK,
        Message("Let me look.", "coder"),
        Message("Found some.", "coder", calls=(LOOKUP, BROKEN)),
        Message("Mine too.", "planner", calls=(LOOKUP, BROKEN)),
        Message("", "coder", calls=(LOOKUP,)),
    ],
    "ends_in_assistant": [TASK, Message("print(2)", "coder")],
    "begins_with_the_agent": [Message("Hello?", "coder"), Message("Hello.", "user")],
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_both_vendors_are_sent_what_the_golden_file_says(case: str) -> None:
    """A difference here needs a new RENDER_VERSION; STATEFLOW_GOLDEN=write writes anew."""
    system, messages = render(
        CASES[case], me="coder", state="write", prompt="You code.", role="Be brief."
    )
    request = ModelRequest("m", system, messages)
    wire = {"openai": to_openai(request), "anthropic": to_anthropic(request)}
    path = GOLDEN / f"{case}.json"
    text = json.dumps(wire, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("STATEFLOW_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("case", sorted(CASES))
def test_anthropic_roles_alternate_and_begin_and_end_with_the_user(case: str) -> None:
    """Anthropic refuses anything else."""
    system, messages = render(CASES[case], me="coder", state="write", prompt="", role="")

    _, turns = to_anthropic(ModelRequest("m", system, messages))

    roles = [turn["role"] for turn in turns]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_an_empty_prompt_or_role_leaves_no_blank_line() -> None:
    """The system text holds only what there is."""
    assert render([], me="a", state="s", prompt="", role="Be brief.")[0] == "Be brief."


def test_a_speaker_without_a_name_gets_no_prefix() -> None:
    """A colon with nothing before it would mean nothing."""
    _, messages = render([Message("hi")], me="a", state="s", prompt="", role="")

    assert messages[0].text == "hi"
