"""A run goes on with a flow whose states were renamed: as if they had always been called so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stateflow import (
    Final,
    Flow,
    Human,
    ReplayDivergence,
    Result,
    RunError,
    Runner,
    Scripted,
    State,
    by_human,
    by_model,
    canonical,
    in_turn,
    replay,
    resume,
    run,
    to,
)
from stateflow.engine.renames import suggested
from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import fold
from stateflow.journal.renaming import in_present_names
from stateflow.machine.choose import Chooser
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore
from tests.support.cutting import RUN, Cut, CuttingStore, every_cut
from tests.support.renamed_flows import (
    CASES,
    RENAME,
    Called,
    after,
    before,
    bytes_of,
    expected_of,
    nested,
    reviewed,
    until_turn,
    whole,
)

cases = pytest.mark.parametrize(("made", "rename"), CASES.values(), ids=CASES)


@cases
async def test_cut_anywhere_and_renamed_it_comes_to_the_bytes_of_a_run_with_the_new_names(
    made: Callable[[Called], Flow], rename: Mapping[str, str]
) -> None:
    """Also where it waits, in the middle of a turn, and in a nested run."""
    expected = await expected_of(made)
    async for place, store in every_cut(lambda store: whole(store, made(before), before, None)):
        if fold(await store.read(RUN)).ended:
            continue
        await whole(store, made(after), after, rename)
        journal = await store.journal(RUN)
        assert canonical(journal) == expected, place
        again = await asyncio.to_thread(replay, made(after), journal)
        assert again.journal is not None
        assert canonical(again.journal) == expected, place
        assert fold(await store.read(RUN)).path == fold(journal.events).path


@cases
async def test_a_renaming_that_is_cut_off_itself_is_gone_on_with(
    made: Callable[[Called], Flow], rename: Mapping[str, str]
) -> None:
    expected = await expected_of(made)
    for at in range(1, 12):
        for early in (True, False):
            store = MemoryStore()
            await until_turn(store, made(before), 2)
            try:
                await whole(CuttingStore(store, at, before=early), made(after), after, rename)
            except Cut:
                await whole(store, made(after), after, rename)
            assert await bytes_of(store) == expected, (at, early)


async def paused(store: Store | str | Path, flow: Flow) -> Result:
    async with Runner(store=store) as runner:
        live = runner.start(flow, "go")
        live.pause()
        return await live


async def test_on_disk_it_is_renamed_twice_and_back(tmp_path: Path) -> None:
    """Real SQLite; each resume is a process's own store."""
    path = tmp_path / "runs.db"
    flow = reviewed(before)
    disk = SqliteStore(path)
    await until_turn(disk, flow, 1)
    await disk.aclose()
    other = reviewed(lambda name: {"write": "third"}.get(name, name))

    async with Runner(store=path) as runner:
        for now, rename in ((other, {"write": "third"}), (flow, {"third": "write"})):
            live = runner.resume(now, RUN, rename=rename)
            live.pause()
            assert (await live).stop.kind == "paused"
    rename = {**RENAME, "gave_up": "let_go"}
    done = await resume(reviewed(after), RUN, store=path, rename=rename)

    assert done.stop.state == "let_go"
    assert done.path == ("draft", "judge", "draft", "judge")
    assert done.journal is not None
    disk = SqliteStore(path)
    raw = [one.event for one in await disk.read(RUN)]
    await disk.aclose()
    assert [one.state for one in raw if isinstance(one, TurnTaken)][:2] == ["write", "judge"]
    assert canonical(done.journal) == await expected_of(reviewed)


