"""Nested chats and hierarchies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stateflow import (
    Assistant,
    DefinitionError,
    Flow,
    FunctionAgent,
    Leg,
    Message,
    Nested,
    Scripted,
    State,
    handoff,
    hierarchy,
    in_turn,
    last,
    nested,
    says,
    to,
)
from stateflow.conversation.view import View
from stateflow.machine.nested import FlowAgent
from tests.support.chatting import chat, errors, said, speaker, table


def echo(name: str) -> Flow:
    """Return a flow that says what it was told, in one turn."""
    agent = FunctionAgent(f"{name}er", lambda view: f"{name}: {view.last.text}")
    return Flow(name, State("say", agent, to(None)))


def test_the_answer_is_what_the_inner_chat_came_to() -> None:
    """The outer agent has the first word and the last."""
    flow = nested("essay", Scripted("writer", ["a", "b"]), [echo("review")], rounds=2)

    result = chat(flow)

    assert table(flow) == {
        "writer": [(None, "visited('writer', at_least=2)"), ("review", "else")],
        "review": [("writer", "else")],
    }
    assert isinstance(flow.places["review"], Nested)
    assert said(result) == "a, review: a, b"
    assert errors(flow) == []


def test_of_several_chats_only_the_last_is_heard() -> None:
    """Each is told what those before it came to."""
    chats: list[Flow | FlowAgent | Leg] = [echo("facts"), Leg(echo("style"), input="Is it kind?")]

    result = chat(nested("essay", Scripted("writer", ["a", "b"]), chats, speaker="bob", rounds=2))

    assert [message.speaker for message in result.messages] == ["user", "writer", "bob", "writer"]
    assert result.messages[2].text == "style: Is it kind?\n\nContext:\nfacts: facts: a"


@pytest.mark.parametrize(
    ("speaker_", "path"),
    [
        pytest.param(None, ("writer", "bot alone", "writer", "bot", "writer"), id="its-name"),
        pytest.param("bob", ("writer", "bot", "writer", "bob", "writer"), id="another"),
    ],
)
def test_the_answerer_answers_where_the_trigger_does_not_hold(
    speaker_: str | None, path: tuple[str, ...]
) -> None:
    writer = Scripted("writer", ["Hello.", "Review this.", "Thanks."])
    flow = nested(
        "essay",
        writer,
        [echo("review")],
        speaker=speaker_,
        trigger=says("Review"),
        answerer=Scripted("bot", ["Hi."]),
        rounds=3,
    )

    result = chat(flow)

    assert result.path == path
    assert said(result) == "Hello., Hi., Review this., review: Review this., Thanks."
    assert errors(flow) == []


def test_the_chat_is_told_what_is_carried_over() -> None:
    flow = nested(
        "essay", Scripted("writer", ["a", "b"]), [echo("review")], carryover=last(2), rounds=2
    )

    assert chat(flow).messages[2].text == "review: a\n\nContext:\nuser: go"


@pytest.mark.parametrize("who", ["writer", "review"])
def test_stop_ends_it_whoever_spoke(who: str) -> None:
    stop = says("b", by="writer") if who == "writer" else says("review")

    result = chat(nested("essay", Scripted("writer", ["a", "b"]), [echo("review")], stop=stop))

    assert (result.stop.kind, result.stop.state) == ("done", who)


WRITER, BOT = speaker("writer"), speaker("bot")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        pytest.param({"chats": []}, "no list of chats", id="none"),
        pytest.param({"chats": echo("a")}, "no list of chats", id="no-list"),
        pytest.param({"chats": [WRITER]}, "is not a flow", id="an-agent"),
        pytest.param({"rounds": None}, "nothing ends the chat", id="endless"),
        pytest.param({"rounds": 0}, "rounds=0", id="no-rounds"),
        pytest.param({"answerer": BOT}, "means nothing without trigger=", id="no-trigger"),
        pytest.param({"trigger": says("x")}, "means nothing without answerer=", id="no-answerer"),
        pytest.param({"trigger": "x", "answerer": BOT}, "trigger='x' is not a guard", id="trigger"),
        pytest.param({"trigger": says("x"), "answerer": WRITER}, "called 'writer'", id="twice"),
    ],
)
def test_what_is_wrong_with_a_nested_chat_is_told(how: Mapping[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"chats": [echo("a")], "rounds": 2, **how}

    with pytest.raises(DefinitionError) as caught:
        nested("team", WRITER, **given)

    assert str(caught.value).startswith("nested 'team': ")
    assert sentence in str(caught.value)


def test_the_lead_hands_off_to_teams_and_hears_what_they_came_to() -> None:
    """A team's task is what the lead said, and a name that no team has changes nothing."""
    boss = Scripted(
        "boss",
        [
            Message("Find it.", handoff="search"),
            Message("Hm.", handoff="zed"),
            Message("Write it.", handoff="write"),
            "DONE",
        ],
    )
    flow = hierarchy("firm", boss, [echo("search"), echo("write")], stop=says("DONE"))

    result = chat(flow)

    assert table(flow)["boss"] == [
        (None, "says('DONE')"),
        ("search", "handed_to('search')"),
        ("write", "handed_to('write')"),
        ("boss", "else"),
    ]
    assert said(result) == "Find it., search: Find it., Hm., Write it., write: Write it., DONE"
    assert errors(flow) == []


