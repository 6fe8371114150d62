"""Messages, outcomes, faults, usage; and their JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.file import File
from stateflow.conversation.message import (
    NO_USAGE,
    PASS,
    Fault,
    Message,
    Outcome,
    ToolCall,
    Usage,
    message_from,
    message_json,
)

COUNTS = st.integers(0, 9)
JSON = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=4,
)
FILES = st.builds(File.from_bytes, st.binary(min_size=1, max_size=9), name=st.text())
MESSAGES = st.builds(
    Message,
    st.text(),
    st.just("coder"),
    st.none() | st.builds(Outcome, st.booleans(), st.none() | COUNTS, st.booleans(), st.text()),
    st.lists(
        st.builds(ToolCall, st.text(), st.text(), st.text(), st.text(), st.booleans()), max_size=2
    ).map(tuple),
    st.none() | JSON,
    st.none() | st.text(),
    st.none() | st.text(),
    st.none() | st.text(),
    st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.none() | st.floats(0, 9)),
    st.lists(FILES, max_size=2).map(tuple),
)


@given(MESSAGES)
def test_a_message_is_the_same_after_json(message: Message) -> None:
    """Written to a journal and read again; the speaker is kept beside it."""
    written = json.loads(json.dumps(message_json(message)))

    assert message_from(written, "coder") == message


def test_plain_speech_is_one_field() -> None:
    """A journal line is as long as what was said."""
    assert message_json(Message("hi", "user")) == {"text": "hi"}
    assert message_from({"text": "hi"}, "user") == Message("hi", "user")


def test_fields_that_are_not_set_are_not_written() -> None:
    """Nor are zeros of usage; an unknown price is."""
    message = Message("", "a", Outcome.exited(1), usage=Usage(calls=1, usd=None))

    assert message_json(message) == {
        "text": "",
        "outcome": {"ok": False, "exit_code": 1},
        "usage": {"calls": 1, "usd": None},
    }


def test_a_message_reads_like_autogens() -> None:
    """``messages[-1]["content"]`` works; what AutoGen has not is a missing key."""
    message = Message("hi", "coder")

    assert (message["content"], message["name"], message["role"]) == ("hi", "coder", "user")
    with pytest.raises(KeyError, match="tool_calls"):
        message["tool_calls"]


def test_a_message_gets_its_speaker_once() -> None:
    """It stays the same object where nothing changes."""
    message = Message("hi", "coder")

    assert message.by("coder") is message
    assert message.by("user") == Message("hi", "user")


@pytest.mark.parametrize(
    ("outcome", "ok", "exit_code"),
    [
        pytest.param(Outcome.passed("fine"), True, None, id="passed"),
        pytest.param(Outcome.failed("bad"), False, None, id="failed"),
        pytest.param(Outcome.exited(0), True, 0, id="zero"),
        pytest.param(Outcome.exited(127), False, 127, id="not-zero"),
    ],
)
def test_an_outcome_is_typed(outcome: Outcome, ok: bool, exit_code: int | None) -> None:
    """Guards read types, never text."""
    assert (outcome.ok, outcome.exit_code) == (ok, exit_code)


def test_usage_adds_up() -> None:
    """Field by field."""
    one = Usage(1, 10, 20, 5, 6, 0.5)

    assert one + one == Usage(2, 20, 40, 10, 12, 1.0)
    assert one + NO_USAGE == one
    assert one.tokens == 30


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    """Unknown is not free."""
    assert (Usage(usd=1.0) + Usage(usd=None)).usd is None


def test_a_fault_is_told_as_an_error_would_be() -> None:
    """Name and text; wider kinds match as with ``except``."""
    fault = Fault("RateLimited", "slow down", ("FaultError",))

    assert (str(fault), str(Fault("TimedOut"))) == ("RateLimited: slow down", "TimedOut")
    assert fault.is_a("RateLimited")
    assert fault.is_a("FaultError")
    assert not fault.is_a("TimedOut")


def test_pass_shows_its_name() -> None:
    """As the sentence about silence spells it."""
    assert repr(PASS) == "PASS"


def test_one_field_more_is_read_alone() -> None:
    """Nothing else need be there."""
    assert message_from({"text": "", "handoff": "coder"}, "a") == Message("", "a", handoff="coder")
    assert message_from({"text": "", "usage": {"calls": 1}}, "a").usage == Usage(calls=1)


def test_a_file_is_written_at_rest() -> None:
    """Its content is the store's, not the journal's."""
    file = File.from_bytes(b"a secret plan", name="plan.txt")

    written = message_json(Message("see", "coder", files=(file,)))

    assert written == {"text": "see", "files": [file.to_json()]}
    assert message_from(written, "coder").files[0].content is None
