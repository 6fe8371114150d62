"""Which runs of a flow are meant: ids, their beginnings or ends, last, files, or all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stateflow.cli.find import (
    find_flow,
    find_journal,
    flow_of,
    in_file,
    is_flow,
    store_at,
    store_there,
)
from stateflow.cli.trouble import BadInput
from stateflow.errors import UnknownRun
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow
from stateflow.stores.base import Store

__all__ = ["ALL", "flow_and_runs", "journals_of", "runs_named"]

ALL: Final = "all"
"""Every run of the flow that the store keeps."""


async def flow_and_runs(names: Sequence[str], store: Path | None) -> tuple[Flow, Sequence[str]]:
    """Return the flow that *names* begin with and the runs behind it, or that of the first run.

    Raises:
        BadInput: they begin with neither.
        StoreError: the run cannot be read.
    """
    first, *rest = names
    if is_flow(first):
        return find_flow(first).flow, rest
    kept = store_at(store)
    try:
        journal = await find_journal(kept, first)
    except UnknownRun as error:
        try:
            return find_flow(first).flow, rest
        except BadInput:
            sentence = f"{first!r} is neither a flow (path.py, pkg.mod:attr) nor a run: {error}"
            raise BadInput(sentence) from error
    finally:
        await kept.aclose()
    return flow_of(journal, None).flow, names


async def journals_of(flow: Flow, runs: Sequence[str], store: Path | None) -> tuple[Journal, ...]:
    """Return the journals of *runs*, each once; each must be one of *flow*.

    Raises:
        BadInput: one is not, or there is none.
        StoreError: one cannot be read.
    """
    if not all(in_file(run) for run in runs):
        store_there(store)
    kept = store_at(store)
    try:
        journals = [await find_journal(kept, name) for name in await runs_named(kept, flow, runs)]
    finally:
        await kept.aclose()
    if not journals:
        raise BadInput(f"no run of flow {flow.name!r} is recorded; `stateflow run` records one")
    for journal in journals:
        if journal.started.flow != flow.name:
            raise BadInput(
                f"run {journal.run!r} is one of flow {journal.started.flow!r}, not of {flow.name!r}"
            )
    return tuple({journal.run: journal for journal in journals}.values())


async def runs_named(store: Store, flow: Flow, runs: Sequence[str]) -> list[str]:
    """Return *runs*, and where one says all, every run of *flow* in *store*."""
    listed = await store.runs() if ALL in runs else []
    named = [name for name in runs if name != ALL]
    return [*named, *(one.run for one in listed if one.flow == flow.name)]
