"""Two runs, side by side."""

from __future__ import annotations

import pytest

from stateflow.agents.scripted import Scripted
from stateflow.engine.run import run_sync
from stateflow.errors import RateLimited
from stateflow.journal.aligned import aligned, spoken
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow
from stateflow.machine.guards import says
from stateflow.machine.nested import Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Place, State, steps
from stateflow.machine.transition import to


def essay(*drafts: str, verdicts: tuple[str, ...] = ("no", "OK"), review: str = "review") -> Flow:
    """Return a flow in which somebody writes until somebody else says OK."""
    writer, critic = Scripted("writer", list(drafts)), Scripted("critic", list(verdicts))
    return Flow(
        "essay",
        State("write", writer, to(review)),
        State(review, critic, to(None, when=says("OK")), to("write")),
    )


def journal(flow: Flow, task: str = "Write.") -> Journal:
    """Return what a run of *flow* left behind."""
    found = run_sync(flow, task).journal
    assert found is not None
    return found


def test_a_run_is_the_same_as_itself() -> None:
    one = journal(essay("a", "b"))
    found = aligned(one, one)

    assert not found
    assert found.first is None
    assert [pair.same for pair in found.pairs] == [True] * 4


def test_the_first_turn_in_which_something_else_was_said_is_where_two_runs_part() -> None:
    found = aligned(journal(essay("a", "b")), journal(essay("a", "c")))

    assert found.first == 2
    pair = found.pairs[2]
    assert pair.before is not None
    assert pair.after is not None
    assert (pair.before.text, pair.after.text) == ("b", "c")
    assert [pair.same for pair in found.pairs] == [True, True, False, True]


def test_turns_that_only_one_run_has_stand_alone() -> None:
    short, long = essay("a", verdicts=("OK",)), essay("a", "b")

    found = aligned(journal(short), journal(long))

    assert found.first == 1
    rows = [(p.before and p.before.text, p.after and p.after.text) for p in found.pairs]
    assert rows == [("a", "a"), (None, "no"), (None, "b"), ("OK", "OK")]
    assert (found.before.turns, found.after.turns) == (2, 4)


def test_verdicts_and_ways_are_told_by_name() -> None:
    turns = list(spoken(journal(essay("a", "b"))))

    assert turns[1].verdicts == (("says('OK')", False), ("else", True))
    assert [turn.led for turn in turns] == [("review",), ("write",), ("review",), ("done",)]
    assert turns[3].verdicts == (("says('OK')", True),)


def test_another_task_and_another_flow_are_told() -> None:
    found = aligned(journal(essay("a", "b")), journal(essay("a", "b", review="check"), "Now."))

    assert found.given == (("task", "Write.", "Now."),)
    assert [change.kind for change in found.flows.changes] == ["renamed"]
    assert found.first is None
    assert found


def test_two_runs_that_only_stop_otherwise_differ() -> None:
    def flow(*replies: str) -> Flow:
        return Flow("f", State("a", Scripted("x", list(replies)), to(None, when=says("yes"))))

    stuck, done = journal(flow("no")), journal(flow("yes"))

    found = aligned(stuck, done)

    assert found.first == 0
    assert [pair.before.led if pair.before else None for pair in found.pairs] == [()]
    assert str(found.before.stop) != str(found.after.stop)


def test_faults_are_part_of_a_turn() -> None:
    def flow(reply: str | Exception) -> Flow:
        place = State("a", Scripted("x", [reply]), to(None))
        return Flow("f", place, State("b", Scripted("y", ["sorry"]), to(None)), on_error="b")

    found = aligned(journal(flow("fine")), journal(flow(RateLimited("slow down"))))

    first = found.pairs[0].after
    assert first is not None
    assert "RateLimited" in first.fault
    assert first.led == ("b",)


def test_turns_of_nested_runs_stand_before_theirs_under_the_path_of_their_state() -> None:
    def paper(text: str) -> Flow:
        inner = Flow("inner", State("outline", Scripted("x", [text]), to(None)))
        return Flow("paper", Nested("draft", inner, to(None)))

    found = aligned(journal(paper("one")), journal(paper("two")))

    assert found.first == 0
    assert [pair.before.path if pair.before else "" for pair in found.pairs] == [
        "draft/outline",
        "draft",
    ]


def test_branches_are_told_apart() -> None:
    inner = Flow("inner", State("say", Scripted("x", ["a"]), to(None)))
    both: Place = Parallel("both", {"one": inner, "two": inner}, to(None))

    turns = list(spoken(journal(Flow("p", both))))

    assert [turn.path for turn in turns] == ["both/one/say", "both/two/say", "both"]


def test_a_flow_that_speaks_beside_others_is_told_by_the_name_it_speaks_under() -> None:
    def paper(flow: str) -> Flow:
        inner = Flow(flow, State("outline", Scripted("x", ["one"]), to(None)))
        both = steps(inner.as_agent("helper"), Scripted("writer", ["two"]))
        return Flow("paper", State("draft", both, to(None)))

    one, other = journal(paper("inner")), journal(paper("deeper"))

    assert [turn.path for turn in spoken(one)] == ["draft/helper/outline", "draft"]
    assert all(pair.same for pair in aligned(one, other).pairs)


def test_what_was_said_in_between_is_matched_by_who_spoke_where() -> None:
    one = essay("a", "x", "c", verdicts=("no", "no", "OK"))
    other = essay("b", "a", "x", "d", verdicts=("no", "no", "no", "OK"))

    found = aligned(journal(one), journal(other))

    rows = [(p.before and p.before.text, p.after and p.after.text) for p in found.pairs]
    assert ("a", "a") in rows
    assert ("x", "x") in rows
    assert sum(pair.same for pair in found.pairs) >= 5


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_run_that_was_cut_off_is_compared_as_far_as_it_goes(cut: int) -> None:
    whole = journal(essay("a", "b"))
    begun = Journal(whole.run, whole.events[:cut], whole.children)

    found = aligned(begun, whole)

    assert found
    assert found.before.stop is None
    assert len(found.pairs) == 4


def test_runs_too_long_to_be_matched_are_paired_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stateflow.journal.aligned._MOST", 1)
    one, other = journal(essay("a", "b")), journal(essay("x", "y", verdicts=("OK",)))

    found = aligned(one, other)

    rows = [(p.before and p.before.text, p.after and p.after.text) for p in found.pairs]
    assert rows == [("a", "x"), ("no", None), ("b", None), ("OK", "OK")]
