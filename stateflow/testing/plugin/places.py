"""Where cassettes lie: beside the tests that replay them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_cassette", "new_place", "places"]


def places(name: str, test: Path, root: Path) -> Iterator[Path]:
    """Yield the paths at which the cassette *name* is looked for, in order.

    Args:
        name: as the test gives it, such as ``"x.yaml"``.
        test: the test's file.
        root: the folder where the search ends.

    Example:
        >>> found = places("x.yaml", Path("/app/tests/api/test_x.py"), Path("/app"))
        >>> [path.as_posix() for path in found]  # doctest: +NORMALIZE_WHITESPACE
        ['/app/tests/api/cassettes/x.yaml', '/app/tests/api/x.yaml', '/app/tests/cassettes/x.yaml',
         '/app/cassettes/x.yaml']
    """
    folder = test.parent
    yield new_place(name, test)
    yield folder / name
    for above in folder.parents:
        if above.is_relative_to(root):
            yield above / "cassettes" / name


def new_place(name: str, test: Path) -> Path:
    """Return where the cassette *name* is written that *test* has none of."""
    return test.parent / "cassettes" / name


def find_cassette(name: str, test: Path, root: Path) -> Path | None:
    """Return the path of the cassette *name*; ``None``: there is none."""
    return next((path for path in places(name, test, root) if path.is_file()), None)
