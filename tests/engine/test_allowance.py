"""A replay under a lowered limit names the first call that the limit would refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stateflow import (
    Assistant,
    Budget,
    Flow,
    Model,
    Nested,
    Parallel,
    Price,
    ReplayDivergence,
    State,
    replay,
    run_sync,
    to,
    visited,
)
from stateflow.conversation.effect import Call
from stateflow.conversation.message import Usage
from stateflow.engine.allowance import Allowance

MODEL = Model("scripted:One two three.", price=Price(1.0, 1.0))
CALLS = Call("model.call", None, lambda: Usage(1, 1, 1))


def talk(budget: Budget | None = None, calls: int = 4, name: str = "talk") -> Flow:
    """Return a flow whose only agent asks its model so many times."""
    enough = visited("say", at_least=calls)
    agent = Assistant(f"{name} sayer", MODEL)
    return Flow(name, State("say", agent, to(None, when=enough), to("say")), budget=budget)


def around(budget: Budget, inner: Budget | None = None) -> Flow:
    return Flow("outer", Nested("ask", talk(inner, name="inner"), to(None)), budget=budget)


def side_by_side(budget: Budget) -> Flow:
    branches = [talk(name=f"b{n}") for n in range(2)]
    return Flow("both", Parallel("ask", branches, to(None)), budget=budget)


def differs(before: Flow, now: Flow) -> ReplayDivergence:
    journal = run_sync(before, "Go.").journal
    assert journal is not None
    with pytest.raises(ReplayDivergence) as caught:
        replay(now, journal)
    return caught.value


def test_a_lowered_limit_on_calls_names_the_call_that_it_refuses() -> None:
    told = differs(talk(Budget(calls=12)), talk(Budget(calls=2)))

    assert str(told) == (
        "effect say#3.0: the flow's budget calls=2 would refuse this call: 2 were made before\n"
        "what changed in the flow:\n"
        "    ~ flow: budget calls 12 → 2"
    )
    assert (told.kind, told.turn, told.key, told.op) == ("budget", 3, "say#3.0", "model.call")


@pytest.mark.parametrize(
    ("now", "key"),
    [
        pytest.param(Budget(tokens=1), "say#2.0", id="tokens"),
        pytest.param(Budget(usd=1e-9), "say#2.0", id="usd"),
        pytest.param(Budget(calls=0), "say#1.0", id="none at all"),
    ],
)
def test_what_was_spent_counts_against_the_limit_of_now(now: Budget, key: str) -> None:
    told = differs(talk(), talk(now))

    assert (told.kind, told.key) == ("budget", key)


@pytest.mark.parametrize(
    "now", [Budget(calls=4), Budget(calls=9), Budget(calls=4, tokens=10_000, usd=5.0), Budget()]
)
def test_a_limit_that_the_run_keeps_to_is_no_difference(now: Budget) -> None:
    journal = run_sync(talk(Budget(calls=8)), "Go.").journal
    assert journal is not None

    assert replay(talk(now), journal).stop.kind == "done"


def test_a_run_with_a_budget_of_its_own_is_held_to_that() -> None:
    journal = run_sync(talk(Budget(calls=1)), "Go.", budget=Budget(calls=8)).journal
    assert journal is not None

    assert replay(talk(Budget(calls=1)), journal).stop.kind == "done"


@pytest.mark.parametrize(
    ("before", "now", "key"),
    [
        pytest.param(around(Budget(calls=9)), around(Budget(calls=3)), "say#4.0", id="around it"),
        pytest.param(
            around(Budget(), Budget(calls=9)),
            around(Budget(), Budget(calls=3)),
            "say#4.0",
            id="its own",
        ),
        pytest.param(
            side_by_side(Budget(calls=8)), side_by_side(Budget(calls=7)), "say#4.0", id="shared"
        ),
    ],
)
def test_a_nested_run_is_held_to_what_is_left_for_it(before: Flow, now: Flow, key: str) -> None:
    told = differs(before, now)

    assert (told.kind, told.key, told.run[:3]) == ("budget", key, "ask")
    assert "the nested run's budget calls=3 would refuse this call: 3 were made" in told.text


@pytest.mark.parametrize("turns", [2, 3])
def test_turns_that_are_left_for_a_nested_run_count_too(turns: int) -> None:
    told = differs(around(Budget(turns=9)), around(Budget(turns=turns)))

    assert (told.kind, told.run) == ("stop", "ask#1.0")


def test_nested_runs_that_fit_their_shares_are_no_difference() -> None:
    journal = run_sync(side_by_side(Budget(calls=20)), "Go.").journal
    assert journal is not None

    assert replay(side_by_side(Budget(calls=8)), journal).stop.kind == "done"


def test_calls_of_one_batch_count_for_those_behind_them() -> None:
    allowance = Allowance(Budget(calls=2), frozenset({"calls"}))

    refused = [allowance.refusal(CALLS, Usage(1), asked)[0] for asked in (0, 1)]

    assert refused == ["", "calls"]


def test_what_costs_nothing_is_never_refused() -> None:
    allowance = Allowance(Budget(calls=0), frozenset({"calls"}))

    assert allowance.refusal(replace(CALLS, ceiling=Usage()), Usage(9), 0) == ("", "")
    assert allowance.refusal(Call("tool.call"), Usage(9), 0) == ("", "")
