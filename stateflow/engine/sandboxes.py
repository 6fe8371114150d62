"""Open ways to sandboxes; each belongs to one run, and outlives its pauses for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, cast

from stateflow.agents.code import CodeRunner
from stateflow.engine.given import runs_no_flow
from stateflow.errors import DefinitionError, Refused
from stateflow.log import debug
from stateflow.machine.flow import Flow
from stateflow.sandbox.base import Sandbox, SandboxSession
from stateflow.sandbox.names import sandbox_of

__all__ = ["Sandboxes"]


class Sandboxes:
    """The sandbox sessions of a runner, by run and sandbox.

    A run that waits for a person keeps them, so that what its code left behind is there when the
    answer comes; when the run stops otherwise, or the runner is closed, they are closed.
    """

    def __init__(
        self, given: Mapping[str, str | Sandbox] | None = None, *, allow_local: bool = False
    ) -> None:
        """Open nothing yet.

        Args:
            given: sandboxes that replace those of a flow, by agent.
            allow_local: whether a sandbox may be used that does not isolate this machine.
        """
        self._given = checked_sandboxes(given)
        self._allow_local = allow_local
        self._open: dict[tuple[str, Sandbox], SandboxSession] = {}

    @property
    def overrides(self) -> dict[str, str] | None:
        """Names of the sandboxes that replace a flow's, by agent; ``None``: there are none."""
        given = self._given.items()
        return {who: one if isinstance(one, str) else one.name for who, one in given} or None

    def check(self, flow: Flow) -> None:
        """Refuse a run of *flow* whose code would run where nobody has allowed it.

        Raises:
            DefinitionError: a sandbox is for somebody who runs no code.
            Refused: a sandbox does not isolate, and that is not allowed.
        """
        runners = {one.name: one for one in flow.agents if isinstance(one, CodeRunner)}
        for agent in self._given:
            if agent not in runners and all(map(runs_no_flow, flow.agents)):
                there = ", ".join(runners) or "nobody"
                raise DefinitionError(
                    f"sandboxes={{{agent!r}: ...}}: {agent!r} runs no code in flow {flow.name!r}; "
                    f"who does: {there}"
                )
        for agent, runner in runners.items():
            given = self._given.get(agent, runner.sandbox)
            self.find(agent, runner.sandbox, given if isinstance(given, str) else given.name)

    def find(self, agent: str, own: Sandbox, name: str) -> Sandbox:
        """Return the sandbox called *name*, for an agent whose *own* may be another.

        Raises:
            Refused: it does not isolate this machine, and nobody has allowed that.
        """
        given = self._given.get(agent)
        if given is not None and not isinstance(given, str) and given.name == name:
            sandbox = given
        else:
            sandbox = own if name == own.name else sandbox_of(name)
        if not sandbox.risk:
            return sandbox
        if not self._allow_local:
            raise Refused(
                f"agent {agent!r} runs code in {sandbox.name!r}, which does not isolate it: "
                f"{sandbox.risk}; use sandbox='monty' or 'docker:IMAGE', or allow it all the same "
                "with --allow-local or Runner(allow_local=True)"
            )
        allowed: Sandbox = replace(cast("Any", sandbox), allowed=True)
        return allowed

    def get(self, run: str, sandbox: Sandbox) -> SandboxSession | None:
        """Return the session that is open, if one is."""
        return self._open.get((run, sandbox))

    async def open(self, run: str, sandbox: Sandbox) -> SandboxSession:
        """Open *sandbox* for *run*, in place of a session that is no good any more.

        Raises:
            FaultError: it cannot be opened.
        """
        await self.forget(run, sandbox)
        session = self._open[run, sandbox] = await sandbox.open()
        return session

    async def forget(self, run: str, sandbox: Sandbox) -> None:
        """Close the session that is open, if one is."""
        session = self._open.pop((run, sandbox), None)
        if session is not None:
            await _close(sandbox, session)

    async def close(self, run: str) -> None:
        """Close all sessions of *run*."""
        for which, sandbox in list(self._open):
            if which == run:
                await self.forget(which, sandbox)

    async def aclose(self) -> None:
        """Close all."""
        for run, sandbox in list(self._open):
            await self.forget(run, sandbox)


def checked_sandboxes(given: Mapping[str, str | Sandbox] | None) -> dict[str, str | Sandbox]:
    """Return *given* by agent.

    Raises:
        DefinitionError: it is no mapping from agents to sandboxes, or there is none of a name.
    """
    if given is not None and not isinstance(cast("object", given), Mapping):
        raise DefinitionError(
            f"sandboxes={given!r} is no mapping; write sandboxes={{AGENT: SANDBOX}}"
        )
    for sandbox in (given or {}).values():
        sandbox_of(sandbox)
    return dict(given or {})


async def _close(sandbox: Sandbox, session: SandboxSession) -> None:
    """Close *session* to its end even if whoever waits is stopped: nothing may be left behind.

    What fails is logged: the run has its stop, and nobody could act on it.
    """
    try:
        await _to_its_end(session.aclose())
    except Exception as error:  # noqa: BLE001 - as above
        debug("sandbox.broken", sandbox=sandbox.name, error=type(error).__name__)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for *work* to its end; a cancellation waits, too."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise
