"""Every flow of the gallery in conversations that are made up; what is never taken stands here."""

from pathlib import Path

import pytest

from stateflow.engine.finding import find_flow
from stateflow.testing import explore, paths

FLOWS = sorted(Path(__file__).parents[3].joinpath("flows").glob("*.py"))
ALL_REAL = ("Board", "White", "Black")
REAL = {"chess_match": ALL_REAL, "counting": ("Planner", "Engineer", "Executor", "Critic")}
"""Plain Python plays these; made-up words are no moves and no numbers."""
NEVER = {
    "arithmetic_constrained": 3,  # the end by turns is met at one place or another
    "chess_match": 15,  # one game is played, and it always goes the same way
    "flight_refund": 3,  # a stop for all, that names who speaks elsewhere
    "resume_chat": 4,  # the same
    "stock_swarm": 3,  # the same
}
"""So many transitions are not taken, at most."""


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_conversations_take_every_transition_that_can_be_taken(path: Path) -> None:
    if path.stem == "chess_match":
        pytest.skip("its moves are not to be guessed")
    found = find_flow(str(path))

    came = paths(found.flow, task=found.task)

    assert len(came.missed) <= NEVER.get(path.stem, 0), str(came)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_random_conversations_hold(path: Path) -> None:
    found = find_flow(str(path))

    data: dict[str, object] | None = (
        {} if path.stem in REAL and found.flow.data is not None else None
    )
    real = REAL.get(path.stem, ())
    explore(found.flow, runs=10, task=found.task, data=data, real=real)
