"""What it costs to keep a journal, beside a bare loop of the same SQLite inserts."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from stateflow.conversation.effect import Key
from stateflow.conversation.message import Usage
from stateflow.journal.codec import encode
from stateflow.journal.event import EffectDone, Event, Recorded, Said, Step, TurnTaken
from stateflow.stores.sqlite import SqliteStore

__all__ = ["measure"]

RUN = "2026-11-21T03-20_code_review_k3f9"
TEXT = "The function reads well; one name is too short, and the empty list is not handled. " * 6


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return the cost of a turn with its journal against bare inserts, and its size on disk.

    ``ratio`` is time awaiting appends against time inserting the same rows in the same
    transactions (WAL, NORMAL); ``store_us`` and ``bare_us`` are times a turn [µs];
    ``bytes_beyond_texts`` is what a turn takes at rest beside its text [bytes].
    """
    turns = 300 if quick else 5000
    events = [_turn(number) for number in range(turns)]
    store_us: list[float] = []
    bare_us: list[float] = []
    size = 0
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(2 if quick else 5):
            path = Path(folder) / f"store_{attempt}.db"
            store_us.append(asyncio.run(_store(path, events)))
            size = path.stat().st_size
            bare_us.append(_bare(Path(folder) / f"bare_{attempt}.db", events))
    return {
        "ratio": median(store_us) / median(bare_us),
        "store_us": median(store_us),
        "bare_us": median(bare_us),
        "bytes_beyond_texts": size / turns - len(TEXT.encode()),
    }


def _turn(number: int) -> tuple[Event, Event]:
    key = Key("write" if number % 2 else "review", number // 2 + 1, 0)
    usage = Usage(calls=1, input_tokens=2317, output_tokens=131, usd=0.00421)
    return (
        EffectDone(
            key,
            "model.call",
            {"text": TEXT},
            {"model": "openai:gpt-5-mini", "print": "0123456789abcdef"},
            usage,
            1.234,
        ),
        TurnTaken(
            key.state,
            key.visit,
            (Said(key.state, 0),),
            steps=(Step(key.state, (False, True), 1, "write"),),
        ),
    )


async def _store(path: Path, turns: Sequence[Sequence[Event]]) -> float:
    store = SqliteStore(path)
    await store.append(RUN, after=0, events=turns[0])
    started = time.perf_counter()
    after = 2
    for events in turns[1:]:
        recorded: list[Recorded] = await store.append(RUN, after=after, events=events)
        after = recorded[-1].seq
    elapsed_s = time.perf_counter() - started
    assert len(await store.read(RUN)) == after == 2 * len(turns)
    await store.aclose()
    return elapsed_s / (len(turns) - 1) * 1e6


def _bare(path: Path, turns: Sequence[Sequence[Event]]) -> float:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE event(id INTEGER PRIMARY KEY, at REAL, kind TEXT, body TEXT)")
    rows = [[encode(event) for event in events] for events in turns]
    seq = 0
    started = time.perf_counter()
    for transaction in rows:
        db.execute("BEGIN IMMEDIATE")
        for kind, body in transaction:
            seq += 1
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (seq, time.time(), kind, body))
        db.execute("COMMIT")
    elapsed_s = time.perf_counter() - started
    db.close()
    return elapsed_s / len(turns) * 1e6


if __name__ == "__main__":
    for name, value in measure(quick=False).items():
        print(f"{name:20} {value:10.2f}")
