"""Debates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stateflow import DefinitionError, FunctionAgent, View, debate, says
from tests.support.chatting import chat, errors, speaker, table

ANN, BOB = speaker("ann"), speaker("bob")


def count_votes(view: View) -> str:
    """Say what the last of each round say most."""
    last = [message.text[:3] for message in view.transcript[-3:]]
    return max(sorted(set(last)), key=last.count)


JUDGE = FunctionAgent("judge", count_votes)


def test_all_answer_in_turn_until_the_rounds_are_over() -> None:
    flow = debate("tax", [ANN, BOB], JUDGE, rounds=2)

    assert table(flow) == {
        "ann": [("bob", "else")],
        "bob": [("judge", "visited('bob', at_least=2)"), ("ann", "else")],
        "judge": [(None, "else")],
    }
    assert chat(flow).path == ("ann", "bob", "ann", "bob", "judge")
    assert errors(flow) == []


def test_each_sees_what_was_said_before() -> None:
    heard = [FunctionAgent(name, lambda view: str(len(view.transcript))) for name in "abc"]

    result = chat(debate("tax", heard, JUDGE, rounds=1))

    assert [message.text for message in result.messages[1:4]] == ["1", "2", "3"]


def test_the_judge_may_be_a_function_that_counts() -> None:
    """AutoGen's aggregator takes the majority."""
    agree = [FunctionAgent(name, lambda view: "yes") for name in ("a", "b")]
    differ = FunctionAgent("c", lambda view: "not at all")

    assert chat(debate("tax", [*agree, differ], JUDGE, rounds=1)).messages[-1].text == "yes"


def test_stop_leads_to_the_judge_before_the_rounds_are_over() -> None:
    flow = debate("tax", [ANN, BOB], JUDGE, stop=says("bob 2"))

    assert chat(flow).path == ("ann", "bob", "judge")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        pytest.param({"debaters": [ANN]}, "2 agents or more", id="one"),
        pytest.param({"debaters": [ANN, ANN]}, "called 'ann'", id="twice"),
        pytest.param({"judge": ANN}, "called 'ann'", id="judge"),
        pytest.param({"judge": None}, "None is not an agent", id="no-judge"),
        pytest.param({"rounds": 0}, "rounds=0", id="no-rounds"),
        pytest.param({"rounds": None}, "rounds=None", id="unlimited"),
        pytest.param({"rounds": 99}, "the budget ends the run at 100 turns", id="too-many"),
        pytest.param({"stop": "x"}, "stop='x' is not a guard", id="stop"),
    ],
)
def test_what_is_wrong_is_told(how: Mapping[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"debaters": [ANN, BOB], "judge": JUDGE, **how}

    with pytest.raises(DefinitionError) as caught:
        debate("tax", **given)

    assert str(caught.value).startswith("debate 'tax'")
    assert sentence in str(caught.value)
