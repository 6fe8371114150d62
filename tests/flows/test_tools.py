"""The flows of the gallery in which models use tools and answer by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from flows import front_desk as desk
from flows import grade
from stateflow import Result, Runner, canonical, replay, run_sync
from stateflow.cli import call
from stateflow.engine.replaying import replay_journal
from tests.support.embedded import need_embedded


async def served(answer: str, *, models: Mapping[str, str] = desk.stand_in) -> Result:
    """Serve the customer, where a person gives *answer*, and hold the replay against it."""
    async with Runner(models=models) as runner:
        asked = await runner.start(desk.flow, desk.task)
        assert asked.stop.kind == "waiting"
        result = await runner.resume(desk.flow, asked.run, answer=answer)
        journal = await runner.journal(asked.run)
    again = await replay_journal(desk.flow, journal)
    assert canonical(again.journal) == canonical(journal)
    return result


async def test_the_desk_pays_once_a_person_allowed_it() -> None:
    """The clerk hands over along the table; what was paid is the cashier's answer."""
    result = await served("yes")

    assert result.path == ("desk", "refund", "receipt")
    assert result.messages[-1].text == "Paid back 12 EUR for: cup."
    assert [call.name for message in result.messages for call in message.calls] == [
        "send",
        "pay_back",
    ]


async def test_the_desk_does_not_pay_when_a_person_says_no() -> None:
    """The refusal is what the call came to."""
    result = await served("no")

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "declined", True)
    assert not result.messages[-1].calls[-1].ok


def test_the_desk_waits_and_goes_on_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its docstring says."""
    monkeypatch.setenv("STATEFLOW_STORE", str(tmp_path / "runs.db"))
    models = [word for who, name in desk.stand_in.items() for word in ("--model", f"{who}={name}")]

    assert call(("run", str(desk.__file__), *models, "--no-input")) == 4
    assert call(("resume", "last", "--answer", "yes")) == 0
    assert call(("replay", "last")) == 0


def test_who_asks_something_else_is_sent_to_help() -> None:
    """Nobody is asked for leave there."""
    models = {**desk.stand_in, "clerk": 'scripted:send({"to": "help"})'}

    result = run_sync(desk.flow, "When do you open?", models=models)

    assert result.path == ("desk", "help")
    assert result.stop.kind == "done"


@pytest.mark.parametrize(("answer", "end"), [("yes", "receipt"), ("no", "declined")])
async def test_the_embedded_model_serves_at_the_desk(answer: str, end: str) -> None:
    """What it sends and pays is its own affair; that it calls the tools is not."""
    need_embedded()

    result = await served(answer, models={})

    assert result.stop.state == end
    assert result.usage.usd == 0.0


def test_a_grade_that_is_too_low_leads_to_another_line() -> None:
    """The guard reads the score, not the words."""
    result = run_sync(grade.flow, grade.task, models=grade.stand_in)

    assert result.path == ("write", "grade", "write", "grade")
    assert result.stop.why == "replied('score', at_least=8)"
    assert result.messages[-1].reply == {"score": 9, "advice": "Keep it."}


def test_grades_that_stay_low_end_at_the_cap() -> None:
    """Three lines are enough."""
    models = {**grade.stand_in, "grader": 'scripted:{"score": 1, "advice": "No."}'}

    result = run_sync(grade.flow, grade.task, models=models)

    assert (result.stop.kind, result.stop.state) == ("final", "gave_up")
    assert result.path.count("write") == 3


def test_the_embedded_model_grades_by_the_schema() -> None:
    """Every grade is one, whatever it is worth."""
    need_embedded()

    result = run_sync(grade.flow, grade.task)

    grades = [grade.Grade.model_validate(m.reply) for m in result.messages if m.reply is not None]
    assert result.stop.kind in {"done", "final"}
    assert len(grades) == result.path.count("grade") > 0
    assert result.journal is not None
    again = replay(grade.flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
