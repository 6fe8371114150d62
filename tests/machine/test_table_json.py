"""What a flow's table tells of places and of what runs in them."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow.agents.scripted import Scripted
from stateflow.machine.flow import Flow
from stateflow.machine.guards import failed
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State, steps
from stateflow.machine.table_json import guards_of, kind_of, nested_path, places_in
from stateflow.machine.transition import to

BOB = Scripted("bob", ["1"])
INNER = Flow("inner", State("say", BOB, to(None)))


def test_places_are_told_by_name_and_kind_with_their_guards() -> None:
    flow = Flow(
        "f",
        State("a", BOB, to("b", when=failed), to("c")),
        Junction("b", to("c")),
        Final("c"),
    )

    places = places_in(flow.table())

    assert {name: kind_of(place) for name, place in places.items()} == {
        "a": "state",
        "b": "junction",
        "c": "final",
    }
    assert [guards_of(place) for place in places.values()] == [["failed", "else"], ["else"], []]


@pytest.mark.parametrize(
    ("place", "ordinal", "flow", "path"),
    [
        pytest.param(Nested("x", INNER, to(None)), 0, "inner", "x", id="alone"),
        pytest.param(
            Parallel("x", {"one": INNER, "two": INNER}, to(None)), 1, "inner", "x/two", id="branch"
        ),
        pytest.param(
            State("x", steps(INNER.as_agent("helper"), BOB), to(None)),
            0,
            "inner",
            "x/helper",
            id="step",
        ),
        pytest.param(
            State("x", steps(INNER.as_agent("one"), INNER.as_agent("two")), to(None)),
            1,
            "inner",
            "x/inner",
            id="steps-of-one-flow",
        ),
        pytest.param(Nested("x", itself(), to("x"), visits=2), 0, "f", "x", id="itself"),
        pytest.param(State("x", BOB, to(None)), 0, "other", "x/other", id="tool"),
    ],
)
def test_a_nested_run_has_the_path_of_where_it_speaks(
    place: Place, ordinal: int, flow: str, path: str
) -> None:
    whole = Flow("f", place)
    row: Any = places_in(whole.table())["x"]

    assert nested_path("x", row, ordinal, flow, whole.name) == path
