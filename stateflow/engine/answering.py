"""Open questions of a run, its nested runs included, by path; and which answers fit them.

An answer is held against its question before it is recorded: what does not fit leaves the
question open, and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from stateflow.agents.human import fitting, read_form
from stateflow.conversation.agent import Agent
from stateflow.conversation.effect import Key, Question
from stateflow.engine.faults import check_json
from stateflow.errors import AnswerRefused, BadReply
from stateflow.journal.fold import fold
from stateflow.machine.deadline import instant
from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.state import State
from stateflow.stores.base import Store
from stateflow.value import Json, canonical_json, plain

__all__ = ["answers_to", "form_of", "open_questions", "place_of"]


async def open_questions(store: Store, run: str, prefix: str = "") -> dict[str, Question]:
    """Return what *run* asks and nobody has answered, by path of keys."""
    folded = fold(await store.read(run))
    found = {question.id: question for question in folded.questions(prefix)}
    for begun in folded.open_children():
        below = f"{prefix}{begun.key}/"
        found.update(await open_questions(store, f"{run}/{begun.key}", below))
    return found


def place_of(run: str, question: str) -> tuple[str, Key]:
    """Return the (nested) run that asks *question*, and the key of the effect that does."""
    above, _, last = question.rpartition("/")
    state, _, place = last.rpartition("#")
    visit, _, ordinal = place.partition(".")
    if not (state and visit.isdigit() and ordinal.isdigit()):
        raise AnswerRefused(f"{question!r} is no question's id; ids look like 'approve#1.0'")
    return (f"{run}/{above}" if above else run), Key(state, int(visit), int(ordinal))


def form_of(flow: Flow, question: Question) -> type[BaseModel] | None:
    """Return the form that *question* asks for, found by its path through *flow*.

    It is that of an agent with ``form`` and ``schema``, as ``Human`` has; ``None``: none known.
    """
    *above, last = question.id.split("/")
    flows = {id(flow): flow}
    for step in above:
        agents = [agent for one in flows.values() for agent in _agents(one, step)]
        flows = {id(inner): inner for agent in agents for inner in flows_of(agent)}
    asked = canonical_json(question.form)
    for agent in (agent for one in flows.values() for agent in _agents(one, last)):
        form: object = getattr(agent, "form", None)
        if isinstance(form, type) and issubclass(form, BaseModel):
            schema: Json = getattr(agent, "schema", None)
            if canonical_json(schema) == asked:
                return form
    return None


def _agents(flow: Flow, step: str) -> tuple[Agent, ...]:
    """Return who speaks in the state of *step*, a key such as ``write#1.0``."""
    place = flow.places.get(step.rpartition("#")[0])
    return place.agents if isinstance(place, State) else ()


def answers_to(
    run: str,
    questions: Mapping[str, Question],
    answer: object,
    answers: Mapping[str, object],
    *,
    flow: Flow | None = None,
    now: float | None = None,
) -> dict[str, str]:
    """Return the answers by question as they go on the record, each held against what is open.

    Args:
        run: who asks.
        questions: what is open, by id.
        answer: to the only open question; ``None``: none is given.
        answers: by question.
        flow: in which the forms are looked up; without it, they are held when they are read.
        now: when the answers come [s since the epoch]; ``None``: in time.

    Raises:
        AnswerRefused: one fits no open question, or not what that asks for, or comes too late.
    """
    if answer is not None:
        if len(questions) != 1:
            shown = ", ".join(map(repr, questions)) or "none"
            cure = "say which is meant: answers={id: ...}, or --question ID"
            if not questions:
                cure = "nothing waits for an answer; resume without one"
            raise AnswerRefused(
                f"run {run!r} has {len(questions)} open questions ({shown}); {cure}"
            )
        answers = {next(iter(questions)): answer}
    for question in answers:
        if question not in questions:
            shown = ", ".join(map(repr, questions)) or "none"
            raise AnswerRefused(
                f"run {run!r} has no open question {question!r}, or it was answered already; "
                f"open: {shown}"
            )
    return {
        question: _fitted(questions[question], given, flow, now)
        for question, given in answers.items()
    }


def _fitted(question: Question, answer: object, flow: Flow | None, now: float | None) -> str:
    """Return *answer* as it goes on the record."""
    if question.due is not None and now is not None and now >= question.due:
        raise AnswerRefused(
            f"the answer to question {question.id!r} comes too late: its deadline passed at "
            f"{instant(question.due)}; resume without an answer, and the run goes on as its flow "
            "says"
        )
    text = _text(question, answer)
    if not text.strip() and question.default is not None:
        return question.default
    if question.form is not None:
        return _form(question, text, flow)
    fits = fitting(text, question.options)
    if fits is not None:
        return fits
    if not question.options:
        raise AnswerRefused(f"the answer to question {question.id!r} is empty; give it a text")
    raise AnswerRefused(
        f"the answer to question {question.id!r} is none of its options "
        f"({', '.join(map(repr, question.options))}); a reason may follow one of them, as in "
        f"{f'{question.options[-1]}, because ...'!r}"
    )


def _text(question: Question, answer: object) -> str:
    """Return *answer* as a text that every store can hold; an object that fills in a form as JSON.

    Raises:
        AnswerRefused: it is neither.
    """
    if isinstance(answer, str):
        return plain(answer)
    try:
        if question.form is not None and isinstance(answer, Mapping):
            return plain(json.dumps(answer, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        why = f"holds what is no JSON: {error}"
    else:
        why = f"is a {type(answer).__name__}; give it a text"
    raise AnswerRefused(f"the answer to question {question.id!r} {why}")


def _form(question: Question, answer: str, flow: Flow | None) -> str:
    """Return *answer*, which fills in the form of *question*.

    Raises:
        AnswerRefused: it does not.
    """
    form = None if flow is None else form_of(flow, question)
    if form is not None:
        value, wrong = read_form(form, answer)
        try:
            check_json(value, "the answer", 1)  # it will be a part of a message
        except BadReply as error:
            wrong = str(error)
    else:
        wrong = _no_object(answer)
    if wrong:
        raise AnswerRefused(
            f"the answer to question {question.id!r} does not fit its form: {wrong}; give a JSON "
            f"object with {_names(question)}"
        )
    return answer


def _no_object(answer: str) -> str:
    """Return why *answer* is no JSON object; ``""``: it is one."""
    try:
        value: object = json.loads(answer)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {error}"
    return "" if isinstance(value, dict) else "it is no JSON object"


def _names(question: Question) -> str:
    """Return the names of the fields that the form of *question* has."""
    form: Any = question.form
    return ", ".join(map(repr, form.get("properties", ()))) or "no field"
