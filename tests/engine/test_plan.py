"""What resuming would do is told, and nothing is written."""

from __future__ import annotations

import pytest

from stateflow import (
    Assistant,
    Budget,
    Flow,
    Human,
    Parallel,
    ReplayDivergence,
    RunError,
    Runner,
    Scripted,
    State,
    resume,
    run,
    says,
    steps,
    to,
)
from stateflow.engine.run import plan
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore


def team(write: str = "write", prompt: str = "Accept it?") -> Flow:
    boss = Human("boss", prompt, options=["yes", "no"])
    writer = Assistant("writer", "scripted:a", prompt="Write well.")
    return Flow(
        "team",
        State(write, writer, to("accept"), prompt="Be brief."),
        State(
            "accept",
            steps(Scripted("clerk", ["noted", "noted"]), boss),
            to(None, when=says("yes")),
            to(write),
        ),
    )


async def waiting(store: Store) -> str:
    return (await run(team(), "go", store=store)).run


async def test_it_says_where_the_run_stands_and_what_is_not_made_again() -> None:
    store = MemoryStore()
    name = await waiting(store)
    written = await store.read(name)

    found = await plan(team(), name, store=store)

    assert found
    assert (found.turns, found.kept, found.state, found.over) == (1, 1, "accept", False)
    assert found.changes == ()
    assert [one.id for one in found.questions] == ["accept#1.1"]
    assert found.made == ("accept#1.0",)
    assert found.left.turns == 99
    assert await store.read(name) == written


async def test_it_says_who_would_be_asked_with_what() -> None:
    store = MemoryStore()
    async with Runner(store=store) as runner:
        live = runner.start(team(), "go")
        live.pause()
        name = (await live).run
        found = await runner.plan(team(), name)

    assert found.next is not None
    assert (found.next.state, found.next.agent, found.next.kind) == ("write", "writer", "llm")
    assert found.next.model == "scripted:a"
    assert found.next.prompt == "Write well.\n\nBe brief."


async def test_a_renamed_state_is_guessed_and_a_map_makes_it_hold() -> None:
    store = MemoryStore()
    name = await waiting(store)
    flow = team("draft")

    refused = await plan(flow, name, store=store)
    held = await plan(flow, name, store=store, rename={"write": "draft"})

    assert not refused
    assert refused.rename == {"write": "draft"}
    assert refused.kept == 0
    assert "--map write=draft" in str(refused.divergence)
    assert held
    assert (held.kept, held.state, held.rename) == (1, "accept", {})
    with pytest.raises(RunError, match="no place 'x'"):
        await plan(flow, name, store=store, rename={"x": "draft"})


async def test_a_flow_that_goes_elsewhere_is_told_by_the_turn() -> None:
    store = MemoryStore()
    async with Runner(store=store) as runner:
        first = await runner.start(team(), "go")
        first = await runner.resume(team(), first.run, answer="no")
        boss = Human("boss", "Accept it?", options=["yes", "no"])
        writer = Assistant("writer", "scripted:a", prompt="Write well.")
        flow = Flow(
            "team",
            State("write", writer, to("accept"), prompt="Be brief."),
            State("accept", steps(Scripted("clerk", ["noted"]), boss), to(None)),
        )
        found = await runner.plan(flow, first.run)

    assert not found
    assert (found.turns, found.kept) == (3, 1)
    assert found.divergence is not None


async def test_of_several_the_first_who_has_not_spoken_is_next() -> None:
    store = MemoryStore()
    name = await waiting(store)

    found = await plan(team(), name, store=store)

    assert found.next is not None
    assert (found.next.agent, found.next.kind) == ("boss", "human")


async def test_of_branches_those_that_are_left_are_next() -> None:
    left = Flow("left", State("say", Scripted("l", ["left"]), to(None)))
    right = Flow("right", State("ask", Human("boss", "Right?"), to(None)))
    flow = Flow("both", Parallel("both", [left, right], to(None)))
    store = MemoryStore()
    name = (await run(flow, "go", store=store)).run

    found = await plan(flow, name, store=store)

    assert found.next is not None
    assert (found.next.agent, found.next.kind) == ("right", "flow")


async def test_where_a_run_is_stuck_nobody_speaks_and_the_guards_are_tried_again() -> None:
    """The changed flow goes on with what was said."""

    def stuck(word: str) -> Flow:
        return Flow("stuck", State("a", Scripted("x", ["no"]), to(None, when=says(word))))

    store = MemoryStore()
    async with Runner(store=store) as runner:
        name = (await runner.start(stuck("yes"), "go")).run
        found = await runner.plan(stuck("yes"), name)
        again = await runner.resume(stuck("yes"), name)

    assert (found.made, found.next) == (("a#1.0",), None)
    assert again.stop.kind == "stuck"
    assert again.usage.calls == 0


async def test_a_budget_that_is_used_up_is_told() -> None:
    flow = Flow("short", State("a", Scripted("x", ["x", "y"]), to("a")), budget=Budget(turns=1))
    store = MemoryStore()
    name = (await run(flow, "go", store=store)).run

    found = await plan(flow, name, store=store)

    assert found.used_up == "turns"
    assert found.left.turns == 0


async def test_a_run_goes_on_under_a_lower_budget_of_its_flow_once_it_is_given_one() -> None:
    def flow(turns: int) -> Flow:
        person = Human("boss", "Go on?")
        writer = Scripted("x", ["a", "b"])
        places = (State("a", writer, to("b")), State("b", writer, to("c")))
        return Flow("f", *places, State("c", person, to(None)), budget=Budget(turns=turns))

    store = MemoryStore()
    name = (await run(flow(5), "go", store=store)).run

    with pytest.raises(ReplayDivergence, match="turns"):
        await resume(flow(1), name, store=store, answer="yes")
    result = await resume(flow(1), name, store=store, answer="yes", budget=Budget(turns=5))

    assert result.stop.kind == "done"


async def test_a_renamed_agent_is_refused_with_what_can_be_done() -> None:
    def written(by: str) -> Flow:
        flow = team()
        return Flow(
            "team",
            State("write", Assistant(by, "scripted:a", prompt="Write well."), to("accept")),
            flow.places["accept"],
        )

    store = MemoryStore()
    name = (await run(written("writer"), "go", store=store)).run

    found = await plan(written("author"), name, store=store)

    told = "a map renames places, not agents"
    assert told in str(found.divergence)
    assert "call the agent 'writer' again to go on" in str(found.divergence)
    with pytest.raises(RunError, match=told):
        await plan(written("author"), name, store=store, rename={"writer": "author"})


async def test_a_run_that_is_over_is_not_planned_with_a_map() -> None:
    flow = Flow("one", State("a", Scripted("x", ["x"]), to(None)))
    store = MemoryStore()
    done = await run(flow, "go", store=store)

    with pytest.raises(RunError, match="is over; nothing of it is renamed"):
        await plan(flow, done.run, store=store, rename={"a": "b"})


async def test_a_run_that_is_over_has_nothing_ahead() -> None:
    store = MemoryStore()
    flow = Flow("one", State("a", Scripted("x", ["x"]), to(None)))
    done = await run(flow, "go", store=store)

    found = await plan(flow, done.run, store=store)

    assert found
    assert found.over
    assert found.next is None
    assert found.stop == done.stop
