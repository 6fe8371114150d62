"""The tool that gives the floor to another speaker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from stateflow.errors import DefinitionError
from stateflow.tools.base import Tool
from stateflow.tools.handoff import handoff


@dataclass(frozen=True)
class Agent:
    """Somebody with a name and a description, as agents have."""

    name: str
    description: str = ""


async def test_a_call_names_the_next_speaker_and_passes_the_message_on() -> None:
    """The engine checks the target along the table; the tool only names it."""
    tool: Tool = handoff("reviewer")

    reply = await tool.call({"message": "Please look at this."})

    assert (reply.text, reply.handoff, reply.ok) == ("Please look at this.", "reviewer", True)


@pytest.mark.parametrize("arguments", [{}, {"message": ""}])
async def test_the_message_may_be_left_out(arguments: Mapping[str, Any]) -> None:
    """The result of a call is never empty text."""
    reply = await handoff("reviewer").call(arguments)

    assert (reply.text, reply.handoff) == ("reviewer has the floor.", "reviewer")


@pytest.mark.parametrize(
    "arguments", [{"message": 3}, {"message": None}, {"to": "eve"}, {"message": "a", "to": "eve"}]
)
async def test_other_arguments_are_refused_in_one_sentence(arguments: Mapping[str, Any]) -> None:
    """A model cannot choose another target than the tool's."""
    with pytest.raises(ValueError, match="transfer_to_reviewer: it takes one text called message"):
        await handoff("reviewer").call(arguments)


def test_agents_and_states_are_taken_by_their_name_and_description() -> None:
    """What an agent says of itself tells the model when to hand over."""
    tool = handoff(Agent("reviewer", "Reads code."))

    assert (tool.target, tool.name) == ("reviewer", "transfer_to_reviewer")
    assert tool.description == "Give the floor to reviewer. Reads code."
    assert handoff("bob").description == "Give the floor to bob."
    assert tool == handoff(Agent("reviewer", "Reads code."))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("code reviewer", "transfer_to_code_reviewer"),
        ("Dr. Müller", "transfer_to_Dr__M_ller"),
        ("a-b_c", "transfer_to_a-b_c"),
    ],
)
def test_characters_that_providers_refuse_become_underscores(target: str, name: str) -> None:
    """The target itself keeps its name."""
    assert (handoff(target).name, handoff(target).target) == (name, target)


def test_name_and_description_can_be_given() -> None:
    """Some prompts speak of escalating."""
    tool = handoff("boss", name="escalate", description="For what you may not decide.")

    assert (tool.name, tool.description) == ("escalate", "For what you may not decide.")


def test_a_name_too_long_for_a_tool_asks_for_another() -> None:
    """Cutting it could give two targets one name."""
    with pytest.raises(DefinitionError, match="give another with name="):
        handoff("a" * 60)
    assert handoff("a" * 60, name="pass_on").target == "a" * 60


@pytest.mark.parametrize("target", ["", 3, None, Agent("*"), Agent("a/b")])
def test_a_target_without_a_usable_name_is_refused(target: Any) -> None:  # noqa: ANN401 - wrong types are tried
    """No place of a flow could be called that."""
    with pytest.raises(DefinitionError, match="cannot name an agent"):
        handoff(target)


def test_it_needs_nobodys_leave_and_can_be_called_again() -> None:
    """Nothing is done but to name the next speaker."""
    tool: Tool = handoff("bob")

    assert (tool.approve, tool.repeat, tool.timeout_s) == (False, True, None)
    assert tool.parameters["additionalProperties"] is False
