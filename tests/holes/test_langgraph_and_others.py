"""What LangGraph, Burr and statechart libraries let pass, and what happens here instead."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow import (
    UNLIMITED,
    Budget,
    DefinitionError,
    Flow,
    FunctionAgent,
    Scripted,
    State,
    run,
    says,
    to,
)
from stateflow.machine.check.check import check


def talker(name: str = "talker") -> FunctionAgent:
    """Return an agent that never runs out of words."""
    return FunctionAgent(name, lambda view: f"turn {view.turns}")


def codes(flow: Flow) -> list[tuple[str, str, str]]:
    """Return what is wrong with *flow*, in short."""
    return [(one.code, one.severity, one.place) for one in check(flow)]


def island() -> Flow:
    """Return a flow with a state that nothing leads to."""
    return Flow("f", State("main", talker(), to(None)), State("island", talker("a"), to(None)))


def test_a_state_that_nothing_leads_to_is_an_error() -> None:
    """LangGraph 1.2.22, Burr and transitions accept it.

    python-statemachine and pydantic-graph refuse it, as we do.
    """
    assert codes(island()) == [("SF101", "error", "island")]


async def test_a_dead_end_is_an_error_and_a_run_in_it_is_stuck() -> None:
    """LangGraph: a node without a way on is accepted, and the run just ends there."""
    flow = Flow("f", State("main", talker(), to("end", when=says("0")), to(None)), _end())

    result = await run(flow, "task")

    assert ("SF102", "error", "end") in codes(flow)
    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("stuck", "end", False)


def _end() -> State:
    return State("end", talker("end"))


def _router(answer: object) -> Flow:
    """Return a flow in which a function picks *answer* after the first turn."""

    def choose(last_speaker: object, chat: Any) -> object:  # noqa: ANN401 - the usual signature
        del last_speaker, chat
        return answer

    main, other = Scripted("main", ["first"]), Scripted("other", ["second"])
    table: dict[Any, list[Any]] = {main: [other, None], other: [None]}
    return Flow.from_table("f", table, choose=choose)


async def test_a_router_that_names_nobody_stops_the_run_and_says_so() -> None:
    """LangGraph: the run ends without an error when a router returns an unknown name."""
    result = await run(_router("nobody"), "task")

    assert (result.stop.kind, result.stop.ok) == ("failed", False)
    assert result.stop.fault is not None
    assert result.stop.fault.name == "OffTable"
    assert "'nobody'" in result.stop.why


async def test_a_router_that_returns_none_is_done_where_the_table_allows_it() -> None:
    """LangGraph: ``None`` from a router raises ``ValueError``."""
    result = await run(_router(None), "task")

    assert result.stop.kind == "done"
    assert result.path == ("main",)


async def test_where_no_way_is_open_the_run_is_stuck() -> None:
    """Burr: no true edge, and the run returns as if it were over."""
    flow = Flow("f", State("main", talker(), to(None, when=says("never"))))

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.ok) == ("stuck", False)
    assert result.stop.why == "no guard held: says('never')=False"


def test_a_transition_that_another_hides_is_an_error() -> None:
    """Burr: an edge behind one that always holds is accepted, and never taken."""
    flow = Flow(
        "f",
        State("main", talker(), to("x"), to("y")),
        State("x", talker("x"), to(None)),
        State("y", talker("y"), to(None)),
    )

    assert ("SF104", "error", "main") in codes(flow)


def test_in_a_table_a_hidden_target_is_refused_with_both_cures() -> None:
    """Burr accepts the same."""
    a, b, c = (Scripted(name, ["x"]) for name in "abc")

    with pytest.raises(DefinitionError, match="can never be reached; either say who picks"):
        Flow.from_table("f", {a: [b, c], b: [None], c: [None]})


async def test_a_loop_without_a_cap_is_told_of_and_stopped() -> None:
    """Burr: it runs for ever."""
    flow = Flow("f", State("main", talker(), to(None, when=says("never")), to("main")))
    unlimited = Flow("f", State("main", talker(), to("main")), budget=Budget(turns=UNLIMITED))

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.which) == ("budget", "turns")
    assert ("SF105", "error", "main") in codes(unlimited)


def test_a_way_to_an_unknown_state_is_refused_by_name() -> None:
    """transitions: an unknown destination is accepted, and fails when it is taken."""
    with pytest.raises(DefinitionError, match=r"leads to unknown state 'elsewhere'.*main"):
        Flow("f", State("main", talker(), to("elsewhere")))


async def test_two_ways_that_are_open_are_no_error_for_order_decides() -> None:
    """sismic: it raises ``NonDeterminismError`` in the middle of the run."""
    flow = Flow(
        "f",
        State("main", talker(), to("x", when=says("turn")), to("y", when=says("turn"))),
        State("x", talker("x"), to(None)),
        State("y", talker("y"), to(None)),
    )

    result = await run(flow, "task")

    assert result.path == ("main", "x")
    assert "SF104" in [code for code, _, _ in codes(flow)], "and it is said beforehand"
