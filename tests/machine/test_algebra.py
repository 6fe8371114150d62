"""The algebra: what is proved holds on every view, and every witness says what it should."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.conversation.message import SILENCE, Fault, Message, Outcome, ToolCall, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.errors import DeadlinePassed, Overloaded, RateLimited, TimedOut
from stateflow.machine.algebra.algebra import contradictory, disjoint, exhaustive, implies
from stateflow.machine.deadline import late
from stateflow.machine.guard import Guard, guard
from stateflow.machine.guards import (
    answered,
    called,
    data_is,
    ended,
    equals,
    exhausted,
    exit_code,
    failed,
    handed_to,
    matches,
    messages_at_least,
    raised,
    replied,
    says,
    spent,
    spoke,
    succeeded,
    timed_out,
    turns_at_least,
    visited,
)

VALUES: tuple[Any, ...] = (None, True, False, 0, 1, 2, 2.5, 8, -3, "", "a", "b", [], [1], {}, 1.0)
NAMES = ("a", "b", "c")
TEXTS = ("", "A", "ALL A", "a", "A, B", " B ", "BA", "A B", "all done", "a\nb", "A!", "xAx", "7")
FAULTS = ("RateLimited", "TimedOut", "DeadlinePassed", "Exhausted", "TimeoutError", "Odd")


@guard
def long_text(view: View) -> bool:
    return len(view.last.text) > 2


@guard
def late_turn(view: View) -> bool:
    return view.turns > 2


def kinds(name: str) -> tuple[str, ...]:
    tree = ("FaultError", "RunError", "StateflowError")
    return {
        "DeadlinePassed": ("TimedOut", *tree),
        "TimeoutError": ("OSError", "TimedOut"),
        "Odd": ("RateLimited", *tree),
    }.get(name, tree)


def some_message(dice: random.Random) -> Message:
    if dice.random() < 0.1:
        return SILENCE
    outcome = None
    if dice.random() < 0.7:
        outcome = Outcome(
            dice.random() < 0.5,
            dice.choice([None, 0, 1, 2, 3]),
            timed_out=dice.random() < 0.3,
            fault=dice.choice(["", "", "TimedOut", "OutOfMemory", "RateLimited"]),
        )
    reply: Any = None
    if dice.random() < 0.7:
        reply = {name: dice.choice(VALUES) for name in NAMES if dice.random() < 0.7}
    return Message(
        dice.choice(TEXTS),
        dice.choice(["", "a", "b", "c"]),
        outcome,
        tuple(ToolCall("1", name, "{}") for name in NAMES if dice.random() < 0.3),
        reply,
        dice.choice([None, "a", "b", "x"]),
        dice.choice([None, "a", "b", "x"]),
        dice.choice([None, "a", "b", "x"]),
    )


def some_view(dice: random.Random) -> View:
    fault = dice.choice(FAULTS) if dice.random() < 0.3 else ""
    transcript = Transcript()
    for _ in range(dice.randrange(6)):
        transcript = transcript.append(Message("…", "user"))
    others = tuple(some_message(dice) for _ in range(dice.choice([0, 0, 0, 1, 2])))
    return View(
        "s",
        some_message(dice),
        Fault(fault, kinds=kinds(fault)) if fault else None,
        transcript,
        dice.choice([None, {name: dice.choice(VALUES) for name in NAMES if dice.random() < 0.7}]),
        {name: dice.randrange(5) for name in NAMES},
        dice.randrange(6),
        Usage(
            dice.randrange(4),
            dice.randrange(40),
            dice.randrange(40),
            usd=dice.choice([None, 0.0, 0.5, 1.0, 2.0]),
        ),
        exhausted=dice.choice(["", "", "turns"]),
        others=others,
    )


_DICE = random.Random(20)  # noqa: S311 - made-up views
VIEWS = [some_view(_DICE) for _ in range(4_000)]

FAULT_KINDS: tuple[str | type[BaseException], ...] = (
    RateLimited,
    TimedOut,
    DeadlinePassed,
    TimeoutError,
    Overloaded,
    "Odd",
)
names = st.sampled_from(NAMES)
speakers = st.sampled_from([None, "a", "b"])
words = st.sampled_from(["A", "ALL A", "a", "B", "A B", "b", "done", "7"])
ranges = st.sampled_from([{"at_least": 1}, {"at_least": 2}, {"at_most": 2}, {"at_most": 8}])
fields: tuple[Callable[..., Guard], ...] = (replied, data_is)


def _field(
    ask: Callable[..., Guard], name: str, *value: object, bounds: Mapping[str, int] | None = None
) -> Guard:
    return ask(name, *value, **(bounds or {}))


simple: st.SearchStrategy[Guard] = st.one_of(
    st.sampled_from([failed, succeeded, timed_out, exhausted, long_text, late_turn, late(5)]),
    st.builds(says, words, by=speakers, whole=st.booleans(), case=st.booleans()),
    st.builds(equals, words, by=speakers),
    st.builds(matches, st.sampled_from(["A", "^A", r"\d+", "A|B", "."]), by=speakers),
    st.lists(names, max_size=2).map(lambda some: spoke(*some)),
    st.lists(names, max_size=2).map(lambda some: answered(*some)),
    st.lists(names, max_size=2).map(lambda some: ended(*some)),
    names.map(handed_to),
    names.map(called),
    st.lists(st.integers(0, 3), min_size=1, max_size=2).map(lambda some: exit_code(*some)),
    st.lists(st.sampled_from(FAULT_KINDS), max_size=2).map(lambda some: raised(*some)),
    st.builds(visited, names, at_least=st.integers(0, 4)),
    st.integers(0, 5).map(turns_at_least),
    st.integers(0, 5).map(messages_at_least),
    st.builds(spent, usd=st.sampled_from([0.0, 0.5, 1.0]), tokens=st.sampled_from([None, 20])),
    st.builds(spent, input_tokens=st.integers(1, 30)),
    st.builds(spent, output_tokens=st.integers(1, 30), calls=st.sampled_from([None, 2])),
    st.builds(_field, st.sampled_from(fields), names),
    st.builds(_field, st.sampled_from(fields), names, st.sampled_from(VALUES)),
    st.builds(_field, st.sampled_from(fields), names, bounds=ranges),
)
combined: st.SearchStrategy[Guard] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(Guard.__and__, inner, inner),
        st.builds(Guard.__or__, inner, inner),
        st.builds(Guard.__invert__, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=250)
@given(combined, combined)
def test_an_implication_is_proved_or_shown_or_unknown_and_never_wrong(
    one: Guard, other: Guard
) -> None:
    answer = implies(one, other)

    if answer.proved:
        assert not any(one(view) and not other(view) for view in VIEWS)
    elif answer.witness is not None:
        assert one(answer.witness)
        assert not other(answer.witness)


@settings(max_examples=250)
@given(combined, combined)
def test_two_guards_that_exclude_each_other_never_hold_at_once(one: Guard, other: Guard) -> None:
    answer = disjoint(one, other)

    if answer.proved:
        assert not any(one(view) and other(view) for view in VIEWS)
    elif answer.witness is not None:
        assert one(answer.witness)
        assert other(answer.witness)


@settings(max_examples=250)
@given(combined)
def test_a_contradiction_holds_nowhere(one: Guard) -> None:
    answer = contradictory(one)

    if answer.proved:
        assert not any(map(one, VIEWS))
    elif answer.witness is not None:
        assert one(answer.witness)


@settings(max_examples=250)
@given(st.lists(combined, min_size=1, max_size=5))
def test_where_guards_are_exhaustive_one_always_holds(guards: list[Guard]) -> None:
    answer = exhaustive(guards)

    if answer.proved:
        assert all(any(one(view) for one in guards) for view in VIEWS)
    elif answer.witness is not None:
        assert not any(one(answer.witness) for one in guards)


@settings(max_examples=300)
@given(simple, simple)
def test_of_two_built_in_guards_something_is_known(one: Guard, other: Guard) -> None:
    """Where no function is asked and no pattern, the algebra decides."""
    asked = f"{one.name} {other.name}"
    if "long_text" in asked or "late_turn" in asked or "matches" in asked:
        return

    assert implies(one, other).known


@settings(max_examples=100)
@given(combined)
def test_a_guard_and_its_opposite_leave_nothing(one: Guard) -> None:
    assert exhaustive([one, ~one]).proved
    assert contradictory(one & ~one).proved
    assert implies(one, one).proved


G, H = says("G"), says("H")


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        pytest.param(G & H, G, id="and"),
        pytest.param(G, G | H, id="or"),
        pytest.param(says("A", by="x"), says("A"), id="speaker"),
        pytest.param(says("A", by="x"), spoke("x", "y"), id="spoke"),
        pytest.param(says("ALL DONE"), says("DONE"), id="words"),
        pytest.param(says("A"), says("a", case=False), id="case"),
        pytest.param(says("A"), says("A", whole=False), id="whole"),
        pytest.param(equals(" the end. "), says("end"), id="equals"),
        pytest.param(matches("ERROR"), says("ERR", whole=False), id="plain-pattern"),
        pytest.param(visited("s", at_least=3), visited("s", at_least=2), id="visits"),
        pytest.param(turns_at_least(9), turns_at_least(5), id="turns"),
        pytest.param(messages_at_least(9), messages_at_least(5), id="messages"),
        pytest.param(spent(usd=2.0), spent(usd=1.0, tokens=5), id="spent"),
        pytest.param(exit_code(1), exit_code(1, 2), id="exit-codes"),
        pytest.param(replied("score", 9), replied("score", at_least=8), id="equal-in-range"),
        pytest.param(data_is("n", at_least=3, at_most=4), data_is("n", at_most=5), id="ranges"),
        pytest.param(data_is("n", at_least=1), data_is("n"), id="true-number"),
        pytest.param(raised(RateLimited), raised("FaultError", "RateLimited"), id="fault-tree"),
        pytest.param(raised(DeadlinePassed) & ~spoke(), raised(), id="any-fault"),
        pytest.param(late(60), timed_out, id="deadline"),
        pytest.param(late(60), failed, id="deadline-failed"),
        pytest.param(answered("yes"), answered("yes", "no"), id="answers"),
        pytest.param(ended("won"), ended(), id="ends"),
        pytest.param(~failed & exit_code(0), succeeded, id="not-failed-with-code"),
        pytest.param(~(G | H), ~G, id="not-or"),
    ],
)
def test_what_follows_is_proved_and_not_the_other_way_round(narrow: Guard, wide: Guard) -> None:
    back = implies(wide, narrow)

    assert implies(narrow, wide).proved
    assert back.witness is not None
    assert wide(back.witness)
    assert not narrow(back.witness)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(says("ALL"), says("ALL DONE"), id="fewer-words"),
        pytest.param(says("day", whole=False), says("day"), id="part-of-a-word"),
        pytest.param(matches("^A"), says("A"), id="pattern"),
        pytest.param(raised(TimedOut), late(60), id="wider-fault"),
        pytest.param(raised(RateLimited), ~raised(TimedOut), id="one-fault-may-be-both"),
        pytest.param(replied("n", 1), replied("n", at_least=1), id="true-equals-one"),
        pytest.param(failed, ~succeeded & exit_code(1), id="failed-without-code"),
    ],
)
def test_what_does_not_follow_is_not_proved(one: Guard, other: Guard) -> None:
    assert not implies(one, other).proved


@pytest.mark.parametrize(
    ("guards", "proved"),
    [
        pytest.param([data_is("n"), ~data_is("n")], True, id="opposites"),
        pytest.param([visited("s", at_least=3), ~visited("s", at_least=5)], True, id="numbers"),
        pytest.param([visited("s", at_least=5), ~visited("s", at_least=3)], False, id="hole"),
        pytest.param([G & H, G & ~H, ~G], True, id="cases"),
        pytest.param([visited("s", at_least=0)], True, id="always"),
        pytest.param([succeeded, failed], False, id="plain-speech"),
        pytest.param([None, G], True, id="bare"),
    ],
)
def test_guards_leave_a_gap_or_none(guards: list[Guard | None], proved: bool) -> None:
    answer = exhaustive(guards)

    assert (answer.proved, answer.witness is None) == (proved, proved)


def test_two_functions_of_one_source_are_two_questions() -> None:
    def longer(limit: int) -> Guard:
        return guard(name="longer")(lambda view: len(view.last.text) > limit)

    one, other = longer(9), longer(5)

    assert not implies(one & G, other).proved
    assert not exhaustive([one, ~other]).proved
    assert implies(one & G, one).proved
    assert exhaustive([one & G, ~one, one & ~G]).proved


def test_work_is_bounded_and_then_nothing_is_known() -> None:
    """Ten thousand ways to go, and none of them leads anywhere."""
    pairs = [(visited(f"a{n}"), visited(f"b{n}")) for n in range(40)]
    knot = [~one & ~other for one, other in pairs]
    some = [(one | other) & (G | H) for one, other in pairs]

    whole = some[0]
    for part in some[1:]:
        whole &= part

    assert not exhaustive(knot).proved
    assert contradictory(whole & ~G & ~H).proved
    assert contradictory(whole).witness is not None


def test_the_same_question_gets_the_same_answer() -> None:
    one, other = replied("score", at_least=3) & G, visited("s", at_least=2) | raised()

    assert repr(implies(one, other)) == repr(implies(one, other))
