"""Events as JSON text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.effect import ChildResult, Key, Question
from stateflow.conversation.message import Fault, Usage
from stateflow.errors import StoreError
from stateflow.journal import event as ev
from stateflow.journal.codec import decode, encode, event_json
from stateflow.journal.stop import Stop

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NAME = st.sampled_from(["write", "review", "été"])
SMALL = st.integers(0, 10**6)
FLOAT = st.floats(0, 1e9, allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | SMALL | FLOAT | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
KEY = st.builds(Key, NAME, SMALL, SMALL)
USAGE = st.builds(Usage, SMALL, SMALL, SMALL, SMALL, SMALL, st.none() | FLOAT)
FAULT = st.builds(Fault, TEXT, TEXT, st.tuples(TEXT), st.none() | SMALL)
STOP = st.builds(
    Stop,
    st.sampled_from(["done", "final", "stuck", "waiting"]),
    NAME,
    TEXT,
    st.booleans(),
    st.none() | FAULT,
    TEXT,
    st.tuples(st.builds(Question, TEXT, TEXT, st.tuples(TEXT))),
    st.tuples(st.tuples(TEXT, st.none() | st.booleans())),
)
SAID = st.builds(ev.Said, NAME, st.none() | SMALL, st.none() | OBJECT)
STEP = st.builds(
    ev.Step, NAME, st.tuples(st.none() | st.booleans()), st.none() | SMALL, st.none() | NAME
)
TURN = st.builds(
    ev.TurnTaken,
    NAME,
    SMALL,
    st.lists(SAID, max_size=2).map(tuple),
    st.none() | FAULT,
    TEXT,
    st.lists(STEP, max_size=2).map(tuple),
    st.none() | OBJECT,
    USAGE,
    st.booleans(),
)
RESULT = st.builds(ChildResult, TEXT, NAME, st.booleans(), USAGE, SMALL)
KINDS: dict[str, st.SearchStrategy[ev.Event]] = {
    "RunStarted": st.builds(
        ev.RunStarted,
        flow=NAME,
        table=OBJECT,
        print=TEXT,
        task=TEXT,
        data=JSON,
        budget=JSON,
        source=st.none() | TEXT,
        models=st.none() | st.dictionaries(NAME, TEXT),
        forked=st.none() | TEXT,
    ),
    "EffectBegun": st.builds(ev.EffectBegun, KEY, NAME, JSON),
    "EffectDone": st.builds(ev.EffectDone, KEY, NAME, JSON, JSON, USAGE, FLOAT),
    "EffectFailed": st.builds(ev.EffectFailed, KEY, NAME, FAULT, JSON, USAGE, FLOAT),
    "TurnTaken": TURN,
    "ChildStarted": st.builds(ev.ChildStarted, KEY, NAME, JSON, JSON),
    "ChildEnded": st.builds(
        ev.ChildEnded, KEY, st.none() | RESULT, st.none() | FAULT, USAGE, SMALL
    ),
    "HumanAsked": st.builds(ev.HumanAsked, KEY, TEXT, st.tuples(TEXT)),
    "HumanAnswered": st.builds(ev.HumanAnswered, KEY, TEXT),
    "RunPaused": st.builds(ev.RunPaused, STOP, st.none() | TURN, st.none() | SMALL),
    "RunResumed": st.builds(
        ev.RunResumed, JSON, st.none() | TEXT, st.none() | st.dictionaries(NAME, NAME)
    ),
    "RunChanged": st.builds(ev.RunChanged, st.none() | OBJECT, st.none() | TEXT),
    "RunEnded": st.builds(ev.RunEnded, STOP),
}
EVENT: st.SearchStrategy[ev.Event] = st.one_of(*KINDS.values())


def test_every_kind_of_event_is_tried() -> None:
    """A new one cannot be forgotten here."""
    assert set(KINDS) == set(ev.EVENTS)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_event_comes_back_as_it_was(data: st.DataObject, kind: str) -> None:
    """Its nested values too, and their types."""
    event = data.draw(KINDS[kind])
    name, body = encode(event)
    back = decode(name, body, place="here")
    assert (name, back, repr(back)) == (kind, event, repr(event))


def test_defaults_take_no_space() -> None:
    """What is not said is not written."""
    assert encode(ev.RunResumed()) == ("RunResumed", "{}")
    assert event_json(ev.HumanAnswered(Key("a", 1, 0), "y")) == {"key": ["a", 1, 0], "answer": "y"}


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("Sung", "{}", "here: unknown event 'Sung'"),
        ("RunEnded", "{}", "here: broken RunEnded event: stop"),
        ("RunEnded", "{", "here: broken RunEnded event"),
        ("RunStarted", '{"flow":"f","table":{},"print":"","version":2}', "schema version 2"),
    ],
)
def test_what_is_no_event_is_told_with_its_place(kind: str, body: str, sentence: str) -> None:
    """Unknown, incomplete, torn, or newer than us."""
    with pytest.raises(StoreError, match=sentence):
        decode(kind, body, place="here")
