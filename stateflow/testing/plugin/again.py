"""Running again what was recorded: the same task, data, budget, files and answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stateflow.engine.runner import Live, Runner
from stateflow.engine.spending import budget_from
from stateflow.engine.tape import PLAYERS
from stateflow.journal.event import EffectFailed, Event, HumanAnswered, Journal
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.testing.plugin.tapes import Tape

if TYPE_CHECKING:
    from pydantic import BaseModel

    from stateflow.engine.given import AnyFile
    from stateflow.engine.result import Result
    from stateflow.models.base import ModelClient
    from stateflow.sandbox.base import Sandbox

__all__ = ["Beginning", "beginning_of", "run_again"]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run starts from, and what it is told on its way."""

    task: str = ""
    data: Mapping[str, Any] | BaseModel | None = None
    budget: Budget | None = None
    files: Sequence[AnyFile] = ()
    models: Mapping[str, str | ModelClient] | None = None
    sandboxes: Mapping[str, str | Sandbox] | None = None
    allow_local: bool = False
    answers: Mapping[str, str] = field(default_factory=dict[str, str])
    """To questions, by their ids; the others stay open."""
    late: frozenset[str] = frozenset()
    """Questions that nobody answered in time."""
    secrets: tuple[str, ...] = ()
    source: str | None = None
    """Reference that finds the flow again."""


def beginning_of(journal: Journal, content: Callable[[str], bytes]) -> Beginning:
    """Return what the recorded run started from; *content* has the files of its task by hash."""
    started = journal.started
    limits: Any = started.budget
    boxes = started.sandboxes or {}
    return Beginning(
        started.task,
        started.data if isinstance(started.data, Mapping) and started.data else None,
        None if limits is None else budget_from(limits),
        [replace(file, content=content(file.sha256)) for file in started.files],
        started.models,
        {who: row["sandbox"] for who, row in boxes.items()} or None,
        allow_local=any(row["sandbox"].startswith("local") for row in boxes.values()),
        answers=dict(_answers(journal)),
        late=frozenset(_late(journal)),
        source=started.source,
    )


def _answers(journal: Journal) -> Iterator[tuple[str, str]]:
    """Yield what people answered, by question."""
    for path, event in _events(journal):
        if isinstance(event, HumanAnswered):
            yield f"{path}{event.key}", event.answer


def _late(journal: Journal) -> Iterator[str]:
    """Yield the questions that nobody answered in time."""
    for path, event in _events(journal):
        if isinstance(event, EffectFailed) and event.op == "human.ask":
            yield f"{path}{event.key}"


def _events(journal: Journal, path: str = "") -> Iterator[tuple[str, Event]]:
    """Yield the events of *journal* and of what is nested in it, each with its run's path."""
    for recorded in journal.events:
        yield path, recorded.event
    for key, child in journal.children.items():
        yield from _events(child, f"{path}{key}/")


async def run_again(flow: Flow, start: Beginning, tape: Tape) -> None:
    """Run *flow* from *start*, answered from *tape*, which has what it comes to."""
    clock = _Clock()
    player = _One(tape)
    PLAYERS.append(player)
    try:
        async with Runner(
            clock=clock.now,
            models=start.models,
            secrets=start.secrets,
            sandboxes=start.sandboxes,
            allow_local=start.allow_local,
        ) as runner:
            live = runner.start(
                flow,
                start.task,
                data=start.data,
                budget=start.budget,
                files=start.files,
                source=start.source,
            )
            while (going := _next(runner, live, await live, start, clock)) is not None:
                live = going
    finally:
        PLAYERS.remove(player)


def _next(
    runner: Runner, live: Live, result: Result, start: Beginning, clock: _Clock
) -> Live | None:
    """Return the run that goes on with what is known of its questions; ``None``: it is over."""
    if result.stop.kind != "waiting":
        return None
    open_now = [one.id for one in result.stop.questions]
    known = {one: start.answers[one] for one in open_now if one in start.answers}
    if known:
        return live.answer(answers=known)
    due = [one.due for one in result.stop.questions if one.id in start.late and one.due is not None]
    if not due:
        return None
    clock.ahead_s = max(0.0, min(due) - time.time())
    return runner.resume(live.flow, live.run)


@dataclass(slots=True)
class _Clock:
    """The time in a run that is repeated: nobody waits for a deadline to pass."""

    ahead_s: float = 0.0

    def now(self) -> float:
        """Return it [s since the epoch]."""
        return time.time() + self.ahead_s


@dataclass(frozen=True, slots=True)
class _One:
    """Plays one tape."""

    only: Tape

    def tape(self, flow: Flow, run: str, *, begins: bool) -> Tape:
        """Return it, whatever runs."""
        del flow, run, begins
        return self.only
