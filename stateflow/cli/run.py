"""``stateflow run``, ``resume`` and ``fork``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from stateflow.cli.changed import tell_changes
from stateflow.cli.changing import fields_of, renames_of
from stateflow.cli.drive import Driving, drive
from stateflow.cli.find import Found, find_flow, flow_of, in_file, store_path
from stateflow.cli.options import (
    budget_over,
    models_of,
    object_of,
    open_all,
    sandboxes_of,
    text_of,
)
from stateflow.cli.trouble import BadInput, Misused
from stateflow.engine.runner import Live, Runner
from stateflow.engine.spending import budget_from
from stateflow.journal.event import Journal
from stateflow.journal.fold import fold as fold_of
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.stores.content import attach

if TYPE_CHECKING:
    from stateflow.engine.planning import Plan

__all__ = ["fork", "resume", "run"]

_DRIVING = Driving()
_NOTHING: Final[list[str]] = []


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Begun:
    """What a run begins with."""

    input: Annotated[
        str | None,
        Parameter(
            help="The task: a text, @FILE, or - for stdin; else the module's own `task`.",
            allow_leading_hyphen=True,
        ),
    ] = None
    file: Annotated[
        list[Path],
        Parameter(help="Attach this image or document to the task.  May be repeated."),
    ] = field(default_factory=list[Path])
    data: Annotated[str | None, Parameter(help="Typed data: a JSON object, or @FILE.")] = None
    model: Annotated[
        list[str],
        Parameter(
            help="Speak through the model NAME instead; AGENT=NAME: only this agent.  "
            "May be repeated."
        ),
    ] = field(default_factory=list[str])
    sandbox: Annotated[
        list[str],
        Parameter(
            help="Run code in the sandbox NAME instead: monty, docker:IMAGE, local, azure:POOL; "
            "AGENT=NAME: only this agent's.  May be repeated."
        ),
    ] = field(default_factory=list[str])
    budget: Annotated[
        str | None,
        Parameter(help="Limits in place of the flow's: turns=20,usd=1.5, also unpriced=yes"),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Answered:
    """What a run goes on with."""

    answer: Annotated[
        str | None, Parameter(help="Answer to the one open question.", allow_leading_hyphen=True)
    ] = None
    question: Annotated[
        str | None,
        Parameter(help="The question that --answer is for; refused if that is open no more."),
    ] = None
    answers: Annotated[
        str | None, Parameter(help="Answers by question: a JSON object, or @FILE.")
    ] = None
    budget: Annotated[
        str | None,
        Parameter(help="Limits in place of the run's: turns=20,usd=1.5, also unpriced=yes"),
    ] = None
    flow: Annotated[
        str | None, Parameter(help="Where the flow is now; else where the run began.")
    ] = None
    map: Annotated[
        list[str],
        Parameter(
            help="OLD=NEW: what a state is called now; a nested flow's by its path.  "
            "May be repeated."
        ),
    ] = field(default_factory=list[str])


_BEGUN = Begun()
_ANSWERED = Answered()


def run(flow: str, /, *, begun: Begun = _BEGUN, driving: Driving = _DRIVING) -> int:
    """Run a flow and tell how it goes.

    Parameters
    ----------
    flow
        path.py[:attr] or pkg.mod:attr
    """
    found = find_flow(flow)
    task = found.task if begun.input is None else text_of(begun.input)
    files = [attach(path) for path in begun.file]
    data = object_of("--data", begun.data)
    models = models_of(found.flow, begun.model)
    sandboxes = sandboxes_of(found.flow, begun.sandbox)
    budget = budget_over(found.flow.budget, begun.budget)

    async def begin(runner: Runner) -> Live:
        await open_all(models.values())
        return runner.start(
            found.flow, task, data=data, budget=budget, files=files, source=found.source
        )

    return asyncio.run(drive(driving, begin, models, sandboxes))


def resume(
    run: str | None = None,
    /,
    *,
    plan: Annotated[
        bool, Parameter(help="Only tell what would happen; exit with 1 if it would be refused.")
    ] = False,
    due: Annotated[
        bool, Parameter(help="In place of RUN: every run that waits and whose deadline has passed.")
    ] = False,
    answered: Answered = _ANSWERED,
    driving: Driving = _DRIVING,
) -> int:
    """Go on with a run that was paused, cut off, or waits for an answer.

    Parameters
    ----------
    run
        id of a run, its beginning or end, or last
    """
    if due:
        return _fire(run, answered, driving)
    if run is None:
        raise Misused("say which run: stateflow resume RUN, or --due for all that are late")
    rename = renames_of(answered.map)
    if plan:
        return _plan(run, rename, answered, driving)
    answer, given = _answers(answered)

    async def begin(runner: Runner) -> Live:
        found, journal = await _found(runner, run, answered.flow)
        budget = budget_over(_budget(found, journal), answered.budget)
        if not rename:  # replay will not tell of what a map has told
            tell_changes(found.flow, journal)
        return runner.resume(
            found.flow, journal.run, answer=answer, answers=given, budget=budget, rename=rename
        )

    return asyncio.run(drive(driving, begin))


def _answers(answered: Answered) -> tuple[str | None, dict[str, Any] | None]:
    """Return the answer to the one open question, and the answers by question."""
    given = object_of("--answers", answered.answers)
    if given is not None and not all(isinstance(one, str | dict) for one in given.values()):
        raise Misused(
            "--answers: each answer is a text, or the object that fills in a form, by the id of "
            "its question"
        )
    if given is not None and answered.answer is not None:
        raise Misused("--answer and --answers do not go together; put all into --answers")
    answer = answered.answer
    if answered.question is not None:
        if answer is None:
            raise Misused("--question says what --answer is for; give --answer, too")
        given, answer = {answered.question: answer}, None
    return answer, given


def _plan(run: str, rename: Mapping[str, str], answered: Answered, driving: Driving) -> int:
    from stateflow.cli.plan import tell_plan

    if answered != Answered(flow=answered.flow, map=answered.map) or driving.record is not None:
        raise Misused("--plan tells what would happen; leave out answers, --budget and --record")

    async def look() -> tuple[Flow, Plan, Journal]:
        async with Runner(store=store_path(driving.store)) as runner:
            found, journal = await _found(runner, run, answered.flow)
            return found.flow, await runner.plan(found.flow, journal.run, rename=rename), journal

    return tell_plan(*asyncio.run(look()), json=driving.json)


def _fire(run: str | None, answered: Answered, driving: Driving) -> int:
    from stateflow.cli.due import fire_all

    if run is not None:
        raise Misused(
            f"{run!r} and --due do not go together: --due goes on with every run that is late"
        )
    if answered != _ANSWERED or driving.record is not None:
        raise Misused(
            "--due goes on with runs as they are, without answers; leave out --answer, --question, "
            "--answers, --budget, --flow and --record"
        )
    return asyncio.run(fire_all(driving))


def fork(
    run: str,
    /,
    *,
    at: Annotated[
        int,
        Parameter(help="How many turns to share with it; -1: all.", allow_leading_hyphen=True),
    ],
    set: Annotated[  # noqa: A002 - the word for it
        list[str],
        Parameter(help="data.NAME=JSON: go on with another value of the data.  May be repeated."),
    ] = _NOTHING,
    reply: Annotated[
        str | None,
        Parameter(help="What the next speaker says, who is not asked.", allow_leading_hyphen=True),
    ] = None,
    flow: Annotated[str | None, Parameter(help="Where the flow is now.")] = None,
    driving: Driving = _DRIVING,
) -> int:
    """Start a new run that shares the first turns of another, and go on from there.

    Parameters
    ----------
    run
        id of a run, its beginning or end, or last
    """
    fields = fields_of(set)

    async def begin(runner: Runner) -> Live:
        found, journal = await _found(runner, run, flow)
        tell_changes(found.flow, journal)
        return await runner.fork(found.flow, journal.run, at=at, set=fields, reply=reply)

    return asyncio.run(drive(driving, begin))


async def _found(runner: Runner, run: str, flow: str | None) -> tuple[Found, Journal]:
    if in_file(run):
        raise BadInput(
            f"{run!r} is a file, to be shown and replayed; what goes on is a run in the store: "
            "name it by its id, `stateflow ls runs` lists them"
        )
    journal = await runner.journal(await runner.store.find(run))
    return flow_of(journal, flow), journal


def _budget(found: Found, journal: Journal) -> Budget:
    limits = fold_of(journal.events).budget
    return found.flow.budget if limits is None else budget_from(limits)
