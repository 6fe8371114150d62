"""What a test session was told, and what all its tests share."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from stateflow.engine.finding import Found

__all__ = ["Record", "Settings"]

Record: TypeAlias = Literal["none", "once", "new", "all"]
"""When models are asked, to write cassettes.

* ``none``: never.
* ``once``: where a cassette is missing.
* ``new``: there too, and from where a run leaves its cassette.
* ``all``: always.
"""


@dataclass(slots=True)
class Settings:
    """What a test session was told."""

    root: Path
    record: Record
    update: bool
    """Whether cassettes are rewritten to what their runs come to now, with nobody asked."""
    claims: Path | None = None
    """Folder in which the processes of one session tell each other what they write."""
    found: dict[str, Found] = field(default_factory=dict[str, "Found"])
    """Flows that were imported for cassettes, by reference."""
    _claimed: dict[Path, str] = field(default_factory=dict[Path, str])

    def claim(self, cassette: Path, test: str) -> str:
        """Return which test writes *cassette* in this session: *test*, unless another was first."""
        cassette = cassette.resolve()
        if self.claims is None:
            return self._claimed.setdefault(cassette, test)
        mark = self.claims / hashlib.sha256(str(cassette).encode()).hexdigest()
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.claims) as ours:
            ours.write(test)
            ours.flush()
            try:
                mark.hardlink_to(ours.name)  # whole from the moment that it is there
            except FileExistsError:
                return mark.read_text("utf-8")
        return test

    def shown(self, path: Path) -> str:
        """Return *path* as people write it: relative to the root of the tests."""
        path = path.resolve()
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)
