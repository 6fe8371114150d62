"""AutoGen's table of allowed speakers, ``None`` included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import pytest

from stateflow.conversation.agent import Agent as Speaker
from stateflow.conversation.agent import Turn
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chat
from stateflow.machine.flow import Flow
from stateflow.machine.guards import failed
from stateflow.machine.state import Final
from stateflow.machine.table import Row, chooser_of
from stateflow.machine.transition import to

Table: TypeAlias = dict[Speaker, list[Row]]


class Agent:
    def __init__(self, name: str) -> None:
        self.name = name

    async def reply(self, turn: Turn) -> str:
        return ""


planner, executor, reviewer = Agent("planner"), Agent("executor"), Agent("reviewer")
TEAM: Table = {planner: [executor], executor: [reviewer, planner], reviewer: [planner, None]}
CHAT = Chat(View(), ("executor", None), (executor, None), planner)
TURN = cast("Turn", None)


def custom_speaker_selection(last_speaker: object, chat: Chat) -> object:
    return chat.next_agent()


def test_autogens_own_table_works_as_it_was_meant_to() -> None:
    """One state an agent, named after it; the chooser in each."""
    flow = Flow.from_table("team", TEAM, choose=custom_speaker_selection)

    assert {state.name: [t.target for t in state.transitions] for state in flow.states} == {
        "planner": ["executor"],
        "executor": ["reviewer", "planner"],
        "reviewer": ["planner", None],
    }
    assert [state.choose and state.choose.name for state in flow.states] == [
        "custom_speaker_selection"
    ] * 3


def test_a_shadowed_target_is_refused_with_both_cures() -> None:
    """Without a chooser rows are ordered, and a bare target hides the rest."""
    with pytest.raises(DefinitionError) as caught:
        Flow.from_table("team", TEAM)

    assert str(caught.value) == (
        "flow 'team': in the row of 'executor' the bare target 'reviewer' always wins, so "
        "'planner' can never be reached; either say who picks (choose=in_turn(), "
        "at_random(seed=…), by_model(…) or your function), or guard it (to('reviewer', when=…))"
    )


def test_a_row_may_hold_transitions_and_names() -> None:
    """Guarded first, bare last: no chooser needed."""
    flow = Flow.from_table(
        "team",
        {planner: ["executor"], executor: [to(planner, when=failed), to("gave_up")]},
        finals=[Final("gave_up")],
        on_error="gave_up",
    )

    assert [t.target for t in flow.states[1].transitions] == ["planner", "gave_up"]
    assert flow.states[1].transitions[0].when is failed
    assert flow.on_error == "gave_up"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        pytest.param(
            {planner: [executor]},
            "row of 'planner' leads to 'executor', which has no row; add one ([None] to be done "
            "after it)",
            id="missing-row",
        ),
        pytest.param(
            {planner: []},
            "row of 'planner' is empty, so the chat would be stuck there; write [None] to be done "
            "after it",
            id="empty-row",
        ),
        pytest.param(
            {planner: "executor"},
            "row of 'planner': 'executor' is not a list of targets",
            id="text",
        ),
        pytest.param({planner: None}, "row of 'planner': None is not a list of targets", id="none"),
        pytest.param(
            {planner: ["nobody"]},
            "flow 'team': a transition of 'planner' leads to unknown state 'nobody'; the flow has: "
            "planner",
            id="unknown-name",
        ),
        pytest.param(
            {},
            "flow 'team' has no state; give it one: State('write', agent, ...)",
            id="empty-table",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_a_sentence(table: Table, sentence: str) -> None:
    """The sentence names the row and the cure."""
    with pytest.raises(DefinitionError) as caught:
        Flow.from_table("team", table, choose=custom_speaker_selection)

    assert str(caught.value) == sentence


def test_a_chooser_stays_as_it_is_and_none_is_none() -> None:
    """Only functions are wrapped."""
    chooser = chooser_of(custom_speaker_selection)

    assert chooser_of(chooser) is chooser
    assert chooser_of(None) is None


def test_what_cannot_choose_is_refused() -> None:
    """The sentence lists what can."""
    with pytest.raises(DefinitionError, match=r"choose='auto': give in_turn\(\), at_random"):
        chooser_of("auto")


def repeated(last_speaker: object, chat: Chat) -> object:
    return last_speaker


async def later(last_speaker: object, chat: Chat) -> object:
    return chat.candidates[1]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(repeated, planner, id="last-speaker"),
        pytest.param(custom_speaker_selection, executor, id="next-agent"),
        pytest.param(later, None, id="async"),
    ],
)
async def test_a_function_chooses_as_in_autogen(
    function: Callable[[Any, Any], object], expected: object
) -> None:
    """It gets the last speaker and the chat, and may be async."""
    chooser = chooser_of(function)

    assert chooser is not None
    assert await chooser.choose(CHAT, TURN) is expected


def test_a_chat_reads_like_autogens() -> None:
    """Messages so far, and the first candidate where nobody speaks there."""
    chat = Chat(View(), ("gave_up",), (None,), None)

    assert chat.next_agent(planner) == "gave_up"
    assert list(chat.messages) == []
