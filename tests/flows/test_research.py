"""The research flow: the recorded order, and the branch that AutoGen's example misses."""

from __future__ import annotations

import pytest

from flows import research
from stateflow import run_sync
from stateflow.machine.check.check import check

CODER, EXECUTOR = "Retrieve_Action_1", "Retrieve_Action_2"


def test_a_program_that_works_has_the_recorded_order_of_speakers() -> None:
    result = run_sync(research.flow, research.task)

    speakers = [message.speaker for message in result.messages[1:]]
    assert speakers == ["Init", CODER, EXECUTOR, "Research_Action_1"]
    assert "law: Reading a thousand leases" in result.messages[3].text
    assert result.stop.kind == "done"


@pytest.mark.parametrize("failures", [1, 3])
def test_a_program_that_fails_goes_back_to_the_coder(failures: int) -> None:
    """AutoGen's example goes on to the scientist here."""
    programs = [*[research.BROKEN] * failures, research.PROGRAM]

    result = run_sync(research.team("research", programs), research.task)

    assert result.path == ("init", *("write", "run") * (failures + 1), "research")
    first = result.messages[3]
    assert first.outcome is not None
    assert first.outcome.exit_code == 1
    assert "NameError" in first.text


def test_a_coder_that_never_gets_it_right_is_given_up() -> None:
    result = run_sync(research.team("research", [research.BROKEN] * 4), research.task)

    assert (result.stop.kind, result.stop.state) == ("final", "gave_up")
    assert "Research_Action_1" not in {message.speaker for message in result.messages}


def test_no_program_at_all_is_no_success() -> None:
    result = run_sync(research.team("research", ["No idea.", research.PROGRAM]), research.task)

    assert result.path == ("init", "write", "run", "write", "run", "research")


def test_nothing_is_wrong_with_it() -> None:
    assert [one for one in check(research.flow) if one.severity == "error"] == []
