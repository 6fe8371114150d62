"""Windows: what a state sees of the transcript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.message import Message
from stateflow.conversation.tokens import estimate_message
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.window import Window, Within, last, only, summarised, within
from stateflow.errors import DefinitionError


class Named:
    """An agent, as far as a window is concerned, or a model."""

    def __init__(self, name: object) -> None:
        self.name = name


def said(*texts: str) -> Transcript:
    """What *texts* are, each said by the one before its colon."""
    transcript = Transcript()
    for text in texts:
        speaker, _, words = text.rpartition(":")
        transcript = transcript.append(Message(words, speaker or "user"))
    return transcript


def texts(window: Window, transcript: Transcript) -> list[str]:
    """What is seen, in order."""
    return [message.text for message in window.of(transcript)]


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
    assert texts(last(count), said("a", "b", "c")) == seen


def test_only_some_are_heard() -> None:
    """Agents or their names; one who is not there says nothing."""
    talk = said("task", "ann:a", "bob:b", "ann:c")
    assert texts(only(Named("ann"), "user"), talk) == ["task", "a", "c"]
    assert texts(only("nobody"), talk) == []


def test_the_newest_that_fit_are_seen() -> None:
    """Each of these is six tokens."""
    talk = said("ann:aaaa", "bob:bbbb", "ann:cccc")
    assert texts(within(tokens=18), talk) == ["aaaa", "bbbb", "cccc"]
    assert texts(within(tokens=17), talk) == ["bbbb", "cccc"]
    assert texts(within(tokens=1), talk) == ["cccc"]
    assert texts(within(tokens=1), said()) == []


def test_what_else_is_sent_and_a_dearer_tokenizer_leave_less_room() -> None:
    """The rest of the request is estimated, and the ratio is of the whole."""
    talk, window = said("ann:aaaa", "bob:bbbb", "ann:cccc"), Within(24)
    assert [window.start(talk, fixed) for fixed in (6, 7, 13, 100)] == [0, 1, 2, 2]
    assert [window.start(talk, 0, ratio) for ratio in (0.1, 4 / 3, 2.0, 4.0)] == [0, 0, 1, 2]


def test_nothing_older_is_looked_at_than_the_first_that_is_left_out() -> None:
    """A turn costs what it shows, however long the conversation."""
    unreadable: Any = None
    talk = Transcript().append(Message(unreadable)).append(Message(unreadable))
    for _ in range(9):
        talk = talk.append(Message("aaaa", "ann1"))
    assert Within(24).start(talk) == 7
    assert len(last(9).of(talk)) == 9


@given(st.lists(st.text(max_size=40), min_size=1, max_size=12), st.integers(1, 60))
def test_as_many_as_fit_and_no_more(words: list[str], tokens: int) -> None:
    """By the estimate; the last one may be too large alone."""
    talk = said(*(f"ann:{word.replace(':', '')}" for word in words))
    seen = within(tokens=tokens).of(talk)

    size = sum(map(estimate_message, seen))
    assert size <= tokens or len(seen) == 1
    assert list(seen) == list(talk[len(talk) - len(seen) : len(talk)])
    if len(seen) < len(talk):
        assert size + estimate_message(talk[len(talk) - len(seen) - 1]) > tokens


def test_a_summary_leaves_the_newest_as_they_are() -> None:
    """Who makes no summary sees those alone."""
    assert texts(summarised(beyond=3, keep=1), said("a", "b", "c")) == ["a", "b", "c"]
    assert texts(summarised(beyond=3, keep=1), said("a", "b", "c", "d")) == ["d"]


def test_a_window_tells_its_rule_in_few_words() -> None:
    """It is part of the print of every request."""
    assert last(3).form == {"last": 3}
    assert only("user", Named("ann")).form == {"only": ["user", "ann"]}
    assert within(tokens=900).form == {"within": 900}
    forms = [summarised(beyond=9, keep=3, prompt=prompt).form for prompt in ("a", "b" * 999)]
    assert forms[0] != forms[1]
    assert len(str(forms[1])) < 80
    assert summarised(model=Named("llama:x")).form == {**plain(summarised()), "model": "llama:x"}


def plain(window: Window) -> dict[str, Any]:
    """The rule as a dict."""
    form: Any = window.form
    return dict(form)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: last(0), r"last\(0\) sees nothing"),
        (only, r"only\(\) names nobody"),
        (lambda: only("ann", 3), r"only\('ann', 3\) names nobody"),
        (lambda: only(Named(None)), "names nobody"),
        (lambda: within(tokens=0), r"within\(tokens=0\) sees nothing"),
        (lambda: summarised(beyond=4, keep=4), r"beyond=4, keep=4.*less than beyond"),
        (lambda: summarised(beyond=4, keep=0), "keep 1 or more"),
        (lambda: summarised(model=3), r"summarised\(model=3\): no model"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(make: Callable[[], Window], told: str) -> None:
    """When it is declared."""
    with pytest.raises(DefinitionError, match=told):
        make()