def test_a_lead_with_tools_tells_the_team_by_them() -> None:
    model = 'scripted:transfer_to_search({"message": "Find it."})|DONE'
    boss = Assistant("boss", model, tools=[handoff("search")])

    result = chat(hierarchy("firm", boss, [echo("search")], stop=says("DONE")))

    assert [message.text for message in result.messages[1:]] == ["", "search: Find it.", "DONE"]


def test_a_chooser_picks_the_team_or_that_it_is_done() -> None:
    boss = speaker("boss")

    flow = hierarchy("firm", boss, [echo("search"), echo("write")], choose=in_turn())

    assert chat(flow).path == ("boss", "search", "boss", "write", "boss")
    assert errors(flow) == []


def test_with_a_stop_the_chooser_picks_only_a_team() -> None:
    boss = Scripted("boss", ["a", "b", "DONE"])
    stop = says("DONE", by=boss)

    flow = hierarchy("firm", boss, [echo("search"), echo("write")], choose=in_turn(), stop=stop)

    assert chat(flow).path == ("boss", "search", "boss", "write", "boss")
    assert table(flow)["boss"][-1] == (None, stop.name)
    assert errors(flow) == []


def test_turns_inside_the_teams_count() -> None:
    """Each handoff takes two: the team's state, and the turn in it."""
    boss = Scripted("boss", [Message("Go.", handoff="search")] * 9)

    result = chat(hierarchy("firm", boss, [echo("search")], turns=4))

    assert result.path == ("boss", "search", "boss")
    assert result.stop.why == "turns_at_least(4)"


def test_a_hierarchy_is_a_team_of_another() -> None:
    """Society of mind: to those outside, a team is one agent."""
    lead = Scripted("lead", [Message("Find it.", handoff="search"), "Found. DONE"])
    inner = hierarchy("research", lead, [echo("search")], stop=says("DONE"))
    boss = Scripted("boss", [Message("Go.", handoff="research"), "Well DONE"])
    flow = hierarchy("firm", boss, [inner], stop=says("DONE", by=boss))

    result = chat(flow)

    assert said(result) == "Go., Found. DONE, Well DONE"


def test_an_agent_of_a_flow_keeps_its_own_task() -> None:
    boss = Scripted("boss", [Message("Go.", handoff="search"), "DONE"])

    def the_task(view: View) -> str:
        return view.transcript[0].text

    team = echo("search").as_agent(input=the_task)

    assert said(chat(hierarchy("firm", boss, [team], stop=says("DONE")))) == "Go., search: go, DONE"


BOSS = speaker("boss")
TOOLED = Assistant("boss", "scripted:x", tools=[handoff("a")])


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        pytest.param({"teams": []}, "no list of teams", id="none"),
        pytest.param({"teams": [BOT]}, "is not a flow", id="an-agent"),
        pytest.param({"teams": [echo("a"), echo("a")]}, "called 'a'", id="twice"),
        pytest.param({"teams": [echo("boss")]}, "called 'boss'", id="the-lead"),
        pytest.param({"turns": None}, "nothing ends it", id="endless"),
        pytest.param({"lead": TOOLED}, "'boss' never hands off to 'b'", id="unreached"),
        pytest.param({"choose": 7}, "choose=7", id="chooser"),
    ],
)
def test_what_is_wrong_with_a_hierarchy_is_told(how: Mapping[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"lead": BOSS, "teams": [echo("a"), echo("b")], "turns": 5, **how}

    with pytest.raises(DefinitionError) as caught:
        hierarchy("firm", **given)

    assert sentence in str(caught.value)
