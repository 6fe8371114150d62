"""What must hold of a run, held against runs in which it does not."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from stateflow import (
    Assistant,
    Budget,
    Fault,
    Flow,
    Nested,
    Result,
    State,
    StateflowError,
    says,
    to,
)
from stateflow.conversation.message import Message
from stateflow.journal.event import Journal
from stateflow.journal.stop import Stop
from stateflow.testing.exploring import holding
from stateflow.testing.exploring.cast import Cast
from stateflow.testing.exploring.holding import Holding
from stateflow.testing.exploring.line import Line
from stateflow.testing.exploring.play import Play, Row

critic = Assistant("critic", "openai:gpt-5")
writer = Assistant("writer", "openai:gpt-5")
GOOD = to(None, when=says("GOOD", by=critic))
essay = Flow("essay", State("judge", critic, GOOD, to("judge")))


def ran(flow: Flow, *lines: Line) -> Play:
    """Return a run of *flow* in which the critic says *lines*."""
    return Play(Cast({"critic": lines}).run(flow, "Tea."))


def changed(play: Play, **result: object) -> Play:
    return Play(replace(play.result, **result), play.runs)  # type: ignore[arg-type]


def test_all_holds_of_a_good_run() -> None:
    assert Holding(essay).broken(ran(essay, "no", "GOOD")) == ""


def test_a_run_without_a_journal_is_not_judged() -> None:
    play = changed(ran(essay, "GOOD"), journal=None, stop=Stop("paused", "judge", ""))

    assert Holding(essay).broken(play) == ""


@pytest.mark.parametrize("kind", ["waiting", "paused", "cancelled"])
def test_a_run_that_does_not_end_is_told(kind: str) -> None:
    stop = Stop(kind, "judge", "for once")  # type: ignore[arg-type]

    told = Holding(essay).broken(changed(ran(essay, "GOOD"), stop=stop))

    assert told.startswith("the run does not end: ")


def test_a_run_without_a_stop_is_told() -> None:
    play = ran(essay, "no", "GOOD")
    journal = play.result.journal
    assert journal is not None
    cut = replace(journal, events=journal.events[:2])

    assert Holding(essay).broken(changed(play, journal=cut)) == "a run of 'essay' has no stop"


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Budget(turns=1), "2 turns were taken, and the budget is 1"),
        (Budget(calls=1), "2 model calls were made, and the budget is 1"),
    ],
    ids=["turns", "calls"],
)
def test_a_budget_that_the_engine_does_not_keep_is_told(
    limits: Budget, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = ran(essay, "no", "GOOD")

    def read(_: object) -> Budget:
        return limits

    monkeypatch.setattr(holding, "budget_from", read)
    tight = replace_budget(essay, limits)

    assert Holding(tight).broken(play) == why


def replace_budget(flow: Flow, budget: Budget) -> Flow:
    return Flow(flow.name, *flow.states, budget=budget)


def test_a_cap_that_the_engine_does_not_keep_is_told() -> None:
    capped = Flow("essay", State("judge", critic, GOOD, to("judge"), visits=1))

    told = Holding(capped).broken(ran(essay, "no", "GOOD"))

    assert told == "'judge' spoke 2 times, and its cap is 1"


class _Data(BaseModel):
    number: int


def test_data_that_does_not_fit_is_told() -> None:
    typed = Flow("essay", State("judge", critic, GOOD, to("judge")), data=_Data)

    assert "number" in Holding(typed).broken(ran(essay, "GOOD"))


def test_another_course_from_the_journal_is_told() -> None:
    other = Flow("essay", State("judge", critic, to(None)))

    told = Holding(other).broken(ran(essay, "no", "GOOD"))

    assert told.startswith("repeated from its journal the run goes elsewhere: ")


def test_other_bytes_from_the_journal_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    play, again = ran(essay, "GOOD"), ran(essay, "no", "GOOD")

    def elsewhere(flow: Flow, journal: Journal) -> Result:
        del flow, journal
        return again.result

    monkeypatch.setattr(holding, "replay", elsewhere)

    assert "is not the same, byte for byte" in Holding(essay).broken(play)


def test_a_replay_that_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(flow: Flow, journal: Journal) -> Result:
        del flow, journal
        raise StateflowError("turn 1 differs")

    monkeypatch.setattr(holding, "replay", raises)

    assert "goes elsewhere: turn 1 differs" in Holding(essay).broken(ran(essay, "GOOD"))


def test_a_transition_that_check_rules_out_and_that_was_taken_is_told() -> None:
    other = to("judge", when=says("MORE", by=writer))
    flow = Flow("essay", State("judge", critic, other, GOOD, to("judge")))
    play = ran(flow, "GOOD")

    told = Holding(flow).broken(Play(play.result, [[Row(0, "judge", 0)]]))

    assert told.startswith("check says ")
    assert told.endswith(", and it was taken")


def test_a_state_that_check_finds_no_way_to_and_that_spoke_is_told() -> None:
    flow = Flow(
        "essay",
        State("judge", critic, GOOD, to("judge")),
        State("lost", writer, to(None)),
        accept={"SF101": "for once"},
    )

    told = Holding(flow).broken(changed(ran(flow, "GOOD"), path=("judge", "lost")))

    assert told == "check says that nothing leads to 'lost', and it spoke"


def test_a_nested_run_is_held_to_the_same() -> None:
    inner = Flow("inner", State("judge", critic, GOOD))
    outer = Flow("outer", Nested("essay", inner, to(None)))

    assert Holding(outer).broken(ran(outer, "no")).startswith("stuck at 'judge'")


@pytest.mark.parametrize("accepted", ["SF102", "SF103", "SF103 at judge"])
def test_who_accepts_a_gap_accepts_a_run_that_is_stuck(accepted: str) -> None:
    flow = Flow("essay", State("judge", critic, GOOD), accept={accepted: "it says GOOD"})

    assert Holding(flow).broken(ran(flow, "no")) == ""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("LookupError", "as explored"), False),
        (Fault("LookupError", "a slip"), True),
        (Fault("RateLimited", "no", ("StateflowError",)), False),
    ],
    ids=["made up", "of Python", "of the world"],
)
def test_only_a_fault_that_nobody_made_up_is_told(fault: Fault, *, told: bool) -> None:
    assert bool(Holding(essay).broken(ran(essay, fault))) is told


@pytest.mark.parametrize(
    ("text", "why"),
    [("too long", "does not hold: too long"), ("", "does not hold: it asserts otherwise")],
    ids=["said", "silent"],
)
def test_a_property_that_asserts_is_told(text: str, why: str) -> None:
    def holds(result: Result) -> None:
        assert result.messages[-1] == Message("never"), text

    def silent(result: Result) -> None:
        del result
        raise AssertionError

    told = Holding(essay, holds if text else silent).broken(ran(essay, "GOOD"))

    assert why in told
