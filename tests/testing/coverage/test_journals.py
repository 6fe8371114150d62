"""Recorded runs count as the same runs did live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from stateflow import Flow, Journal, Runner, Scripted, State, replay, run_sync, says, to
from stateflow.journal.event import ChildEnded
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.journals import coverage_of
from stateflow.testing.coverage.outline import Item
from stateflow.testing.coverage.watch import watched
from tests.support.walking import dice
from tests.support.wild import Dice, wild_flow
from tests.testing.coverage.made import counts, essay, reading


async def talks(flow: Flow, rng: Random) -> list[Journal]:
    """Return the journals of three runs of *flow*."""
    async with Runner(models={"dice": Dice(rng)}) as runner:
        results = [await runner.start(flow, "t" * 40, run=f"r{number}") for number in range(3)]
        return [await runner.journal(result.run) for result in results]


def cut_short(journals: list[Journal]) -> bool:
    """Tell whether a branch was cancelled: how far one gets is chance, and no replay tells."""
    return any(
        isinstance(one.event, ChildEnded) and one.event.cancelled
        for journal in every(journals)
        for one in journal.events
    )


def every(journals: list[Journal]) -> Iterator[Journal]:
    for journal in journals:
        yield journal
        yield from every(list(journal.children.values()))


def seen(coverage: Coverage) -> dict[str, dict[Item, int]]:
    return {name.name: dict(items) for name, items in coverage.seen.items() if items}


@pytest.mark.parametrize("part", range(4))
def test_journals_of_random_flows_count_what_was_seen_live_and_in_replays(part: int) -> None:
    held = 0
    for seed in range(part * 60, part * 60 + 60):
        rng = dice(seed)
        flow = wild_flow(rng)
        with watched() as live:
            journals = asyncio.run(talks(flow, rng))
        if cut_short(journals):
            continue
        with watched() as again:
            for journal in journals:
                replay(flow, journal)

        told = coverage_of(flow, journals)

        assert seen(told) == seen(live.coverage) == seen(again.coverage), f"flow {seed}"
        held += 1
    assert held > 40


def test_nested_journals_count_for_the_nested_flows() -> None:
    flow = reading()
    journal = run_sync(flow).journal
    assert journal is not None

    told = coverage_of(flow, [journal])

    critic = next(one for one in flow.flows if one.name == "critic")
    assert counts(told, critic, "taken") == {"read → done [else]": 1}


def test_a_transition_that_has_moved_since_is_known_by_its_guard_and_target() -> None:
    def flow(*more: object) -> Flow:
        rows = [*more, to(None, when=says("DONE")), to("write")]
        return Flow("moved", State("write", Scripted("w", ["DONE"]), *rows))  # type: ignore[arg-type]

    journal = run_sync(flow()).journal
    assert journal is not None

    now = flow(to("write", when=says("AGAIN")))
    told = coverage_of(now, [journal])

    assert counts(told, now, "taken") == {
        "write → done [says('DONE')]": 1,
        "write → write [says('AGAIN')]": 0,
        "write → write [else]": 0,
    }


def test_journals_of_other_flows_count_nothing() -> None:
    journal = run_sync(reading()).journal
    assert journal is not None

    told = coverage_of(essay("x"), [journal])

    assert not told.seen
