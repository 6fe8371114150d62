"""The flows of the gallery that are made by patterns, and the orders of speakers they stand for."""

from __future__ import annotations

import pytest

from flows import (
    approval,
    arithmetic_constrained,
    arithmetic_group,
    arithmetic_sequence,
    resume_chat,
)
from stateflow import Flow, Result
from tests.support.chatting import chat, errors


def order(result: Result) -> str:
    """Return who spoke, in one line, the task left out."""
    return " ".join(message.speaker for message in result.messages[1:])


@pytest.mark.parametrize(
    "flow",
    [
        approval.flow,
        arithmetic_constrained.flow,
        arithmetic_group.flow,
        arithmetic_sequence.flow,
        resume_chat.flow,
    ],
    ids=lambda flow: flow.name,
)
def test_nothing_is_wrong_with_it(flow: Flow) -> None:
    assert errors(flow) == []


def test_a_plan_is_approved_carried_out_and_accepted() -> None:
    """The order recorded for AutoGen's example, the task by the admin left out."""
    result = chat(approval.flow, "Approve", "TERMINATE", task=approval.task)

    assert order(result) == "Planner Admin Engineer Executor Scientist Admin"
    assert "radiology, triage" in result.messages[4].text
    assert result.stop.why == "answered('TERMINATE')"


def test_a_plan_that_is_not_approved_is_planned_anew() -> None:
    """And a result that is not accepted is written anew: back to whoever spoke before."""
    result = chat(
        approval.flow,
        "Change, by hospital please",
        "approve",
        "change, shorter",
        "terminate",
        task=approval.task,
    )

    assert order(result) == (
        "Planner Admin Planner Admin Engineer Executor Scientist Admin Scientist Admin"
    )
    assert result.messages[2].text == "Change, by hospital please"
    assert result.stop.kind == "done"


def test_four_chats_carry_over_what_they_came_to() -> None:
    """The summaries recorded for AutoGen's example."""
    result = chat(arithmetic_sequence.flow, task=arithmetic_sequence.task)

    assert [message.text for message in result.messages[1:]] == [
        "16",
        "64",
        "14, 62",
        "4, 16, 3.5, 15.5",
    ]


def test_the_group_reckons_in_the_recorded_order() -> None:
    result = chat(arithmetic_group.flow, task=arithmetic_group.task)

    said = [f"{message.speaker[:4]}{message.text}" for message in result.messages[1:]]
    assert " ".join(said) == "Mult6 Adde7 Mult14 Subt13 Numb13"
    assert result.stop.why == "turns_at_least(5)"


def test_the_constrained_group_reckons_in_the_recorded_order() -> None:
    result = chat(arithmetic_constrained.flow, task=arithmetic_constrained.task)

    said = [f"{message.speaker[:3]}{message.text}" for message in result.messages[1:]]
    assert " ".join(said) == ("Add4 Mul8 Sub7 Div3.5 Add4.5 Mul9 Sub8 Div4 Add5 Mul10 Num10")


def test_a_chat_that_was_over_goes_on_with_something_else() -> None:
    """The ``TERMINATE`` of last week ends nothing: the marketer has the next turn."""
    over = chat(resume_chat.flow, task=resume_chat.task)
    result = chat(resume_chat.flow, "A line for the newsletter.", "exit", task=resume_chat.task)

    assert over.stop.kind == "waiting"
    assert over.messages[-1].text.endswith("TERMINATE")
    again = "Digital_Marketer Chief_Marketing_Officer user"
    assert order(result) == f"{again} {again}"
    assert "A line for the newsletter." in result.messages[4].text
    assert result.stop.kind == "done"
