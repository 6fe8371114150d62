"""About how many tokens a text is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.message import Message, ToolCall
from stateflow.conversation.tokens import estimate_message, estimate_text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("日本", 2), ("\ud800", 1)],
    ids=["nothing", "one", "four", "five", "six-bytes", "half-a-pair"],
)
def test_a_token_is_four_bytes_rounded_up(text: str, tokens: int) -> None:
    """Whatever the text is, it can be told how long it is."""
    assert estimate_text(text) == tokens


@given(st.text(), st.text())
def test_a_longer_text_is_never_fewer_tokens(one: str, other: str) -> None:
    """And two texts are never more than their sum."""
    together = estimate_text(one + other)
    assert max(estimate_text(one), estimate_text(other)) <= together
    assert together <= estimate_text(one) + estimate_text(other)


def test_a_message_counts_with_its_speaker_and_its_calls() -> None:
    """Four tokens are for what stands around it."""
    call = ToolCall("c1", "add", '{"a": 1}', "12345678")
    assert estimate_message(Message("abcd", "ann1")) == 4 + 2
    assert estimate_message(Message("abcd", "ann1", calls=(call, call))) == 4 + 2 + 2 * 5
