"""Two agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    Budget,
    DefinitionError,
    Final,
    Flow,
    Human,
    Scripted,
    State,
    ended,
    equals,
    says,
    to,
    two_agents,
)
from tests.support.chatting import chat, errors, said, speaker, table

writer, critic = speaker("writer"), speaker("critic")
OVER = says("critic 4", by=critic)


class Grade(BaseModel):
    """A form."""

    score: int


def test_the_table_leads_to_and_fro_until_it_is_over() -> None:
    """The stop is tried first, so that it is what the run says it ended by."""
    flow = two_agents("talk", writer, critic, stop=OVER, rounds=3)

    assert table(flow) == {
        "writer": [(None, OVER.name), ("critic", "else")],
        "critic": [
            (None, OVER.name),
            (None, "visited('critic', at_least=3)"),
            ("writer", "else"),
        ],
    }
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("how", "last", "why"),
    [
        pytest.param({"rounds": 1}, "critic 2", "visited('critic')", id="one-round"),
        pytest.param({"rounds": 3}, "critic 6", "visited('critic', at_least=3)", id="rounds"),
        pytest.param({"turns": 3}, "writer 3", "turns_at_least(3)", id="turns"),
        pytest.param({"turns": 3, "rounds": 1}, "critic 2", "visited('critic')", id="rounds-first"),
        pytest.param({"turns": 3, "rounds": 2}, "writer 3", "turns_at_least(3)", id="turns-first"),
        pytest.param({"stop": OVER}, "critic 4", OVER.name, id="stop"),
        pytest.param({"stop": OVER, "rounds": 2}, "critic 4", OVER.name, id="both-at-once"),
        pytest.param({"stop": says("writer")}, "writer 1", "says('writer')", id="the-first-stops"),
    ],
)
def test_it_ends_by_what_was_asked_for(how: Mapping[str, Any], last: str, why: str) -> None:
    result = chat(two_agents("talk", writer, critic, **how))

    assert (result.stop.kind, result.stop.why) == ("done", why)
    assert result.messages[-1].text == last


def test_a_person_in_a_seat_ends_the_chat_by_a_word_of_theirs() -> None:
    """AutoGen's assistant and a ``UserProxyAgent`` that is always asked."""
    flow = two_agents("chat", writer, Human("user"), stop=equals("exit", by="user"))

    result = chat(flow, "shorter", "exit")

    assert said(result) == "writer 1, shorter, writer 3, exit"
    assert (result.stop.kind, result.stop.why) == ("done", "equals('exit', by='user')")
    assert errors(flow) == []


def test_the_task_ends_no_chat_in_which_the_person_is_called_like_who_gave_it() -> None:
    flow = two_agents("chat", writer, Human("user"), stop=equals("exit", by="user"))

    assert chat(flow, task="exit").stop.kind == "waiting"


def test_what_the_flow_takes_is_passed_on() -> None:
    """Also the final that takes faults, which is added."""

    class Brief(BaseModel):
        topic: str = "tea"

    broken = Scripted("critic", [OSError("no line")])
    flow = two_agents(
        "talk",
        writer,
        broken,
        rounds=2,
        budget=Budget(turns=5),
        data=Brief,
        on_error="lost",
        description="Two who talk.",
    )

    result = chat(flow)

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "lost", False)
    assert (flow.budget.turns, flow.data, flow.description) == (5, Brief, "Two who talk.")


def test_a_fault_that_nobody_takes_stops_the_run() -> None:
    """A pattern takes none by itself."""
    result = chat(two_agents("talk", writer, Scripted("critic", [OSError("no line")]), rounds=2))

    assert (result.stop.kind, result.stop.state) == ("failed", "critic")


