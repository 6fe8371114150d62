"""What is an error can be shown by a run: nothing is one that no run does."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from stateflow import (
    UNLIMITED,
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Junction,
    Parallel,
    State,
    at_random,
    messages_at_least,
    replied,
    says,
    to,
    turns_at_least,
    visited,
)
from stateflow.machine.check.check import check

ECHO = FunctionAgent("echo", lambda view: view.last.text)
G = says("G", by="echo")


class Notes(BaseModel):
    text: str = ""


def found(flow: Flow, *codes: str) -> list[tuple[str, str, str]]:
    return [(one.code, one.place, one.severity) for one in check(flow) if one.code in codes]


def test_what_would_happen_where_no_run_comes_is_a_warning() -> None:
    flow = Flow(
        "f",
        State("s", ECHO, to(None)),
        State("gap", ECHO, to(None, when=G)),
        State("trap", ECHO, to("trap")),
        budget=Budget(turns=UNLIMITED),
    )

    assert found(flow, "SF101", "SF102", "SF103", "SF105") == [
        ("SF101", "gap", "error"),
        ("SF103", "gap", "warning"),
        ("SF101", "trap", "error"),
        ("SF102", "trap", "warning"),
        ("SF105", "trap", "warning"),
    ]


@pytest.mark.parametrize(
    ("guard", "endless"),
    [
        pytest.param(~turns_at_least(20), False, id="turns"),
        pytest.param(G & ~visited("s", at_least=3), False, id="and-visits-here"),
        pytest.param(~(turns_at_least(20) | G), False, id="not-or"),
        pytest.param(~(~turns_at_least(20)), True, id="twice-not"),
        pytest.param(G | ~turns_at_least(20), True, id="or"),
        pytest.param(~visited("t", at_least=3), True, id="visits-elsewhere"),
        pytest.param(G, True, id="words"),
    ],
)
def test_what_is_taken_only_for_so_long_is_no_cycle_without_a_cap(
    guard: Guard, endless: bool
) -> None:
    flow = Flow(
        "f", State("s", ECHO, to("s", when=guard), to(None)), budget=Budget(turns=UNLIMITED)
    )

    assert found(flow, "SF105") == ([("SF105", "s", "error")] if endless else [])


def test_what_runs_out_does_so_where_a_chooser_picks_too() -> None:
    ways = to("s", when=~turns_at_least(20)), to(None)
    flow = Flow(
        "f", State("s", ECHO, *ways, choose=at_random(seed=7)), budget=Budget(turns=UNLIMITED)
    )

    assert found(flow, "SF105") == []


def test_a_turn_that_raised_does_not_come_to_where_it_is() -> None:
    """``on_error`` is left by a fault in it, as the run is."""
    flow = Flow("f", State("s", ECHO, to(None)), on_error="s", budget=Budget(turns=UNLIMITED))

    assert found(flow, "SF105") == []


def test_a_branch_that_ends_where_its_faults_lead_is_joined() -> None:
    chat = Flow("chat", State("talk", ECHO, to("talk")), Final("cut"), on_error="cut")
    flow = Flow("f", Parallel("both", {"x": chat, "y": chat}, to(None)))

    assert found(flow, "SF107") == []
    assert found(flow, "SF102") == [("SF102", "both/x/talk", "error")]


def test_who_says_nothing_leaves_a_gap_between_guards_on_messages() -> None:
    flow = Flow("f", State("s", ECHO, to(None, when=messages_at_least(2))))

    (finding,) = [one for one in check(flow) if one.code == "SF103"]

    assert (finding.severity, finding.witness) == ("error", "nobody says anything")


def test_what_cannot_be_saved_is_no_witness() -> None:
    flow = Flow(
        "f",
        State("s", ECHO, to(None, when=~replied("score", at_least=1)), save="text"),
        data=Notes,
    )

    assert found(flow, "SF103") == [("SF103", "s", "warning")]


def test_nobody_comes_to_a_junction_from_where_no_run_is() -> None:
    """Whoever comes by the only way that is gone has said what the junction asks for."""
    flow = Flow(
        "f",
        State("s", ECHO, to("which", when=G), to(None)),
        State("lost", ECHO, to("which")),
        Junction("which", to(None, when=G)),
    )

    assert found(flow, "SF103") == []
