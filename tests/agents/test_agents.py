"""Who can speak: functions, scripts, assistants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stateflow import (
    PASS,
    Assistant,
    DefinitionError,
    Flow,
    FunctionAgent,
    Message,
    Model,
    Outcome,
    Scripted,
    Settings,
    State,
    View,
    last,
    run_sync,
    says,
    to,
)
from stateflow.journal.event import EffectDone


def alone(agent: Any, **more: Any) -> Flow:  # noqa: ANN401 - any agent, arguments of a state
    return Flow("f", State("s", agent, to(None), **more))


async def later(view: View) -> str:
    return "later"


def plain(view: View) -> str:
    return "plain"


def whole(view: View) -> Message:
    return Message("whole", "somebody else")


@pytest.mark.parametrize("said", [plain, whole, later])
@pytest.mark.parametrize("scripted", [False, True])
def test_a_function_and_a_line_of_a_script_say_the_same(
    said: Callable[[View], Any], scripted: bool
) -> None:
    """Texts, messages and coroutines; the speaker is always the agent."""
    agent = Scripted("me", [said]) if scripted else FunctionAgent("me", said)

    message = run_sync(alone(agent), "go").messages[-1]

    assert (message.text, message.speaker) == (said.__name__, "me")


def test_a_script_that_is_over_is_a_fault_that_counts_its_lines() -> None:
    """Not silence, and not the last line again."""
    flow = Flow("f", State("s", Scripted("a", ["one"]), to(None, when=says("two")), to("s")))

    stop = run_sync(flow).stop

    assert stop.fault is not None
    assert stop.fault.name == "NoReply"
    assert "it has 1 lines, and this is its turn 2" in stop.why


def test_one_script_serves_many_runs_and_passing_uses_up_a_line() -> None:
    """Which line is next follows from the run alone."""
    outcome = Outcome.exited(1)
    script = Scripted("a", [PASS, Message("two", outcome=outcome)])
    flow = Flow("f", State("s", script, to(None, when=says("two")), to("s")))
    for _ in range(2):
        result = run_sync(flow, "go")
        assert [m.text for m in result.messages] == ["go", "two"]
        assert result.messages[-1].outcome == outcome


def _asked(flow: Flow) -> list[Any]:
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return [r.event.args for r in journal.events if isinstance(r.event, EffectDone)]


def test_the_print_of_a_request_tells_what_decides_the_answer() -> None:
    """Model, settings, prompts, schema, window; and a seed that moves with the visit."""
    model = "scripted:one|two"
    seeded = Model(model, Settings(seed=7))
    agent = Assistant("a", seeded, "Be brief.", vary_seed=True)
    flow = Flow("f", State("s", agent, to(None, when=says("two")), to("s"), sees=last(1)))
    first, second = _asked(flow)

    assert (first["model"], first["sees"]) == (model, {"last": 1})
    assert [first["settings"]["seed"], second["settings"]["seed"]] == [8, 9]
    assert first["messages"] != second["messages"]
    plain = _asked(alone(Assistant("a", model, "Be brief.")))[0]
    other = _asked(alone(Assistant("a", model, "Be long.")))[0]
    role = _asked(alone(Assistant("a", model, "Be brief."), prompt="Review."))[0]
    assert len({plain["prompt"], other["prompt"], role["prompt"]}) == 3
    assert "schema" not in plain
    formed = _asked(alone(Assistant("a", 'scripted:{"x": 1}', reply={"type": "object"})))[0]
    assert "schema" in formed


def test_an_assistant_without_a_name_that_can_be_drawn_is_refused() -> None:
    """Before any flow is built of it."""
    with pytest.raises(DefinitionError, match="cannot name an agent"):
        Assistant("a/b", "scripted:x")
