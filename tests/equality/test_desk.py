"""Assistants with tools survive crashes: no call on the record is made twice, none is lost."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from stateflow import Live, Runner, canonical, replay
from stateflow.conversation.effect import Question
from stateflow.journal.event import EffectBegun, Journal
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from stateflow.stores.sqlite import SqliteStore
from tests.support import desk
from tests.support.cutting import RUN, Cut, CuttingStore, answer, drive, every_cut

ROOT = Path(__file__).parents[2]


async def work(store: Store, made: list[str]) -> None:
    """Live at the desk until the end, or until the cut."""

    async def at(call: str) -> None:
        made.append(call)

    answering = desk.truly(tuple(made))
    await drive(store, desk.flow(at), desk.task, models=desk.models(), answering=answering)


async def uncut() -> Journal:
    """Return the journal of a run that nothing interrupts."""
    store = MemoryStore()
    await work(store, [])
    return await store.journal(RUN)


async def test_the_desk_does_what_it_says() -> None:
    """Two calls at once, one that is never repeated, one that is allowed, a handoff, a repair."""
    made: list[str] = []
    store = MemoryStore()
    await work(store, made)
    journal = await store.journal(RUN)

    result = replay(desk.flow(), journal)

    assert (sorted(made[:2]), made[2:]) == (["look left", "look right"], ["pay 5", "sign form"])
    assert (result.stop.kind, result.path) == ("done", ("desk", "check", "desk"))
    assert [message.text for message in result.messages[2:]] == ['{"score": 8}', "It is settled."]
    said = result.messages[1]
    assert [call.result for call in said.calls[:4]] == list(desk.GIVES.values())
    assert (said.handoff, [file.name for file in said.files]) == ("checker", ["note.pdf"])


async def test_the_desk_cut_at_any_commit_makes_no_recorded_call_again() -> None:
    """Before and after each commit; a person who is asked tells what was really done."""
    expected = canonical(await uncut())
    made: list[str] = []

    async def live(store: Store) -> None:
        made.clear()
        await work(store, made)

    async for place, store in every_cut(live):
        before = Counter(made)
        begun = bool(await store.read(RUN))
        held = desk.committed(await store.journal(RUN)) if begun else set[str]()
        await work(store, made)
        after = Counter(made)
        assert all(after[call] == before[call] == 1 for call in held), place
        assert after["pay 5"] == 1, place
        assert set(after) == set(desk.GIVES), place
        assert max(after.values()) <= 2, place
        journal = await store.journal(RUN)
        assert canonical(journal) == expected, place
        again = replay(desk.flow(), journal).journal
        assert again is not None
        assert canonical(again) == canonical(journal), place


@pytest.mark.parametrize(
    ("told", "made", "result"),
    [
        pytest.param("no", 1, "paid 5", id="no-makes-it-now"),
        pytest.param("yes", 0, "It was done; what it came to is not known.", id="yes-takes-it"),
        pytest.param("result: paid 4", 0, "paid 4", id="or-what-it-came-to"),
    ],
)
async def test_what_must_not_be_repeated_waits_for_an_answer(
    told: str, made: int, result: str
) -> None:
    """Cut right after it began; whatever a person says, the run reaches its end."""
    store, calls = MemoryStore(), list[str]()
    asked: list[Question] = []

    async def at(call: str) -> None:
        calls.append(call)

    def answering(question: Question) -> str:
        asked.append(question)
        return told if "Was it done?" in question.text else answer(question)

    journal = await uncut()
    begun = [isinstance(one.event, EffectBegun) for one in journal.events].index(True)
    commits = 0
    while True:  # until the cut falls right after the beginning
        commits += 1
        store = MemoryStore()
        with pytest.raises(Cut):
            await work(CuttingStore(store, commits, before=False), [])
        if len(await store.read(RUN)) == begun + 1:
            break

    stop = await drive(store, desk.flow(at), desk.task, models=desk.models(), answering=answering)

    assert stop.kind == "done"
    assert [one.text.partition(" had")[0] for one in asked[:1]] == ['pay with {"amount": 5}']
    assert calls.count("pay 5") == made
    recorded = await store.journal(RUN)
    again = replay(desk.flow(), recorded)
    assert again.messages[1].calls[2].result == result
    assert again.journal is not None
    assert canonical(again.journal) == canonical(recorded)
    assert (canonical(recorded) == canonical(journal)) is (result == "paid 5")


async def _halted(store: Store, made: list[str], at: int, halt: Callable[[Live], None]) -> bool:
    """Call *halt* on a run once so much of it was heard; return whether it came so far."""

    async def note(call: str) -> None:
        made.append(call)

    heard = 0
    async with Runner(store=store, models=desk.models()) as runner:
        live = runner.start(desk.flow(note), desk.task, run=RUN)
        async for _ in live:
            heard += 1
            if heard == at:
                halt(live)
    return heard >= at


@pytest.mark.parametrize("halt", [Live.stop, Live.pause], ids=["stop", "pause"])
async def test_the_desk_halted_by_hand_at_any_moment_goes_on_to_the_same_bytes(
    halt: Callable[[Live], None],
) -> None:
    """In the middle of a call, or after the turn."""
    expected = canonical(await uncut())
    at, halted = 0, True
    while halted:
        at += 1
        store, made = MemoryStore(), list[str]()
        halted = await _halted(store, made, at, halt)
        await work(store, made)
        assert canonical(await store.journal(RUN)) == expected, at
        assert made.count("pay 5") == 1, at
    assert at > 10


async def test_what_a_tool_gives_as_a_file_lies_in_the_store_and_not_in_the_journal() -> None:
    """The journal names it by its hash."""
    store = MemoryStore()
    await work(store, [])
    journal = await store.journal(RUN)
    (file,) = replay(desk.flow(), journal).messages[1].files

    assert await store.file(file.sha256) == desk.NOTE
    assert file.content is None
    assert file.sha256 in canonical(journal)
    assert "PDF-1.7" not in repr(journal)


def _life(folder: Path, dies_in: str = "") -> int:
    command = [sys.executable, "-m", "tests.support.desk", str(folder), dies_in]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize("dies_in", ["look left", "look right", "pay 5"])
def test_a_process_killed_in_a_tool_goes_on_after_what_it_recorded(
    tmp_path: Path, dies_in: str
) -> None:
    """SIGKILL in the second of two calls at once, or in one that is never repeated."""
    expected = canonical(asyncio.run(uncut()))

    assert _life(tmp_path, dies_in) == -signal.SIGKILL
    journal = asyncio.run(_journal(tmp_path))
    held, before = desk.committed(journal), Counter(desk.made_in(tmp_path))
    assert held
    assert dies_in in before
    assert dies_in not in held

    assert _life(tmp_path) == 0
    after = Counter(desk.made_in(tmp_path))
    assert all(after[call] == 1 for call in held)
    assert after[dies_in] == (1 if dies_in == "pay 5" else 2)
    assert canonical(asyncio.run(_journal(tmp_path))) == expected


async def _journal(folder: Path) -> Journal:
    store = SqliteStore(folder / "runs.db")
    try:
        return await store.journal(RUN)
    finally:
        await store.aclose()
