"""Claiming a run that stands still: whoever resumes it proves that its flow still fits.

A claim goes on the record in one transaction: that the run goes on, with which budget and which
print, and what was answered.  An answer to a nested run is put into that run's journal right after
it; where a crash comes between, the question is still open.  Where nothing would come of a claim,
nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stateflow.conversation.effect import Question
from stateflow.engine.answering import answers_to, open_questions, place_of
from stateflow.engine.environment import Environment
from stateflow.engine.live_door import LiveDoor
from stateflow.engine.pricing import refuse_unpriced
from stateflow.engine.renames import carry, check_renames, claimed, hinted
from stateflow.engine.spending import budget_from, budget_json
from stateflow.errors import AnswerRefused, ReplayDivergence, RunError
from stateflow.journal.event import Event, HumanAnswered, Recorded, RunResumed
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.value import Json

__all__ = ["allowed", "proved", "refuse_over", "take_up"]


async def take_up(
    flow: Flow,
    door: LiveDoor,
    answer: str | None,
    answers: Mapping[str, object],
    budget: Budget | None,
    rename: Mapping[str, str] | None = None,
) -> None:
    """Claim the run behind *door*, and put the answers on the record.

    Args:
        flow: as it is now.
        door: stands where the journal ends once this returns.
        answer: to the only open question; ``None``: none is given.
        answers: by question.
        budget: of the whole run from now on; ``None``: as it was.
        rename: what places of the flow are called now, by the paths they had in the recording.

    Raises:
        AnswerRefused: an answer fits nothing that is open, or comes too late.
        ReplayDivergence: the flow has changed, and takes another path.
        RunError: the budget is in USD, and a price is not known; or *rename* does not fit.
    """
    environment = door.environment
    events = await environment.store.read(door.run)
    door.fold = fold_of(events)
    if door.fold.ended:
        refuse_over(door.run, answered=answer is not None or bool(answers), rename=rename)
        return
    door.budget = allowed(flow, door.fold, environment, budget)
    limits = budget_json(budget) if budget is not None else None
    resumed = await proved(flow, door.run, environment, events, rename or {}, limits)
    open_now = await open_questions(environment.store, door.run)
    now = environment.store.now()
    given = answers_to(door.run, open_now, answer, answers, flow=flow, now=now)
    late = any(one.due is not None and now >= one.due for one in open_now.values())
    waits = door.fold.stop is not None and door.fold.stop.kind == "waiting"
    if waits and not given and not late and resumed.rename is None:
        return
    clean = {
        name: _cleaned(text, open_now[name], environment.redactor) for name, text in given.items()
    }
    if resumed.rename is None:
        await _record(door, [resumed], clean)
    else:
        await _rename(door, resumed)
        now_called = await open_questions(environment.store, door.run)
        ids = dict(zip(open_now, now_called, strict=True))
        await _record(door, [], {ids[name]: text for name, text in clean.items()})


async def _rename(door: LiveDoor, resumed: RunResumed) -> None:
    """Claim the run by a claim that renames; its nested runs are moved before."""
    await carry(door.environment.store, door.run, door.fold, resumed)
    await door.commit(resumed)


def allowed(
    flow: Flow, fold: Fold, environment: Environment, budget: Budget | None = None
) -> Budget:
    """Return what a run that stands at *fold* may use up; *budget* replaces what it was allowed.

    Raises:
        RunError: that is in USD, and a price is not known; or a sandbox is not allowed here.
    """
    limits = budget_json(budget) if budget is not None else fold.budget
    now = budget_from(limits) if limits is not None else flow.budget
    started = fold.started
    refuse_unpriced(flow, now, environment.models, started.models if started is not None else None)
    environment.sandboxes.check(flow, started.sandboxes if started is not None else None)
    return now


def refuse_over(run: str, *, answered: bool, rename: Mapping[str, str] | None) -> None:
    """Refuse what is to change *run*, which is over.

    Raises:
        AnswerRefused: it is *answered*.
        RunError: it is to be renamed.
    """
    if answered:
        raise AnswerRefused(f"run {run!r} is over; nothing waits for an answer")
    if rename:
        raise RunError(f"run {run!r} is over; nothing of it is renamed")


def _cleaned(answer: str, question: Question, redactor: Redactor) -> str:
    """Return *answer* without secrets; in a form, JSON may have escaped them."""
    if question.form is None or not answer:
        return redactor.text(answer)
    return json.dumps(redactor.json(json.loads(answer)), ensure_ascii=False)


async def proved(
    flow: Flow,
    run: str,
    environment: Environment,
    events: Sequence[Recorded],
    rename: Mapping[str, str],
    limits: Json = None,
) -> RunResumed:
    """Return the claim with which *run* goes on: its path through *flow* is the recorded one.

    *limits* replace the budget of the run, so it has to have kept to them alone.

    Raises:
        ReplayDivergence: it is not.
        RunError: *rename* does not fit.
    """
    now = flow.fingerprint()
    taken_part = {getattr(one.event, "print", None) for one in events}
    if taken_part <= {now, None} and not rename:
        return RunResumed(limits)
    from stateflow.engine.replaying import replay_journal

    redactor = environment.redactor
    table = redactor.json(flow.table())
    journal = await environment.store.journal(run)
    before = journal.started.table
    claim = RunResumed(limits, now)
    if rename:
        check_renames(before, table, rename)
        claim = replace(claim, rename=dict(rename), table=table)
    if rename or limits is not None:
        journal = claimed(journal, claim)
    try:
        await replay_journal(flow, journal, match="state", redactor=redactor)
    except ReplayDivergence as error:
        raise hinted(error, before, table, rename) from None
    return claim


async def _record(door: LiveDoor, resumed: Sequence[Event], given: Mapping[str, str]) -> None:
    """Claim the run, and put each answer into the journal of the run that asks."""
    here: list[Event] = [*resumed]
    below: dict[str, list[HumanAnswered]] = {}
    for question, text in given.items():
        run, key = place_of(door.run, question)
        answered = HumanAnswered(key, text)
        if run == door.run:
            here.append(answered)
        else:
            below.setdefault(run, []).append(answered)
    await door.commit(*here)
    store = door.environment.store
    for run, answered_below in below.items():
        after = len(await store.read(run))
        await store.append(run, after=after, events=answered_below)
