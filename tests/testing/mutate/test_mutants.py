"""The mutants of a flow: which there are, which behave as the flow does, how they are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import arithmetic_group, code_loop, flight_refund, incident, plan_execute_review
from stateflow import (
    Budget,
    Final,
    Flow,
    Junction,
    Nested,
    Scripted,
    State,
    exhausted,
    failed,
    itself,
    says,
    to,
    visited,
)
from stateflow.machine.check.check import check
from stateflow.machine.nested import FlowAgent
from stateflow.testing.mutate.mutant import Mutant
from stateflow.testing.mutate.mutants import OPERATORS, mutants, of_one

_GALLERY = (arithmetic_group, code_loop, flight_refund, incident, plan_execute_review)


def writer() -> Scripted:
    return Scripted("writer", ["draft"])


def essay() -> Flow:
    judge = State(
        "judge",
        Scripted("critic", ["APPROVED"]),
        to(None, when=says("APPROVED", by="critic") & ~failed, do=lambda _: None),
        to("bad", when=visited("write", at_least=3)),
        to("write"),
        visits=4,
        entry=lambda _: None,
    )
    return Flow(
        "essay",
        State("write", writer(), to("judge"), to("bad", after=60.0)),
        judge,
        Final("bad", ok=False),
        budget=Budget(turns=9, calls=3),
        on_error="bad",
    )


def by_id(flow: Flow) -> dict[str, Mutant]:
    return {one.id: one for one in mutants(flow)}


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("negate-guard at essay/judge.2", "to('bad', when=not visited('write', at_least=3))"),
        ("drop-guard at essay/judge.2", "to('bad')"),
        ("and-to-or at essay/judge.1", "(says('APPROVED', by='critic') or not failed)"),
        ("change-words at essay/judge.1", "(says('not APPROVED', by='critic') and not failed)"),
        ("drop-speaker at essay/judge.1", "(says('APPROVED') and not failed)"),
        ("shift-number at essay/judge.2", "to('bad', when=visited('write', at_least=4))"),
        ("drop-transition at essay/judge.3", "nothing"),
        ("drop-deadline at essay/write.2", "nothing"),
        ("swap-transitions at essay/judge.1", "to('bad', when=visited('write', at_least=3)), to("),
        ("retarget at essay/judge.3", "to('judge')"),
        ("end-here at essay/judge.3", "to(None)"),
        ("drop-action at essay/judge.1", "to(None, when=(says('APPROVED', by='critic')"),
        ("drop-action at essay/judge.entry", "State('judge', no entry=)"),
        ("drop-cap at essay/judge", "State('judge', no visits=)"),
        ("tighten-cap at essay/judge", "State('judge', visits=3)"),
        ("flip-ok at essay/bad", "Final('bad', ok=True)"),
        ("drop-limit at essay.calls", "no limit of calls"),
        ("drop-on-error at essay", "no on_error="),
    ],
)
def test_each_operator_changes_one_thing_and_says_where(name: str, after: str) -> None:
    flow = essay()

    mutant = by_id(flow)[name]

    assert after in mutant.after
    assert mutant.made().table() != flow.table()
    assert mutant.operator in OPERATORS
    assert mutant.origin is not None
    line = Path(__file__).read_text("utf-8").splitlines()[mutant.origin.line - 1]
    assert line.strip().startswith(("to(", "State(", "judge = State(", "Final(", "return Flow("))


def test_or_becomes_and() -> None:
    flow = Flow("a", State("s", writer(), to(None, when=says("x") | says("y")), to("s")))

    assert by_id(flow)["or-to-and at a/s.1"].after == "to(None, when=(says('x') and says('y')))"


@pytest.mark.parametrize("flow", [pytest.param(one.flow, id=one.flow.name) for one in _GALLERY])
def test_ids_are_unique_and_the_same_each_time(flow: Flow) -> None:
    first = [(one.id, one.text, one.equivalent) for one in mutants(flow)]

    assert first == [(one.id, one.text, one.equivalent) for one in mutants(flow)]
    assert len({name for name, *_ in first}) == len(first)


def test_what_would_be_no_flow_is_left_out() -> None:
    way = to("bad", when=exhausted)
    flow = Flow("a", State("s", writer(), way, to("j")), Junction("j", to("s")), Final("bad"))

    assert "retarget at a/j.1" in [one.id for one in of_one(flow)]  # from j to j
    assert "retarget at a/j.1" not in by_id(flow)


def test_nested_flows_are_changed_inside_and_each_flow_once() -> None:
    inner = Flow("inner", State("say", writer(), to(None)))
    flow = Flow("outer", Nested("a", inner, to("b")), Nested("b", inner, to(None)))

    ids = [one.id for one in mutants(flow)]

    assert "drop-transition at inner/say.1" in ids
    assert len(set(ids)) == len(ids)


def test_a_change_in_place_reaches_whoever_holds_the_flow() -> None:
    inner = Flow("inner", State("say", writer(), to(None)))
    flow = Flow("outer", Nested("a", inner, to(None)))
    before = inner.fingerprint()

    by_id(flow)["drop-transition at inner/say.1"].change()

    assert inner.places["say"].transitions == ()
    assert flow.flows[1] is inner
    assert inner.fingerprint() != before
    assert inner.origin is not None


def test_a_flow_in_itself_stays_in_itself() -> None:
    flow = Flow(
        "deep", State("say", writer(), to("part")), Nested("part", itself(), to(None), visits=2)
    )
    copy = by_id(flow)["drop-cap at deep/part"].made()
    inside = [one.flow for one in copy.agents if isinstance(one, FlowAgent)]

    by_id(flow)["drop-cap at deep/part"].change()

    assert inside == [copy]
    assert flow.flows == (flow,)
    assert flow.table() == copy.table()


def reasons(flow: Flow) -> dict[str, str]:
    return {one.id: one.equivalent for one in mutants(flow) if one.equivalent}


def test_two_neighbours_that_exclude_each_other_can_be_swapped() -> None:
    ways = to(None, when=says("yes")), to("s", when=~says("yes"))
    flow = Flow("a", State("s", writer(), *ways))

    assert "swap-transitions at a/s.1" in reasons(flow)
    assert "drop-guard at a/s.2" in reasons(flow)
    assert "negate-guard at a/s.1" not in reasons(flow)


def test_two_neighbours_that_can_both_hold_cannot() -> None:
    ways = to(None, when=says("yes")), to("s", when=says("no")), to("s")
    flow = Flow("a", State("s", writer(), *ways))

    assert "swap-transitions at a/s.1" not in reasons(flow)
    assert "drop-transition at a/s.2" in reasons(flow)


def test_nothing_is_proved_of_python_functions_and_of_choosers() -> None:
    flow = plan_execute_review.flow

    assert reasons(flow) == {}


def test_what_nobody_comes_to_is_told_apart() -> None:
    flow = Flow("a", State("s", writer(), to(None)), State("alone", writer(), to("s")))

    assert reasons(flow)["drop-transition at a/alone.1"] == "nothing leads to 'alone'"


def test_a_limit_that_no_run_meets_is_told_apart() -> None:
    ways = State("s", writer(), to("t")), State("t", writer(), to(None), visits=3)
    flow = Flow("a", *ways, budget=Budget(turns=2))
    tight = Flow("a", *ways, budget=Budget(turns=1))

    assert reasons(flow)["drop-limit at a.turns"] == "no run takes more than 2 turns"
    assert reasons(flow)["drop-cap at a/t"] == "'t' is entered once at most"
    assert "drop-limit at a.turns" not in reasons(tight)


def test_a_cap_in_a_cycle_is_no_matter_of_course() -> None:
    assert not [name for name in reasons(essay()) if "cap" in name]


def test_making_mutants_leaves_the_flow_as_it_is() -> None:
    flow = essay()
    before = flow.fingerprint()

    mutants(flow)

    flow._print, flow._table = "", None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - asked anew
    assert flow.fingerprint() == before
    assert check(flow) == check(essay())
