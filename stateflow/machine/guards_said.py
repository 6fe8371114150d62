"""The standard guards on what was said in the turn: its words, its speaker, what came with it.

Text guards match whole words and can name the speaker, because what somebody quotes must not
end a chat.  After a parallel state each branch has said something: a guard holds if it does for
any of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from stateflow.conversation.message import Message
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard
from stateflow.value import Json

__all__ = [
    "answered",
    "any_said",
    "built",
    "called",
    "ended",
    "equals",
    "handed_to",
    "matches",
    "says",
    "spoke",
]


def built(
    word: str,
    test: Callable[[View], bool],
    *args: Json,
    faults: bool = False,
    **named: Json,
) -> Guard:
    """Make a built-in guard; arguments that are ``None`` were not given.

    Raises:
        DefinitionError: a number is none that JSON can hold.
    """
    given = {key: value for key, value in named.items() if value is not None}
    for value in (*args, *given.values()):
        _refuse_endless(word, value)
    shown = [repr(arg) for arg in args] + [f"{key}={value!r}" for key, value in given.items()]
    form: dict[str, Json] = {"guard": word, **({"args": list(args)} if args else {}), **given}
    name = f"{word}({', '.join(shown)})" if shown else word
    return Guard(name, test, form, faults=faults, exhausts=word == "exhausted")


def _refuse_endless(word: str, value: Json) -> None:
    """Refuse numbers that JSON cannot hold: no journal could hold the guard."""
    try:
        fine = not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        fine = False
    if not fine:
        raise DefinitionError(
            f"{word}() is given a number that JSON cannot hold: NaN, infinity, or beyond 1e308; "
            "write a smaller one, or leave the limit out"
        )


def any_said(read: Callable[[Message], bool]) -> Callable[[View], bool]:
    """Ask *read* of each message of the turn; nearly always there is one, so nothing is built."""

    def test(view: View) -> bool:
        return read(view.last) or (bool(view.others) and any(map(read, view.others)))

    return test


def _named(agent: object) -> str | None:
    """Return the name of an agent, or the name itself."""
    if agent is None or isinstance(agent, str):
        return agent
    name: object = getattr(agent, "name", None)
    if not isinstance(name, str):
        sentence = f"{agent!r} names no speaker; give an agent or its name"
        raise DefinitionError(sentence)
    return name


def _text(
    word: str, holds: Callable[[str], bool], given: str, by: object, **named: bool | None
) -> Guard:
    speaker = _named(by)

    def read(said: Message) -> bool:
        heard = said.speaker == speaker if speaker is not None else bool(said.speaker)
        return heard and holds(said.text)

    return built(word, any_said(read), given, faults=False, by=speaker, **named)


def says(words: str, *, by: object = None, whole: bool = True, case: bool = True) -> Guard:
    """Ask whether the last message says *words*.

    Args:
        words: what to look for.
        by: the agent (or its name) who must have said it; anybody if not given.
        whole: match whole words only, so that ``says("yes")`` ignores "yesterday".
        case: tell ``DONE`` from ``done``.

    Raises:
        DefinitionError: *words* is empty, which everything says.

    Example:
        >>> says("DONE")(View(last=Message("we are DONE.", "coder")))
        True
    """
    if not words.strip():
        sentence = "says('') holds for every message; name the words to look for"
        raise DefinitionError(sentence)
    pattern = re.escape(words)
    if whole:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    search = re.compile(pattern, 0 if case else re.IGNORECASE).search

    def holds(text: str) -> bool:
        if case and words not in text:  # nearly always, and far quicker than the search
            return False
        return search(text) is not None

    return _text(
        "says",
        holds,
        words,
        by,
        whole=None if whole else False,
        case=None if case else False,
    )


def matches(pattern: str, *, by: object = None) -> Guard:
    r"""Ask whether the regular expression *pattern* is found in the last message.

    Raises:
        DefinitionError: *pattern* is not a regular expression.

    Example:
        >>> matches(r"score: \d+")(View(last=Message("score: 8", "judge")))
        True
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        sentence = f"matches({pattern!r}): not a regular expression: {error}"
        raise DefinitionError(sentence) from error
    return _text("matches", lambda text: search(text) is not None, pattern, by)


def equals(text: str, *, by: object = None) -> Guard:
    """Ask whether the last message is *text*, spaces around it apart."""
    wanted = text.strip()
    return _text("equals", lambda said: said.strip() == wanted, text, by)


def _last(word: str, read: Callable[[Message], bool], *args: Json) -> Guard:
    return built(word, any_said(read), *args)


def spoke(*speakers: object) -> Guard:
    """Ask whether the last message is by one of *speakers*, or by anybody if none is named.

    It does not hold after a turn that raised or passed.

    Args:
        speakers: agents or their names; ``user`` is who gave the task.

    Raises:
        DefinitionError: one of them names nobody.

    Example:
        >>> spoke("coder", "reviewer")(View(last=Message("hi", "reviewer")))
        True
    """
    names = tuple(_named(speaker) for speaker in speakers)
    if not all(names):
        sentence = f"spoke() is given {speakers!r}, and one of them names nobody; give an agent"
        raise DefinitionError(sentence)

    def read(last: Message) -> bool:
        return last.speaker in names if names else bool(last.speaker)

    return _last("spoke", read, *names)


def handed_to(target: object) -> Guard:
    """Ask whether the last speaker handed the floor to *target* (an agent or a name).

    Raises:
        DefinitionError: *target* names nobody, as every message without a handoff does.
    """
    name = _named(target)
    if not name:
        sentence = f"handed_to({target!r}) names nobody; give an agent or a state's name"
        raise DefinitionError(sentence)
    return _last("handed_to", lambda last: last.handoff == name, name)


def called(tool: str) -> Guard:
    """Ask whether the last speaker used *tool*."""
    return _last("called", lambda last: any(call.name == tool for call in last.calls), tool)


def answered(*answers: str) -> Guard:
    """Ask whether a person gave one of *answers*, or any answer if none is named."""

    def read(last: Message) -> bool:
        return last.answer is not None and (not answers or last.answer in answers)

    return _last("answered", read, *answers)


def ended(*finals: str) -> Guard:
    """Ask whether a nested flow ended in one of *finals* (``done`` is one), or ended at all."""

    def read(last: Message) -> bool:
        return last.ended is not None and (not finals or last.ended in finals)

    return _last("ended", read, *finals)
