"""The change that is not executed before it was approved, and the rules that say so."""

from __future__ import annotations

import pytest

from flows.guarded_change import flow, task
from stateflow import Flow, State, failed, to
from stateflow.journal.event import RunPaused, TurnTaken
from stateflow.journal.ruled import violation
from stateflow.machine.check.rules import broken_rules, verdicts
from tests.support.chatting import chat, errors


def test_nothing_is_wrong_with_it_and_its_rules_hold() -> None:
    assert errors(flow) == []
    assert [one.holds for one in verdicts(flow)] == [True, True, True]


def test_a_change_that_failed_is_planned_and_approved_anew() -> None:
    result = chat(flow, "approve", "approve", task=task)

    once = ("plan", "approve", "execute", "test", "verify")
    assert result.path == once * 2
    assert result.stop.kind == "done"


def test_what_is_not_approved_is_not_executed() -> None:
    result = chat(flow, "reject", "give up", task=task)

    assert result.path == ("plan", "approve", "plan", "approve")
    assert (result.stop.state, result.stop.ok) == ("given_up", False)


@pytest.mark.parametrize(
    ("place", "short_cut", "path", "stop"),
    [
        pytest.param("plan", "execute", "plan → execute", "failed", id="not-approved"),
        pytest.param(
            "execute",
            "execute",
            "plan → approve → approved → execute → execute",
            "waiting",
            id="one-approval-twice",
        ),
        pytest.param(
            "execute",
            None,
            "plan → approve → approved → execute → done",
            "waiting",
            id="not-verified",
        ),
    ],
)
def test_no_short_cut_is_taken(place: str, short_cut: str | None, path: str, stop: str) -> None:
    """``check`` tells the way; where the fault leads to another plan, that waits for approval."""
    places = [
        one.changed(transitions=(to(short_cut, when=~failed), *one.transitions))
        if isinstance(one, State) and one.name == place
        else one
        for one in flow.places.values()
    ]
    cut = Flow("cut", *places, rules=flow.rules)

    finding = next(broken_rules(cut))
    result = chat(cut, *["approve"] * (place == "execute"), task=task)

    assert finding.witness == path
    assert result.stop.kind == stop
    assert result.path.count("execute") == (place == "execute")
    assert result.journal is not None
    events = [one.event for one in result.journal.events]
    turns = [one.turn if isinstance(one, RunPaused) else one for one in events]
    faults = [one.fault for one in turns if isinstance(one, TurnTaken) and one.fault is not None]
    assert [fault.name for fault in faults] == ["RuleBroken"]
    assert [violation(result.journal.events, rule) for rule in flow.rules] == [None] * 3
