"""What fails between speaking and the next state: it stops the run by its name, and resumes."""

from __future__ import annotations

import pytest

from stateflow import (
    Budget,
    Flow,
    FunctionAgent,
    Scripted,
    State,
    Turn,
    View,
    by_model,
    resume,
    run,
    to,
)
from stateflow.conversation.summary import SUMMARY_SPEAKER
from stateflow.stores.memory import MemoryStore
from tests.support.six_ways import same_again, texts


def summed() -> Flow:
    """Return a flow that asks a model for a summary between its turns."""
    short = by_model("scripted:in short")
    return Flow(
        "summed",
        State("write", Scripted("writer", ["draft"]), to("read", restart=short)),
        State("read", FunctionAgent("reader", lambda view: f"read {view.last.text}"), to(None)),
    )


def picked() -> Flow:
    """Return a flow that asks a model who is next."""
    return Flow(
        "picked",
        State("write", Scripted("writer", ["draft"]), to("read"), to(None)),
        State("read", Scripted("reader", ["read in short"]), to(None)),
        choose=by_model("scripted:read"),
    )


@pytest.mark.parametrize("flow", [summed(), picked()], ids=lambda flow: flow.name)
async def test_a_call_that_the_budget_refuses_pauses_the_run(flow: Flow) -> None:
    store = MemoryStore()

    paused = await run(flow, "task", store=store, budget=Budget(calls=0))
    done = await resume(flow, paused.run, store=store, budget=Budget(calls=1))

    assert (paused.stop.kind, paused.stop.which) == ("budget", "calls")
    assert paused.stop.why == "this call could bring calls to 1; the budget allows 0"
    same_again(flow, paused)
    assert done.stop.kind == "done"
    assert texts(done)[-1] == "read in short"
    same_again(flow, done)


async def test_a_model_clears_the_transcript_to_its_summary() -> None:
    result = await run(summed(), "task")

    assert [(one.speaker, one.text) for one in result.messages] == [
        (SUMMARY_SPEAKER, "in short"),
        ("reader", "read in short"),
    ]
    assert result.usage.calls == 1
    assert {name: one.calls for name, one in (result.usage.by_state or {}).items()} == {"write": 1}
    same_again(summed(), result)


async def test_a_summariser_that_raises_stops_the_run_and_can_be_mended() -> None:
    class Odd:
        form = "odd"
        broken = True

        async def summarise(self, turn: Turn, child: int | None, /) -> str:
            del turn, child
            if self.broken:
                raise ValueError("no summary today")
            return "in short"

    odd, spoken = Odd(), list[str]()

    def writes(view: View) -> str:
        spoken.append(view.state)
        return "draft"

    flow = Flow(
        "f",
        State("write", FunctionAgent("writer", writes), to("read", restart=odd)),
        State("read", Scripted("reader", ["read"]), to(None)),
    )
    store = MemoryStore()

    stopped = await run(flow, "task", store=store)
    odd.broken = False
    done = await resume(flow, stopped.run, store=store)

    assert (stopped.stop.kind, stopped.stop.why) == ("failed", "ValueError: no summary today")
    assert texts(done) == ["read"]
    assert spoken == ["write"]


def picked_and_summed(summary: str = "scripted:in short") -> Flow:
    """Return a flow in which models pick who is next, and sum up, after one turn."""
    restart = by_model(summary)
    return Flow(
        "both",
        State(
            "writer",
            Scripted("writer", ["draft"]),
            to("a", restart=restart),
            to("b", restart=restart),
            choose=by_model("scripted:b"),
        ),
        State("a", Scripted("a", ["a"]), to(None)),
        State("b", Scripted("b", ["b"]), to(None)),
    )


async def test_a_choice_and_a_summary_after_one_turn_are_two_calls() -> None:
    result = await run(picked_and_summed(), "task")

    assert texts(result) == ["b"]
    assert [one.text for one in result.messages] == ["in short", "b"]
    assert result.usage.calls == 2
    assert result.usage.choosing.calls == 1
    same_again(picked_and_summed(), result)


async def test_the_model_of_an_agent_does_not_sum_up_in_the_state_of_its_name() -> None:
    models = {"writer": "scripted:something else"}

    result = await run(picked_and_summed(), "task", models=models)

    assert result.messages[0].text == "in short"


async def test_what_was_paid_for_picking_nobody_is_told() -> None:
    flow = Flow(
        "lost",
        State("write", Scripted("w", ["draft"]), to("a"), to("b"), choose=by_model("scripted:zz")),
        State("a", Scripted("a", ["a"]), to(None)),
        State("b", Scripted("b", ["b"]), to(None)),
    )

    result = await run(flow, "task")

    assert (result.stop.kind, result.usage.calls, result.usage.choosing.calls) == ("failed", 3, 3)
