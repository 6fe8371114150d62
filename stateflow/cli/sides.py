"""What A and B of ``stateflow diff`` mean: a flow, a flow at a git revision, or a run."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stateflow.cli.apart import imported_apart, twin
from stateflow.cli.chart import short
from stateflow.cli.find import find_flow, find_journal, is_flow, store_at
from stateflow.cli.revision import AtRevision, at_revision, tree_of
from stateflow.cli.trouble import BadInput
from stateflow.errors import UnknownRun
from stateflow.journal.event import Journal
from stateflow.journal.redact import Redactor
from stateflow.machine.flow import Flow

__all__ = ["Side", "sides"]

_HERE = "this branch"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things that are compared."""

    label: str
    """What it is called; a revision is called by its name."""
    table: Mapping[str, Any]
    """The flow as JSON, without secrets."""
    flow: Flow | None = None
    """``None``: there is only what a run recorded."""
    journal: Journal | None = None
    """The run; ``None`` for a flow."""


@contextmanager
def sides(first: str, second: str, store: Path | None) -> Generator[tuple[Side, Side]]:
    """Yield what *first* and *second* mean, each with modules of its own.

    Raises:
        BadInput: one of them is neither a flow nor a run.
        StoreError: a run cannot be read.
    """
    with TemporaryDirectory(prefix="stateflow-", ignore_cleanup_errors=True) as folder:
        found = [
            _side(reference, store, Path(folder) / str(number))
            for number, reference in enumerate((first, second))
        ]
        yield _labelled((first, second), (found[0], found[1]))


def _side(reference: str, store: Path | None, folder: Path) -> Side:
    wanted = at_revision(reference)
    if wanted is not None:
        folder.mkdir()
        return _old(wanted, folder)
    if not is_flow(reference):
        journal = _journal(reference, store)
        if journal is not None:
            return _recorded(journal)
    place = Path(reference.rpartition(":")[0] or reference)
    with imported_apart([Path.cwd(), place.resolve().parent]):
        return _side_of(find_flow(reference).flow, reference)


def _old(wanted: AtRevision, folder: Path) -> Side:
    """Return a flow of another revision, imported where that revision lies."""
    tree, file = tree_of(wanted, folder)
    where = tree.folder if file.is_relative_to(tree.folder) else tree.root
    path = [twin(entry, tree.top, tree.root) for entry in sys.path]
    with imported_apart([tree.top, tree.root], path), chdir(where):
        try:
            found = find_flow(f"{file.relative_to(where)}{wanted.attr}")
        except BadInput as error:
            raise BadInput(f"at revision {wanted.revision!r}: {error}") from error
        return _side_of(found.flow, wanted.revision)


def _side_of(flow: Flow, label: str) -> Side:
    redacted: dict[str, Any] = Redactor.from_environment(os.environ).json(flow.table())
    return Side(label, redacted, flow)


def _journal(run: str, store: Path | None) -> Journal | None:
    """Return the run that *run* means; ``None``: it can only be a module."""
    try:
        return asyncio.run(_read(run, store))
    except UnknownRun as error:
        if run.replace(".", "").isidentifier() and "." in run:
            return None
        raise BadInput(
            f"{run!r} is neither a flow (path.py, REV:path.py, pkg.mod:attr) nor a run: {error}"
        ) from error


async def _read(run: str, store: Path | None) -> Journal:
    kept = store_at(store)
    try:
        return await find_journal(kept, run)
    finally:
        await kept.aclose()


def _recorded(journal: Journal) -> Side:
    return Side(f"run {short(journal.run)}", journal.started.table, None, journal)


def _labelled(references: tuple[str, str], found: tuple[Side, Side]) -> tuple[Side, Side]:
    """Return both sides under names that tell them apart."""
    one, other = found
    old, new = (at_revision(reference) for reference in references)
    if old is not None and references[1] == f"{old.path}{old.attr}":
        other = replace(other, label=_HERE)
    if new is not None and references[0] == f"{new.path}{new.attr}":
        one = replace(one, label=_HERE)
    if one.label == other.label:
        one, other = replace(one, label=references[0]), replace(other, label=references[1])
    return one, other
