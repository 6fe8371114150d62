"""An open local sandbox: its work folder, and how a block is run in it."""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import Refused, SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.disk import found_in, remove, write
from stateflow.sandbox.files import Folder, code_name
from stateflow.sandbox.process import Terms, run_process
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.sandbox.local import LocalSandbox

__all__ = ["LocalSession"]

_PARTS: Final = ("work", "home", "tmp")
"""Folders of a session.  What programs leave at home or in /tmp is no file that a block made."""
_IN_THE_WAY: Final = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EPERM,
    }
)
"""Errors of a name that cannot be written to; all others are trouble of the folder or the disk."""


class LocalSession:
    """A temporary folder, and the programs that run in it."""

    def __init__(self, sandbox: LocalSandbox, programs: Mapping[str, str], root: Path) -> None:
        self._sandbox = sandbox
        self._programs = programs
        self._root = root
        self._work = root / "work"
        self._folder = Folder(limit=sandbox.files_limit, limit_bytes=sandbox.files_limit_bytes)
        self._turn = asyncio.Lock()  # blocks share the folder, so they run one after the other

    @classmethod
    async def begin(cls, sandbox: LocalSandbox, programs: Mapping[str, str]) -> LocalSession:
        """Open a session that runs *programs*, by language.

        Raises:
            SandboxUnavailable: no folder can be made.
        """
        try:
            root = await asyncio.to_thread(_new_folder)
        except OSError as error:
            raise SandboxUnavailable(
                f"the local sandbox cannot make a folder in {tempfile.gettempdir()!r} "
                f"({error.strerror}); make room there, or set TMPDIR"
            ) from error
        return cls(sandbox, programs, root)

    @property
    def identity(self) -> Mapping[str, Json]:
        """The system, and its Python."""
        return {"platform": sys.platform, "python": platform.python_version()}

    @property
    def languages(self) -> Sequence[str]:
        """Those whose program this machine has."""
        return tuple(self._programs)

    async def put(self, files: Sequence[File], /) -> None:
        """Put *files* into the work folder.

        Raises:
            Refused: one has a name that leads out of it.
            SandboxUnavailable: the folder is gone, or the disk is full.
        """
        async with self._turn:
            for file in files:
                trouble = await self._keep(Block("", "file", file.name), file.content or b"")
                if trouble:
                    raise Refused(trouble)

    async def run(self, block: Block, /) -> Execution:
        """Run *block*, and end all that it started.

        Raises:
            SandboxUnavailable: the folder is gone, or no process can be started.
        """
        async with self._turn:
            code = block.code.encode("utf-8", "replace")
            trouble = await self._keep(block, code)
            if trouble:
                return Execution(block.language, fault="Refused", detail=trouble)
            if block.language == "file":
                return Execution("file", 0)
            return await self._run(block)

    async def aclose(self) -> None:
        """Remove the folder."""
        await asyncio.to_thread(remove, self._root)

    async def _run(self, block: Block) -> Execution:
        sandbox = self._sandbox
        ended = await run_process(self._command(block), self._terms(block.language))
        made, left_out = await asyncio.to_thread(self._made)
        timed_out = ended.exit_code is None
        late = f"It was ended after {sandbox.time_limit_s:g} s, its time limit."
        return Execution(
            block.language,
            ended.exit_code,
            ended.stdout,
            ended.stderr,
            "TimedOut" if timed_out else "",
            " ".join(filter(None, (late if timed_out else "", left_out))),
            made,
        )

    def _made(self) -> tuple[tuple[File, ...], str]:
        return self._folder.made(found_in(self._work))

    async def _keep(self, block: Block, content: bytes) -> str:
        """Write *content* to the file of *block*; return why that is refused, else ``""``."""
        name = code_name(block) if block.name or block.language != "file" else ""
        if not name:
            return (
                f"{block.name!r} cannot name a file of the work folder; write a relative path "
                "without '..', such as 'data/input.csv'"
            )
        try:
            await asyncio.to_thread(write, self._work, name, content)
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                return (
                    f"{name!r} cannot be written: something else that is there has its name, or "
                    f"leads out of the work folder ({error.strerror}); take another name"
                )
            raise SandboxUnavailable(
                f"the local sandbox cannot write to its folder {str(self._work)!r} "
                f"({error.strerror}); run it anew, with room on the disk"
            ) from error
        self._folder.note(name, content)
        return ""

    def _command(self, block: Block) -> list[str]:
        program = self._programs[block.language]
        bound = [f"--max-old-space-size={self._sandbox.memory_mb}"]
        return [program, *(bound if block.language == "javascript" else ()), code_name(block)]

    def _terms(self, language: str) -> Terms:
        sandbox = self._sandbox
        limits = {
            "CORE": 0,
            "FSIZE": sandbox.file_size_mb << 20,
            "NOFILE": sandbox.open_files_limit,
            "NPROC": sandbox.processes_limit,
        }
        if language != "javascript":  # Node.js reserves far more addresses than it ever uses
            limits["AS"] = sandbox.memory_mb << 20
        return Terms(
            self._work,
            self._environ(),
            limits,
            sandbox.time_limit_s,
            sandbox.output_limit_bytes,
        )

    def _environ(self) -> dict[str, str]:
        """Return all that code sees of the environment; no key, no token, nothing of the user's."""
        return {
            "HOME": str(self._root / "home"),
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
            "PYTHONPATH": str(self._work),  # blocks in folders find the modules above them
            "PYTHONUNBUFFERED": "1",  # what was printed before a limit is seen
            "TMPDIR": str(self._root / "tmp"),
        }


def _new_folder() -> Path:
    root = Path(tempfile.mkdtemp(prefix="stateflow-")).resolve()
    for part in _PARTS:
        (root / part).mkdir()
    return root
