"""What resuming would do is told, and nothing is written."""

from __future__ import annotations

import pytest

from stateflow import (
    Assistant,
    Flow,
    Human,
    RunError,
    Runner,
    Scripted,
    State,
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


async def test_a_run_that_is_over_has_nothing_ahead() -> None:
    store = MemoryStore()
    flow = Flow("one", State("a", Scripted("x", ["x"]), to(None)))
    done = await run(flow, "go", store=store)

    found = await plan(flow, done.run, store=store)

    assert found
    assert found.over
    assert found.next is None
    assert found.stop == done.stop