def test_a_chat_is_an_agent_of_another_flow() -> None:
    """It is a plain flow, so it nests like one."""
    inner = two_agents("talk", writer, critic, rounds=1)
    flow = Flow(
        "outer",
        State("ask", inner.as_agent(), to(None, when=ended("done")), to("lost")),
        Final("lost", ok=False),
    )

    assert said(chat(flow)) == "critic 2"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: two_agents("talk", writer, critic),
            "two_agents 'talk': nothing ends the chat; write stop=says('DONE'), turns=8 or "
            "rounds=4",
            id="endless",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, writer, rounds=1),
            "two_agents 'talk': two of them are called 'writer'; give each a name of its own, and "
            "each agent once",
            id="same-agent",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, "critic", rounds=1),  # type: ignore[arg-type]  # on purpose
            "two_agents 'talk': 'critic' is not an agent; it needs a name and `async def "
            "reply(self, turn)`, and a flow becomes one with flow.as_agent()",
            id="no-agent",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=0),
            "two_agents 'talk': rounds=0; give a whole number, 1 or more",
            id="no-round",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=True),
            "two_agents 'talk': rounds=True; give a whole number, 1 or more",
            id="no-number",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=51),
            "two_agents 'talk': rounds=51 is never reached, because the budget ends the run at 100 "
            "turns; give budget=Budget(turns=102)",
            id="beyond-the-budget",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, stop=str.isupper),  # type: ignore[arg-type]  # on purpose
            "two_agents 'talk': stop=<method 'isupper' of 'str' objects> is not a guard; write "
            "stop=says('DONE'), or decorate the function with @guard",
            id="stop-is-no-guard",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=1, human="sometimes"),  # type: ignore[arg-type]  # on purpose
            "two_agents 'talk': human='sometimes' is no way to ask a person; give one of 'always', "
            "'on_stop', 'never'",
            id="no-such-mode",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=1, human="on_stop"),
            "two_agents 'talk': human='on_stop' asks where stop= holds, and there is none; write "
            "stop=says('DONE'), or human='always'",
            id="nothing-to-stop-at",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, rounds=1, person=Human("boss")),
            "two_agents 'talk': person='boss' would never be asked; write human='always' or "
            "human='on_stop'",
            id="person-never-asked",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, human="always", person="boss"),  # type: ignore[arg-type]  # on purpose
            "two_agents 'talk': 'boss' is not an agent; it needs a name and `async def "
            "reply(self, turn)`, and a flow becomes one with flow.as_agent()",
            id="person-is-no-agent",
        ),
        pytest.param(
            lambda: two_agents("talk", speaker("user"), critic, human="always"),
            "two_agents 'talk': one of them is called 'user', as is the person whom human='always' "
            "asks; give person=Human('boss', may_pass=True), or leave human= out if that agent is "
            "the person",
            id="called-like-the-person",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, human=Human("u")),  # type: ignore[arg-type]  # on purpose
            "two_agents 'talk': human= is 'always', 'on_stop' or 'never'; give your own 'u' as "
            "person=",
            id="person-as-human",
        ),
        pytest.param(
            lambda: two_agents(
                "talk", writer, critic, human="always", person=Human("boss", options=["yes", "no"])
            ),
            "two_agents 'talk': person='boss' could never say 'exit', which ends the chat; add it "
            "to the options, or leave options= and form= out",
            id="options-without-exit",
        ),
        pytest.param(
            lambda: two_agents(
                "talk", writer, critic, human="always", person=Human("boss", form=Grade)
            ),
            "two_agents 'talk': person='boss' could never say 'exit', which ends the chat; add it "
            "to the options, or leave options= and form= out",
            id="a-form-has-no-exit",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, turns=0),
            "two_agents 'talk': turns=0; give a whole number, 1 or more",
            id="no-turn",
        ),
        pytest.param(
            lambda: two_agents("talk", writer, critic, turns=101),
            "two_agents 'talk': turns=101 is never reached, because the budget ends the run at 100 "
            "turns; give budget=Budget(turns=101)",
            id="turns-beyond-the-budget",
        ),
    ],
)
def test_what_could_never_work_is_refused(make: Callable[[], Flow], sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()

    assert str(caught.value) == sentence
