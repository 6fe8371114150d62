"""The error tree: the drawing is the real one, and sentences carry their facts."""

from __future__ import annotations

import os
import pickle
import re

import pytest

from stateflow import errors
from stateflow.errors import (
    Exhausted,
    FaultError,
    ReplayDivergence,
    RunHeld,
    RunTaken,
    StateflowError,
    StoreError,
    UnknownRun,
)

MARKS = "*x-.,"  # one for each depth of the drawing


def drawn() -> dict[str, str]:
    """Return each error of the drawing with the one it stands under."""
    above: dict[int, str] = {-1: "Exception"}
    tree: dict[str, str] = {}
    rows = re.findall(r"^( *)([*x.,-]) ([A-Z]\w+)", errors.__doc__ or "", flags=re.MULTILINE)
    for spaces, mark, name in rows:
        depth = MARKS.index(mark)
        assert len(spaces) == 2 * depth
        above[depth] = name
        tree[name] = above[depth - 1]
    return tree


def defined() -> dict[str, str]:
    """Return each error that the module defines with its base."""
    return {
        name: error.__bases__[0].__name__
        for name, error in vars(errors).items()
        if isinstance(error, type) and error.__module__ == errors.__name__
    }


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every class, each under its base."""
    assert drawn() == defined()


def test_every_error_is_exported() -> None:
    """Sorted, and nothing else beside them."""
    assert errors.__all__ == sorted(defined())


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_can_be_caught_as_ours(name: str) -> None:
    """One ``except`` for everything raised on purpose."""
    assert issubclass(getattr(errors, name), StateflowError)
    assert getattr(errors, name).__doc__


def test_an_unknown_run_tells_where_to_look() -> None:
    """Nothing begins like this."""
    error = UnknownRun("r1")

    assert str(error) == "no one run is called 'r1'; `stateflow ls runs` lists those the store has"
    assert (error.run, error.candidates) == ("r1", ())


def test_an_ambiguous_run_tells_what_it_could_mean() -> None:
    """Five at most."""
    error = UnknownRun("r", candidates=(f"r{n}" for n in range(7)))

    assert str(error).endswith("it could mean 'r0', 'r1', 'r2', 'r3', 'r4': write more of it")
    assert len(error.candidates) == 7


def test_a_run_taken_over_tells_both_positions() -> None:
    """It is a store's error, and nothing of ours was written."""
    error = RunTaken("r1", after=3, found=5)

    assert isinstance(error, StoreError)
    assert (error.run, error.after, error.found) == ("r1", 3, 5)
    assert "(it has 5 events, we knew 3); nothing of ours was written" in str(error)


@pytest.mark.parametrize(
    ("pid", "where"),
    [(None, "another process;"), (0, "another process (pid 0);"), (os.getpid(), "this process;")],
    ids=["unknown", "known", "ours"],
)
def test_a_run_that_is_held_tells_by_whom(pid: int | None, where: str) -> None:
    """As far as it is known."""
    error = RunHeld("r1", pid=pid)

    assert isinstance(error, StoreError)
    assert (error.run, error.pid) == ("r1", pid)
    assert f"run 'r1' is under way in {where} wait for its end" in str(error)


def test_a_divergence_names_its_place() -> None:
    """The place is a fact of its own."""
    error = ReplayDivergence("write#2", "asked for another model")

    assert error.place == "write#2"
    assert str(error) == "write#2: asked for another model"


def test_a_divergence_keeps_its_facts_between_processes() -> None:
    """A test session may run over several of them."""
    error = ReplayDivergence(
        "turn 2", "went elsewhere", kind="step", turn=2, verdicts=[("else", True, None)]
    )
    error.add_note("seen by a worker")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert str(again) == str(error)
    assert (again.kind, again.turn, again.verdicts) == (error.kind, error.turn, error.verdicts)


def test_a_used_up_budget_is_a_fault_that_names_its_limit() -> None:
    """A guard can name it, as any fault."""
    error = Exhausted("usd", "no money left")

    assert isinstance(error, FaultError)
    assert (error.which, str(error)) == ("usd", "no money left")
