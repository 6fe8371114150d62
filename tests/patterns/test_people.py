"""A person in a chat: never, where it would stop, or always."""

from __future__ import annotations

import pytest

from stateflow import (
    Flow,
    Guard,
    Human,
    View,
    answered,
    equals,
    group_chat,
    guard,
    in_turn,
    round_robin,
    says,
    spoke,
    two_agents,
    visited,
)
from stateflow.patterns.people import HumanMode
from tests.support.chatting import chat, errors, said, speaker, table

writer, critic = speaker("writer"), speaker("critic")
OVER = says("critic", by=critic)


def talk(human: HumanMode, rounds: int | None = None) -> Flow:
    return two_agents("talk", writer, critic, stop=OVER, rounds=rounds, human=human)


def team(human: HumanMode, *, repeat: bool = True) -> Flow:
    return group_chat(
        "team", [writer, critic], choose=in_turn(), stop=OVER, human=human, turns=9, repeat=repeat
    )


def test_on_stop_the_person_stands_where_the_chat_would_be_over() -> None:
    """Nothing and ``exit`` end it; anything else goes on with whoever is next."""
    flow = talk("on_stop")

    assert table(flow) == {
        "writer": [("user at stop after writer", OVER.name), ("critic", "else")],
        "critic": [("user at stop after critic", OVER.name), ("writer", "else")],
        "user at stop after writer": [
            (None, "(equals('exit', by='user') or not spoke)"),
            ("critic", "else"),
        ],
        "user at stop after critic": [
            (None, "(equals('exit', by='user') or not spoke)"),
            ("writer", "else"),
        ],
    }
    assert errors(flow) == []


def test_always_the_person_stands_after_every_turn_too() -> None:
    """Only where the chat would be over does saying nothing end it."""
    flow = talk("always", rounds=2)
    states = table(flow)

    assert list(states) == [
        "writer",
        "critic",
        "user after writer",
        "user at stop after writer",
        "user after critic",
        "user at stop after critic",
    ]
    assert states["critic"] == [
        (None, "visited('critic', at_least=2)"),
        ("user at stop after critic", OVER.name),
        ("user after critic", "else"),
    ]
    assert states["user after critic"] == [(None, "equals('exit', by='user')"), ("writer", "else")]
    assert errors(flow) == []


def test_never_nobody_is_asked() -> None:
    assert list(table(talk("never"))) == ["writer", "critic"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("", "writer 1, critic 2", id="nothing"),
        pytest.param("exit", "writer 1, critic 2, exit", id="exit"),
        pytest.param(" exit ", "writer 1, critic 2,  exit ", id="exit-with-spaces"),
    ],
)
def test_where_it_stops_nothing_and_exit_end_the_chat(answer: str, expected: str) -> None:
    result = chat(talk("on_stop"), answer)

    assert said(result) == expected
    assert (result.stop.kind, result.stop.state) == ("done", "user at stop after critic")


def test_where_it_stops_a_word_goes_on_with_whoever_is_next() -> None:
    """And the stop of before does not end it a second time."""
    flow = talk("on_stop")

    result = chat(flow, "shorter, please")

    assert said(result) == "writer 1, critic 2, shorter, please, writer 4, critic 5"
    assert [message.speaker for message in result.messages[3:]] == ["user", "writer", "critic"]
    assert result.stop.kind == "waiting"
    assert chat(flow, "shorter, please", "").stop.kind == "done"


def test_always_nothing_lets_the_chat_go_on_and_exit_ends_it() -> None:
    flow = two_agents("talk", writer, critic, human="always")

    result = chat(flow, "", "hm", "exit")

    assert said(result) == "writer 1, critic 3, hm, writer 5, exit"
    assert result.path[-1] == "user after writer"
    assert result.stop.kind == "done"


def test_the_question_says_what_an_answer_does() -> None:
    """It names who spoke, where one human state follows one agent."""
    flow = talk("always")

    after = chat(flow).stop.questions[0].text
    stopped = chat(flow, "").stop.questions[0].text

    assert after == (
        "writer spoke last. Say nothing to let the chat go on, or something to all; 'exit' ends it."
    )
    assert stopped == (
        "critic spoke last. The chat is over. Say nothing to leave it at that, or something to go "
        "on with."
    )


@guard
def long_winded(view: View) -> bool:
    """Speak of a function, of which nobody knows whether it counts."""
    return len(view.last.text) > 1000


@pytest.mark.parametrize("human", ["always", "on_stop"])
def test_a_person_who_says_the_word_that_stops_the_chat_has_stopped_it(human: HumanMode) -> None:
    """As an agent that says it; in AutoGen and in a swarm, too."""
    flow = two_agents("talk", writer, critic, stop=says("writer") | says("END"), human=human)

    result = chat(flow, "I say END")

    assert said(result) == "writer 1, I say END"
    assert (result.stop.kind, result.stop.state) == ("done", "user at stop after writer")
    assert result.stop.why == "(says('writer') or says('END'))"


