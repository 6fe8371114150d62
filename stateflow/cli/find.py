"""What FLOW, RUN and --store mean."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import chdir
from pathlib import Path

from stateflow.cli.trouble import BadInput
from stateflow.engine.finding import Found, flow_files, parted, relative
from stateflow.engine.finding import find_flow as find_code
from stateflow.errors import DefinitionError, FlowNotFound
from stateflow.journal.event import Journal, RunStarted
from stateflow.machine.flow import Flow
from stateflow.stores.base import Store
from stateflow.stores.open import open_store

__all__ = [
    "Found",
    "each_of",
    "find_flow",
    "find_flows",
    "find_journal",
    "flow_files",
    "flow_of",
    "found_here",
    "in_file",
    "is_flow",
    "store_at",
    "store_option",
    "store_path",
    "store_there",
]


def store_path(given: Path | None) -> Path:
    """Return where runs are kept: *given*, else ``STATEFLOW_STORE``, else the user's data."""
    if given is not None:
        return given
    named = os.environ.get("STATEFLOW_STORE")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("stateflow")) / "runs.db"


def store_there(given: Path | None) -> Path:
    """Return where runs are kept, for a command that only makes sense where some are.

    Raises:
        BadInput: *given* names a store that is not there; it would be made, empty.
    """
    path = store_path(given)
    if given is not None and not path.exists():
        raise BadInput(
            f"there is no store {str(path)!r}; --store takes the path of an existing one"
        )
    return path


def store_at(given: Path | None) -> Store:
    """Return the store where runs are kept; nothing is opened yet."""
    return open_store(store_path(given))


def store_option(given: Path | None) -> str:
    """Return what a command needs to find the same store again."""
    return "" if given is None else f" --store {shlex.quote(str(given))}"


def find_flow(reference: str) -> Found:
    """Return the flow that *reference* names.

    Raises:
        BadInput: there is no such file, module or flow, or it does not import.
    """
    place, attr = parted(reference)
    path = Path(place)
    if path.suffix == ".json" and path.is_file():
        return Found(_from_json(path, attr), relative(path))
    try:
        return find_code(reference)
    except FlowNotFound as error:
        raise BadInput(str(error)) from error


def find_flows(references: Iterable[str]) -> list[Found]:
    """Return the flows that *references* name; a folder means each ``flow`` of its files.

    Raises:
        BadInput: see :func:`find_flow`; or a folder holds no flow.
    """
    return [found_here(one) for reference in references for one in each_of(reference)]


def each_of(reference: str) -> list[str]:
    """Return what *reference* means: itself, or the files of a folder.

    Raises:
        BadInput: a folder holds no flow.
    """
    folder = Path(reference)
    if not reference or not folder.is_dir():
        return [reference]
    files = flow_files(folder)
    if not files:
        raise BadInput(f"no file in folder {reference!r} defines `flow = Flow(...)`")
    return [str(path) for path in files]


def found_here(reference: str) -> Found:
    """Return the flow, and stay in this folder wherever its module goes: the next is seen from it.

    Raises:
        BadInput: see :func:`find_flow`.
    """
    with chdir(Path.cwd()):
        return find_flow(reference)


def flow_of(journal: Journal, given: str | None) -> Found:
    """Return the flow of *journal*: the one *given*, else the one its first event names.

    Raises:
        BadInput: it names none, or that is not there any more.
    """
    if given is not None:
        return find_flow(given)
    started = journal.events[0].event
    source = started.source if isinstance(started, RunStarted) else None
    if source is None:
        raise BadInput(
            f"the journal of run {journal.run!r} does not say where its flow is; "
            "add --flow path.py[:attr]"
        )
    try:
        return find_flow(source)
    except BadInput as error:
        raise BadInput(f"the flow of run {journal.run!r}: {error} (or say --flow)") from error


def in_file(run: str) -> bool:
    """Tell whether *run* names a file: JSON lines, or a cassette."""
    return run.endswith((".jsonl", ".yaml", ".yml"))


def is_flow(reference: str) -> bool:
    """Tell whether *reference* can only name a flow, and no run."""
    return not in_file(reference) and (
        ":" in reference or reference.endswith((".py", ".json")) or Path(reference).is_file()
    )


async def find_journal(store: Store, run: str) -> Journal:
    """Return the journal that *run* means: a file of JSON lines, a cassette, or a run of *store*.

    Raises:
        UnknownRun: it is neither.
        StoreError: it cannot be read.
    """
    if run.endswith(".jsonl"):
        from stateflow.stores.file import read_file

        return read_file(run)
    if in_file(run):
        from stateflow.testing.cassette.cassette import read_cassette

        return read_cassette(run)
    return await store.journal(await store.find(run))


def _from_json(path: Path, attr: str) -> Flow:
    """Read the flow of *path*: one that ``stateflow export`` wrote, or a machine of XState."""
    from stateflow.exchange.json_form import flow_from_json
    from stateflow.exchange.read import json_in
    from stateflow.exchange.xstate import flow_from_xstate

    if attr:
        raise BadInput(f"{str(path)!r} holds one flow, and none called {attr!r}; leave out :{attr}")
    try:
        value = json_in(path)
        foreign = isinstance(value, Mapping) and "states" in value and "stateflow" not in value
        return flow_from_xstate(path) if foreign else flow_from_json(path)
    except DefinitionError as error:
        raise BadInput(f"{str(path)!r}: {error}") from error
