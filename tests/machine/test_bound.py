"""The graph that bounds are read from, and how figures are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import pytest

from stateflow import (
    Final,
    Flow,
    FunctionAgent,
    Junction,
    State,
    View,
    bound,
    failed,
    guard,
    says,
    to,
)
from stateflow.machine.bound.bound import Bound, Figure, folded_path
from stateflow.machine.bound.graph import START, Ways, cycle_of, dearest, in_turns, ways_of
from stateflow.machine.bound.witness import walked
from stateflow.machine.check.nested import Nesting

SAY = FunctionAgent("say", lambda view: view.last.text)


def ways(flow: Flow) -> Ways:
    return ways_of(flow, Nesting(flow).moves(flow))


def of(to: Mapping[str, Sequence[str | None]], caps: Mapping[str, int]) -> Ways:
    first = next(iter(to))
    return Ways({START: [first], **to}, {}, caps)


def longest(graph: Ways, weights: Mapping[str, int], turns: int) -> int:
    """Return the dearest walk of so many turns, by trying all of them."""
    most = 0
    ahead: list[tuple[str, tuple[str, ...]]] = [(to, ()) for to in graph.to[START] if to]
    while ahead:
        name, before = ahead.pop()
        if before.count(name) >= graph.caps.get(name, turns) or len(before) == turns:
            continue
        walk = (*before, name)
        most = max(most, sum(weights[one] for one in walk))
        ahead += [(to, walk) for to in graph.to[name] if to is not None]
    return most


def test_junctions_and_finals_are_folded_into_the_ways_between_states() -> None:
    flow = Flow(
        "route",
        Junction("enter", to("a", when=says("x")), to("b")),
        State("a", SAY, to("fork")),
        State("b", SAY, to(None)),
        Junction("fork", to("b", when=failed), to("over")),
        Final("over"),
    )

    assert ways(flow).to == {START: ["a", "b"], "a": ["b", None], "b": [None]}


def test_on_error_is_a_way_of_every_state_but_itself() -> None:
    flow = Flow("err", State("a", SAY, to(None)), State("mend", SAY, to(None)), on_error="mend")

    assert ways(flow).to == {START: ["a"], "a": [None, "mend"], "mend": [None]}


def test_hidden_transition_is_no_way() -> None:
    flow = Flow("hidden", State("a", SAY, to("b"), to("a")), State("b", SAY, to(None)))

    assert ways(flow).to["a"] == ["b"]


def test_cycle_without_a_cap_is_named_by_its_shortest_way_round() -> None:
    graph = of({"a": ["b"], "b": ["c", "a"], "c": ["a"]}, {})

    assert cycle_of(graph, {"a": 1, "b": 1, "c": 1}) == ["a", "b", "a"]
    assert cycle_of(graph, {"a": 0, "b": 0, "c": 0}) == []


def test_cap_on_one_state_bounds_every_cycle_through_it() -> None:
    graph = of({"a": ["b"], "b": ["c", "a"], "c": ["a"]}, {"a": 4})

    most, walk = dearest(graph, {"a": 1, "b": 1, "c": 1})

    assert cycle_of(graph, {"a": 1, "b": 1, "c": 1}) == []
    assert (most, len(walk)) == (12, 12)
    assert all(then in graph.to[name] for name, then in pairwise(walk))


@pytest.mark.parametrize("seed", range(150))
def test_dearest_walk_is_never_less_than_the_one_found_by_trying_all(seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - a seed is wanted
    names = [f"s{n}" for n in range(rng.randint(1, 4))]
    to = {name: rng.sample([*names, None], rng.randint(0, min(3, len(names)))) for name in names}
    graph = of(to, {name: rng.randint(1, 2) for name in names})
    weights = {name: rng.randint(0, 3) for name in names}
    most, walk = dearest(graph, weights)
    counted = in_turns(graph, weights, 8)

    exact = longest(graph, weights, 8)

    assert most >= exact
    assert all(walk.count(name) <= cap for name, cap in graph.caps.items())
    assert all(then in graph.to[name] for name, then in pairwise(walk))
    assert sum(weights[name] for name in walk) <= exact
    assert counted is not None
    assert counted[0] >= exact


def test_large_graph_is_bounded_by_its_condensation() -> None:
    names = [f"s{n}" for n in range(500)]
    around = {name: [names[(n + 1) % 500], None] for n, name in enumerate(names)}
    graph = of(around, {"s0": 2})

    most, walk = dearest(graph, dict.fromkeys(names, 1))

    assert (most, walk) == (2 + 3 * 499, [])


def test_turns_count_what_the_dearest_of_so_many_takes() -> None:
    graph = of({"think": ["talk"], "talk": ["think", "talk"]}, {})

    assert in_turns(graph, {"think": 5, "talk": 1}, 4) == (12, ["think", "talk", "think", "talk"])
    assert in_turns(graph, {"think": 5, "talk": 1}, 0) == (0, [])
    assert in_turns(graph, {"think": 5, "talk": 1}, float("inf")) is None


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "a", "a"], "a×3"),
        (["a", "b", "a", "b", "c"], "(a → b)×2 → c"),
        (["x", "a", "b", "b", "a", "b", "b"], "x → (a → b → b)×2"),
    ],
)
def test_path_is_told_with_its_repetition_folded(states: list[str], told: str) -> None:
    assert folded_path(states) == told


def test_very_long_path_is_told_by_both_ends() -> None:
    told = folded_path([f"s{n}" for n in range(5_000)])

    assert told.startswith("s0 → s1 → ")
    assert "… 4,978 more …" in told
    assert told.endswith("s4999")


def test_figure_that_does_not_exist_is_an_error() -> None:
    whole = Bound("f", (Figure("turns", 3),))

    assert whole["turns"].most == 3
    with pytest.raises(KeyError, match="minutes"):
        whole["minutes"]


def test_witness_is_looked_for_only_among_the_ways_it_goes() -> None:
    asked = list[str]()

    @guard
    def noted(view: View) -> bool:
        asked.append(view.state)
        return False

    others = [State(f"s{n}", SAY, to("hub")) for n in range(50)]
    ways = [to(one.name, when=noted) for one in others]
    flow = Flow("hub", State("hub", SAY, *ways, to("end")), *others, State("end", SAY, to(None)))

    moves = walked(flow, ["hub", "end"], may_raise=())

    assert moves is not None
    assert len(asked) <= 2 * len(others)


def test_guard_of_hundreds_joined_is_walked() -> None:
    many = says("W")
    for n in range(190):
        many |= says(f"W{n}")
    flow = Flow("deep", State("a", SAY, to("b", when=many), to("b")), State("b", SAY, to(None)))

    assert bound(flow)["turns"].most == 2
