"""Deadlines of questions: which waiting runs ask something by when."""

from __future__ import annotations

from dataclasses import dataclass

from stateflow.engine.answering import open_questions
from stateflow.stores.base import Store

__all__ = ["Due", "deadlines"]


@dataclass(frozen=True, slots=True)
class Due:
    """A question of a waiting run that has to be answered in time."""

    run: str
    """The root run that waits."""
    question: str
    """Path id of the question."""
    at: float
    """When it is too late to answer [s since the epoch]."""
    passed: bool
    """Whether that was so, on the store's clock."""


async def deadlines(store: Store) -> list[Due]:
    """Return the deadlines of all questions that are open in *store*, the earliest first."""
    found: list[Due] = []
    for summary in await store.runs():
        if summary.stop in {"waiting", "running"}:  # or cut off while it waited
            asked = await open_questions(store, summary.run)
            now = store.now()
            found += [
                Due(summary.run, question.id, question.due, question.due <= now)
                for question in asked.values()
                if question.due is not None
            ]
    return sorted(found, key=lambda one: (one.at, one.run, one.question))
