r"""Names in what a model answers: which candidate it means, if it means exactly one.

The rule, first to last: a name as it is written; a name that differs only in case, separators and
decoration (``**Code\_Runner**`` for ``code runner``); the one name that a sentence holds as a
whole word.  Where two would fit none is meant, because a guess is a transition that nobody chose.
States of the flow that are not enabled are known too, so that ``planner_2`` never means
``planner``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any, Final, NamedTuple, cast

from stateflow.machine.choose import Chat
from stateflow.value import plain

__all__ = ["about", "done_word", "meant", "shown", "words_of"]

_DONE_WORDS: Final = ("DONE", "END", "OVER")
_DONE_MEANS: Final = "nobody speaks any more, the conversation is over"
_MOST_SHOWN: Final = 80
"""Most that is quoted of a wrong answer [characters]."""

_LONGEST_READ: Final = 2000
"""Longer answers are not searched for a name: they are no choice [characters]."""

_ESCAPES: Final = re.compile(r"\\+(?=[\W_])")
"""Backslashes of Markdown and LaTeX, as in ``code\\_runner``."""
_QUOTES: Final = re.compile("[*`\"'“”\u2018\u2019«»]")
_SEPARATORS: Final = re.compile(r"[\s_-]+")
_ENDS: Final = " .,;:!?()[]{}<>…"
_NEXT: Final = re.compile(r"next(?: (?:speaker|agent|state))? ?[:=] ?")
_JSON: Final = json.JSONDecoder()


def done_word(chat: Chat) -> str:
    """Return the word that stands for ``None``: ``DONE``, unless something is called that.

    Then it is the first of ``END``, ``OVER``, ``DONE 2``, ``DONE 3``, … that nothing is called,
    case and separators apart: no state of the flow, and no agent of a candidate.
    """
    called = (name for name in (*chat.places, *chat.candidates) if name is not None)
    agents = (agent.name for agent in chat.agents if agent is not None)
    taken = {_folded(name) for name in chain(called, agents)}
    further = (f"{_DONE_WORDS[0]} {number}" for number in count(2))
    return next(word for word in chain(_DONE_WORDS, further) if _folded(word) not in taken)


def words_of(chat: Chat) -> list[str]:
    """Return what each candidate is called in a question: its state's name, or the done word."""
    done = done_word(chat) if None in chat.candidates else ""
    return [done if name is None else name for name in chat.candidates]


def about(chat: Chat) -> str:
    """Return a line a candidate, ``NAME: description``; ``""`` where there is nothing to tell.

    Without any description it is the line for ``None`` alone.
    """
    described = any(chat.describe)
    lines: list[str] = []
    lines_of = chat.describe or ("",) * len(chat.candidates)
    for name, word, line in zip(chat.candidates, words_of(chat), lines_of, strict=True):
        told = _DONE_MEANS if name is None else " ".join(plain(line).split())
        if told or described:
            lines.append(f"{word}: {told}" if told else word)
    return "\n".join(lines)


class _Called(NamedTuple):
    """What a candidate is called, or a place that is none."""

    position: int | None
    """Among the candidates; ``None``: it may not be taken."""
    word: str
    agent: str = ""
    done: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The state's name, then its agent's where that is another."""
        return (self.word, self.agent) if self.agent not in {"", self.word} else (self.word,)


def meant(answer: str, chat: Chat) -> int | None:
    """Return the position of the candidate that *answer* means; ``None``: not exactly one."""
    called = list(_called(chat))
    value = _value(answer)
    found = _exact(answer.strip(), called) or _exact(value, called) or _alike(value, called)
    if not found and len(value) <= _LONGEST_READ:
        found = _held(value, called)
    return found[0].position if len(found) == 1 else None


def shown(answer: str) -> str:
    """Return the heart of a wrong *answer* as a short line that can be quoted.

    Example:
        >>> shown('{"next": "the  boss"}')
        'the boss'
    """
    return " ".join(plain(_value(answer) or answer).split())[:_MOST_SHOWN].rstrip()


def _called(chat: Chat) -> Iterator[_Called]:
    words = zip(words_of(chat), chat.candidates, chat.agents, strict=True)
    for position, (word, name, agent) in enumerate(words):
        yield _Called(position, word, agent.name if agent is not None else "", name is None)
    yield from (_Called(None, name) for name in chat.places if name not in chat.candidates)


def _exact(text: str, called: Sequence[_Called]) -> list[_Called]:
    by_word = [one for one in called if one.word == text]
    return by_word or [one for one in called if one.agent and one.agent == text]


def _alike(text: str, called: Sequence[_Called]) -> list[_Called]:
    folded = _folded(text)
    bare = _NEXT.sub("", folded, count=1) if _NEXT.match(folded) else folded
    for wanted in dict.fromkeys((folded, bare)):
        found = [one for one in called if wanted and wanted in map(_folded, one.names)]
        if found:
            return found
    return []


def _held(text: str, called: Sequence[_Called]) -> list[_Called]:
    """Return the candidates whose names stand in *text* as whole words.

    A name inside a longer one does not count: who says ``lead writer`` has not said ``writer``.
    """
    text = unicodedata.normalize("NFKC", _ESCAPES.sub("", text))
    spans = [(*span, one) for one in called for span in _spans(text, one)]
    kept = {
        one.position: one
        for start, end, one in spans
        if one.position is not None
        and not any(
            (low <= start and end <= high and (high - low > end - start or by.position is None))
            for low, high, by in spans
        )
    }
    return list(kept.values())


def _spans(text: str, one: _Called) -> Iterator[tuple[int, int]]:
    """Yield where *one* is named; the word for ``None`` in its own case only, as it is English."""
    for name in one.names:
        pieces = _SEPARATORS.split(unicodedata.normalize("NFKC", name))
        parts = [re.escape(piece) for piece in pieces if piece]
        if parts:
            pattern = r"(?<![\w-])" + r"[\s_-]+".join(parts) + r"(?![\w-])"
            flags = 0 if one.done else re.IGNORECASE
            yield from (found.span() for found in re.finditer(pattern, text, flags))


def _folded(name: str) -> str:
    r"""Return *name* without case, separators and decoration.

    Example:
        >>> _folded(r" **Code\_Runner**. ")
        'code runner'
    """
    text = _QUOTES.sub("", _ESCAPES.sub("", unicodedata.normalize("NFKC", name)))
    return _SEPARATORS.sub(" ", text).casefold().strip(_ENDS)


def _value(answer: str) -> str:
    """Return ``next`` of the JSON object in *answer*, else all of it.

    An object without ``next``, and one that was cut off, say nothing that can be relied on.
    """
    text = answer.strip()
    start = text.find("{")
    if start < 0:
        return text
    for form in dict.fromkeys((text, text[:start] + _ESCAPES.sub("", text[start:]))):
        try:
            found: object = _JSON.raw_decode(form, start)[0]
        except (ValueError, RecursionError):
            continue
        value = cast("dict[str, Any]", found).get("next", "")
        return value.strip() if isinstance(value, str) else ""
    return text if "}" in text[start:] else ""
