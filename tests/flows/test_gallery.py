"""Each flow of the gallery does what its docstring says."""

from __future__ import annotations

import pytest

from flows import counting, one_agent, plan_execute_review, slogan
from stateflow import canonical, replay, run_sync
from tests.support.embedded import need_embedded


def test_plan_execute_review_goes_back_after_the_failed_execution() -> None:
    """AutoGen's table, ``None`` included, runs to done."""
    result = run_sync(plan_execute_review.flow, plan_execute_review.task)

    assert result.path == ("planner", "executor", "planner", "executor", "reviewer")
    assert result.stop.kind == "done"


def test_counting_has_the_recorded_order_of_speakers() -> None:
    """The order is the one recorded for AutoGen's example."""
    result = run_sync(counting.flow, counting.task)

    said = [f"{message.speaker[:2]}{message.text}" for message in result.messages]
    assert " ".join(said) == (
        "us1 Pl2 En3 Ex4 En5 Cr6 En7 Cr8 En9 Ex10 En11 Cr12 En13 Cr14 En15 Ex16 En17 Cr18 En19 "
        "Cr20 PlTERMINATE"
    )
    assert result.stop.why == "says('TERMINATE', by='Planner')"


def test_one_agent_plays_three_roles() -> None:
    """One agent, three states, one failure on the way."""
    result = run_sync(one_agent.flow, one_agent.task)

    assert result.path == ("plan", "execute", "plan", "execute", "review")
    assert {message.speaker for message in result.messages} == {"user", "worker"}
    assert result.usage.calls == 5


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        pytest.param("Coffee, and time to drink it", None, id="passes"),
        pytest.param("Tea, and time to drink it", 'the word "coffee" is missing', id="no-word"),
        pytest.param("Coffee\nnow and then", "it has more than one line", id="two-lines"),
        pytest.param("Coffee!", "it has 1 words", id="too-short"),
        pytest.param("A slogan with coffee", "it talks about the task", id="parrots"),
    ],
)
def test_the_checker_of_slogans_says_what_is_wrong(draft: str, why: str | None) -> None:
    """A sentence for each rule."""
    assert slogan.wrong_with(draft, "coffee") == why


def test_slogan_gives_up_at_its_cap() -> None:
    """A fixer that never learns leads to the declared final."""
    models = {"writer": "scripted:no", "fixer": "scripted:never"}

    result = run_sync(slogan.flow, slogan.task, models=models)

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "gave_up", False)
    assert result.path.count("repair") == 7


def test_slogan_runs_on_the_embedded_model_and_replays_without_it() -> None:
    """The main job: a real model, a deterministic check, a repair, and the same bytes again."""
    need_embedded()

    result = run_sync(slogan.flow, slogan.task)

    assert result.stop.kind in {"done", "final"}
    assert "repair" in result.path
    assert result.usage.input_tokens > 0
    assert result.journal is not None
    again = replay(slogan.flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
