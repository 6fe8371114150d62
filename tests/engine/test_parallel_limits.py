"""Branches that wait, are stopped, share a budget, or are cut off: nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from stateflow import (
    AnswerRefused,
    Budget,
    CodeRunner,
    Final,
    Flow,
    FunctionAgent,
    Parallel,
    Runner,
    Scripted,
    State,
    View,
    canonical,
    failed,
    resume,
    run,
    to,
    turns_at_least,
)
from stateflow.journal.event import ChildEnded, Journal, TurnTaken
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore
from tests.support.bench import Bench, Ledger
from tests.support.branches import Asker, after_rounds, asks, counts, ends_of, hangs, one
from tests.support.cutting import RUN, Cut, CuttingStore, drive
from tests.support.nested_flows import CASES
from tests.support.six_ways import same_again, texts, whole

# Stopped from outside --------------------------------------------------------------------------


@pytest.mark.parametrize("for_good", [True, False], ids=["cancelled", "stopped"])
async def test_a_run_that_is_stopped_leaves_no_task_and_no_claim(for_good: bool) -> None:
    dropped: list[str] = []
    branches = {"a": one("a"), "s": hangs("s", dropped), "t": hangs("t", dropped)}
    flow = Flow("outer", Parallel("p", branches, to(None)))
    before = asyncio.all_tasks()

    async with Runner() as runner:
        live = runner.start(flow, "task")
        async for heard in live:
            if isinstance(getattr(heard, "event", None), ChildEnded):
                break
        (live.cancel if for_good else live.stop)()
        result = await live
        (await runner.store.hold(live.run))()  # let go of, or this would raise

    assert result.stop.kind == ("cancelled" if for_good else "paused")
    assert dropped == ["hang", "hang"]
    assert asyncio.all_tasks() == before


async def test_a_store_that_fails_under_branches_stops_them_all() -> None:
    dropped: list[str] = []
    branches = {"s": hangs("s", dropped), "a": counts("a", 5), "b": counts("b", 5)}
    flow = Flow("outer", Parallel("p", branches, to(None)))
    before = asyncio.all_tasks()

    for at in range(3, 12):
        with pytest.raises(Cut):
            await drive(CuttingStore(MemoryStore(), at, before=True), flow, "task")

    assert dropped
    assert asyncio.all_tasks() == before


# Waiting ---------------------------------------------------------------------------------------


def poll() -> Flow:
    """Return a flow that asks two people while somebody works."""
    branches = {"ann": asks(), "work": counts("work", 5), "bob": asks()}
    return Flow("poll", Parallel("p", branches, to(None)))


async def test_branches_go_on_while_others_wait() -> None:
    store, flow = MemoryStore(), poll()

    waiting = await run(flow, "task", store=store)

    assert waiting.stop.kind == "waiting"
    assert [one.id for one in waiting.stop.questions] == ["p#1.0/ask#1.0", "p#1.2/ask#1.0"]
    assert waiting.journal is not None
    work = waiting.journal.children["p#1.1"].events
    assert sum(isinstance(one.event, TurnTaken) for one in work) == 5
    same_again(flow, waiting)


@pytest.mark.parametrize("order", [(0,), (1,), (0, 1), (1, 0)], ids=str)
async def test_questions_are_answered_in_any_order(order: Sequence[int]) -> None:
    store, flow = MemoryStore(), poll()
    expected = await run(flow, "task", store=store)
    ids = [one.id for one in expected.stop.questions]
    answers = {one: f"answer to {one}" for one in ids}
    result = await run(flow, "task", store=store)

    for index in order:
        result = await resume(
            flow, result.run, store=store, answers={ids[index]: answers[ids[index]]}
        )
        same_again(flow, result)
    if len(order) == 1:
        result = await resume(flow, result.run, store=store, answer=answers[ids[1 - order[0]]])
    at_once = await resume(flow, expected.run, store=store, answers=answers)

    assert texts(result) == [answers[ids[0]], "5", answers[ids[1]]]
    assert result.journal is not None
    assert at_once.journal is not None
    assert canonical(result.journal) == canonical(at_once.journal)
    same_again(flow, result)


async def test_a_second_answer_to_one_question_is_refused_by_name() -> None:
    store, flow = MemoryStore(), poll()
    waiting = await run(flow, "task", store=store)
    first, second = (one.id for one in waiting.stop.questions)
    await resume(flow, waiting.run, store=store, answers={second: "yes"})

    with pytest.raises(AnswerRefused, match=f"{second}.*open: '{first}'"):
        await resume(flow, waiting.run, store=store, answers={second: "no"})
    with pytest.raises(AnswerRefused, match=r"p#1\.7/ask"):
        await resume(flow, waiting.run, store=store, answers={"p#1.7/ask#1.0": "no"})
    done = await resume(flow, waiting.run, store=store, answer="the other")

    assert texts(done) == ["the other", "5", "yes"]


async def test_with_two_open_questions_a_bare_answer_is_refused() -> None:
    store, flow = MemoryStore(), poll()
    waiting = await run(flow, "task", store=store)

    with pytest.raises(AnswerRefused, match="2 open questions"):
        await resume(flow, waiting.run, store=store, answer="yes")


async def test_a_question_that_nobody_needs_any_more_cannot_be_answered() -> None:
    branches = {"a": asks(), "b": asks()}
    then = State("then", Asker(), to(None))
    flow = Flow("outer", Parallel("p", branches, to("then"), join="any"), then)
    store = MemoryStore()
    waiting = await run(flow, "task", store=store)
    dropped, needed = (one.id for one in waiting.stop.questions)

    further = await resume(flow, waiting.run, store=store, answers={needed: "mine"})

    assert [one.id for one in further.stop.questions] == ["then#1.0"]
    with pytest.raises(AnswerRefused, match=dropped):
        await resume(flow, waiting.run, store=store, answers={dropped: "too late"})
    same_again(flow, further)


async def test_a_branch_that_waits_and_is_dropped_leaves_no_sandbox_open() -> None:
    ledger = Ledger()
    runner_agent = CodeRunner("runner", sandbox=Bench(ledger))
    coder = Scripted("coder", ["```python\nsay hi\n```"])
    asking = Flow(
        "asking",
        State("write", coder, to("run")),
        State("run", runner_agent, to("ask")),
        State("ask", Asker(), to(None)),
    )
    branches = {"x": asking, "y": counts("y", 30)}
    flow = Flow("outer", Parallel("p", branches, to(None), join="any"))

    async with Runner() as runner:
        result = await runner.start(flow, "task")

        assert result.stop.kind == "done"
        assert (ledger.opened, ledger.closed) == (1, 1)


# Sharing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [(0, 9), (9, 0)], ids=["first-is-quick", "second-is-quick"])
async def test_shares_do_not_depend_on_who_is_quicker(rounds: tuple[int, int]) -> None:
    def flow(*slow: int) -> Flow:
        async def count(view: View) -> str:
            for _ in range(slow[view.transcript[0].text == "b"]):
                await asyncio.sleep(0)
            return str(view.turns)

        counter = FunctionAgent("counter", count)
        inner = Flow("inner", State("go", counter, to(None, when=turns_at_least(4)), to("go")))
        branches = [
            inner.as_agent("a", input="a"),
            inner.as_agent("b", input="b"),
            one("c").as_agent("c", input="c"),
        ]
        kept = Parallel("p", branches, to("end", when=failed), to(None), join=1, others="keep")
        return Flow("outer", kept, Final("end"), budget=Budget(turns=10))

    expected, result = await run(flow(0, 0), "task"), await run(flow(*rounds), "task")

    assert expected.journal is not None
    assert result.journal is not None
    failed_keys = [str(one.key) for one in ends_of(result.journal) if one.fault is not None]
    assert sorted(failed_keys) == ["p#1.0", "p#1.1"]
    assert texts(result) == ["c is done"]
    assert _said(result.journal) == _said(expected.journal)


def _said(journal: Journal) -> str:
    """Return the canonical text but for the print of the functions."""
    return "\n".join(line for line in canonical(journal).splitlines() if "RunStarted" not in line)


async def test_a_share_that_is_no_turn_begins_no_branch() -> None:
    branches = {name: one(name) for name in "abc"}
    flow = Flow("outer", Parallel("p", branches, to(None)), budget=Budget(turns=3))
    store = MemoryStore()

    paused = await run(flow, "task", store=store)
    done = await resume(flow, paused.run, store=store, budget=Budget(turns=4))

    assert (paused.stop.kind, paused.stop.which, paused.turns) == ("budget", "turns", 0)
    assert "3 branches share what is left" in paused.stop.why
    assert (done.stop.kind, done.turns) == ("done", 4)
    same_again(flow, done)


async def test_what_a_dropped_branch_used_up_counts_for_the_budget_alone() -> None:
    async def with_last(view: View) -> str:
        await asyncio.sleep(0)
        return f"turn {view.turns}"

    endless = Flow("endless", State("go", FunctionAgent("endless", with_last), to("go")))
    quick = after_rounds("quick", 12)
    flow = Flow(
        "outer",
        Parallel("p", {"x": endless, "q": quick}, to("more"), join="any"),
        State("more", FunctionAgent("more", lambda view: str(view.turns)), to("more")),
        budget=Budget(turns=30),
    )

    result = await run(flow, "task")

    assert result.journal is not None
    (lost,) = [one.lost_turns for one in ends_of(result.journal) if one.cancelled]
    assert lost > 0
    assert texts(result)[1] == "2", "guards and agents see only what counts"
    assert (result.stop.kind, result.stop.which) == ("budget", "turns")
    assert result.turns == 30 - lost
    same_again(flow, result)


async def test_a_hundred_branches_share_one_loop_without_threads() -> None:
    threads, most = threading.active_count(), [0]

    async def count(view: View) -> str:
        most[0] = max(most[0], threading.active_count())
        await asyncio.sleep(0)
        return view.state

    inner = Flow("inner", State("say", FunctionAgent("counter", count), to(None)))
    branches = {f"b{number}": inner for number in range(100)}
    flow = Flow("outer", Parallel("p", branches, to(None)), budget=Budget(turns=101))

    result = await run(flow, "task")

    assert [message.speaker for message in result.messages[1:]] == list(branches)
    assert most[0] == threads


# On disk ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["race", "poll"])
async def test_branches_cut_off_on_disk_resume_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    (case,) = [one for one in CASES if one.flow.name == name]
    expected = await asyncio.to_thread(whole, case)

    for at in range(1, 40, 3):
        path = tmp_path / f"{at}.db"
        first = SqliteStore(path)
        was_cut = False
        try:
            await drive(CuttingStore(first, at, before=bool(at % 2)), case.flow, case.task)
        except Cut:
            was_cut = True
        await first.aclose()
        store = SqliteStore(path)
        await drive(store, case.flow, case.task)
        journal = await store.journal(RUN)
        await store.aclose()
        assert canonical(journal) == expected, at
        if not was_cut:
            break
