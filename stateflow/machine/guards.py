"""The standard guards: values with a name and a JSON form.

Text guards match whole words and can name the speaker, because what somebody quotes must not
end a chat.  Guards on outcomes read types, never text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from stateflow.conversation.message import Message
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard
from stateflow.value import Json

__all__ = [
    "answered",
    "called",
    "data_is",
    "ended",
    "equals",
    "exhausted",
    "exit_code",
    "failed",
    "handed_to",
    "matches",
    "raised",
    "replied",
    "says",
    "spent",
    "succeeded",
    "timed_out",
    "turns_at_least",
    "visited",
]


def _built(
    word: str,
    test: Callable[[View], bool],
    *args: Json,
    faults: bool = False,
    **named: Json,
) -> Guard:
    """Make a built-in guard; arguments that are ``None`` were not given."""
    given = {key: value for key, value in named.items() if value is not None}
    shown = [repr(arg) for arg in args] + [f"{key}={value!r}" for key, value in given.items()]
    form: dict[str, Json] = {"guard": word, **({"args": list(args)} if args else {}), **given}
    name = f"{word}({', '.join(shown)})" if shown else word
    return Guard(name, test, form, faults=faults, exhausts=word == "exhausted")


def _named(agent: object) -> str | None:
    """Return the name of an agent, or the name itself."""
    if agent is None or isinstance(agent, str):
        return agent
    name: object = getattr(agent, "name", None)
    if not isinstance(name, str):
        sentence = f"by={agent!r} names no speaker; give an agent or its name"
        raise DefinitionError(sentence)
    return name


def _text(
    word: str, holds: Callable[[str], bool], given: str, by: object, **named: bool | None
) -> Guard:
    speaker = _named(by)

    def test(view: View) -> bool:
        last = view.last
        heard = last.speaker == speaker if speaker is not None else bool(last.speaker)
        return heard and holds(last.text)

    return _built(word, test, given, faults=False, by=speaker, **named)


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
    return _text(
        "says",
        lambda text: search(text) is not None,
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


def _failed(view: View) -> bool:
    return view.fault is not None or (view.outcome is not None and not view.outcome.ok)


def _timed_out(view: View) -> bool:
    if view.fault is not None:
        return view.fault.is_a("TimedOut")
    return view.outcome is not None and view.outcome.timed_out


failed: Final = _built("failed", _failed, faults=True)
"""The turn raised, or its outcome is bad."""

succeeded: Final = _built("succeeded", lambda view: view.outcome is not None and view.outcome.ok)
"""The outcome is good.  Plain speech has no outcome: it neither failed nor succeeded."""

timed_out: Final = _built("timed_out", _timed_out, faults=True)
"""The turn, or the code it ran, took too long."""

exhausted: Final = _built("exhausted", lambda view: bool(view.exhausted))
"""A limit of the budget, or of visits, stands in the way.  May lead only to a final."""


def raised(*faults: str | type[BaseException]) -> Guard:
    """Ask whether the turn raised one of *faults*, or any fault if none is named.

    As with ``except``, a wider error includes the narrower ones.  Code that was ended early said
    something all the same, and its outcome names the fault: ``raised("OutOfMemory")`` holds then.

    Example:
        >>> raised("RateLimited", TimeoutError).name
        "raised('RateLimited', 'TimeoutError')"
    """
    names = tuple(fault if isinstance(fault, str) else fault.__name__ for fault in faults)

    def test(view: View) -> bool:
        fault = view.fault
        if fault is not None:
            return not names or any(fault.is_a(name) for name in names)
        cut = view.outcome.fault if view.outcome is not None else ""
        return bool(cut) and (not names or cut in names)

    return _built("raised", test, *names, faults=True)


def exit_code(*codes: int) -> Guard:
    """Ask whether the code ended with one of *codes*.

    Example:
        >>> exit_code(1, 2).name
        'exit_code(1, 2)'
    """
    if not codes:
        sentence = "exit_code() names no code; write exit_code(0) or exit_code(1, 2)"
        raise DefinitionError(sentence)

    def test(view: View) -> bool:
        return view.outcome is not None and view.outcome.exit_code in codes

    return _built("exit_code", test, *codes, faults=True)


def _within(value: object, at_least: float | None, at_most: float | None) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def visited(state: str, *, at_least: int = 1) -> Guard:
    """Ask whether *state* was entered at least so often [visits]."""
    named = None if at_least == 1 else at_least
    return _built(
        "visited", lambda view: view.visits.get(state, 0) >= at_least, state, at_least=named
    )


def turns_at_least(turns: int) -> Guard:
    """Ask whether at least *turns* turns were taken, this one included [turns]."""
    return _built("turns_at_least", lambda view: view.turns + 1 >= turns, turns)


def spent(
    *, usd: float | None = None, tokens: int | None = None, calls: int | None = None
) -> Guard:
    """Ask whether the run has spent at least so much of any of these.

    Args:
        usd: money [USD]; an unknown cost counts as reached, because nobody can say it is not.
        tokens: input and output together [tokens].
        calls: model calls.
    """
    if usd is None and tokens is None and calls is None:
        sentence = "spent() names no limit; write spent(usd=1.0), tokens= or calls="
        raise DefinitionError(sentence)

    def test(view: View) -> bool:
        usage = view.usage
        return (
            (usd is not None and (usage.usd is None or usage.usd >= usd))
            or (tokens is not None and usage.tokens >= tokens)
            or (calls is not None and usage.calls >= calls)
        )

    return _built("spent", test, usd=usd, tokens=tokens, calls=calls)


_ABSENT: Final = object()


def _compared(found: object, equal: object, at_least: float | None, at_most: float | None) -> bool:
    if found is _ABSENT:
        return False
    if at_least is not None or at_most is not None:
        return _within(found, at_least, at_most)
    return bool(found) if equal is _ABSENT else found == equal


def _found(source: object, name: str) -> object:
    """Return the field *name*; a list or a text has none, only methods."""
    if isinstance(source, Mapping):
        return cast("Mapping[str, object]", source).get(name, _ABSENT)
    if source is None or isinstance(source, (str, int, float, list, tuple)):
        return _ABSENT
    return getattr(source, name, _ABSENT)


def _field(
    word: str,
    read: Callable[[View], object],
    name: str,
    equal: Any,  # noqa: ANN401 - any JSON value
    at_least: float | None,
    at_most: float | None,
) -> Guard:
    if equal is not _ABSENT and not (at_least is None and at_most is None):
        sentence = f"{word}({name!r}, {equal!r}) has a range too; ask for one or the other"
        raise DefinitionError(sentence)

    def test(view: View) -> bool:
        return _compared(_found(read(view), name), equal, at_least, at_most)

    args = (name,) if equal is _ABSENT else (name, equal)
    return _built(word, test, *args, at_least=at_least, at_most=at_most)


def data_is(
    field: str,
    value: Any = _ABSENT,  # noqa: ANN401 - any JSON value
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Guard:
    """Ask about a field of the flow's data: equal to *value*, within a range, or just true.

    Example:
        >>> data_is("score", at_least=8)(View(data={"score": 9}))
        True
    """
    return _field("data_is", lambda view: view.data, field, value, at_least, at_most)


def replied(
    field: str,
    value: Any = _ABSENT,  # noqa: ANN401 - any JSON value
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Guard:
    """Ask about a field of the last message's structured reply, as :func:`data_is` does."""
    return _field("replied", lambda view: view.last.reply, field, value, at_least, at_most)


def _last(word: str, read: Callable[[Message], bool], *args: Json) -> Guard:
    return _built(word, lambda view: read(view.last), *args)


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
