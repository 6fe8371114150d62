"""What AutoGen's GraphFlow 0.7.5 lets pass, and what happens here instead."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from stateflow import (
    DefinitionError,
    Flow,
    FunctionAgent,
    Parallel,
    State,
    View,
    canonical,
    guard,
    run,
    says,
    to,
    visited,
)
from stateflow.machine.check.check import check
from stateflow.stores.memory import MemoryStore
from tests.support.branches import one, stuck
from tests.support.cutting import RUN, drive, every_cut
from tests.support.six_ways import ROOT


def talker(name: str = "talker") -> FunctionAgent:
    """Return an agent that never runs out of words."""
    return FunctionAgent(name, lambda view: f"turn {view.turns}")


def codes(flow: Flow) -> list[tuple[str, str, str]]:
    """Return what is wrong with *flow*, in short."""
    return [(one.code, one.severity, one.place) for one in check(flow)]


def test_an_island_that_nothing_leads_to_is_an_error() -> None:
    """GraphFlow: an unreachable part of the graph is accepted."""
    flow = Flow(
        "f",
        State("main", talker(), to(None)),
        State("island", talker("a"), to("shore")),
        State("shore", talker("b"), to("island", when=says("x")), to(None)),
    )

    assert ("SF101", "error", "island") in codes(flow)
    assert ("SF101", "error", "shore") in codes(flow)


async def test_where_no_guard_holds_the_run_is_stuck_not_complete() -> None:
    """GraphFlow: it stops with the reason "Digraph execution is complete"."""
    flow = Flow(
        "f",
        State("say", talker(), to("x", when=says("never")), to("y", when=says("nor this"))),
        State("x", talker("x"), to(None)),
        State("y", talker("y"), to(None)),
    )

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.ok) == ("stuck", False)
    assert result.stop.tried == (("says('never')", False), ("says('nor this')", False))
    assert ("SF103", "error", "say") in codes(flow)


async def test_of_two_guards_that_hold_the_first_is_taken_and_no_other() -> None:
    """GraphFlow: both targets run."""
    flow = Flow(
        "f",
        State("say", talker(), to("x", when=says("turn")), to("y", when=says("0"))),
        State("x", talker("x"), to(None)),
        State("y", talker("y"), to(None)),
    )

    result = await run(flow, "task")

    assert result.path == ("say", "x")
    assert [message.speaker for message in result.messages] == ["user", "talker", "x"]


async def test_a_join_that_cannot_come_about_is_never_complete() -> None:
    """GraphFlow: a join that waits for a branch that was not taken ends "complete", silently.

    Here all branches begin, one that comes to no end fails the join, and a join of more branches
    than there are is refused.
    """
    with pytest.raises(DefinitionError, match="join=3 can never fire"):
        Parallel("p", [one("a"), one("b")], to(None), join=3)
    flow = Flow("f", Parallel("p", [one("a"), stuck()], to(None)))

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.ok) == ("failed", False)
    assert "nested run 'stuck' stopped: stuck at 'say'" in result.stop.why


async def test_an_else_beside_a_guard_is_a_bare_transition() -> None:
    """GraphFlow: an edge without a condition is forbidden beside one that has a condition."""
    flow = Flow(
        "f",
        State("say", talker(), to("say", when=says("0")), to("other")),
        State("other", talker("other"), to(None)),
    )

    result = await run(flow, "task")

    assert result.path == ("say", "say", "other")
    assert codes(flow) == []


async def test_a_chat_that_is_nothing_but_a_loop_is_a_flow() -> None:
    """GraphFlow: a graph without a leaf is refused, so two agents cannot just take turns.

    Here it runs, until its budget stops it with a name.
    """
    ping, pong = talker("ping"), talker("pong")
    flow = Flow("f", State("ping", ping, to("pong")), State("pong", pong, to("ping")))

    result = await run(flow, "task")

    assert (result.stop.kind, result.stop.which, result.turns) == ("budget", "turns", 100)


@guard
def never(view: View) -> bool:
    """Say no."""
    return not view.transcript and bool(view.transcript)


def test_a_function_as_a_guard_never_turns_true_on_its_way_through_json() -> None:
    """GraphFlow: a callable condition that was False is True after a JSON round trip.

    Here its form names it by module, name and source, and nothing that could be read as a verdict.
    """
    flow = Flow("f", State("say", talker(), to("say", when=never), to(None)))

    form = json.loads(json.dumps(flow.table()))["places"][0]["to"][0]["when"]

    assert not never(View())
    assert form["function"].endswith("never")
    assert "source" in form or "code" in form
    assert True not in form.values()


async def test_a_loop_that_is_cut_anywhere_reaches_its_exit() -> None:
    """GraphFlow: of four places to cut a loop, three never reach the exit after the resume."""
    flow = Flow(
        "f",
        State("generate", talker("generator"), to("review")),
        State(
            "review",
            talker("reviewer"),
            to("exit", when=visited("review", at_least=3)),
            to("generate"),
        ),
        State("exit", talker("exit"), to(None)),
    )
    uncut = MemoryStore()
    await drive(uncut, flow, "task")
    expected = canonical(await uncut.journal(RUN))
    cuts = 0

    async for place, store in every_cut(lambda store: drive(store, flow, "task")):
        stop = await drive(store, flow, "task")
        assert (stop.kind, stop.state) == ("done", "exit"), place
        assert canonical(await store.journal(RUN)) == expected, place
        cuts += 1

    assert cuts > 10


FOUR = Flow("four", Parallel("start", {name: one(name) for name in "dbca"}, to(None)))
_CODE = """
from stateflow import run_sync
from tests.holes.test_graphflow import FOUR
print(*(message.speaker for message in run_sync(FOUR, "task").messages))
"""


@pytest.mark.parametrize("seed", ["0", "1", "2", "3"])
def test_four_at_once_speak_in_one_order_under_any_hash_seed(seed: str) -> None:
    """GraphFlow: four parallel starts come in four orders under four hash seeds."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout.split() == ["user", "d", "b", "c", "a"]
