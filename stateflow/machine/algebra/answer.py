"""Answers: the words of a message, and the answer that a person gave by them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final as Constant
from typing import NamedTuple, TypeAlias, cast

from stateflow.machine.algebra.atom import Trait
from stateflow.machine.algebra.speech import Speech
from stateflow.machine.algebra.text import Words, agree, found_in, texts
from stateflow.machine.algebra.trait import NO_TRAITS, Lack, Traits

__all__ = ["Worded", "is_named", "worded"]

_OPEN: Constant = re.compile(r"[^\w|/]")
"""How a reason begins that follows an option."""

Worded: TypeAlias = tuple[str, str | None]
"""A text, and the answer that it is."""


def worded(
    speech: Speech, parts: Mapping[str, Traits], speaker: str, reply: object
) -> Worded | Lack:
    """Return a text that *speaker* can say, and the answer that it is."""
    asked, answers = parts.get("text", NO_TRAITS), parts.get("answered", NO_TRAITS)
    if not all(_heard(one, speaker) for one in asked.must):
        return Lack.NEVER
    words = _Asked(
        [one.words for one in asked.must if one.words is not None],
        [one.words for one in asked.never if one.words is not None and _heard(one, speaker)],
    )
    lack = Lack.NEVER
    for answer, certain in _answers(speech, answers):
        if not words.can_be(certain):
            continue
        for text in _candidates(speech, words, answer, reply):
            said = text if speech.literal else answer
            if words.fit(text) and answers.fit(is_named, said) and _begins(speech, text, answer):
                return text, said
        if not (speech.literal and answer is not None):  # else it was the only text
            lack = Lack.UNKNOWN
    return lack


def is_named(trait: Trait, value: object) -> bool:
    """Answer for the parts that are a name or nothing: answers, ends, handoffs."""
    return value is not None and (not trait.names or value in trait.names)


def _heard(trait: Trait, speaker: str) -> bool:
    return bool(speaker) if trait.by is None else trait.by == speaker


class _Asked(NamedTuple):
    """What is asked of a text."""

    held: Sequence[Words]
    refused: Sequence[Words]

    def can_be(self, certain: Sequence[Words]) -> bool:
        return agree([*self.held, *certain], self.refused)

    def fit(self, text: str) -> bool:
        held = all(found_in(one, text) for one in self.held)
        return held and not any(found_in(one, text) for one in self.refused)


def _answers(speech: Speech, traits: Traits) -> Iterator[tuple[str | None, Sequence[Words]]]:
    """Yield answers that fit, each with what is certain of its text."""
    if speech.literal:
        yield from _literal(traits)
        return
    others = _other(traits) if speech.answers else (None,)
    for answer in speech.options or others:
        if traits.fit(is_named, answer):
            yield answer, [Words("says", cast("str", answer))] if speech.options else ()


def _other(traits: Traits) -> list[str | None]:
    """Return no answer, each that is asked for, and another."""
    other = "something"
    while other in traits.names:
        other += " else"
    return [None, *traits.names, other]


def _literal(traits: Traits) -> Iterator[tuple[str | None, Sequence[Words]]]:
    """Yield answers that are their own text; ``None``: whatever the text will be."""
    if any(not one.names for one in traits.never):
        return
    named = [one.names for one in traits.must if one.names]
    if not named:
        yield None, ()
    for name in named[0] if named else ():
        if traits.fit(is_named, name):
            yield name, [Words("equals", str(name).strip())]


def _candidates(speech: Speech, words: _Asked, answer: str | None, reply: object) -> Iterator[str]:
    if speech.literal and answer is not None:
        yield answer
    elif speech.literal and isinstance(reply, Mapping):
        told = cast("Mapping[str, object]", reply)
        yield "\n".join(f"{name}: {value}" for name, value in told.items()) or "{}"
    elif speech.options and answer is not None:
        yield answer
        yield from texts(words.held, answer)
        yield from (f"{answer}, {text}" for text in texts(words.held))
    else:
        if isinstance(reply, Mapping) and speech.outcomes == "tools":  # a model writes JSON
            yield json.dumps(reply, ensure_ascii=False)
        yield from texts(words.held)


def _begins(speech: Speech, text: str, answer: str | None) -> bool:
    """Tell whether a person's *text* would be read as *answer*."""
    if not (speech.options or speech.literal):
        return True
    if not speech.options:
        return bool(text.strip())
    read = [one for one in speech.options if text.startswith(one) and _ends(text, len(one))]
    return bool(read) and max(read, key=len) == answer


def _ends(text: str, at: int) -> bool:
    return len(text) == at or _OPEN.match(text[at:]) is not None
