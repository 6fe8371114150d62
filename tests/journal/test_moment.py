"""A run as it stood after each of its turns."""

from __future__ import annotations

import pytest

from stateflow import Flow, Nested, Runner, Scripted, State, run_sync, says, to, visited
from stateflow.errors import StoreError
from stateflow.journal.event import Journal, TurnTaken
from stateflow.journal.fold import fold
from stateflow.journal.moment import count_moments, moment, moments, nested_at


def recorded() -> Journal:
    inner = Flow(
        "inner",
        State("a", Scripted("x", ["1", "2"]), to("b")),
        State("b", Scripted("y", ["3", "4"]), to(None)),
    )
    flow = Flow(
        "outer",
        State("write", Scripted("writer", ["one", "two"]), to("ask")),
        Nested("ask", inner, to(None, when=visited("ask", at_least=2)), to("write")),
    )
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return journal


def test_each_is_the_fold_of_what_came_before_whatever_is_read_later() -> None:
    journal = recorded()

    found = list(moments(journal))

    assert [one.number for one in found] == [0, 1, 2, 3, 4]
    assert len(found) == count_moments(journal)
    for one in found[:-1]:
        again = fold(journal.events[: one.fold.seq])
        assert again.path == one.fold.path
        assert dict(one.fold.seen) == again.visits
        assert (one.fold.usage, one.fold.transcript.digest()) == (
            again.usage,
            again.transcript.digest(),
        )
    assert [one.turn.state for one in found if isinstance(one.turn, TurnTaken)] == found[
        -1
    ].fold.path
    assert [one.said for one in found] == [[], ["one"], ["3"], ["two"], ["3"]]


def test_turns_are_counted_from_either_end_and_in_nested_runs() -> None:
    """Turns of nested runs are not those of the run around them."""
    journal = recorded()

    assert moment(journal, -1).number == moment(journal, 4).number == 4
    assert moment(journal, "0").turn is None
    inner = moment(journal, "ask#1.0/2")
    assert (inner.path, inner.number, inner.said) == ("ask#1.0/", 2, ["3"])
    assert nested_at(journal, "ask#1.0") is journal.children["ask#1.0"]


@pytest.mark.parametrize("at", ["5", "-6", "x", "", "ask#9.0/1", "ask#1.0/3"])
def test_what_is_not_there_is_refused(at: str) -> None:
    with pytest.raises(StoreError):
        moment(recorded(), at)


async def test_a_turn_that_could_not_be_taken_comes_last() -> None:
    flow = Flow("stuck", State("a", Scripted("x", ["no"]), to(None, when=says("yes"))))
    async with Runner() as runner:
        journal = await runner.journal((await runner.start(flow, "go")).run)

    *_, last = moments(journal)

    assert last.stopped is not None
    assert last.stopped.stop.kind == "stuck"
    assert (last.number, last.said) == (1, ["no"])
    assert moment(journal, -1).number == 0
