"""Speech: what an agent is proved never to say, the agent itself never says."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.agents.assistant import Assistant
from stateflow.agents.human import Human
from stateflow.agents.structured import read_reply
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import SILENCE, Message, Outcome, ToolCall, Usage
from stateflow.conversation.view import View
from stateflow.machine.algebra.algebra import contradictory
from stateflow.machine.algebra.setting import setting_of
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import (
    answered,
    data_is,
    ended,
    equals,
    exit_code,
    failed,
    replied,
    says,
    succeeded,
    timed_out,
)
from stateflow.machine.state import State, Steps, steps
from stateflow.machine.transition import to
from tests.machine.test_algebra import combined
from tests.support.speakers import (
    BOSS,
    CLERK,
    ECHO,
    INNER,
    JUDGE,
    MODEL,
    PERSON,
    RUNNER,
    Data,
    Shouted,
    Verdict,
)


def _human(person: Human, dice: random.Random) -> Iterator[Message]:
    answers = ["yes", "no", "No, too late", "no, but", "NO, BUT why", "y", "n", "perhaps", "A", ""]
    answers.append(json.dumps({"grade": "bad", "score": dice.randrange(1, 11)}))
    for answer in answers:
        said, _ = person.read(answer)
        if said is not None:
            yield said.by(person.name) if isinstance(said, Message) else SILENCE


def _runner(dice: random.Random) -> Iterator[Message]:
    for code in (None, 0, 1, 2, 3):
        for fault in ("", "TimedOut", "OutOfMemory", "Refused"):
            ok = code == 0 and not fault
            late = fault == "TimedOut"
            yield Message("ran A", "runner", Outcome(ok, code, timed_out=late, fault=fault))


def _judge(dice: random.Random) -> Iterator[Message]:
    for score in range(12):
        text = json.dumps({"grade": dice.choice(["good", "bad", "odd"]), "score": score})
        value, wrong = read_reply(Verdict, text)
        if not wrong:
            yield Message(text, "judge", reply=value)
            yield Message(text, "judge", Outcome.failed(), (ToolCall("1", "a", "{}"),), value)


def _nested(dice: random.Random) -> Iterator[Message]:
    for name, ok in (("done", True), ("lost", False)):
        data: Any = Data(kind=dice.choice(["a", "b"]), count=dice.randrange(4)).model_dump()
        yield Message(dice.choice(["A", "b", ""]), "inner", Outcome(ok), reply=data, ended=name)


SPEAKERS: dict[str, tuple[Agent, Callable[[random.Random], Iterator[Message]]]] = {
    "options": (BOSS, lambda dice: _human(BOSS, dice)),
    "free": (PERSON, lambda dice: _human(PERSON, dice)),
    "form": (CLERK, lambda dice: _human(CLERK, dice)),
    "code": (RUNNER, _runner),
    "model": (JUDGE, _judge),
    "nested": (INNER.as_agent(), _nested),
}
fitting = st.one_of(
    combined,
    st.sampled_from(
        [
            answered("yes"),
            ~answered("yes", "no"),
            ~answered(),
            says("no") & answered("yes"),
            equals("no, but") & ~answered("no, but"),
            replied("grade", "bad"),
            replied("score", at_least=11),
            ~replied("score", at_least=1),
            replied("sure"),
            ended("lost") & succeeded,
            ended("done") & failed,
            ~failed & ~exit_code(0),
            succeeded & timed_out,
            replied("kind", "a") & replied("count", at_least=3),
        ]
    ),
)


@settings(max_examples=300)
@given(fitting, st.sampled_from(sorted(SPEAKERS)), st.integers(0, 9))
def test_what_an_agent_is_proved_never_to_say_it_never_says(
    one: Guard, who: str, seed: int
) -> None:
    agent, lines = SPEAKERS[who]
    flow = Flow("flow", State("s", agent, to(None)))
    setting = setting_of(flow, flow.places["s"], "said")
    views = [
        View("s", said, visits={"s": 1}, usage=Usage(1))
        for said in lines(random.Random(seed))  # noqa: S311 - made-up replies
    ]

    if contradictory(one, setting).proved:
        assert not any(map(one, views))


@pytest.mark.parametrize(
    ("agent", "guard", "idle"),
    [
        pytest.param(JUDGE, replied("grade", "odd"), True, id="literal"),
        pytest.param(JUDGE, replied("score", at_most=0), True, id="bounds"),
        pytest.param(JUDGE, replied("sure", "yes"), True, id="bool"),
        pytest.param(JUDGE, replied("greade"), True, id="no-such-field"),
        pytest.param(JUDGE, succeeded, False, id="tools-may-work"),
        pytest.param(
            Assistant("judge", "test:model", reply=Shouted), replied("word", "YES"), False, id="own"
        ),
        pytest.param(ECHO, exit_code(7), False, id="function"),
        pytest.param(steps(ECHO, BOSS), says("A", by=ECHO), True, id="the-last-of-two"),
        pytest.param(steps(ECHO, PERSON), says("A", by=ECHO), False, id="the-last-may-pass"),
        pytest.param(MODEL, data_is("kind"), True, id="no-data"),
    ],
)
def test_who_speaks_decides_what_can_be_said(
    agent: Agent | Steps, guard: Guard, idle: bool
) -> None:
    flow = Flow("flow", State("s", agent, to(None)))

    assert contradictory(guard, setting_of(flow, flow.places["s"], "said")).proved is idle
