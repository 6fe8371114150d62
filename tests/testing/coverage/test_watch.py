"""What is counted of live runs and of replays, and what is not."""

from __future__ import annotations

import asyncio

from stateflow import Budget, Flow, RateLimited, Runner, Scripted, State, replay, run_sync, says, to
from stateflow.engine.observing import OBSERVERS
from stateflow.testing.coverage.coverage import nothing_seen
from stateflow.testing.coverage.watch import watched
from stateflow.testing.home import home_of
from tests.testing.coverage.made import Calls, asking, calling, counts, essay, reading, turns


def test_places_transitions_guards_and_the_stop_of_a_run_are_counted() -> None:
    flow = essay("draft", "DONE")

    with watched() as watcher:
        run_sync(flow)

    seen = watcher.coverage
    assert counts(seen, flow, "place") == {"gave_up": 0, "judge": 2, "write": 2}
    assert counts(seen, flow, "taken") == {
        "any → gave_up [on_error]": 0,
        "judge → done [says('DONE')]": 1,
        "judge → write [else]": 1,
        "write → gave_up [exhausted]": 0,
        "write → judge [else]": 2,
    }
    assert counts(seen, flow, "true") == {
        "judge → done [says('DONE')]": 1,
        "write → gave_up [exhausted]": 0,
    }
    assert counts(seen, flow, "false") == {
        "judge → done [says('DONE')]": 1,
        "write → gave_up [exhausted]": 2,
    }
    assert counts(seen, flow, "stop") == {"done": 1, "gave_up": 0}


def test_a_replay_counts_as_the_run_did() -> None:
    flow = essay("draft", "DONE")
    with watched() as live:
        result = run_sync(flow)
    assert result.journal is not None

    with watched() as again:
        replay(flow, result.journal)

    assert again.coverage == live.coverage


def test_a_fault_takes_on_error_as_a_transition_of_the_flow() -> None:
    flow = essay(RateLimited("busy"))

    with watched() as watcher:
        run_sync(flow)

    assert counts(watcher.coverage, flow, "taken")["any → gave_up [on_error]"] == 1
    assert counts(watcher.coverage, flow, "stop") == {"done": 0, "gave_up": 1}


def test_a_cap_that_is_used_up_takes_on_error_where_no_transition_takes_it() -> None:
    flow = essay("draft", "draft", "draft")

    with watched() as watcher:
        run_sync(flow)

    taken = counts(watcher.coverage, flow, "taken")
    assert (taken["write → gave_up [exhausted]"], taken["any → gave_up [on_error]"]) == (0, 1)


def test_a_used_up_budget_takes_the_exhausted_transition() -> None:
    flow = essay("draft", "draft")

    with watched() as watcher:
        run_sync(flow, budget=Budget(turns=1))

    assert counts(watcher.coverage, flow, "taken")["write → gave_up [exhausted]"] == 1
    assert counts(watcher.coverage, flow, "true")["write → gave_up [exhausted]"] == 1


def test_the_guards_of_a_turn_that_got_stuck_were_asked() -> None:
    flow = Flow("stuck", State("a", Scripted("x", ["hm"]), to(None, when=says("yes"))))

    with watched() as watcher:
        run_sync(flow)

    assert counts(watcher.coverage, flow, "false") == {"a → done [says('yes')]": 1}
    assert counts(watcher.coverage, flow, "stop") == {"done": 0, "failed": 0, "stuck": 1}


def test_a_candidate_that_was_not_chosen_is_a_transition_that_was_not_taken() -> None:
    flow = turns()

    with watched() as watcher:
        run_sync(flow)

    taken = counts(watcher.coverage, flow, "taken")
    assert taken["a → a [says('never')]"] == 0
    assert taken["a → b [else]"] >= 1


def test_nested_flows_are_counted_as_flows_of_their_own() -> None:
    flow = reading()
    critic = next(one for one in flow.flows if one.name == "critic")
    editor = next(one for one in flow.flows if one.name == "editor")

    with watched() as watcher:
        run_sync(flow)

    seen = watcher.coverage
    assert counts(seen, editor, "place") == {"edit": 2}
    assert counts(seen, critic, "place") == {"read": 1}
    assert counts(seen, flow, "branch") == {"both/one": 1, "both/two": 1}


def test_tools_are_called_and_may_fail() -> None:
    flow = calling()

    async def talk() -> None:
        async with Runner(models={"reader": Calls("good", "bad")}) as runner:
            await runner.start(flow)

    with watched() as watcher:
        asyncio.run(talk())

    assert counts(watcher.coverage, flow, "tool") == {"look": 2, "rest": 0}
    told = watcher.coverage.seen[home_of(flow)]
    assert [times for item, times in told.items() if item.kind == "fault"] == [1]


def test_a_run_that_only_waits_has_come_to_its_first_state() -> None:
    flow = asking()

    with watched() as watcher:
        run_sync(flow)

    assert counts(watcher.coverage, flow, "stop") == {"done": 0, "waiting": 1}
    assert counts(watcher.coverage, flow, "place") == {"ask": 1}


def test_flows_of_the_same_name_elsewhere_do_not_count() -> None:
    here = essay("DONE")
    there = Flow("essay", State("write", Scripted("x", ["DONE"]), to(None)))

    with watched(nothing_seen([here])) as watcher:
        run_sync(there)

    assert not watcher.coverage.seen
    assert list(watcher.coverage.flows) == [home_of(here)]


def test_a_flow_that_is_built_twice_by_one_line_is_one_flow() -> None:
    with watched() as watcher:
        run_sync(essay("DONE"))
        run_sync(essay("draft", "DONE"))

    assert len(watcher.coverage.flows) == 1
    assert counts(watcher.coverage, essay(), "stop") == {"done": 2, "gave_up": 0}


def test_nobody_looks_on_any_more_after_the_body() -> None:
    before = list(OBSERVERS)

    with watched() as watcher:
        assert [*before, watcher] == OBSERVERS

    assert before == OBSERVERS
