"""What every sandbox is: a value that says where code runs, and an open way there.

Each block is a program of its own; what stays between the blocks of a run is the work folder,
where the sandbox has one.  A sandbox never asks, never logs what it ran, and keeps nothing that
outlives its session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.sandbox.blocks import Block
from stateflow.value import Json

__all__ = ["Sandbox", "SandboxSession"]


class SandboxSession(Protocol):
    """An open way to a sandbox; lives as long as the run that opened it."""

    @property
    def identity(self) -> Mapping[str, Json]:
        """What code runs on, such as an image's digest.  Journaled, so it is small and lasting."""
        ...

    @property
    def languages(self) -> Sequence[str]:
        """Languages that it runs, known now that it is open."""
        ...

    async def put(self, files: Sequence[File], /) -> None:
        """Put *files*, with their content, into the work folder; where there is none, do nothing.

        Raises:
            SandboxUnavailable: it is gone.
        """
        ...

    async def run(self, block: Block, /) -> Execution:
        """Run *block* to its end, or to a limit, which is an outcome and no error.

        Cancelled, it ends what it started.  The language is one of ``languages``.

        Raises:
            SandboxUnavailable: the sandbox itself is gone; what the block did is not known.
        """
        ...

    async def aclose(self) -> None:
        """End everything that was started, and leave nothing behind."""
        ...


class Sandbox(Protocol):
    """Where code runs.  A frozen value: equal sandboxes share a session within a run."""

    @property
    def name(self) -> str:
        """What flows, journals and sentences call it, such as ``docker:python:3.12-slim``."""
        ...

    @property
    def languages(self) -> Sequence[str]:
        """Languages it may run; the first is meant where a block names none."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether a session holds files of earlier blocks that are lost with it.

        Such a session is brought back by running the recorded blocks again.
        """
        ...

    @property
    def risk(self) -> str:
        """What code could do to this machine, as a clause; ``""``: nothing, it is isolated.

        A run refuses a sandbox with a risk unless it is told to allow it.
        """
        ...

    @property
    def form(self) -> Json:
        """Its settings as small JSON, the part of every request's print that it is."""
        ...

    async def open(self) -> SandboxSession:
        """Open it.

        Raises:
            SandboxUnavailable: it cannot be reached or started; the sentence says the cure.
        """
        ...
