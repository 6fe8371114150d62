"""``to(..., restart=)``: the transcript is cleared to a summary, and the run goes on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow import (
    DefinitionError,
    Flow,
    FunctionAgent,
    Junction,
    Message,
    Nested,
    Result,
    Runner,
    Scripted,
    State,
    View,
    failed,
    itself,
    last_message,
    messages_at_least,
    resume,
    run,
    says,
    to,
    visited,
)
from stateflow.conversation.summary import SUMMARY_SPEAKER, Summary
from stateflow.journal.event import TurnTaken
from stateflow.stores.memory import MemoryStore
from tests.support.branches import AskedFor
from tests.support.six_ways import same_again


def nothing(said: Sequence[Message]) -> str:
    return "" if said else "not even a task"


def broken(said: Sequence[Message]) -> str:
    return str(len(said) / 0)


reader = FunctionAgent("reader", lambda view: f"reads {[m.text for m in view.transcript]}")


def joined(said: Sequence[Message]) -> str:
    return "+".join(message.text for message in said)


def said(result: Result) -> list[tuple[str, str]]:
    return [(message.speaker, message.text) for message in result.messages]


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        pytest.param(last_message, "draft", id="last-message"),
        pytest.param(joined, "task+draft", id="a-function"),
        pytest.param(nothing, "", id="nothing"),
    ],
)
async def test_the_transcript_is_cleared_to_a_summary(summary: Summary, text: str) -> None:
    flow = Flow(
        "f",
        State("write", Scripted("writer", ["draft"]), to("read", restart=summary)),
        State("read", reader, to(None)),
    )

    result = await run(flow, "task")

    assert said(result) == [(SUMMARY_SPEAKER, text), ("reader", f"reads {[text]}")]
    same_again(flow, result)


async def test_a_summary_may_be_asked_for() -> None:
    flow = Flow(
        "f",
        State("write", Scripted("writer", ["draft"]), to("read", restart=AskedFor())),
        State("read", reader, to(None)),
    )
    store = MemoryStore()

    result = await run(flow, "task", store=store)
    while result.stop.kind == "waiting":
        result = await resume(flow, result.run, store=store, answer="brief")

    assert said(result)[0] == (SUMMARY_SPEAKER, "2 messages; brief, brief")
    same_again(flow, result)


async def test_only_the_transition_that_is_taken_restarts() -> None:
    flow = Flow(
        "f",
        State(
            "write",
            Scripted("writer", ["keep", "clear"]),
            to("read", when=says("clear"), restart=last_message),
            to("write"),
        ),
        State("read", reader, to(None)),
    )

    result = await run(flow, "task")

    assert result.path == ("write", "write", "read")
    assert said(result)[0] == (SUMMARY_SPEAKER, "clear")


async def test_guards_and_data_are_read_before_the_transcript_is_cleared() -> None:
    flow = Flow(
        "f",
        State(
            "write",
            FunctionAgent("writer", lambda view: f"{len(view.transcript)} before"),
            to("write", when=~visited("write", at_least=3) & messages_at_least(2), restart=joined),
            to(None),
        ),
    )

    result = await run(flow, "t")

    assert result.path == ("write", "write", "write")
    assert [text for _, text in said(result)] == ["t+1 before+1 before", "1 before"]
    same_again(flow, result)


async def test_visits_turns_and_what_agents_have_said_are_not_forgotten() -> None:
    flow = Flow(
        "f",
        State(
            "write",
            Scripted("writer", ["one", "two", "three"]),
            to(None, when=visited("write", at_least=3)),
            to("write", restart=last_message),
        ),
    )

    result = await run(flow, "task")

    assert said(result) == [(SUMMARY_SPEAKER, "two"), ("writer", "three")]
    assert result.turns == 3
    same_again(flow, result)


async def test_of_several_on_the_way_the_last_summary_stands() -> None:
    flow = Flow(
        "f",
        State("write", Scripted("writer", ["draft"]), to("fork", restart=joined)),
        Junction("fork", to("read", restart=last_message)),
        State("read", reader, to(None)),
    )

    result = await run(flow, "task")

    assert said(result)[0] == (SUMMARY_SPEAKER, "draft")
    same_again(flow, result)


async def test_a_turn_that_raised_can_restart() -> None:
    flow = Flow(
        "f",
        State(
            "write", Scripted("writer", [ValueError("no")]), to("read", when=failed, restart=joined)
        ),
        State("read", reader, to(None)),
    )

    result = await run(flow, "task")

    assert said(result)[0] == (SUMMARY_SPEAKER, "task")
    same_again(flow, result)


async def test_the_run_around_keeps_its_transcript() -> None:
    inner = Flow(
        "inner",
        State("write", Scripted("writer", ["draft"]), to("read", restart=last_message)),
        State("read", reader, to(None)),
    )
    flow = Flow("outer", Nested("nest", inner, to(None), summary=joined))

    result = await run(flow, "task")

    assert said(result) == [("user", "task"), ("inner", "draft+reads ['draft']")]
    same_again(flow, result)


async def test_it_is_on_the_record_and_a_fork_starts_from_it() -> None:
    flow = Flow(
        "f",
        State("write", Scripted("writer", ["draft"]), to("read", restart=last_message)),
        State("read", reader, to(None)),
    )

    async with Runner() as runner:
        first = await runner.start(flow, "task")
        journal = await runner.journal(first.run)
        forked = await (await runner.fork(flow, first.run, at=1))

    turns = [one.event for one in journal.events if isinstance(one.event, TurnTaken)]
    assert [turn.restart for turn in turns] == ["draft", None]
    assert said(forked) == said(first)


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        pytest.param(broken, "at 'write' raised ZeroDivisionError", id="raises"),
        pytest.param(len, "at 'write' returned 2, not a text", id="no-text"),
    ],
)
async def test_a_summary_that_is_none_stops_the_run_and_can_be_mended(
    summary: Summary, told: str
) -> None:
    spoken: list[str] = []

    def writes(view: View) -> str:
        spoken.append(view.state)
        return "draft"

    def flow(how: Summary) -> Flow:
        return Flow(
            "f",
            State("write", FunctionAgent("writer", writes), to("read", restart=how)),
            State("read", reader, to(None)),
        )

    store = MemoryStore()

    stopped = await run(flow(summary), "task", store=store)
    mended = await resume(flow(joined), stopped.run, store=store)

    assert stopped.stop.kind == "failed"
    assert told in stopped.stop.why
    assert said(mended)[0] == (SUMMARY_SPEAKER, "task+draft")
    assert spoken == ["write"]


@pytest.mark.parametrize("summary", ["short", itself(), 3], ids=["a-text", "a-flow", "a-number"])
def test_what_summarises_nothing_is_refused(summary: object) -> None:
    with pytest.raises(DefinitionError, match="no summary; give last_message"):
        to("read", restart=summary)  # type: ignore[arg-type]  # the point
