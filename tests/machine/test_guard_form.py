"""Guards from their JSON forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow import DefinitionError, Guard, View, exhausted, failed, guard, hours, says, to
from stateflow.conversation.message import Message
from stateflow.machine import guards as built_in
from stateflow.machine.guard_form import DEEPEST, PLAIN, WORDS, guard_of
from tests.support.random_flows import guards


@given(guards())
def test_what_is_read_is_what_was_written(one: Guard) -> None:
    read = guard_of(json.loads(json.dumps(one.form)))

    assert read == one
    assert (read.name, read.form, read.faults) == (one.name, one.form, one.faults)


def test_every_built_in_guard_has_a_word() -> None:
    known = {*PLAIN, *WORDS} - {"after"}

    assert known == set(built_in.__all__)


def test_what_is_read_asks_the_same() -> None:
    read = guard_of((says("DONE", by="coder") & ~failed).form)

    assert read(View(last=Message("DONE.", "coder")))
    assert not read(View(last=Message("DONE.", "user")))


def test_a_deadline_and_the_budget_are_told_apart() -> None:
    late = to("x", after=hours(24)).when

    assert late is not None
    assert guard_of(late.form) == late
    assert guard_of(exhausted.form).exhausts


def test_a_python_function_is_refused_by_name() -> None:
    @guard
    def long_winded(view: View) -> bool:
        return len(view.last.text) > 10

    with pytest.raises(DefinitionError, match="long_winded"):
        guard_of((failed & long_winded).form)


NONE: list[tuple[Any, str]] = [
    (None, "None is no guard"),
    (3, "3 is no guard"),
    ([], "a list of 0 parts is no guard"),
    ({}, "an object of 0 parts is no built-in guard"),
    ({"guard": "nope"}, "'nope' is no built-in guard; there are: after, answered"),
    ({"guard": ["says"]}, "is no built-in guard"),
    ({"guard": "failed", "args": []}, "'failed' takes no 'args'"),
    ({"guard": "says"}, "says: it takes 1 argument"),
    ({"guard": "says", "args": ["a", "b"]}, "is given 2"),
    ({"guard": "says", "args": "a"}, "'args' is 'a'; write a list"),
    ({"guard": "says", "args": [1]}, "argument 1 is 1, and has to be a text"),
    ({"guard": "says", "args": ["a"], "by": None}, "'by' is None, and has to be a text"),
    ({"guard": "says", "args": ["a"], "loud": True}, "it takes no 'loud'"),
    ({"guard": "says", "args": [" "]}, "name the words to look for"),
    ({"guard": "matches", "args": ["("]}, "not a regular expression"),
    ({"guard": "exit_code", "args": [1.5]}, "has to be a whole number"),
    ({"guard": "exit_code", "args": [True]}, "has to be a whole number"),
    ({"guard": "visited", "args": ["a"], "at_least": "2"}, "has to be a number"),
    ({"guard": "spent", "usd": float("inf")}, "'usd' is inf, and has to be a number"),
    ({"guard": "spent"}, "names no limit"),
    ({"guard": "data_is", "args": []}, "it takes 1 to 2 argument"),
    ({"and": [{"guard": "failed"}]}, "'and' joins two guards, and is given a list of 1 parts"),
    ({"or": {"guard": "failed"}}, "'or' joins two guards"),
    ({"not": {"guard": "failed"}, "or": []}, "holds 'not', too"),
    ({"not": {"function": "x", "source": "y"}}, "'x' is no built-in guard, and a Python function"),
]


@pytest.mark.parametrize(("form", "told"), NONE, ids=[told for _, told in NONE])
def test_what_is_no_guard_is_told(form: Any, told: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(DefinitionError, match=told.replace("(", r"\(")):
        guard_of(form)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda x: st.dictionaries(
            st.sampled_from(("guard", "and", "or", "not", "args", "by", "x")), x | st.lists(x)
        ),
    )
)
def test_no_json_is_read_in_silence_or_breaks(form: Any) -> None:  # noqa: ANN401 - any JSON
    try:
        read = guard_of(form)
    except DefinitionError:
        return
    assert guard_of(read.form) == read


@pytest.mark.parametrize("depth", [DEEPEST, 10_000])
def test_what_is_too_deep_is_told(depth: int) -> None:
    form: Any = {"guard": "failed"}
    for _ in range(depth):
        form = {"not": form}

    with pytest.raises(DefinitionError, match="more than 100 levels deep"):
        guard_of(form)
