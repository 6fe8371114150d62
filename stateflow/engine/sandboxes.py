"""Open ways to sandboxes; each belongs to one run, and outlives its pauses for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from stateflow.agents.code import CodeRunner, place_of
from stateflow.engine.given import runs_no_other
from stateflow.errors import DefinitionError, Refused, SandboxUnavailable
from stateflow.log import debug
from stateflow.machine.flow import Flow
from stateflow.sandbox.base import Sandbox, SandboxSession
from stateflow.sandbox.names import sandbox_of
from stateflow.value import canonical_json

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
        self._open: dict[tuple[str, str], tuple[Sandbox, SandboxSession]] = {}

    @property
    def overrides(self) -> dict[str, dict[str, Any]] | None:
        """Return places that replace a flow's, by agent; ``None``: there are none."""
        return {who: place_of(sandbox) for who, sandbox in self._given.items()} or None

    def check(self, flow: Flow, recorded: Mapping[str, Mapping[str, str]] | None) -> None:
        """Refuse a run of *flow* whose code would run where it cannot, or nobody has allowed it.

        Args:
            flow: what may happen.
            recorded: the places that the run began with, by agent, where they are not the flow's.

        Raises:
            DefinitionError: a sandbox is for somebody who runs no code, or came too late.
            Refused: a sandbox does not isolate, and that is not allowed.
            SandboxUnavailable: the run began in one that was not given again.
        """
        runners = {one.name: one for one in flow.everybody if isinstance(one, CodeRunner)}
        places = {who: place_of(one.sandbox) for who, one in runners.items()} | dict(recorded or {})
        for agent, given in self._given.items():
            if agent not in runners and runs_no_other(flow):
                there = ", ".join(runners) or "nobody"
                raise DefinitionError(
                    f"sandboxes={{{agent!r}: ...}}: {agent!r} runs no code in flow {flow.name!r}; "
                    f"who does: {there}"
                )
            if agent in runners and places[agent] != place_of(given):
                raise DefinitionError(
                    f"sandboxes={{{agent!r}: ...}}: the run began with "
                    f"{places[agent]['sandbox']!r}, or with other settings of it; give that again, "
                    "or start a new run"
                )
        for agent, runner in runners.items():
            self.find(agent, runner.sandbox, places[agent])

    def find(self, agent: str, own: Sandbox, place: Mapping[str, Any]) -> Sandbox:
        """Return the sandbox of *place*, for an agent whose *own* may be another.

        Raises:
            Refused: it does not isolate this machine, and nobody has allowed that.
            SandboxUnavailable: it is neither the agent's own nor given, and has other settings.
        """
        sandbox = next((one for one in self._known(agent, own, place) if _is_at(one, place)), None)
        if sandbox is None:
            raise SandboxUnavailable(
                f"agent {agent!r} began in sandbox {place['sandbox']!r} with settings that are not "
                f"here; give them again: sandboxes={{{agent!r}: ...}}"
            )
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

    def _known(self, agent: str, own: Sandbox, place: Mapping[str, Any]) -> Iterator[Sandbox]:
        if agent in self._given:
            yield self._given[agent]
        yield own
        with suppress(DefinitionError):  # one of somebody's own make
            yield sandbox_of(str(place["sandbox"]))

    def get(self, run: str, place: Mapping[str, Any]) -> SandboxSession | None:
        """Return the session that *run* has open at *place*, if it has."""
        held = self._open.get((run, canonical_json(place)))
        return held[1] if held is not None else None

    async def open(self, run: str, place: Mapping[str, Any], sandbox: Sandbox) -> SandboxSession:
        """Open *sandbox* for *run*, in place of a session that is no good any more.

        Raises:
            FaultError: it cannot be opened.
        """
        await self.forget(run, place)
        session = await sandbox.open()
        self._open[run, canonical_json(place)] = sandbox, session
        return session

    async def forget(self, run: str, place: Mapping[str, Any]) -> None:
        """Close the session that *run* has open at *place*, if it has."""
        await self._close([key for key in self._open if key == (run, canonical_json(place))])

    async def close(self, run: str) -> None:
        """Close all sessions of *run*, and of what is nested in it."""
        below = f"{run}/"
        await self._close([one for one in self._open if f"{one[0]}/".startswith(below)])

    async def aclose(self) -> None:
        """Close all."""
        await self._close(list(self._open))

    async def _close(self, keys: Sequence[tuple[str, str]]) -> None:
        """Close them to the end even if whoever waits is stopped: nothing may be left behind."""
        if keys:
            await _to_its_end(_close([self._open.pop(key) for key in keys]))


def checked_sandboxes(given: Mapping[str, str | Sandbox] | None) -> dict[str, Sandbox]:
    """Return *given* by agent.

    Raises:
        DefinitionError: it is no mapping from agents to sandboxes, or there is none of a name.
    """
    if given is not None and not isinstance(cast("object", given), Mapping):
        raise DefinitionError(
            f"sandboxes={given!r} is no mapping; write sandboxes={{AGENT: SANDBOX}}"
        )
    return {agent: sandbox_of(sandbox) for agent, sandbox in (given or {}).items()}


def _is_at(sandbox: Sandbox, place: Mapping[str, Any]) -> bool:
    return place_of(sandbox) == place


async def _close(held: Sequence[tuple[Sandbox, SandboxSession]]) -> None:
    """Close each.  What fails is logged: the run has its stop, and nobody could act on it."""
    for sandbox, session in held:
        try:
            await session.aclose()
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