def test_between_turns_the_word_stops_the_chat_as_well() -> None:
    flow = group_chat(
        "team",
        [writer, critic],
        choose=in_turn(),
        stop=says("END", by="user"),
        human="always",
        turns=9,
    )

    result = chat(flow, "hm", "END")

    assert said(result) == "writer 1, hm, writer 3, END"
    assert (result.stop.kind, result.stop.state) == ("done", "user")
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("stop", "between", "again"),
    [
        pytest.param(says("END"), True, True, id="a-word"),
        pytest.param(says("END", by="user"), True, True, id="a-word-of-theirs"),
        pytest.param(says("END", by=critic), False, False, id="a-word-of-another"),
        pytest.param(says("a", by=critic) | equals("b"), True, True, id="either"),
        pytest.param(says("a", by=critic) & says("b"), False, False, id="both"),
        pytest.param(answered("no"), True, True, id="answer"),
        pytest.param(spoke(critic), False, False, id="another-speaker"),
        pytest.param(visited("critic", at_least=2), True, False, id="a-count"),
        pytest.param(says("END") | visited("critic"), True, False, id="a-word-or-a-count"),
        pytest.param(says("END") & visited("critic"), True, True, id="a-word-and-a-count"),
        pytest.param(~says("more"), True, False, id="not"),
        pytest.param(long_winded, True, False, id="function"),
    ],
)
def test_the_stop_is_drawn_where_what_the_person_says_can_meet_it(
    stop: Guard, between: bool, again: bool
) -> None:
    """What would hold again whatever they say is left out where the chat was to go on."""
    flow = two_agents("talk", writer, critic, stop=stop, human="always")

    states = table(flow)

    assert ((None, stop.name) in states["user after critic"]) is between
    assert ((None, stop.name) in states["user at stop after critic"]) is again


def test_a_stop_that_counts_lets_the_person_go_on() -> None:
    flow = two_agents("talk", writer, critic, stop=visited("critic"), human="on_stop")

    assert said(chat(flow, "go on")) == "writer 1, critic 2, go on, writer 4"


def test_a_cap_ends_the_chat_without_asking() -> None:
    """AutoGen's TERMINATE asks when ``max_consecutive_auto_reply`` is met."""
    flow = two_agents("talk", writer, critic, stop=says("END"), human="on_stop", turns=3)

    result = chat(flow)

    assert (result.stop.kind, result.stop.why) == ("done", "turns_at_least(3)")


def test_rounds_end_the_chat_without_asking() -> None:
    """A limit is one, whatever a person would say."""
    result = chat(talk("always", rounds=1), "")

    assert (result.stop.kind, result.stop.why) == ("done", "visited('critic')")


def test_the_turns_of_the_person_count() -> None:
    flow = round_robin("ring", [writer, critic], turns=4, human="always")

    result = chat(flow, "", "enough?")

    assert (result.stop.kind, result.stop.why) == ("done", "turns_at_least(4)")
    assert said(result) == "writer 1, critic 3, enough?"


def test_a_person_of_ones_own_is_asked_in_their_own_words() -> None:
    """Options work too: what ``exit`` is, is the first word."""
    boss = Human("boss", "Go on?", options=["go on", "exit"])
    flow = two_agents("talk", writer, critic, stop=OVER, human="on_stop", person=boss)

    waiting = chat(flow)

    assert waiting.stop.questions[0].text == "Go on?"
    assert chat(flow, "EXIT").stop.kind == "done"
    assert said(chat(flow, "go")) == "writer 1, critic 2, go on, writer 4, critic 5"


def test_an_agent_that_is_a_person_is_not_followed_by_one() -> None:
    flow = two_agents("talk", writer, Human("boss"), human="always")

    assert list(table(flow)) == ["writer", "boss", "user after writer"]


def test_one_human_state_serves_a_group_in_which_everybody_may_follow() -> None:
    """It picks by the same chooser, and only while the chat goes on."""
    flow = team("always")
    states = table(flow)

    assert list(states) == ["writer", "critic", "user", "user at stop"]
    assert states["writer"] == [
        (None, "turns_at_least(9)"),
        ("user at stop", OVER.name),
        ("user", "else"),
    ]
    on = "not (equals('exit', by='user') or turns_at_least(9))"
    assert states["user"] == [
        (None, "(equals('exit', by='user') or turns_at_least(9))"),
        ("writer", on),
        ("critic", on),
    ]
    assert all(flow.states[index].choose is not None for index in (2, 3))
    assert errors(flow) == []
    assert chat(flow).stop.questions[0].text.startswith("Say nothing to let the chat go on")


def test_rules_on_who_may_follow_hold_after_the_person_as_well() -> None:
    """So there is a human state for each row."""
    flow = team("on_stop", repeat=False)

    assert table(flow)["user at stop after critic"][-1] == ("writer", "else")
    assert [way[0] for way in table(flow)["user at stop after writer"][:-1]] == [None, None]
    assert errors(flow) == []


def test_ways_out_and_ways_on_are_never_enabled_together() -> None:
    """A chooser is never asked whether it is over."""
    flow = team("on_stop")
    limit = "turns_at_least(9)"

    assert table(flow)["critic"] == [
        (None, limit),
        ("user at stop", f"({OVER.name} and not {limit})"),
        ("writer", f"not ({limit} or {OVER.name})"),
        ("critic", f"not ({limit} or {OVER.name})"),
    ]
    assert errors(flow) == []
