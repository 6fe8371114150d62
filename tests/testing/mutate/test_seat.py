"""How a mutant reaches tests: flows are changed where they are made, and only those meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stateflow import Flow, Nested, Scripted, State, to
from stateflow.engine.finding import find_flow
from stateflow.testing.home import home_of
from stateflow.testing.mutate.mutants import mutants
from stateflow.testing.mutate.seat import Seat

_FILE = """
from stateflow import *

def made(visits):
    return Flow("essay", State("write", Scripted("writer", ["a"]), to(None), visits=visits))

flow = made(3)
"""


@pytest.fixture
def seat() -> Iterator[Seat]:
    """Return a seat that is given up afterwards."""
    one = Seat()
    yield one
    one.close()


def made(visits: int | None) -> Flow:
    return Flow("essay", State("write", Scripted("writer", ["a"]), to(None), visits=visits))


def caps(*flows: Flow) -> list[int | None]:
    return [one.states[0].visits for one in flows]


def test_flows_made_before_and_after_are_changed(seat: Seat) -> None:
    before = made(3)
    seat.seat(home_of(before), "drop-cap at essay/write")
    after = made(5)

    assert caps(before, after) == [None, None]
    assert seat.changed == 2


def test_a_flow_of_another_shape_is_left_alone(seat: Seat) -> None:
    seat.seat(home_of(made(3)), "tighten-cap at essay/write")

    assert caps(made(2), made(1), made(None)) == [1, 1, None]


def test_a_flow_of_the_same_name_elsewhere_is_left_alone(seat: Seat) -> None:
    seat.seat(home_of(made(3)), "drop-cap at essay/write")
    other = Flow("essay", State("write", Scripted("writer", ["a"]), to(None), visits=3))

    assert caps(other) == [3]


def test_a_file_that_is_imported_twice_is_changed_twice(seat: Seat, tmp_path: Path) -> None:
    path = tmp_path / "essay.py"
    path.write_text(_FILE, "utf-8")
    first = find_flow(str(path)).flow
    seat.seat(home_of(first), mutants(first)[-1].id)

    second = find_flow(f"{path}:flow").flow

    assert second is not first
    assert caps(first, second) == [2, 2]


def test_whoever_nests_it_tells_of_it_in_its_table(seat: Seat) -> None:
    inner = made(3)
    outer = Flow("outer", Nested("a", inner, to(None)))
    before = outer.fingerprint()

    seat.seat(home_of(inner), "drop-cap at essay/write")

    assert outer.fingerprint() != before


def test_given_up_it_looks_no_more() -> None:
    seat = Seat()
    seat.seat(home_of(made(3)), "drop-cap at essay/write")
    seat.close()

    assert caps(made(3)) == [3]
