"""Fan-out: several answer at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stateflow import (
    Budget,
    DefinitionError,
    Flow,
    FunctionAgent,
    Human,
    Parallel,
    Scripted,
    State,
    debate,
    parallel,
    to,
)
from tests.support.chatting import chat, errors, said, speaker

ANN, BOB = Scripted("ann", ["1"]), Scripted("bob", ["2"])
SUM = FunctionAgent("sum", lambda view: " + ".join(m.text for m in view.transcript[1:]))


def test_all_answer_and_one_sums_up() -> None:
    """In the order they are listed; a flow is one of them under its name."""
    talk = debate("talk", [speaker("pro"), speaker("con")], Scripted("judge", ["3"]), rounds=1)

    result = chat(parallel("poll", [ANN, talk, BOB], then=SUM))

    assert [message.speaker for message in result.messages] == ["user", "ann", "talk", "bob", "sum"]
    assert result.messages[-1].text == "1 + 3 + 2"
    assert result.path == ("together", "sum")


def test_without_a_sum_their_answers_are_the_last() -> None:
    flow = parallel("poll", [ANN, BOB])

    assert said(chat(flow)) == "1, 2"
    assert errors(flow) == []


def test_nobody_hears_the_others() -> None:
    heard = [FunctionAgent(name, lambda view: view.transcript[-1].text) for name in ("a", "b")]

    assert said(chat(parallel("poll", heard), task="Well?")) == "Well?, Well?"


def test_join_and_others_are_those_of_the_state() -> None:
    flow = parallel("poll", [ANN, BOB, SUM], join=2, others="keep")

    place = flow.states[0]
    assert isinstance(place, Parallel)
    assert (place.need, place.others) == (2, "keep")


def test_an_agent_keeps_its_name_and_its_description() -> None:
    bob = FunctionAgent("bob", lambda view: "2", description="counts")
    named = Flow("long", State("x", ANN, to(None))).as_agent("short")

    place = parallel("poll", [named, bob]).states[0]

    assert [agent.name for agent in place.agents] == ["short", "bob"]
    assert [getattr(agent, "description", None) for agent in place.agents] == ["", "counts"]


def test_a_person_in_a_branch_makes_the_run_wait() -> None:
    flow = parallel("poll", [ANN, Human("boss")], then=SUM, budget=Budget(turns=20))

    waiting, done = chat(flow), chat(flow, "9")

    assert [one.id for one in waiting.stop.questions] == ["together#1.1/boss#1.0"]
    assert said(done) == "1, 9, 1 + 9"


@pytest.mark.parametrize(
    ("speakers", "how", "sentence"),
    [
        pytest.param([ANN], {}, "2 agents or more", id="one"),
        pytest.param([ANN, ANN], {}, "called 'ann'", id="twice"),
        pytest.param([ANN, BOB], {"then": ANN}, "called 'ann'", id="then"),
        pytest.param([ANN, "bob"], {}, "'bob' is not an agent", id="a-name"),
        pytest.param("ab", {}, "'ab' is no list", id="no-list"),
        pytest.param([ANN, BOB], {"join": 3}, "join=3 can never fire", id="join"),
    ],
)
def test_what_is_wrong_is_told(speakers: Any, how: Mapping[str, Any], sentence: str) -> None:  # noqa: ANN401 - whatever somebody writes
    with pytest.raises(DefinitionError) as caught:
        parallel("poll", speakers, **how)

    assert sentence in str(caught.value)
