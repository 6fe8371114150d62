"""Kill the lab's run with SIGKILL before and after every commit, resume it, and compare.

Run as a program: ``python -m tests.support.crash FOLDER``.  Each life is a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

from stateflow import canonical
from stateflow.journal.event import EffectDone, Journal
from stateflow.stores.sqlite import SqliteStore
from tests.support.cutting import RUN, CuttingStore, kill
from tests.support.lab import drive

NEVER = 10**9


def life(folder: Path, at: int, *, before: bool, slow_first: bool) -> int:
    """Live once in a process of its own; return its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        status = asyncio.run(_live(folder, at, before=before, slow_first=slow_first))
    finally:
        os._exit(status)


async def _live(folder: Path, at: int, *, before: bool, slow_first: bool) -> int:
    marks = os.open(folder / "marks", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    inner = SqliteStore(folder / "runs.db")
    store = CuttingStore(inner, at, before=before, die=kill)
    stop = await drive(store, lambda key: _tell(marks, key), slow_first=slow_first)
    (folder / "appends").write_text(str(store.appends))
    (folder / "canonical").write_text(canonical(await inner.journal(RUN)))
    await inner.aclose()
    return 0 if stop.kind == "done" else 1


def _tell(marks: int, key: str) -> None:
    os.write(marks, f"{key}\n".encode())


def marks_in(folder: Path) -> Counter[str]:
    """Return how often each effect was really made."""
    path = folder / "marks"
    return Counter(path.read_text().split("\n")[:-1]) if path.exists() else Counter()


async def _recorded(folder: Path) -> set[str]:
    """Return the effects that the journal holds."""
    store = SqliteStore(folder / "runs.db")
    try:
        if not await store.read(RUN):
            return set()
        return _keys(await store.journal(RUN), RUN)
    finally:
        await store.aclose()


def _keys(journal: Journal, run: str) -> set[str]:
    keys = {f"{run}/{r.event.key}" for r in journal.events if isinstance(r.event, EffectDone)}
    for key, child in journal.children.items():
        keys |= _keys(child, f"{run}/{key}")
    return keys


def main(folder: Path) -> int:
    """Cut everywhere; return how many cuts were made."""
    whole = folder / "whole"
    whole.mkdir()
    assert life(whole, NEVER, before=False, slow_first=False) == 0
    expected = (whole / "canonical").read_text()
    assert set(marks_in(whole).values()) == {1}
    commits = int((whole / "appends").read_text())
    for at in range(1, commits + 1):
        for before in (True, False):
            place = folder / f"{at}{'before' if before else 'after'}"
            place.mkdir()
            status = life(place, at, before=before, slow_first=bool(at % 2))
            assert os.WIFSIGNALED(status), f"{place.name}: was not killed"
            recorded = asyncio.run(_recorded(place))
            made = marks_in(place)
            status = life(place, NEVER, before=False, slow_first=not at % 2)
            assert status == 0, f"{place.name}: did not resume to done"
            after = marks_in(place)
            assert all(after[key] == made[key] for key in recorded), f"{place.name}: made again"
            assert max(after.values()) <= 2, f"{place.name}: made three times"
            assert (place / "canonical").read_text() == expected, f"{place.name}: differs"
    return 2 * commits


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))} cuts, all equal\n")
