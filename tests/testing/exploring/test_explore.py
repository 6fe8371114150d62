import re
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from stateflow import (
    Assistant,
    Budget,
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
    itself,
    replay,
    replied,
    says,
    to,
)
from stateflow.machine.rule.rule import at_most
from stateflow.testing import Cast, explore, paths, read_cassette
from stateflow.testing.exploring.explore import agents_for
from stateflow.testing.exploring.play import Row

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
    assert "  spoke: write\n" in text
    assert "Cast({" in text
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

    assert "spoke: judge{3}\n" in str(told.value)


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


class _Score(BaseModel):
    score: int = Field(ge=0, le=10)


class _Count(BaseModel):
    number: int = Field(0, ge=0, le=3)


scorer = Assistant("scorer", "openai:gpt-5", reply=_Score)
_tries = count()


@guard
def fickle(view: View) -> bool:
    return next(_tries) % 3 == 0


def counted(view: View) -> dict[str, int]:
    return {"number": view.data.number + 1}


def nonsense(view: View) -> Any:  # noqa: ANN401 - what no action may return
    return "nonsense"


def _again(name: str, **given: Any) -> Flow:  # noqa: ANN401 - of a flow
    more = to(name, when=says("MORE", by=critic), do=given.pop("do", None))
    return Flow("planted", State(name, critic, more, to(None)), **given)


PLANTED = {
    "a gap between two guards": (
        Flow(
            "planted",
            State("write", critic, to("grade")),
            State(
                "grade",
                scorer,
                to(None, when=replied("score", at_least=8)),
                to("write", when=replied("score", at_most=6)),
            ),
        ),
        "stuck at 'grade'",
        """{"critic": ["Hello."], "scorer": [{"score": 7}]}""",
    ),
    "data that grows": (
        _again("write", do=counted, data=_Count),
        "does not fit _Count: number",
        """{"critic": ["MORE"]}).run(flow, data={'number': 3})""",
    ),
    "an action that returns no patch": (
        _again("write", do=nonsense, data=_Count),
        "action 'nonsense' at 'write' returned 'nonsense', not a mapping",
        """{"critic": ["MORE"]}""",
    ),
    "a rule": (
        _again("write", rules=[at_most("write", 3)]),
        "RuleBroken: at_most('write', 3)",
        """{"critic": ["MORE", "MORE", "MORE"]}""",
    ),
    "a guard that is fickle": (
        Flow("planted", State("write", critic, to(None, when=fickle), to("write"))),
        "guard 'fickle' depends on more than the view",
        """Cast({"critic": [""",
    ),
}


@pytest.mark.parametrize(("flow", "why", "said"), PLANTED.values(), ids=PLANTED.keys())
def test_what_was_planted_is_found_in_the_shortest_conversation(
    flow: Flow, why: str, said: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(why)) as told:
        explore(flow, runs=200)

    assert said in str(told.value)


def test_a_cassette_of_what_went_wrong_shows_it_again(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    with pytest.raises(AssertionError, match="stuck at 'judge'"):
        explore(gap, runs=50, save=path)

    again = replay(gap, read_cassette(path))

    assert (again.path, again.stop.kind, again.stop.state) == (("write",), "stuck", "judge")


def test_without_hypothesis_only_explore_is_missed() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from stateflow.testing import Cast, paths\n"
        "from stateflow.testing import explore\n"
    )

    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert "exploring needs Hypothesis: pip install" in ran.stderr


def test_a_property_that_raises_is_told_with_the_conversation() -> None:
    def holds(result: Result) -> None:
        raise LookupError(result.path[0])

    with pytest.raises(AssertionError, match="the property raised LookupError: judge"):
        explore(sound, runs=20, holds=holds)


def test_pairs_are_looked_for_where_the_wanted_transitions_are() -> None:
    found = paths(approval(), "pairs", only=[Row(0, "mend", 0)])

    assert found.taken == 3
    assert not found.missed


def test_a_flow_in_itself_is_not_gone_into_for_ever() -> None:
    inward = to("deep", when=says("DEEP", by=critic))
    flow = Flow("deep", State("ask", critic, inward, to(None)), Nested("deep", itself(), to(None)))

    assert not paths(flow).missed


def test_a_large_flow_with_loops_is_covered_in_part_and_the_rest_is_told() -> None:
    states = [
        State(
            f"s{n}",
            critic,
            to(f"s{n + 1}" if n < 199 else None, when=says("ON", by=critic)),
            to(f"s{max(0, n - 3)}"),
        )
        for n in range(200)
    ]

    found = paths(Flow("huge", *states, budget=Budget(turns=5_000)))

    assert found.taken > 350
    assert "the search is bounded" in found.missed[-1].why


def test_a_run_without_turns_is_refused() -> None:
    with pytest.raises(DefinitionError, match="turns=0 lets nobody speak"):
        explore(sound, turns=0)


def test_another_seed_finds_the_gap_too() -> None:
    with pytest.raises(AssertionError, match="stuck at 'judge'") as told:
        explore(gap, runs=50, seed=7)

    assert "writes this cassette:" in str(told.value)
