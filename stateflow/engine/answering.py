"""Open questions of a run, its nested runs included, by path."""

from __future__ import annotations

from stateflow.conversation.effect import Key
from stateflow.errors import AnswerRefused
from stateflow.journal.event import ChildStarted
from stateflow.journal.fold import fold
from stateflow.stores.base import Store

__all__ = ["open_questions", "place_of"]


async def open_questions(store: Store, run: str, prefix: str = "") -> dict[str, str]:
    """Return what *run* asks and nobody has answered: texts by path of keys."""
    folded = fold(await store.read(run))
    found = {question.id: question.text for question in folded.questions(prefix)}
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
