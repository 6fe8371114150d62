"""What AutoGen 0.2.40 lets pass in its group chat, and what happens here instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows import research
from stateflow import (
    DefinitionError,
    Flow,
    Message,
    Scripted,
    View,
    by_model,
    canonical,
    guard,
    run,
    run_sync,
    says,
    to,
)
from stateflow.conversation.agent import Turn

planner = Scripted("planner", ["plan", "plan again", "no more"])
executor = Scripted("executor", ["did it", "did it again"])
reviewer = Scripted("reviewer", ["do it again", "TERMINATE"])
stranger = Scripted("stranger", ["who, me?"])


async def test_none_in_the_table_is_done() -> None:
    """AutoGen: ``None`` among the allowed speakers raises ``ValueError``."""
    table: dict[Any, list[Any]] = {
        planner: [executor],
        executor: [reviewer],
        reviewer: [to(None, when=says("TERMINATE")), planner],
    }

    result = await run(Flow.from_table("team", table), "task")

    assert result.stop.kind == "done"
    assert result.path == ("planner", "executor", "reviewer") * 2


def test_a_speaker_with_nobody_after_is_refused_with_the_cure() -> None:
    """AutoGen: ``[]`` is taken for anybody, so the chat goes on to ``max_round``."""
    with pytest.raises(DefinitionError, match=r"row of 'reviewer' is empty.*write \[None\]"):
        Flow.from_table("team", {planner: [reviewer], reviewer: []})


def test_a_speaker_without_a_row_is_refused_with_the_cure() -> None:
    """AutoGen: a speaker that is no key of the graph ends the chat without a word."""
    with pytest.raises(DefinitionError, match="'executor', which has no row; add one"):
        Flow.from_table("team", {planner: [executor]})


async def test_a_function_that_picks_off_the_table_stops_the_run() -> None:
    """AutoGen: what a custom function returns is taken, whether the graph allows it or not."""

    def choose(last_speaker: object, chat: Any) -> object:  # noqa: ANN401 - AutoGen's signature
        del last_speaker, chat
        return planner

    table: dict[Any, list[Any]] = {
        planner: [executor],
        executor: [reviewer, None],
        reviewer: [None],
    }

    result = await run(Flow.from_table("team", table, choose=choose), "task")

    assert (result.stop.kind, result.stop.state) == ("failed", "executor")
    assert result.stop.fault is not None
    assert result.stop.fault.name == "OffTable"
    assert "'planner'" in result.stop.why


def test_a_way_to_an_outsider_is_refused_by_name() -> None:
    """AutoGen: it warns, and from then on lets everybody speak after everybody."""
    with pytest.raises(DefinitionError, match="row of 'planner' leads to 'stranger'"):
        Flow.from_table("team", {planner: [executor, stranger], executor: [None]})


def test_a_model_that_picks_speakers_has_to_be_named() -> None:
    """AutoGen: ``auto`` without a model to ask goes round the table, and does not say so."""
    with pytest.raises(TypeError, match="model"):
        by_model()  # type: ignore[call-arg]  # the point
    with pytest.raises(DefinitionError, match="model"):
        by_model("")


class Listener:
    """Notes what it is shown, and ends the chat when it is asked again."""

    name = "listener"
    composed = False

    def __init__(self) -> None:
        self.shown: list[list[str]] = []

    async def reply(self, turn: Turn, /) -> Message:
        self.shown.append([message.text for message in turn.view.transcript])
        return Message(f"heard {len(turn.view.transcript)}")


def test_sync_and_async_show_all_agents_the_same_to_the_last_message() -> None:
    """AutoGen: in an async run the first agent never sees the final message; in a sync run it does.

    Here one transcript stands for all, so there is nobody whom a message could be kept from.
    """
    shown: list[list[list[str]]] = []
    journals: list[str] = []
    for blocking in (True, False):
        listener = Listener()
        closer = Scripted("closer", ["go on", "TERMINATE"])
        table: dict[Any, list[Any]] = {
            listener: [to(None, when=told), closer],
            closer: [listener],
        }
        flow = Flow.from_table("pair", table)
        result = run_sync(flow, "task") if blocking else asyncio.run(run(flow, "task"))
        assert result.journal is not None
        shown.append(listener.shown)
        journals.append(canonical(result.journal))

    assert shown[0] == shown[1]
    assert shown[0][-1][-1] == "TERMINATE"
    assert journals[0] == journals[1]


@guard
def told(view: View) -> bool:
    """Ask whether the chat was ended before the present turn."""
    return len(view.transcript) > 1 and "TERMINATE" in view.transcript[-2].text


def test_a_failed_execution_never_flows_on_as_a_success() -> None:
    """AutoGen's own example tests the text for ``exitcode: 1``, which its executor never says."""
    flow = research.team("broken", [research.BROKEN, research.BROKEN, research.PROGRAM])

    result = run_sync(flow, research.task)

    assert result.path == ("init", *("write", "run") * 3, "research")
