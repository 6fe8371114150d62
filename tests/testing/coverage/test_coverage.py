"""Coverage is a value: it adds up in any order, and goes through JSON."""

from __future__ import annotations

import json

from stateflow import run_sync
from stateflow.testing.coverage.coverage import Coverage, nothing_seen
from stateflow.testing.coverage.watch import watched
from stateflow.testing.home import home_of
from tests.testing.coverage.made import counts, essay, reading


def ran(*said: str) -> Coverage:
    """Return what one run saw."""
    with watched() as watcher:
        run_sync(essay(*said))
    return watcher.coverage


def test_what_two_processes_saw_adds_up_whoever_is_first() -> None:
    a, b, c = ran("DONE"), ran("draft", "DONE"), nothing_seen([reading()])

    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert counts(a + b + c, essay(), "stop") == {"done": 2, "gave_up": 0}
    assert {name.name for name in (a + b + c).flows} == {"essay", "reading", "critic", "editor"}


def test_adding_changes_neither_of_the_two() -> None:
    a, b = ran("DONE"), ran("DONE")
    before = a.to_json()

    _ = a + b

    assert a.to_json() == before


def test_coverage_goes_through_json_and_comes_back_the_same() -> None:
    seen = ran("draft", "DONE") + nothing_seen([reading(flaw=True)])

    told = json.dumps(seen.to_json())

    assert Coverage.from_json(json.loads(told)) == seen
    assert json.dumps(Coverage.from_json(json.loads(told)).to_json()) == told


def test_nothing_seen_knows_all_there_is_to_cover() -> None:
    flow = reading()

    whole = nothing_seen([flow])

    assert not whole.seen
    assert set(whole.counted(home_of(flow)).values()) == {0}
    assert counts(whole, flow, "branch") == {"both/one": 0, "both/two": 0}


def test_what_a_flow_does_not_have_any_more_is_not_told() -> None:
    flow = essay()
    a = ran("DONE")
    here = nothing_seen([flow])
    name, items = home_of(flow), dict(here.flows[home_of(flow)].items)
    gone = next(item for item in items if str(item) == "judge → done [says('DONE')]")
    fewer = Coverage({name: type(here.flows[name])(name, {i: 1 for i in items if i != gone})})

    assert gone not in Coverage(fewer.flows, a.seen).counted(name)
