"""Reflection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stateflow import DefinitionError, Scripted, reflection, replied
from stateflow.conversation.message import Message
from tests.support.chatting import chat, errors, table


def critic(*lines: str | Message | BaseException) -> Scripted:
    """Return a critic with these lines."""
    return Scripted("critic", list(lines))


WRITER = Scripted("writer", ["a", "b", "c"])


def test_it_ends_well_once_the_critic_approves() -> None:
    flow = reflection("essay", WRITER, critic("Shorter.", "APPROVED"))

    result = chat(flow)

    assert table(flow) == {
        "writer": [("critic", "else")],
        "critic": [
            (None, "says('APPROVED', by='critic')"),
            ("gave_up", "visited('critic', at_least=3)"),
            ("writer", "else"),
        ],
    }
    assert (result.path, result.stop.kind) == (("writer", "critic", "writer", "critic"), "done")
    assert errors(flow) == []


def test_what_is_not_approved_in_time_is_no_success() -> None:
    result = chat(reflection("essay", WRITER, critic("no", "no", "no")))

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "gave_up", False)
    assert result.path.count("writer") == 3


def test_an_approval_in_the_last_round_is_one() -> None:
    result = chat(reflection("essay", WRITER, critic("no", "APPROVED"), rounds=2))

    assert result.stop.kind == "done"


def test_what_a_writer_says_of_approval_is_none() -> None:
    """The guard names the critic."""
    writer = Scripted("writer", ["It is APPROVED, I hope."])

    assert chat(reflection("essay", writer, critic("no"), rounds=1)).stop.state == "gave_up"


def test_another_guard_may_approve() -> None:
    flow = reflection(
        "essay",
        WRITER,
        critic(Message("3", reply={"score": 3}), Message("9", reply={"score": 9})),
        approve=replied("score", at_least=8),
    )

    assert chat(flow).stop.why == "replied('score', at_least=8)"


def test_faults_may_end_in_gave_up_too() -> None:
    flow = reflection("essay", WRITER, critic(OSError("no line")), on_error="gave_up")

    assert chat(flow).stop.state == "gave_up"
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        pytest.param({"critic": WRITER}, "called 'writer'", id="twice"),
        pytest.param({"critic": "critic"}, "'critic' is not an agent", id="a-name"),
        pytest.param({"approve": "APPROVED"}, "approve='APPROVED' is not a guard", id="approve"),
        pytest.param({"rounds": 0}, "rounds=0", id="no-rounds"),
        pytest.param({"rounds": None}, "rounds=None", id="unlimited"),
        pytest.param({"rounds": True}, "rounds=True", id="a-truth"),
    ],
)
def test_what_is_wrong_is_told(how: Mapping[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"writer": WRITER, "critic": critic("no"), **how}

    with pytest.raises(DefinitionError) as caught:
        reflection("essay", **given)

    assert str(caught.value).startswith("reflection 'essay'")
    assert sentence in str(caught.value)
