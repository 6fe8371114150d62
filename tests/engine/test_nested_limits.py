"""Nested runs: how they fail, what they may use up, and where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    Agent,
    Budget,
    ChildFailed,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Nested,
    Parallel,
    Runner,
    Scripted,
    State,
    View,
    equals,
    exhausted,
    failed,
    itself,
    raised,
    resume,
    run,
    to,
    visited,
)
from stateflow.engine.replaying import replay_journal
from stateflow.journal.event import RunStarted
from stateflow.stores.memory import MemoryStore
from tests.support.branches import Asker, Order, asks, counts, fails, one, stuck
from tests.support.six_ways import same_again, texts

# How it fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("child", "told"),
    [
        pytest.param(fails(), "nested run 'fails' stopped: failed at 'try'", id="failed"),
        pytest.param(stuck(), "nested run 'stuck' stopped: stuck at 'say'", id="stuck"),
    ],
)
async def test_a_nested_run_that_comes_to_no_end_fails_its_parent(child: Flow, told: str) -> None:
    flow = Flow("outer", Nested("nest", child, to(None)))

    result = await run(flow, "task")

    assert result.stop.kind == "failed"
    assert result.stop.fault is not None
    assert result.stop.fault.name == "ChildFailed"
    assert told in result.stop.why
    same_again(flow, result)


@pytest.mark.parametrize("guard", [failed, raised(ChildFailed), raised("RunError")])
async def test_the_fault_of_a_nested_run_can_be_taken(guard: Guard) -> None:
    flow = Flow(
        "outer",
        Nested("nest", fails(), to("mend", when=guard), to(None)),
        State("mend", Scripted("m", ["mended"]), to(None)),
    )

    result = await run(flow, "task")

    assert result.path == ("nest", "mend")
    same_again(flow, result)


async def test_the_fault_of_a_nested_run_goes_to_on_error() -> None:
    flow = Flow(
        "outer", Nested("nest", fails(), to(None)), Final("oops", ok=False), on_error="oops"
    )

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.state) == ("final", "oops")


async def test_a_failed_nested_run_goes_on_where_it_failed_when_it_is_resumed() -> None:
    tries: list[str] = []

    def moody(view: View) -> str:
        tries.append(view.state)
        if len(tries) == 1:
            raise ValueError("not now")
        return "now"

    inner = Flow(
        "inner",
        State("first", Scripted("first", ["once"]), to("second")),
        State("second", FunctionAgent("moody", moody), to(None)),
    )
    flow, store = Flow("outer", Nested("nest", inner, to(None))), MemoryStore()

    result = await run(flow, "task", store=store)
    again = await resume(flow, result.run, store=store)

    assert result.stop.kind == "failed"
    assert (again.stop.kind, again.turns) == ("done", 3)
    assert again.journal is not None
    child = again.journal.children["nest#1.0"]
    assert sum(isinstance(one.event, RunStarted) for one in child.events) == 1
    same_again(flow, again)


async def test_an_entry_action_of_a_nested_flow_that_raises_fails_its_parent() -> None:
    odd = Flow(
        "odd",
        State("say", Scripted("s", ["x"]), to(None), entry=lambda _: {"colour": "red"}),
        data=Order,
    )
    flow = Flow(
        "outer",
        Nested("nest", odd, to("mend", when=raised(ChildFailed))),
        State("mend", Scripted("m", ["mended"]), to(None)),
    )

    result = await run(flow, "task")

    assert texts(result) == ["mended"]
    same_again(flow, result)


# What it may use up ----------------------------------------------------------------------------


@pytest.mark.parametrize("turns", range(1, 9))
async def test_nested_turns_never_pass_the_budget_of_the_run(turns: int) -> None:
    middle = Flow("middle", Nested("low", counts("low", 3), to("more")), _says("more"))
    flow = Flow("outer", _says("first", to("nest")), Nested("nest", middle, to(None)))

    result = await run(flow, "task", budget=Budget(turns=turns))

    assert result.turns <= turns
    assert result.stop.kind == ("done" if turns >= 7 else "budget")
    same_again(flow, result)


def _says(name: str, *then: object) -> State:
    return State(name, Scripted(name, [f"{name} said"]), *(then or (to(None),)))  # type: ignore[arg-type]  # transitions


async def test_a_nested_run_that_met_the_limit_around_it_goes_on_with_a_larger_one() -> None:
    flow, store = Flow("outer", Nested("nest", counts("n", 6), to(None))), MemoryStore()

    paused = await run(flow, "task", store=store, budget=Budget(turns=4))
    done = await resume(flow, paused.run, store=store, budget=Budget(turns=7))

    assert (paused.stop.kind, paused.stop.which) == ("budget", "turns")
    assert paused.turns == 3
    assert (done.stop.kind, done.turns, texts(done)) == ("done", 7, ["6"])
    assert done.journal is not None
    same_again(flow, done)


async def test_a_nested_run_without_end_is_stopped_by_the_budget() -> None:
    endless = FunctionAgent("endless", lambda view: str(view.turns))
    inner = Flow("inner", State("go", endless, to("go")))
    plain = Flow("outer", Nested("nest", inner, to(None)))
    careful = Flow(
        "outer", Nested("nest", inner, to("gave_up", when=exhausted)), Final("gave_up", ok=False)
    )

    paused, gave_up = await run(plain, "task"), await run(careful, "task")

    assert (paused.stop.kind, paused.stop.which) == ("budget", "turns")
    assert (gave_up.stop.kind, gave_up.stop.state) == ("final", "gave_up")
    assert gave_up.turns == 100
    same_again(careful, gave_up)


async def test_a_limit_of_the_nested_flow_itself_is_a_failure_not_the_end_of_the_budget() -> None:
    inner = counts("n", 6)
    inner.budget = Budget(turns=2)
    flow = Flow(
        "outer",
        Nested("nest", inner, to("end", when=exhausted), to("mend", when=raised(ChildFailed))),
        _says("mend"),
        Final("end"),
    )

    result = await run(flow, "task")

    assert result.path == ("nest", "mend")
    assert result.turns == 4
    same_again(flow, result)


@pytest.mark.parametrize(("depth", "kind"), [(3, "done"), (2, "budget"), (0, "budget")])
async def test_a_flow_in_itself_goes_as_deep_as_the_budget_allows(depth: int, kind: str) -> None:
    down = FunctionAgent("down", lambda view: str(int(view.transcript[0].text) - 1))
    end = FunctionAgent("end", lambda view: f"back with {view.last.text}")
    flow = Flow(
        "deep",
        State("step", down, to("end", when=equals("0")), to("below")),
        Nested("below", itself(), to(None)),
        State("end", end, to(None)),
    )
    store = MemoryStore()

    result = await run(flow, "4", store=store, budget=Budget(depth=depth))

    assert result.stop.kind == kind
    assert flow.flows == (flow,)
    same_again(flow, result)
    if kind == "budget":
        assert result.stop.which == "depth"
        deeper = await resume(flow, result.run, store=store, budget=Budget(depth=3))
        assert (deeper.stop.kind, texts(deeper)[-1]) == ("done", "back with 0")


def test_a_flow_nested_in_its_namesake_is_sent_to_itself() -> None:
    inner = Flow("same", State("say", Scripted("s", ["x"]), to(None)))
    below = Flow("between", Nested("nest", inner, to(None)))

    for nested in (inner, below):
        with pytest.raises(DefinitionError, match=r"write Nested\(\.\.\., itself\(\)\)"):
            Flow("same", Nested("nest", nested, to(None)))


# Where it stands -------------------------------------------------------------------------------


async def test_one_flow_serves_two_states_and_two_visits() -> None:
    inner = one("inner", "one", "two")
    flow = Flow(
        "outer",
        Nested("a", inner, to("a", when=~visited("a", at_least=2)), to("b")),
        Nested("b", inner, to(None)),
    )

    result = await run(flow, "task")

    assert result.journal is not None
    assert sorted(result.journal.children) == ["a#1.0", "a#2.0", "b#1.0"]
    assert texts(result) == ["two", "two", "two"]
    assert len(flow.flows) == 2
    same_again(flow, result)


async def test_an_agent_may_stand_in_two_flows_that_run_at_once() -> None:
    agent: Agent = FunctionAgent("both", lambda view: f"{view.transcript[0].text} {view.turns}")
    x = Flow("x", State("a", agent, to("b")), State("b", agent, to(None)))
    y = Flow("y", State("a", agent, to(None)))
    flow = Flow("outer", Parallel("at once", [x, y], to("then")), State("then", agent, to(None)))

    result = await run(flow, "task")

    assert texts(result) == ["task 1", "task 0", "task 4"]
    same_again(flow, result)


async def test_a_flow_as_an_agent_speaks_in_a_table_of_speakers() -> None:
    desk = one("inner", "one", "two").as_agent("desk", description="looks things up")
    chief = Scripted("chief", ["look it up", "thanks"])
    table: dict[object, list[Any]] = {
        chief: [to(desk, when=~visited("desk")), to(None)],
        desk: [chief],
    }
    flow = Flow.from_table("team", table)

    result = await run(flow, "task")

    assert [message.speaker for message in result.messages] == ["user", "chief", "desk", "chief"]
    assert result.path == ("chief", "desk", "chief")
    same_again(flow, result)


async def test_a_question_deep_down_makes_all_above_wait_and_has_a_path() -> None:
    deep = Flow("deep", Nested("low", asks(), to(None)))
    flow, store = Flow("outer", Nested("nest", deep, to(None))), MemoryStore()

    waiting = await run(flow, "task", store=store)
    done = await resume(flow, waiting.run, store=store, answer="this one")

    assert waiting.stop.kind == "waiting"
    assert [one.id for one in waiting.stop.questions] == ["nest#1.0/low#1.0/ask#1.0"]
    assert texts(done) == ["this one"]
    same_again(flow, done)


async def test_a_fork_takes_the_nested_runs_of_its_turns_along() -> None:
    flow = Flow(
        "outer",
        Nested("a", one("inner", "one", "two"), to("b")),
        Nested("b", Flow("asking", State("ask", Asker(), to(None))), to(None)),
    )

    async with Runner() as runner:
        first = await runner.start(flow, "task")
        await runner.resume(flow, first.run, answer="x")
        forked = await (await runner.fork(flow, first.run, at=1))
        done = await runner.resume(flow, forked.run, answer="y")
        journal = await runner.journal(done.run)

    assert forked.stop.kind == "waiting"
    assert texts(done) == ["two", "y"]
    assert sorted(journal.children) == ["a#1.0", "b#1.0"]


async def test_a_pause_in_a_nested_run_pauses_the_run_and_it_goes_on() -> None:
    flow = Flow("outer", Nested("nest", counts("n", 5), to(None)))

    async with Runner() as runner:
        live = runner.start(flow, "task")
        live.pause()
        paused = await live
        done = await runner.resume(flow, paused.run)

    assert paused.stop.kind == "paused"
    assert (done.stop.kind, texts(done)) == ("done", ["5"])


async def test_flows_may_be_nested_as_deep_as_a_journal_can_be_read(tmp_path: Path) -> None:
    """And no deeper: a run that was recorded once and could not be read again would be lost."""
    budget = Budget(depth=100, turns=1000)
    flow = Flow("f0", State("say", Scripted("a", ["said"] * 99), to(None)), budget=budget)
    for level in range(1, 31):
        flow = Flow(f"f{level}", Nested("below", flow, to(None)), budget=budget)
    deeper = Flow("f31", Nested("below", flow, to(None)), budget=budget)

    async with Runner(store=tmp_path / "runs.db") as runner:
        done = await runner.start(flow, "go")
        journal = await runner.journal(done.run)

        with pytest.raises(DefinitionError, match="'f31' nests more than 30 flows in one another"):
            await runner.start(deeper, "go")

    assert done.stop.kind == "done"
    assert (await replay_journal(flow, journal)).stop == done.stop
