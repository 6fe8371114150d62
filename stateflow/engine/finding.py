"""Finding flows: the code that a reference such as ``flows/slogan.py:flow`` names.

The flow is code: a journal keeps a reference to it, and whoever repeats the run imports that.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from stateflow.errors import DefinitionError, FlowNotFound
from stateflow.machine.flow import Flow

__all__ = ["FORMS", "Found", "find_flow", "flow_files", "is_path", "parted", "relative"]

_DEFINES: Final = re.compile(r"^flow\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
"""A module-level ``flow = ...``."""
FORMS: Final = "write it as path.py, path.py:attr, pkg.mod:attr or path.json"


@dataclass(frozen=True, slots=True)
class Found:
    """A flow and where it came from."""

    flow: Flow
    source: str
    """The reference that finds it again; a path is relative to the present folder if below it."""
    task: str = ""
    """What it runs on unless told otherwise: the module's ``task``, if that is a text."""


def find_flow(reference: str) -> Found:
    """Return the flow that *reference* names: ``path.py``, ``path.py:attr`` or ``pkg.mod:attr``.

    Raises:
        FlowNotFound: there is no such file, module or flow, or it does not import.
    """
    place, attr = parted(reference)
    if not place:
        raise FlowNotFound(f"{reference!r} names no flow; {FORMS}")
    if is_path(place):
        path = Path(place)
        if path.is_dir():
            sentence = f"{place!r} is a folder; name one flow in it: path.py or path.py:attr"
            raise FlowNotFound(sentence)
        if not path.is_file():
            raise FlowNotFound(f"there is no file {place!r}; check the path, or {FORMS}")
        module, source = _from_file(path), relative(path)
    else:
        module, source = _from_name(place), place
    flow = _flow_in(module, place, attr)
    task: object = getattr(module, "task", "")
    task = task if isinstance(task, str) else ""
    return Found(flow, f"{source}:{attr}" if attr else source, task)


def flow_files(folder: Path) -> list[Path]:
    """Return the files of *folder* that define ``flow``, by name."""
    return [path for path in sorted(folder.glob("*.py")) if _defines_flow(path)]


def _defines_flow(path: Path) -> bool:
    try:
        return path.is_file() and _DEFINES.search(path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def parted(reference: str) -> tuple[str, str]:
    """Return the place that *reference* names, and the flow's name there, if it says one."""
    place, colon, attr = reference.rpartition(":")
    if colon and place and attr.isidentifier() and not Path(reference).exists():
        return place, attr
    return reference, ""


def is_path(place: str) -> bool:
    """Tell whether *place* is a file, not a module."""
    return (
        place.endswith((".py", ".json")) or "/" in place or os.sep in place or Path(place).exists()
    )


def relative(path: Path) -> str:
    """Return *path* relative to the present folder, if it lies below."""
    whole, here = path.resolve(), Path.cwd().resolve()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def _from_file(path: Path) -> ModuleType:
    """Import the file, with its own folder first on the path, as Python would run it."""
    whole = path.resolve()
    name = f"_stateflow_file_{re.sub(r'[^0-9a-zA-Z]', '_', str(whole))}"
    if str(whole.parent) not in sys.path:
        sys.path.insert(0, str(whole.parent))
    spec = importlib.util.spec_from_file_location(name, whole)
    if spec is None or spec.loader is None:
        raise FlowNotFound(f"{str(path)!r} is no Python file; {FORMS}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _undisturbed():
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may exit, or raise what nobody catches
        del sys.modules[name]
        raise FlowNotFound(_import_trouble(str(path), whole, error)) from error
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


def _from_name(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise FlowNotFound(f"{name!r} names no flow; {FORMS}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        with _undisturbed():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise FlowNotFound(_import_trouble(name, None, error)) from error
        raise FlowNotFound(f"there is no module {name!r}; {FORMS}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may exit, or raise what nobody catches
        raise FlowNotFound(_import_trouble(name, None, error)) from error


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
            raise FlowNotFound(f"{attr!r} of {place!r} is {what}; flows there: {shown}")
        return flows[attr]
    if "flow" in flows:
        return flows["flow"]
    different = {id(flow): flow for flow in flows.values()}
    if not different:
        raise FlowNotFound(f"{place!r} defines no flow; write flow = Flow(...) at its top level")
    if len(different) > 1:
        raise FlowNotFound(f"{place!r} defines several flows ({shown}); say which: {place}:NAME")
    return next(iter(different.values()))
