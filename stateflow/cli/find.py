"""What FLOW, RUN and --store mean."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import sys
import traceback
from collections.abc import Generator, Iterable, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from stateflow.cli.trouble import BadInput
from stateflow.errors import DefinitionError
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
    "store_at",
    "store_option",
    "store_path",
    "store_there",
]

_DEFINES = re.compile(r"^flow\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
"""A module-level ``flow = ...``."""
_FORMS = "write it as path.py, path.py:attr, pkg.mod:attr or path.json"


@dataclass(frozen=True, slots=True)
class Found:
    """A flow and where it came from."""

    flow: Flow
    source: str
    """The reference that finds it again; a path is relative to the present folder if below it."""
    task: str = ""
    """What it runs on unless told otherwise: the module's ``task``, if that is a text."""


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
    place, attr = _parted(reference)
    if not place:
        raise BadInput(f"{reference!r} names no flow; {_FORMS}")
    if _is_path(place):
        path = Path(place)
        if path.is_dir():
            raise BadInput(f"{place!r} is a folder; name one flow in it: path.py or path.py:attr")
        if not path.is_file():
            raise BadInput(f"there is no file {place!r}; check the path, or {_FORMS}")
        if path.suffix == ".json":
            return Found(_from_json(path, attr), _relative(path))
        module, source = _from_file(path), _relative(path)
    else:
        module, source = _from_name(place), place
    flow = _flow_in(module, place, attr)
    task: object = getattr(module, "task", "")
    task = task if isinstance(task, str) else ""
    return Found(flow, f"{source}:{attr}" if attr else source, task)


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


def flow_files(folder: Path) -> list[Path]:
    """Return the files of *folder* that define ``flow``, by name."""
    return [path for path in sorted(folder.glob("*.py")) if _defines_flow(path)]


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


async def find_journal(store: Store, run: str) -> Journal:
    """Return the journal that *run* means: a file of JSON lines, or a run of *store*.

    Raises:
        UnknownRun: it is neither.
        StoreError: it cannot be read.
    """
    if run.endswith(".jsonl"):
        from stateflow.stores.file import read_file

        return read_file(run)
    return await store.journal(await store.find(run))


def _parted(reference: str) -> tuple[str, str]:
    place, colon, attr = reference.rpartition(":")
    if colon and place and attr.isidentifier() and not Path(reference).exists():
        return place, attr
    return reference, ""


def _is_path(place: str) -> bool:
    return (
        place.endswith((".py", ".json")) or "/" in place or os.sep in place or Path(place).exists()
    )


def _relative(path: Path) -> str:
    whole, here = path.resolve(), Path.cwd().resolve()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def _defines_flow(path: Path) -> bool:
    try:
        return path.is_file() and _DEFINES.search(path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _from_file(path: Path) -> ModuleType:
    """Import the file, with its own folder first on the path, as Python would run it."""
    whole = path.resolve()
    name = f"_stateflow_file_{re.sub(r'[^0-9a-zA-Z]', '_', str(whole))}"
    if str(whole.parent) not in sys.path:
        sys.path.insert(0, str(whole.parent))
    spec = importlib.util.spec_from_file_location(name, whole)
    if spec is None or spec.loader is None:
        raise BadInput(f"{str(path)!r} is no Python file; {_FORMS}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _undisturbed():
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may exit, or raise what nobody catches
        del sys.modules[name]
        raise BadInput(_import_trouble(str(path), whole, error)) from error
    return module


@contextmanager
def _undisturbed() -> Generator[None]:
    """Keep what a module prints out of the result, and what it takes off the path on it."""
    path = list(sys.path)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path += [entry for entry in path if entry not in sys.path]


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


def _from_name(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadInput(f"{name!r} names no flow; {_FORMS}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        with _undisturbed():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise BadInput(_import_trouble(name, None, error)) from error
        raise BadInput(f"there is no module {name!r}; {_FORMS}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may exit, or raise what nobody catches
        raise BadInput(_import_trouble(name, None, error)) from error


def _import_trouble(place: str, path: Path | None, error: BaseException) -> str:
    """Return which line of the flow's own code the import stumbled over, and how."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        where = _place(place, path, error.filename)
        return f"{where}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    if isinstance(error, SyntaxError):
        return f"{place}: {error.msg}; it is no text of Python"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if path is not None and Path(f.filename) == path]
    frame = (own or frames)[-1]
    text = str(error) or "no reason given"
    kind = "" if isinstance(error, DefinitionError) else f"{type(error).__name__}: "
    return f"{_place(place, path, frame.filename)}, line {frame.lineno}: {kind}{text}"


def _place(place: str, path: Path | None, filename: str) -> str:
    return place if path is not None and Path(filename) == path else filename


def _flow_in(module: ModuleType, place: str, attr: str) -> Flow:
    flows = {name: value for name, value in vars(module).items() if isinstance(value, Flow)}
    shown = ", ".join(flows) or "none"
    if attr:
        if attr not in flows:
            what = "no flow" if hasattr(module, attr) else "not defined"
            raise BadInput(f"{attr!r} of {place!r} is {what}; flows there: {shown}")
        return flows[attr]
    if "flow" in flows:
        return flows["flow"]
    different = {id(flow): flow for flow in flows.values()}
    if not different:
        raise BadInput(f"{place!r} defines no flow; write flow = Flow(...) at its top level")
    if len(different) > 1:
        raise BadInput(f"{place!r} defines several flows ({shown}); say which: {place}:NAME")
    return next(iter(different.values()))
