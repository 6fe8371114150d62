"""Rules held against journals: which event broke one, and after what."""

from __future__ import annotations

import asyncio

import pytest

from stateflow import Budget, Final, Flow, Runner, Scripted, State, StoreError, run_sync, says, to
from stateflow.journal.event import Recorded, TurnTaken
from stateflow.journal.ruled import Violation, violation
from stateflow.machine.rule.rule import Rule, always, at_most, never


def change() -> Flow:
    """Return a flow that goes around the approval, without a rule against it."""
    return Flow(
        "change",
        State("plan", Scripted("planner", ["go", "go"]), to("execute")),
        State("approve", Scripted("boss", []), to("execute")),
        State("execute", Scripted("x", ["no", "done"]), to("plan", when=says("no")), to("shipped")),
        Final("shipped"),
    )


def events(turns: int = 20) -> tuple[Recorded, ...]:
    result = run_sync(change(), "t", budget=Budget(turns=turns))
    assert result.journal is not None
    return result.journal.events


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        pytest.param(never("execute").before("plan"), None, id="kept"),
        pytest.param(never("execute").before("approve"), "plan execute", id="first"),
        pytest.param(at_most("plan", 1), "plan execute plan", id="second"),
        pytest.param(
            always("approve").before("done"), "plan execute plan execute shipped", id="the-end"
        ),
        pytest.param(never("a place of a later flow"), None, id="unknown"),
    ],
)
def test_a_journal_tells_the_first_entry_that_broke_a_rule(rule: Rule, path: str | None) -> None:
    found = violation(events(), rule)

    if path is None:
        assert found is None
        return
    assert found is not None
    assert found.path == tuple(path.split())
    broke = next(one for one in events() if one.seq == found.seq).event
    assert isinstance(broke, TurnTaken)
    assert broke.steps[-1].to == found.path[-1]


def test_a_violation_is_one_line() -> None:
    """Done is told by its name."""
    found = Violation(never("done"), 3, ("a", None))

    assert str(found) == "never('done') is broken at event 3: a → done"


def test_a_run_that_is_paused_owes_nothing_yet() -> None:
    assert violation(events(turns=2), always("approve").after("plan")) is None
    assert violation(events(), always("approve").after("plan")) is not None


def test_a_run_that_was_cancelled_owes_nothing() -> None:
    async def cancelled() -> tuple[Recorded, ...]:
        async with Runner() as runner:
            result = await runner.start(change(), "t", budget=Budget(turns=2))
            assert not (await runner.stop(result.run)).resumable
            return (await runner.journal(result.run)).events

    assert violation(asyncio.run(cancelled()), always("approve")) is None


def test_a_torn_journal_is_refused() -> None:
    with pytest.raises(StoreError, match="does not begin with RunStarted"):
        violation(events()[2:], never("execute"))
