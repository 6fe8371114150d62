"""Open questions of a run, its nested runs included, by path; and which answers fit them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stateflow.conversation.effect import Key, Question
from stateflow.errors import AnswerRefused
from stateflow.journal.event import ChildStarted
from stateflow.journal.fold import fold
from stateflow.stores.base import Store

__all__ = ["answers_to", "fitting", "open_questions", "place_of"]

_REASON = re.compile(r"[^\w|/]")
"""How a reason begins that follows an option; ``yes|no`` is no answer, but all of the options."""


async def open_questions(store: Store, run: str, prefix: str = "") -> dict[str, Question]:
    """Return what *run* asks and nobody has answered, by path of keys."""
    folded = fold(await store.read(run))
    found = {question.id: question for question in folded.questions(prefix)}
    for ordinal, begun in sorted(folded.begun.items()):
        if isinstance(begun, ChildStarted) and ordinal not in folded.answers:
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


def fitting(answer: str, options: Sequence[str]) -> str | None:
    """Return *answer* as it goes on the record; ``None``: it fits none of *options*.

    It is an option, in any case, or the beginning of exactly one.  A reason may follow an option.
    Where there are no options, every answer fits that is not empty.

    Example:
        >>> fitting("Y", ["yes", "no"]), fitting("NO, too much", ["yes", "no"])
        ('yes', 'no, too much')
        >>> fitting("perhaps", ["yes", "no"]) is None
        True
    """
    said = answer.strip()
    if not said or not options or said in options:
        return (said if options else answer) if said else None
    plain = said.rstrip(".!").lower() or said
    same = [option for option in options if option.lower() in {said.lower(), plain}]
    meant = same or [option for option in options if option.lower().startswith(said.lower())]
    if len(meant) == 1:
        return meant[0]
    for option in sorted(options, key=len, reverse=True):
        rest = said[len(option) :]
        if said.lower().startswith(option.lower()) and _REASON.match(rest):
            return option + rest
    return None


def answers_to(
    run: str, questions: Mapping[str, Question], answer: str | None, answers: dict[str, str]
) -> dict[str, str]:
    """Return the answers by question, each held against what is open.

    Raises:
        AnswerRefused: one fits no open question, or none of its options.
    """
    if answer is not None:
        if len(questions) != 1:
            shown = ", ".join(map(repr, questions)) or "none"
            raise AnswerRefused(
                f"run {run!r} has {len(questions)} open questions ({shown}); answer= needs exactly "
                "one, answers={id: ...} names them"
            )
        answers = {next(iter(questions)): answer}
    for question in answers:
        if question not in questions:
            shown = ", ".join(map(repr, questions)) or "none"
            raise AnswerRefused(
                f"run {run!r} has no open question {question!r}, or it was answered already; "
                f"open: {shown}"
            )
    return {question: _fitted(questions[question], text) for question, text in answers.items()}


def _fitted(question: Question, answer: str) -> str:
    fits = fitting(answer, question.options)
    if fits is not None:
        return fits
    if not question.options:
        raise AnswerRefused(f"the answer to question {question.id!r} is empty; give it a text")
    raise AnswerRefused(
        f"the answer to question {question.id!r} is none of its options "
        f"({', '.join(map(repr, question.options))}); a reason may follow one of them, as in "
        f"{f'{question.options[-1]}, because ...'!r}"
    )
