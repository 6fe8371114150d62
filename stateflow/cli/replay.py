"""``stateflow replay``: the same run again, from its journal alone."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from stateflow.cli.chart import short
from stateflow.cli.console import console, say
from stateflow.cli.find import find_journal, flow_of, store_at
from stateflow.cli.trouble import BadInput, tell
from stateflow.diagram.words import counted
from stateflow.engine.matching import Match
from stateflow.engine.replaying import replay_journal
from stateflow.errors import ReplayDivergence, StateflowError
from stateflow.journal.canonical import canonical
from stateflow.stores.base import Store

__all__ = ["replay"]


def replay(
    runs: list[str],
    /,
    *,
    flow: Annotated[str | None, Parameter(help="Where the flow is now.")] = None,
    match: Annotated[
        Literal["strict", "state", "whitespace"],
        Parameter(
            help="How requests are held against recorded ones: state lets them differ, whitespace "
            "only the white space of prompts."
        ),
    ] = "strict",
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """Repeat runs from their journals with no network, and tell the first difference.

    Parameters
    ----------
    runs
        ids of runs, their beginnings or ends, last, .jsonl files or cassettes
    """
    return asyncio.run(_replay_all(runs, flow, store, match))


async def _replay_all(runs: list[str], flow: str | None, store: Path | None, match: Match) -> int:
    kept = store_at(store)
    codes: list[int] = []
    try:
        for run in runs:
            try:
                codes.append(await _replay(kept, run, flow, match))
            except (StateflowError, BadInput) as error:
                tell(f"{run}: {error}" if len(runs) > 1 else str(error))
                codes.append(1)
    finally:
        await kept.aclose()
    return max(codes, default=0)


async def _replay(store: Store, run: str, flow: str | None, match: Match) -> int:
    journal = await find_journal(store, run)
    found = flow_of(journal, flow)
    try:
        again = await replay_journal(found.flow, journal, match=match)
    except ReplayDivergence as error:
        tell(f"run {short(journal.run)!r} diverges at {error}")
        return 1
    before, now = canonical(journal), canonical(again.journal)
    turns = counted(again.fold.turns, "turn")
    if again.cut:
        turns += f" (the recording breaks off at {again.cut})"
    out = console("stdout")
    if before == now:
        print_of = hashlib.sha256(before.encode("utf-8", "surrogatepass")).hexdigest()
        say(out, f"replayed {turns}: canonical journal identical (sha256 {print_of})")
        return 0
    what = _first_difference(before, now)
    if '"kind":"RunStarted"' in what or match != "strict":
        say(out, f"replayed {turns}: same path; the flow's table or requests have changed")
        return 0
    tell(f"replayed {turns}: same path, but the canonical journals differ, first at {what[:200]}")
    return 1


def _first_difference(before: str, now: str) -> str:
    lines, again = before.splitlines(), now.splitlines()
    for old, new in zip(lines, again, strict=False):
        if old != new and '"kind":"RunStarted"' not in old:
            return old
    if len(lines) != len(again):
        return [*lines, "an event that is not there"][min(len(lines), len(again))]
    return lines[0]
