"""Views, effects and the protocol of agents."""

from __future__ import annotations

import pytest

from stateflow.conversation.agent import Agent, Turn
from stateflow.conversation.effect import FaultRaised, Key, Result
from stateflow.conversation.message import SILENCE, Fault, Message, Outcome
from stateflow.conversation.view import View
from stateflow.errors import FaultError


class Tiny:
    name = "tiny"

    async def reply(self, turn: Turn) -> str:
        return ""


def test_an_empty_view_has_said_nothing() -> None:
    """Guards need no test for ``None``."""
    view = View()

    assert view.last is SILENCE
    assert (view.outcome, view.visit, len(view.transcript)) == (None, 0, 0)


def test_a_view_tells_the_outcome_and_the_visit() -> None:
    """Of the last message, and of the present state."""
    view = View(state="s", last=Message("", "a", Outcome.failed()), visits={"s": 3, "t": 1})

    assert view.outcome == Outcome.failed()
    assert view.visit == 3


def test_a_key_reads_as_a_place() -> None:
    """State, visit, ordinal."""
    assert str(Key("approve", 1, 0)) == "approve#1.0"


def test_a_result_gives_its_value() -> None:
    """JSON, as it came."""
    assert Result({"a": 1}).unwrap() == {"a": 1}


def test_a_failed_result_raises_its_recorded_fault() -> None:
    """Unchanged, so that replay ends the turn as it ended."""
    fault = Fault("RateLimited", "slow down")

    with pytest.raises(FaultError, match="slow down") as caught:
        Result(fault=fault).unwrap()

    assert isinstance(caught.value, FaultRaised)
    assert caught.value.fault is fault


def test_anything_with_a_name_and_a_reply_is_an_agent() -> None:
    """No base class is needed."""
    assert isinstance(Tiny(), Agent)
    assert not isinstance("tiny", Agent)
