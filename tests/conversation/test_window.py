"""Windows: what a state sees of the transcript."""

from __future__ import annotations

import pytest

from stateflow.conversation.message import Message
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.window import last
from stateflow.errors import DefinitionError


@pytest.mark.parametrize(
    ("count", "seen"),
    [
        pytest.param(1, ["c"], id="one"),
        pytest.param(2, ["b", "c"], id="two"),
        pytest.param(9, ["a", "b", "c"], id="more-than-there-are"),
    ],
)
def test_the_last_messages_are_seen(count: int, seen: list[str]) -> None:
    """In the order they were said."""
    transcript = Transcript()
    for text in "abc":
        transcript = transcript.append(Message(text, "user"))

    assert [message.text for message in last(count).of(transcript)] == seen


def test_a_window_tells_its_rule() -> None:
    """It is part of the print of every request."""
    assert last(3).form == {"last": 3}


def test_a_window_that_sees_nothing_is_refused() -> None:
    """An agent that sees nothing has nothing to answer."""
    with pytest.raises(DefinitionError, match=r"last\(0\) sees nothing"):
        last(0)
