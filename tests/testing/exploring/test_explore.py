import re
from pathlib import Path

import pytest

from stateflow import (
    Assistant,
    DefinitionError,
    Final,
    Flow,
    Human,
    Nested,
    Result,
    State,
    View,
    answered,
    failed,
    guard,
    says,
    to,
)
from stateflow.testing import Cast, explore, paths, read_cassette
from stateflow.testing.exploring.explore import agents_for

critic = Assistant("critic", "openai:gpt-5")
GOOD = to(None, when=says("GOOD", by=critic))
sound = Flow("essay", State("judge", critic, GOOD, to("judge")))
gap = Flow("essay", State("write", critic, to("judge")), State("judge", critic, GOOD))


@guard
def broken(view: View) -> bool:
    raise KeyError(view.last.text)


def approval() -> Flow:
    boss = Human("boss", "Accept it?", options=["yes", "no"])
    ways = to(None, when=answered("yes")), to("rejected")
    inner = Flow("approval", State("ask", boss, *ways), Final("rejected", ok=False))
    return Flow(
        "outer",
        Nested("approve", inner, to("mend", when=failed), to(None)),
        State("mend", critic, to("approve")),
    )


def test_a_sound_flow_holds() -> None:
    explore(sound, runs=30)


def test_nested_people_are_answered_for() -> None:
    explore(approval(), runs=30)


def test_a_gap_is_found_in_the_shortest_conversation_and_told_as_a_cassette(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"

    with pytest.raises(AssertionError) as told:
        explore(gap, runs=50, save=path)

    text = str(told.value)
    assert text.startswith("'essay' does not hold: stuck at 'judge'")
    assert "  the path: write\n" in text
    assert len(read_cassette(path).events) < 10


def test_the_same_is_found_each_time() -> None:
    def found() -> str:
        with pytest.raises(AssertionError) as told:
            explore(gap, runs=50)
        return str(told.value)

    assert found() == found()


def test_a_gap_that_the_flow_accepts_is_none() -> None:
    accepted = Flow("essay", State("judge", critic, GOOD), accept={"SF103": "it always says GOOD"})

    explore(accepted, runs=30)


def test_a_property_of_ones_own_is_held() -> None:
    def once(result: Result) -> bool:
        return len(result.path) < 3

    with pytest.raises(AssertionError, match="returned False") as told:
        explore(sound, runs=50, holds=once)

    assert "the path: judge → judge → judge\n" in str(told.value)


def test_a_guard_that_raises_is_found() -> None:
    flow = Flow("essay", State("judge", critic, to(None, when=broken), to("judge")))

    with pytest.raises(AssertionError, match="guard 'broken' of state 'judge' raised KeyError"):
        explore(flow, runs=10)


@pytest.mark.parametrize("runs", [0, -1])
def test_no_runs_are_refused(runs: int) -> None:
    with pytest.raises(DefinitionError, match="explores nothing"):
        explore(sound, runs=runs)


@pytest.mark.parametrize("work", [explore, paths, agents_for])
def test_what_is_no_flow_is_refused(work: object) -> None:
    assert callable(work)
    with pytest.raises(DefinitionError, match="'essay' is not a flow"):
        work("essay")


def test_paths_take_every_transition_of_nested_flows_too() -> None:
    found = paths(approval())

    assert not found.missed
    assert found.taken == 5
    for one in found.conversations:
        assert one.cast.run(found.flow).path == one.path


def test_what_cannot_be_taken_is_told_with_the_reason() -> None:
    by_writer = to("judge", when=says("MORE", by="writer"))
    writer = State("write", Assistant("writer", "openai:gpt-5"), to("judge"))
    flow = Flow("essay", writer, State("judge", critic, by_writer, GOOD, to("judge")))

    (missed,) = paths(flow).missed

    assert missed.proved
    assert "only 'critic' speaks last here" in missed.why


def test_pairs_are_taken_one_right_after_the_other() -> None:
    found = paths(sound, "pairs")

    assert found.taken == 2
    assert max(len(one.path) for one in found.conversations) == 3


def test_a_huge_flow_takes_a_bounded_search() -> None:
    states = [
        State(f"s{n}", critic, to(f"s{n + 1}" if n < 499 else None, when=says("GOOD", by=critic)))
        for n in range(500)
    ]

    found = paths(Flow("huge", *states))

    assert found.taken == 100
    assert "more than 100 turns away" in found.missed[-1].why


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ({"critic": ["no"]}, "'critic' is asked in state 'judge' for line 2, and the cast has 1"),
        ({"critic": ["GOOD", "more"]}, "'critic' has 1 left"),
    ],
    ids=["too few", "too many"],
)
def test_a_cast_says_all_of_its_lines_and_no_more(lines: dict[str, list[str]], told: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(told)):
        Cast(lines).run(sound, "Tea.")
