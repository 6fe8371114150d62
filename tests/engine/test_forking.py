"""Forks that go on otherwise: with other data, or with a message that a person gives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    Assistant,
    CodeRunner,
    Final,
    Flow,
    Human,
    Nested,
    Result,
    RunError,
    Runner,
    Scripted,
    State,
    canonical,
    data_is,
    fork,
    replay,
    run,
    says,
    summarised,
    to,
)
from stateflow.journal.event import EffectDone, HumanAnswered, Journal, RunChanged
from stateflow.journal.fold import fold
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, Cut, CuttingStore


class Brief(BaseModel):
    tone: str = "dry"


class Plan(BaseModel):
    """What the run is about."""

    words: int = 3
    brief: Brief = Brief()
    note: str = ""


def team() -> Flow:
    """A model writes, with a summary before; a person accepts; an opaque agent prints."""
    sees = summarised(beyond=2, keep=1)
    return Flow(
        "team",
        State(
            "write",
            Assistant("writer", "scripted:m", prompt="Write."),
            to("accept"),
            sees=sees,
            save="note",
        ),
        State(
            "accept",
            Human("boss", "Well?", options=["yes", "no"]),
            to("print", when=says("yes")),
            to("write"),
        ),
        State(
            "print",
            Scripted("printer", ["printed"]),
            to("short", when=data_is("words", at_least=9)),
            to(None),
        ),
        Final("short"),
        data=Plan,
    )


def models() -> dict[str, ScriptedModel]:
    return {"m": ScriptedModel(["m1", "m2", "m3"], name="scripted:m")}


async def drive(runner: Runner, flow: Flow, name: str, answers: str = "yes") -> Result:
    """Go on with the run until it is over, and answer what it asks."""
    result = await runner.resume(flow, name)
    while result.stop.kind == "waiting":
        result = await runner.resume(flow, name, answer=answers)
    return result


async def origin(runner: Runner) -> str:
    """Make the run that is forked: write, no, write, yes, print."""
    result = await runner.start(team(), "go", run="origin")
    result = await runner.resume(team(), result.run, answer="no")
    result = await runner.resume(team(), result.run, answer="yes")
    assert result.path == ("write", "accept", "write", "accept", "print")
    return result.run


async def again(journal: Journal) -> str:
    result = await asyncio.to_thread(replay, team(), journal)
    assert result.journal is not None
    return canonical(result.journal)


CHANGES: Mapping[str, tuple[int, Mapping[str, Any], str | None]] = {
    "data before the first turn": (0, {"words": 9}, None),
    "data in the middle": (2, {"words": 9, "brief.tone": "warm"}, None),
    "a model's message": (2, {}, "given"),
    "a person's answer": (1, {}, "Y"),
    "an opaque agent's message": (4, {}, "given"),
    "both": (4, {"words": 9}, "given"),
    "counted from the end": (-2, {"words": 9}, None),
}
changes = pytest.mark.parametrize(("at", "fields", "reply"), CHANGES.values(), ids=CHANGES)


@changes
async def test_a_changed_fork_replays_to_its_own_bytes(
    at: int, fields: Mapping[str, Any], reply: str | None, tmp_path: Path
) -> None:
    """In real SQLite."""
    async with Runner(store=tmp_path / "runs.db", models=models()) as runner:
        live = await runner.fork(team(), await origin(runner), at=at, set=fields, reply=reply)
        await live
        result = await drive(runner, team(), live.run)
        journal = await runner.journal(live.run)
    changed = [one.event for one in journal.events if isinstance(one.event, RunChanged)]

    assert await again(journal) == canonical(journal)
    assert len(changed) == 1
    assert changed[0].reply == reply
    assert result.stop.state == ("short" if "words" in fields else "print")
    assert fold(journal.events).data["words"] == fields.get("words", 3)


@changes
async def test_a_changed_fork_cut_at_any_commit_comes_to_the_same_bytes(
    at: int, fields: Mapping[str, Any], reply: str | None
) -> None:
    async def forked(store: MemoryStore, cutting: Any) -> None:  # noqa: ANN401 - a store
        async with Runner(store=cutting, models=models()) as runner:
            name = RUN
            if not await store.read(name):
                await (
                    await runner.fork(team(), "origin", at=at, set=fields, reply=reply, name=name)
                )
            await drive(runner, team(), name)

    expected = ""
    for cut_at in range(1, 40):
        for before in (False, True):
            store = MemoryStore()
            async with Runner(store=store, models=models()) as runner:
                await origin(runner)
            cutting = CuttingStore(store, cut_at if expected else 10_000, before=before)
            try:
                await forked(store, cutting)
                done = cutting.at != 10_000
            except Cut:
                done = False
                await forked(store, store)
            bytes_now = canonical(await store.journal(RUN))
            expected = expected or bytes_now
            assert bytes_now == expected, (cut_at, before)
        if done:
            return
    raise AssertionError("it was cut each time")


async def test_the_given_message_is_the_effect_of_who_speaks_with_its_own_arguments() -> None:
    """A summary that comes before is made as ever; nothing is paid for the message."""
    async with Runner(models=models()) as runner:
        live = await runner.fork(team(), await origin(runner), at=2, reply="given")
        result = await live
        journal = await runner.journal(live.run)
    turn = [
        one.event
        for one in journal.events
        if isinstance(one.event, EffectDone)
        and (one.event.key.state, one.event.key.visit) == ("write", 2)
    ]

    assert [one.op for one in turn] == ["model.call", "model.call"]
    summary, said = turn
    assert isinstance(summary.args, dict)
    assert "summarise" in summary.args
    assert summary.usage.calls == 1
    assert said.result == {"text": "given"}
    assert isinstance(said.args, dict)
    assert said.args["model"] == "scripted:m"
    assert said.usage.calls == 0
    assert result.messages[-1].text == "given"


async def test_an_answer_is_recorded_as_the_option_it_means() -> None:
    async with Runner(models=models()) as runner:
        live = await runner.fork(team(), await origin(runner), at=1, reply="Y")
        result = await live
        journal = await runner.journal(live.run)

    answers = [e.event.answer for e in journal.events if isinstance(e.event, HumanAnswered)]
    assert answers == ["yes"]
    assert result.path == ("write", "accept", "print")


async def test_a_fork_of_a_changed_fork_shares_the_change() -> None:
    async with Runner(models=models()) as runner:
        first = await runner.fork(team(), await origin(runner), at=2, set={"words": 9})
        await first
        await drive(runner, team(), first.run)
        second = await runner.fork(team(), first.run, at=2, set={"note": "mine"})
        await second
        await drive(runner, team(), second.run)
        journal = await runner.journal(second.run)

    changes_made = [e.event.patch for e in journal.events if isinstance(e.event, RunChanged)]
    assert changes_made == [{"words": 9}, {"note": "mine"}]
    assert await again(journal) == canonical(journal)


@pytest.mark.parametrize(
    ("at", "fields", "reply", "told"),
    [
        (9, {}, None, "cannot fork run 'origin' at 9: give 0 .before its first turn. to 5"),
        (-7, {}, None, "at -7"),
        (1, {"wods": 1}, None, "the data has no field 'wods'; Plan has: words, brief, note"),
        (1, {"words": "many"}, None, "does not fit Plan: words: .* nothing was written"),
        (1, {"words.more": 1}, None, "'words.more' leads into what is no object"),
        (5, {"words": 1}, None, "the run is over after turn 5"),
        (5, {}, "x", "the run is over after turn 5"),
        (1, {}, "perhaps", "'boss' speaks next in 'accept': the answer is none of 'yes', 'no'"),
    ],
)
async def test_what_cannot_be_changed_is_refused_and_nothing_is_written(
    at: int, fields: Mapping[str, Any], reply: str | None, told: str
) -> None:
    async with Runner(models=models()) as runner:
        name = await origin(runner)
        with pytest.raises(RunError, match=told):
            await runner.fork(team(), name, at=at, set=fields, reply=reply)

        assert [one.run for one in await runner.store.runs()] == [name]


async def test_where_a_flow_or_code_comes_next_nobody_can_be_given_a_message() -> None:
    inner = Flow("inner", State("a", Scripted("x", ["x"]), to(None)))
    flow = Flow(
        "outer",
        State("say", Scripted("s", ["s"]), to("nest")),
        Nested("nest", inner, to("code")),
        State("code", CodeRunner("runner"), to(None)),
    )
    store = MemoryStore()
    first = await run(flow, "go", store=store)

    with pytest.raises(RunError, match="a nested flow speaks next"):
        await fork(flow, first.run, at=1, store=store, reply="x")
    with pytest.raises(RunError, match="'runner' runs code next"):
        await fork(flow, first.run, at=2, store=store, reply="x")
    with pytest.raises(RunError, match="declares no data, so none can be set"):
        await fork(flow, first.run, at=1, store=store, set={"x": 1})


async def test_a_message_that_its_speaker_cannot_have_given_is_refused() -> None:
    """A model that answers by a schema would be shown it, and asked again."""

    class Verdict(BaseModel):
        ok: bool

    judge = Assistant("judge", 'scripted:{"ok": true}', reply=Verdict)
    flow = Flow("judged", State("judge", judge, to(None)))
    store = MemoryStore()
    first = await run(flow, "go", store=store)

    with pytest.raises(RunError, match="'judge' speaks next in 'judge': it is not JSON"):
        await fork(flow, first.run, at=0, store=store, reply="fine")
    done = await fork(flow, first.run, at=0, store=store, reply='{"ok": false}')

    assert done.messages[-1].reply == {"ok": False}


async def test_a_secret_that_is_set_or_said_is_not_written() -> None:
    async with Runner(models=models(), secrets=["hush-hush-42"]) as runner:
        name = await origin(runner)
        live = await runner.fork(
            team(), name, at=4, set={"note": "hush-hush-42"}, reply="hush-hush-42!"
        )
        await live
        journal = await runner.journal(live.run)

    assert "hush-hush-42" not in canonical(journal)
    assert await again(journal) == canonical(journal)