@pytest.mark.parametrize(
    "chooser", [in_turn(), by_model('scripted:{"next": "write"}')], ids=["in-turn", "by-model"]
)
async def test_what_was_chosen_by_the_old_name_is_chosen_by_the_new(chooser: Chooser) -> None:
    def flow(write: str) -> Flow:
        planner = Scripted("planner", ["go"])
        return Flow(
            "f",
            State("plan", planner, to(write), to(None), choose=chooser),
            State(write, Scripted("writer", ["a"]), to("ask")),
            State("ask", Human("boss", "Fine?"), to(None)),
        )

    store = MemoryStore()
    first = await run(flow("write"), "go", store=store)

    rename = {"write": "draft"}
    result = await resume(flow("draft"), first.run, store=store, rename=rename, answer="yes")

    assert result.path == ("plan", "draft", "ask")
    journal = await store.journal(first.run)
    again = await asyncio.to_thread(replay, flow("draft"), journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


async def test_a_journal_in_which_nothing_was_renamed_is_the_same_object() -> None:
    done = await paused(MemoryStore(), reviewed(before))
    assert done.journal is None or in_present_names(done.journal) is done.journal
    store = MemoryStore()
    await whole(store, reviewed(before), before, None)
    journal = await store.journal(RUN)
    assert in_present_names(journal) is journal


@pytest.mark.parametrize(
    ("rename", "told"),
    [
        ({"x": "draft"}, "the recording has no place 'x'; it has 'write', 'review', 'gave_up'"),
        ({"write": "y"}, "the flow has no place 'y' now; it has 'draft', 'judge', 'let_go'"),
        ({"write": "draft", "review": "draft"}, "'review' would be called that, too"),
    ],
)
async def test_a_map_that_does_not_fit_is_refused_and_nothing_is_written(
    rename: Mapping[str, str], told: str
) -> None:
    store = MemoryStore()
    run = (await paused(store, reviewed(before))).run
    written = len(await store.read(run))

    with pytest.raises(RunError, match=told):
        await resume(reviewed(after), run, store=store, rename=rename)

    assert len(await store.read(run)) == written


async def test_a_map_that_is_not_needed_is_refused() -> None:
    store = MemoryStore()
    run = (await paused(store, reviewed(before))).run

    with pytest.raises(RunError, match="the flow still has 'write'; leave the map out"):
        await resume(
            reviewed(before),
            run,
            store=store,
            rename={"write": "review", "review": "gave_up", "gave_up": "gave_up"},
        )
    with pytest.raises(RunError, match="the flow still has 'write'; leave the map out"):
        await resume(reviewed(before), run, store=store, rename={"write": "write"})


async def test_two_states_may_change_their_names_with_each_other() -> None:
    """Each is needed, for neither name means what it did."""
    swap = {"write": "review", "review": "write"}
    store = MemoryStore()
    await until_turn(store, reviewed(before), 1)

    flow = reviewed(lambda name: swap.get(name, name))
    done = await resume(flow, RUN, store=store, rename=swap)

    assert done.path == ("review", "write", "review", "write")
    assert done.journal is not None
    replay(flow, done.journal)


async def test_a_missing_map_is_refused_with_the_map_that_may_be_meant() -> None:
    store = MemoryStore()
    await until_turn(store, reviewed(before), 1)
    flow = reviewed(lambda name: {"write": "draft"}.get(name, name))

    with pytest.raises(ReplayDivergence) as refused:
        await resume(flow, RUN, store=store)

    assert refused.value.kind == "gone"
    assert "if 'write' is 'draft' now: --map write=draft (rename={'write': 'draft'})" in str(
        refused.value
    )
    assert suggested(reviewed(before).table(), flow.table()) == {"write": "draft"}


async def test_a_map_proves_nothing_where_the_path_is_another() -> None:
    """The states are found, but the run went elsewhere."""
    store = MemoryStore()
    await until_turn(store, reviewed(before), 2)
    flow = Flow(
        "reviewed",
        State("draft", Scripted("writer", ["a"]), to("review")),
        State("review", Scripted("critic", ["no"]), to(None)),
        Final("gave_up", ok=False),
    )

    with pytest.raises(ReplayDivergence, match="turn 2"):
        await resume(flow, RUN, store=store, rename={"write": "draft"})


async def test_a_run_that_is_over_is_not_renamed() -> None:
    store = MemoryStore()
    await whole(store, reviewed(before), before, None)

    with pytest.raises(RunError, match="is over; nothing of it is renamed"):
        await resume(reviewed(after), RUN, store=store, rename={**RENAME, "gave_up": "let_go"})


async def test_what_a_person_picked_by_the_old_name_is_not_put_into_their_mouth() -> None:
    """The proof refuses the run instead."""

    def picked(called: Called) -> Flow:
        w, r = called("write"), called("review")
        return Flow(
            "picked",
            State("plan", Scripted("planner", ["go"]), to(w), to(r), choose=by_human()),
            State(w, Human("boss", "Well?"), to(None)),
            State(r, Human("boss", "Well?"), to(None)),
        )

    store = MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(picked(before), "go", run=RUN)
        await runner.resume(picked(before), RUN, answer="write")

        with pytest.raises(ReplayDivergence):
            await runner.resume(picked(after), RUN, rename=RENAME)


async def test_answers_are_given_by_the_ids_that_were_shown() -> None:
    """They are those of the recording, until the run has gone on."""
    store = MemoryStore()
    await until_turn(store, nested(before), 1)
    async with Runner(store=store) as runner:
        waits = await runner.resume(nested(before), RUN)
        ids = [one.id for one in waits.stop.questions]
        rename = CASES["nested"][1]
        again = await runner.resume(nested(after), RUN, answers={ids[0]: "fine"}, rename=rename)

    assert ids == ["review#1.0/ask#1.0"]
    assert [one.id for one in again.stop.questions] == ["judge#2.0/hear#1.0"]
