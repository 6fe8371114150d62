"""Claiming a run that stands still: whoever resumes it proves that its flow still fits.

A claim goes on the record in one transaction: that the run goes on, with which budget and which
print, and what was answered.  An answer to a nested run is put into that run's journal right after
it; where a crash comes between, the question is still open.  Where nothing would come of a claim,
nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from stateflow.conversation.effect import Question
from stateflow.engine.answering import answers_to, open_questions, place_of
from stateflow.engine.live_door import LiveDoor
from stateflow.engine.pricing import refuse_unpriced
from stateflow.engine.spending import budget_from, budget_json
from stateflow.errors import AnswerRefused
from stateflow.journal.event import Event, HumanAnswered, Recorded, RunResumed
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow

__all__ = ["take_up"]


async def take_up(
    flow: Flow,
    door: LiveDoor,
    answer: str | None,
    answers: Mapping[str, object],
    budget: Budget | None,
) -> None:
    """Claim the run behind *door*, and put the answers on the record.

    Args:
        flow: as it is now.
        door: stands where the journal ends once this returns.
        answer: to the only open question; ``None``: none is given.
        answers: by question.
        budget: of the whole run from now on; ``None``: as it was.

    Raises:
        AnswerRefused: an answer fits nothing that is open, or comes too late.
        ReplayDivergence: the flow has changed, and takes another path.
        RunError: the budget is in USD, and a price is not known.
    """
    environment = door.environment
    events = await environment.store.read(door.run)
    door.fold = fold_of(events)
    if door.fold.ended:
        if answer is not None or answers:
            raise AnswerRefused(f"run {door.run!r} is over; nothing waits for an answer")
        return
    limits = budget_json(budget) if budget is not None else door.fold.budget
    door.budget = budget_from(limits) if limits is not None else flow.budget
    started = door.fold.started
    asked = started.models if started is not None else None
    refuse_unpriced(flow, door.budget, environment.models, asked)
    environment.sandboxes.check(flow, started.sandboxes if started is not None else None)
    changed = await _proved(flow, door, events)
    open_now = await open_questions(environment.store, door.run)
    now = environment.store.now()
    given = answers_to(door.run, open_now, answer, answers, flow=flow, now=now)
    late = any(one.due is not None and now >= one.due for one in open_now.values())
    waits = door.fold.stop is not None and door.fold.stop.kind == "waiting"
    if waits and not given and not late:
        return
    resumed = RunResumed(budget_json(budget) if budget is not None else None, changed)
    clean = {
        name: _cleaned(text, open_now[name], environment.redactor) for name, text in given.items()
    }
    await _record(door, resumed, clean)


def _cleaned(answer: str, question: Question, redactor: Redactor) -> str:
    """Return *answer* without secrets; in a form, JSON may have escaped them."""
    if question.form is None or not answer:
        return redactor.text(answer)
    return json.dumps(redactor.json(json.loads(answer)), ensure_ascii=False)


async def _proved(flow: Flow, door: LiveDoor, events: Sequence[Recorded]) -> str | None:
    """Return the print of *flow* if it has changed and still takes the recorded path.

    Raises:
        ReplayDivergence: it does not.
    """
    now = flow.fingerprint()
    taken_part = {getattr(one.event, "print", None) for one in events}
    if taken_part <= {now, None}:
        return None
    from stateflow.engine.replaying import replay_journal

    journal = await door.environment.store.journal(door.run)
    await replay_journal(flow, journal, requests=False, redactor=door.environment.redactor)
    return now


async def _record(door: LiveDoor, resumed: RunResumed, given: Mapping[str, str]) -> None:
    """Claim the run, and put each answer into the journal of the run that asks."""
    here: list[Event] = [resumed]
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
