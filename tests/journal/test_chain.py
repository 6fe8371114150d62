"""Recorded runs as a Markov chain."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow import (
    Assistant,
    Budget,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Human,
    Journal,
    Junction,
    Model,
    Nested,
    Price,
    Scripted,
    State,
    StoreError,
    exhausted,
    run_sync,
    says,
    to,
)
from stateflow.journal.chain import OPEN, expected
from stateflow.journal.event import RunEnded


def toss(lines: Sequence[str], budget: Budget | None = None) -> Journal:
    flow = Flow(
        "toss",
        State(
            "toss",
            Scripted("coin", lines),
            to(None, when=says("heads")),
            to("lost", when=exhausted),
            to("toss", when=says("tails")),
        ),
        State("never", Scripted("nobody", []), to(None)),
        Final("lost", ok=False),
        budget=budget,
    )
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return journal


def test_visits_follow_from_how_often_each_state_was_followed_by_what() -> None:
    told = expected([toss(["heads"]), toss(["tails", "tails", "heads"])])

    assert told.visits == {"toss": pytest.approx(2.0)}  # two of four tosses go on
    assert told.turns == pytest.approx(2.0)
    assert told.stops == {"done": pytest.approx(1.0)}
    assert (told.runs, told.open, told.unseen) == (2, 0, ("never",))


def test_chain_knows_more_than_the_runs_it_was_made_from() -> None:
    """One run goes round twice; the chain says how likely a third and a fourth time are."""
    told = expected([toss(["tails", "tails", "heads"]), toss(["edge"])])

    assert told.visits["toss"] == pytest.approx(2.0)
    assert told.stops == {"done": pytest.approx(0.5), "stuck": pytest.approx(0.5)}


def test_stops_of_every_kind_have_their_chance() -> None:
    told = expected(
        [
            toss(["heads"]),
            toss(["tails"] * 9, budget=Budget(turns=2)),
            toss([]),
            toss(["edge"]),
        ]
    )

    assert set(told.stops) == {"done", "lost", "failed", "stuck"}
    assert sum(told.stops.values()) == pytest.approx(1.0)
    assert told.spread["turns"].most == 2


def test_run_that_waits_counts_and_its_end_is_left_open() -> None:
    def ask(name: str, *, asked: bool) -> Journal:
        agent = Human("boss") if asked else FunctionAgent("boss", lambda view: "yes")
        flow = Flow(
            "ask",
            State("write", Scripted("writer", [name]), to("approve")),
            State("approve", agent, to(None)),
        )
        journal = run_sync(flow, name).journal
        assert journal is not None
        return journal

    waiting = expected([ask("a", asked=True), ask("b", asked=True)])
    both = expected([ask("a", asked=True), ask("b", asked=False)])

    assert waiting.open == 2
    assert waiting.stops == {OPEN: pytest.approx(1.0)}
    assert waiting.visits == {"write": 1.0, "approve": 1.0}
    assert waiting.spread == {}
    assert both.open == 1
    assert both.stops == {"done": pytest.approx(1.0)}


def test_versions_of_a_flow_are_counted() -> None:
    flows = [Flow("f", State("a", Scripted("x", ["y"]), to(None), visits=n)) for n in (1, 2)]
    journals = [run_sync(flow, "go").journal for flow in flows]

    told = expected([one for one in journals if one is not None])

    assert (told.runs, told.versions) == (2, 2)


def test_run_that_was_cut_off_in_a_circle_has_an_end_all_the_same() -> None:
    journal = toss(["tails", "tails", "heads"])
    turns = [one for one in journal.events if not isinstance(one.event, RunEnded)][:-1]

    told = expected([Journal(journal.run, tuple(turns))])

    assert told.stops == {OPEN: pytest.approx(1.0)}
    assert told.visits["toss"] == pytest.approx(3.0)


def test_junction_is_no_state_and_nested_turns_and_money_count() -> None:
    model = Model("scripted:one two", price=Price(1_000_000.0, 0.0))
    inner = Flow("inner", State("say", Assistant("writer", model), to(None)))
    flow = Flow(
        "outer",
        Junction("enter", to("in")),
        Nested("in", inner, to("out")),
        State("out", Scripted("x", ["y"]), to(None)),
    )
    result = run_sync(flow, "go")
    assert result.journal is not None

    told = expected([result.journal])

    assert told.visits == {"in": pytest.approx(1.0), "out": pytest.approx(1.0)}
    assert (told.turns, told.calls, told.usd) == (result.turns, 1, result.usage.usd)
    assert told.tokens == result.usage.tokens


def test_runs_of_several_flows_are_refused_and_so_are_none() -> None:
    flow = Flow("other", State("a", Scripted("x", ["y"]), to(None)))
    other = run_sync(flow, "go").journal
    assert other is not None

    with pytest.raises(DefinitionError, match="of one flow, and they are of 'toss', 'other'"):
        expected([toss(["heads"]), other])
    with pytest.raises(DefinitionError, match="and there are none"):
        expected([])


def test_a_torn_journal_is_refused() -> None:
    whole = toss(["heads"])

    with pytest.raises(StoreError, match=f"run '{whole.run}' does not begin with RunStarted"):
        expected([whole, Journal(whole.run, whole.events[1:])])
