"""Two versions of the same module in one process.

What lies in some folders is imported afresh and forgotten afterwards, so that two files that both
``import helpers`` each get their own.  Objects that were made go on with the modules they know.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["imported_apart", "twin"]

_OURS: Final = __name__.partition(".")[0]


@contextmanager
def imported_apart(folders: Sequence[Path], path: Sequence[str] | None = None) -> Generator[None]:
    """Import modules of *folders* afresh, and put back what was imported before.

    Installed packages, this one included, are the same for all versions.

    Args:
        folders: where the modules lie that must not be shared.
        path: ``sys.path`` meanwhile; as it is if not given.
    """
    before, aside = list(sys.path), _those_in(folders)
    if path is not None:
        sys.path[:] = path
    _forget(aside)
    try:
        yield
    finally:
        _forget(_those_in(folders))
        sys.modules.update(aside)
        sys.path[:] = before
        importlib.invalidate_caches()


def twin(entry: str, top: Path, root: Path) -> str:
    """Return where the copy at *root* of the folder *top* has *entry* of ``sys.path``.

    Example:
        >>> (
        ...     twin("/repo/flows", Path("/repo"), Path("/tmp/v1")),
        ...     twin("/usr/lib", Path("/repo"), Path()),
        ... )
        ('/tmp/v1/flows', '/usr/lib')
    """
    place = Path(entry)
    if not entry or "site-packages" in place.parts or not place.is_relative_to(top):
        return entry
    return str(root / place.relative_to(top))


def _forget(modules: Mapping[str, ModuleType]) -> None:
    for name in modules:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def _those_in(folders: Sequence[Path]) -> dict[str, ModuleType]:
    whole = [folder.resolve() for folder in folders]
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name != "__main__" and name.partition(".")[0] != _OURS and _lies_in(module, whole)
    }


def _lies_in(module: ModuleType, folders: Sequence[Path]) -> bool:
    """Tell whether *module* comes from one of *folders*, and is not installed there."""
    file: object = getattr(module, "__file__", None)
    parts: Sequence[object] = list(getattr(module, "__path__", ()))
    place = file or (parts[0] if parts else None)
    if not isinstance(place, str):
        return False
    whole = Path(place)
    return "site-packages" not in whole.parts and any(whole.is_relative_to(f) for f in folders)
