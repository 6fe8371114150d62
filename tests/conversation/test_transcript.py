"""The transcript: appended in constant time, shared, forked, printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.file import File
from stateflow.conversation.message import SILENCE, Message, Outcome, Usage
from stateflow.conversation.transcript import Transcript

HI, HO, BYE = Message("hi", "user"), Message("ho", "coder"), Message("bye", "user")


def said(*messages: Message) -> Transcript:
    transcript = Transcript()
    for message in messages:
        transcript = transcript.append(message)
    return transcript


def storage(transcript: Transcript) -> object:
    """Return the list the messages lie in, which versions share."""
    return transcript._messages  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - sharing is the promise


def test_appending_leaves_the_old_one_as_it_was() -> None:
    """A view of the past does not grow."""
    before = said(HI)

    after = before.append(HO)

    assert list(before) == [HI]
    assert list(after) == [HI, HO]


def test_appending_copies_nothing() -> None:
    """Versions share one list, so a turn costs the same at any length."""
    before = said(HI, HO)

    assert storage(before.append(BYE)) is storage(before)


def test_appending_the_same_again_copies_nothing() -> None:
    """A step works on a view, and the fold appends an equal message later."""
    before = said(HI)
    first, second = before.append(HO), before.append(Message("ho", "coder"))

    assert list(first) == list(second)
    assert storage(first) is storage(second)


def test_a_fork_goes_its_own_way() -> None:
    """Only a second, different continuation copies."""
    before = said(HI)
    main, fork = before.append(HO), before.append(BYE)

    assert list(main.append(BYE)) == [HI, HO, BYE]
    assert list(fork.append(HO)) == [HI, BYE, HO]
    assert storage(main) is not storage(fork)


def test_true_and_one_are_two_replies() -> None:
    """They are equal to Python, and not the same JSON."""
    before = said(HI)
    one, true = (before.append(Message("", "a", reply={"ok": value})) for value in (1, True))

    assert one.last["content"] == true.last["content"] == ""
    assert (repr(one.last.reply), repr(true.last.reply)) == ("{'ok': 1}", "{'ok': True}")
    assert one.digest() != true.digest()


def test_equal_replies_are_the_same() -> None:
    """Whatever the order of their keys."""
    before = said(HI)
    one = before.append(Message("", "a", reply={"x": 1, "y": 2}))
    other = before.append(Message("", "a", reply={"y": 2, "x": 1}))

    assert storage(one) is storage(other)


def test_the_same_object_again_is_the_same() -> None:
    """Without looking at what it says."""
    before = said(HI)

    assert storage(before.append(HO)) is storage(before.append(HO))


def test_the_last_message_is_silence_before_anybody_spoke() -> None:
    """Guards need no test for ``None``."""
    assert Transcript().last is SILENCE
    assert said(HI, HO).last is HO
    assert repr(said(HI, HO)) == "<Transcript of 2 messages>"


def test_messages_are_read_like_a_sequence() -> None:
    """Indexes and slices see this version only."""
    before = said(HI, HO)
    before.append(BYE)

    assert (before[0], before[-1], len(before)) == (HI, HO, 2)
    assert before[-5:] == [HI, HO]
    assert BYE not in before


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_outside_is_refused(index: int) -> None:
    """Also one that a later version has."""
    before = said(HI, HO)
    before.append(BYE)

    with pytest.raises(IndexError):
        before[index]


TEXTS = st.lists(st.sampled_from(["hi", "ho", ""]), max_size=6)


@given(TEXTS, TEXTS, TEXTS)
def test_a_digest_equals_the_one_recomputed(
    past: list[str], left: list[str], right: list[str]
) -> None:
    """However it came to be, and whenever it was asked for."""
    base = said(*(Message(text, "a") for text in past))
    forks = list[Transcript]()
    for texts in (left, right, left):
        fork = base
        for text in texts:
            fork = fork.append(Message(text, "a"))
        forks.append(fork)

    for fork, texts in zip(forks, (left, right, left), strict=True):
        assert [message.text for message in fork] == past + texts
        assert fork.digest() == said(*(Message(text, "a") for text in past + texts)).digest()


def test_a_digest_tells_who_said_what_in_which_order() -> None:
    """Speaker, text, order; not what it cost."""
    whole = said(HI, HO).digest()

    assert said(HO, HI).digest() != whole
    assert said(HI, HO.by("user")).digest() != whole
    assert said(HI).digest() != whole
    assert said(HI, Message("ho", "coder", usage=Usage(calls=1))).digest() == whole


def test_a_message_without_files_prints_as_before_there_were_any() -> None:
    """Journals of the first release replay."""
    failed = Message("ho", "coder", Outcome.exited(1), usage=Usage(1, 2, 3))

    assert said(HI, failed).digest() == "5aeb95b8f8ca9297"


def test_a_print_tells_files_apart_by_their_content() -> None:
    """And is the same once the content lies in the store."""
    one, other = File.from_bytes(b"one"), File.from_bytes(b"other")

    prints = [said(Message("see", files=(f,))).digest() for f in (one, one.at_rest, other)]

    assert prints[0] == prints[1]
    assert len({*prints, said(Message("see")).digest()}) == 3
