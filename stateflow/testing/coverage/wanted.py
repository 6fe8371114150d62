"""Which flows must be covered: files, folders and modules that a person names."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from stateflow.engine.finding import find_flow, flow_files
from stateflow.errors import FlowNotFound
from stateflow.machine.flow import Flow

__all__ = ["wanted"]


def wanted(references: Iterable[str]) -> list[Flow]:
    """Return the flows that *references* name; a folder means each ``flow`` of its files.

    Args:
        references: ``path.py``, ``path.py:attr``, ``pkg.mod:attr``, or folders.

    Raises:
        FlowNotFound: one names none, or a file does not import.
    """
    found: dict[int, Flow] = {}
    for reference in references:
        for one in _each(reference):
            with _undisturbed():
                flow = find_flow(one).flow
            found[id(flow)] = flow
    return list(found.values())


@contextmanager
def _undisturbed() -> Generator[None]:
    """Keep the folder, and where modules are looked for, as the tests expect them."""
    path = list(sys.path)
    try:
        with chdir(Path.cwd()):
            yield
    finally:
        sys.path[:] = path


def _each(reference: str) -> Iterator[str]:
    folder = Path(reference)
    if not reference or not folder.is_dir():
        yield reference
        return
    files = flow_files(folder)
    if not files:
        raise FlowNotFound(f"no file in folder {reference!r} defines `flow = Flow(...)`")
    yield from map(str, files)
