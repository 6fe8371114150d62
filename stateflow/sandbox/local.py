"""The local sandbox: code runs on this machine, as this user.  It isolates nothing.

It is for code that one trusts, on a machine that one can spare.  So it has to be allowed, and it
warns each time.  What it holds is care, not safety: a temporary work folder, an environment
without keys and tokens, limits on each process, and an end for all that a block has started.

What it does not hold: files and network are open to the code.  Memory is limited for each
process, not for all of them.  The limit on processes counts all that the user runs; root's are
counted ten times a second, and the block is ended where there are too many.  How much a block
writes to the disk is bounded for each file only.  Code that kills its supervisor, and hides with
another session and environment, outlives its block; off Linux, another process group is enough.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stateflow.errors import Refused, SandboxUnavailable
from stateflow.sandbox.limits import check_limits
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.sandbox.local_session import LocalSession

__all__ = ["LocalSandbox", "NotIsolated"]

_RISK: Final = "code could read, change and send whatever this user can"
_PROGRAMS: Final[Mapping[str, str]] = {
    "python": sys.executable or "python3",
    "sh": "sh",
    "bash": "bash",
    "javascript": "node",
}
"""What runs each language: this very Python, and what ``PATH`` finds."""


class NotIsolated(UserWarning):
    """Code that an agent wrote runs on this machine as this user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSandbox:
    """A subprocess on this machine for each block.  Nothing is isolated.

    The blocks of a run share a temporary work folder.  Code that wants more memory than it may
    have is told so by the system (in Python, by ``MemoryError``) and ends as it likes, so no block
    ends ``OutOfMemory`` here.  A block that a signal n ended has the exit code 128 and n.

    Args:
        allowed: whether code may run here; without it the sandbox does not open.
        time_limit_s: how long a block may take [s].
        memory_mb: most memory of each process [MiB]; of JavaScript, most that its values take.
        processes_limit: most processes and threads beside those that this user runs already.
        file_size_mb: most that one file may grow to [MiB].
        open_files_limit: most files that a process may have open.
        output_limit_bytes: most that is kept of each of its two streams [bytes].
        files_limit_bytes: most that the files made by a block may hold together [bytes].
        files_limit: most files made by a block that are kept.

    Example:
        >>> LocalSandbox().risk
        'code could read, change and send whatever this user can'
        >>> LocalSandbox(allowed=True, time_limit_s=5).risk
        ''
    """

    allowed: bool = False
    time_limit_s: float = 60.0
    memory_mb: int = 512
    processes_limit: int = 64
    file_size_mb: int = 100
    open_files_limit: int = 256
    output_limit_bytes: int = 16_384
    files_limit_bytes: int = 20_000_000
    files_limit: int = 50

    def __post_init__(self) -> None:
        """Check the limits."""
        check_limits("the local sandbox", **self._limits)

    @property
    def name(self) -> str:
        """What flows call it."""
        return "local"

    @property
    def languages(self) -> Sequence[str]:
        """Those it runs where this machine has them."""
        return tuple(_PROGRAMS)

    @property
    def keeps(self) -> bool:
        """Blocks of a run share a work folder."""
        return True

    @property
    def risk(self) -> str:
        """What code could do here, as a clause; ``""`` once it is allowed."""
        return "" if self.allowed else _RISK

    @property
    def form(self) -> Json:
        """Its limits."""
        return {"kind": "local", **self._limits}

    async def open(self) -> LocalSession:
        """Make a work folder.

        Raises:
            Refused: it is not allowed.
            SandboxUnavailable: this system, or this disk, does not allow for it.
        """
        if not self.allowed:
            raise Refused(
                f"sandbox 'local' runs code on this machine: {_RISK}; take 'monty' or "
                "'docker:python:3.12-slim', or allow it with LocalSandbox(allowed=True), "
                "Runner(allow_local=True) or --allow-local"
            )
        if os.name != "posix":
            raise SandboxUnavailable(
                f"sandbox 'local' needs Linux or macOS, and this is {sys.platform!r}; take 'monty' "
                "or 'docker:python:3.12-slim'"
            )
        warnings.warn(
            f"sandbox 'local' isolates nothing: {_RISK}; 'docker:python:3.12-slim' keeps it apart",
            NotIsolated,
            stacklevel=2,
        )
        from stateflow.sandbox.local_session import LocalSession

        found = {language: shutil.which(name) for language, name in _PROGRAMS.items()}
        return await LocalSession.begin(
            self, {language: path for language, path in found.items() if path is not None}
        )

    @property
    def _limits(self) -> dict[str, float]:
        return {
            "time_limit_s": self.time_limit_s,
            "memory_mb": self.memory_mb,
            "processes_limit": self.processes_limit,
            "file_size_mb": self.file_size_mb,
            "open_files_limit": self.open_files_limit,
            "output_limit_bytes": self.output_limit_bytes,
            "files_limit_bytes": self.files_limit_bytes,
            "files_limit": self.files_limit,
        }
