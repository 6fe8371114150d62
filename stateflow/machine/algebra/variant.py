"""Variants: views like one another, tried where only a function can say what it wants.

Nothing is known of a function, so these are guesses; what is found was answered by the function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final as Constant

from pydantic import BaseModel

from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.machine.algebra.fields import fields_of
from stateflow.machine.algebra.value import ABSENT, choices

__all__ = ["variants"]

_TEXTS: Constant = (
    "0",
    "1",
    "3",
    "5",
    "7",
    "10",
    "yes",
    "no",
    "DONE",
    "",
    "```python\nprint(1)\n```",
    "word " * 500,
)
_NUMBERS: Constant = (1, 2, 3, 5, 10, 100)
_TURNS: Constant = (10, 50)


def variants(view: View) -> Iterator[tuple[View, bool]]:
    """Yield views like *view* of which one part is another, and whether that part is the data."""
    said = view.last
    if said.speaker and said.answer is None and said.reply is None:
        for text in _TEXTS:
            message = replace(said, text=text)
            transcript = Transcript()
            for one in view.transcript:
                transcript = transcript.append(message if one is said else one)
            yield replace(view, last=message, transcript=transcript), False
    yield from ((replace(view, turns=turns), False) for turns in _TURNS if turns > view.turns)
    if isinstance(view.data, BaseModel):
        yield from ((replace(view, data=data), True) for data in _data(view.data))


def _data(data: BaseModel) -> Iterator[BaseModel]:
    fields = fields_of(type(data))
    for name, domain in fields.known.items():
        numbers = _NUMBERS if domain.numbers is not None else ()
        for value in (*choices(domain, ()), *numbers):
            if value is ABSENT:
                continue
            try:
                yield type(data).model_validate({**data.model_dump(), name: value})
            except Exception:  # noqa: BLE001, S112 - what does not fit is no data of this flow
                continue
