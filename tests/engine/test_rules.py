"""Rules in runs: a run stops before it breaks one, the same in every life."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stateflow import (
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Junction,
    Nested,
    ReplayDivergence,
    Scripted,
    State,
    exhausted,
    raised,
    replay,
    resume,
    run_sync,
    says,
    to,
)
from stateflow.journal.event import EffectDone
from stateflow.machine.rule.automaton import Automaton
from stateflow.machine.rule.rule import Rule, always, at_most, never
from stateflow.machine.transition import Transition
from stateflow.stores.memory import MemoryStore
from tests.support.six_ways import Case, hold_cut, hold_replayed, same_again

NOT_BEFORE = never("execute").before("approve")


def flow_with(
    *rules: Rule, plan: Sequence[Transition] = (), on_error: str | None = None, name: str = "change"
) -> Flow:
    """Return a flow whose planner goes straight to the execution, whatever the rules say."""
    return Flow(
        name,
        State("plan", Scripted("planner", ["go"]), *plan, to("execute", when=says("go"))),
        State("approve", Scripted("boss", ["yes"]), to("execute")),
        State("execute", Scripted("engineer", ["ran"]), to(None)),
        Final("given up", ok=False),
        on_error=on_error,
        rules=rules,
    )


def test_a_run_stops_before_it_enters_what_a_rule_forbids() -> None:
    """The one who would have been next never speaks; what was said stays."""
    result = run_sync(flow_with(NOT_BEFORE), "t")

    assert (result.stop.kind, result.stop.state, result.path) == ("failed", "plan", ())
    assert result.stop.fault is not None
    assert result.stop.fault.is_a("RuleBroken")
    assert result.stop.fault.is_a("FaultError")
    assert str(result.stop) == (
        "failed at 'plan': RuleBroken: never('execute').before('approve') does not let 'plan' lead "
        "to 'execute' now; mend the flow and resume, or lead elsewhere with to(..., "
        "when=raised('RuleBroken'))"
    )
    assert result.stop.tried == (("says('go')", True),)
    assert [message.text for message in result.messages] == ["t", "go"]
    same_again(flow_with(NOT_BEFORE), result)


def test_an_end_that_comes_too_early_is_held_back() -> None:
    result = run_sync(flow_with(always("approve").before("done")))

    assert (result.stop.kind, result.stop.state) == ("failed", "execute")
    assert "does not let 'execute' lead to its end now" in result.stop.why
    assert result.path == ("plan",)


def test_a_transition_that_names_the_fault_leads_elsewhere() -> None:
    """As with any fault; the message that led there is still the last one."""
    flow = flow_with(NOT_BEFORE, plan=[to("approve", when=raised("RuleBroken"))])

    result = run_sync(flow)

    assert result.stop.kind == "done"
    assert result.path == ("plan", "approve", "execute")
    assert [message.text for message in result.messages] == ["go", "yes", "ran"]
    same_again(flow, result)


def test_on_error_takes_a_turn_that_is_held_back() -> None:
    flow = flow_with(NOT_BEFORE, on_error="given up")

    result = run_sync(flow)

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "given up", False)
    assert result.stop.why.startswith("on_error: RuleBroken: never('execute')")
    same_again(flow, result)


@pytest.mark.parametrize("on_error", ["given up", "execute"])
def test_on_error_is_no_way_around_a_rule(on_error: str) -> None:
    """Neither another one, nor the same."""
    flow = flow_with(NOT_BEFORE, never("given up"), on_error=on_error)

    result = run_sync(flow)

    assert (result.stop.kind, result.path) == ("failed", ())
    assert "never('execute').before('approve')" in result.stop.why


def test_a_fault_that_on_error_may_not_take_stops_the_run() -> None:
    flow = Flow(
        "f",
        State("a", Scripted("x", [ValueError("no")]), to(None)),
        Final("lost", ok=False),
        on_error="lost",
        rules=[never("lost")],
    )

    result = run_sync(flow)

    assert result.stop.why.startswith("RuleBroken: never('lost') does not let 'a' lead to 'lost'")
    same_again(flow, result)


def test_a_junction_is_left_by_no_way_that_a_rule_forbids() -> None:
    flow = Flow(
        "f",
        State("a", Scripted("x", ["go"]), to("by")),
        Junction("by", to("b")),
        State("b", Scripted("y", ["gone"]), to(None)),
        rules=[never("b")],
        on_error="b",
    )

    result = run_sync(flow)

    assert (result.stop.kind, result.stop.state, result.path) == ("failed", "by", ())
    same_again(flow, result)


def test_what_a_used_up_budget_leads_to_is_held_back_too() -> None:
    flow = Flow(
        "f",
        State(
            "a",
            Scripted("x", ["more", "more"]),
            to("a", when=says("more")),
            to("no", when=exhausted),
            to("b"),
        ),
        State("b", Scripted("y", ["checked"]), to(None)),
        Final("no", ok=False),
        budget=Budget(turns=2),
        rules=[always("b")],
    )

    result = run_sync(flow)

    assert (result.stop.kind, result.stop.state, result.path) == ("failed", "a", ("a", "a"))
    same_again(flow, result)


def test_a_nested_flow_keeps_its_own_rules() -> None:
    """It fails, and the flow around it hears of that as of any failure."""
    outer = Flow(
        "outer",
        Nested("work", flow_with(NOT_BEFORE), to("late", when=raised("ChildFailed")), to(None)),
        Final("late", ok=False),
    )

    result = run_sync(outer)

    assert result.stop.state == "late"
    same_again(outer, result)


def test_a_resumed_run_stops_there_again_and_goes_on_once_the_flow_is_mended() -> None:
    """What was said is not asked for again."""
    store, flow = MemoryStore(), flow_with(NOT_BEFORE)
    mended = flow_with(NOT_BEFORE, plan=[to("approve", when=raised("RuleBroken"))])
    result = run_sync(flow, "t", store=store)

    again = asyncio.run(resume(flow, result.run, store=store))
    end = asyncio.run(resume(mended, result.run, store=store))

    assert again.stop == result.stop
    assert end.path == ("plan", "approve", "execute")
    assert [message.text for message in end.messages] == ["t", "go", "yes", "ran"]
    assert end.journal is not None
    made = [one.event.key.state for one in end.journal.events if isinstance(one.event, EffectDone)]
    assert made == ["plan", "approve", "execute"]
    assert replay(mended, end.journal).path == end.path


def test_a_rule_that_the_recorded_path_breaks_refuses_to_go_on() -> None:
    """A rule written later is proved on what was done before."""
    store = MemoryStore()
    result = run_sync(flow_with(), store=store, budget=Budget(turns=1))
    assert result.stop.kind == "budget"

    with pytest.raises(ReplayDivergence, match="RuleBroken"):
        asyncio.run(resume(flow_with(NOT_BEFORE), result.run, store=store))

    assert asyncio.run(resume(flow_with(), result.run, store=store, budget=Budget())).stop.ok


@pytest.mark.parametrize(
    "flow",
    [
        flow_with(NOT_BEFORE, name="stopped"),
        flow_with(NOT_BEFORE, name="elsewhere", plan=[to("approve", when=raised("RuleBroken"))]),
        flow_with(NOT_BEFORE, name="on_error", on_error="given up"),
    ],
    ids=lambda flow: flow.name,
)
async def test_a_run_with_rules_has_the_same_bytes_however_it_came_about(flow: Flow) -> None:
    """Cut and resumed at any commit, replayed, blocking and async."""
    await hold_cut(Case(flow, "t"))
    await hold_replayed(Case(flow, "t"))


def test_a_turn_late_in_a_run_costs_the_rules_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two rules reads each entry once."""
    reads: list[object] = []
    enter = Automaton.enter

    def counted(self: Automaton, at: int, place: str | None) -> int:
        reads.append(place)
        return enter(self, at, place)

    loop = FunctionAgent("x", lambda view: f"turn {view.turns}")
    rules = [never("b"), at_most("a", 1000)]
    flow = Flow("f", State("a", loop, to("a")), State("b", loop, to(None)), rules=rules)
    monkeypatch.setattr(Automaton, "enter", counted)

    counts: list[int] = []
    for turns in (50, 500):
        reads.clear()
        run_sync(flow, budget=Budget(turns=turns))
        counts.append(len(reads))

    assert counts == [2 * (50 + 1), 2 * (500 + 1)]
