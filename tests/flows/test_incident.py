"""The incident of the gallery: 25 places in four phases, with two people in it."""

from __future__ import annotations

import pytest

from flows import incident
from stateflow import run_sync
from stateflow.machine.check.check import check
from tests.support.chatting import chat

DONE = ("approve", "yes")


def test_nothing_is_wrong_with_it() -> None:
    assert [str(one) for one in check(incident.flow)] == []
    assert len(incident.flow.places) == 25
    assert {place.phase for place in incident.flow.places.values()} == {
        *("triage", "investigate", "mitigate", "communicate", "")
    }


def test_it_is_resolved_by_two_people_and_a_rehearsed_fix() -> None:
    result = chat(incident.flow, *DONE, task=incident.task)

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "resolved", True)
    assert result.path.count("hypothesis") == 2
    assert result.path.count("dry_run") == 2
    assert result.path[-4:] == ("draft_update", "post_update", "postmortem", "sign_off")


def test_the_first_fix_fails_its_rehearsal() -> None:
    result = chat(incident.flow, *DONE, task=incident.task)

    runs = [m for m in result.messages if m.speaker == "rehearsal"]
    assert [message.outcome is not None and message.outcome.ok for message in runs] == [False, True]


@pytest.mark.parametrize(
    ("answers", "end", "why"),
    [
        pytest.param(("approve", "no", "no", "no"), "escalated", "exhausted", id="never-signed"),
        pytest.param(("approve", "no", "yes"), "resolved", "answered('yes')", id="signed-later"),
    ],
)
def test_a_report_is_signed_or_a_person_is_woken(
    answers: tuple[str, ...], end: str, why: str
) -> None:
    result = chat(incident.flow, *answers, task=incident.task)

    assert (result.stop.state, result.stop.why) == (end, why)


def test_what_is_known_and_not_severe_ends_at_once() -> None:
    mild = {"triager": 'scripted:{"severity": 4}'}

    result = run_sync(incident.flow, "search is slow", models=mild)

    assert result.path == ("receive", "classify", "dedupe")
    assert result.stop.state == "resolved"
