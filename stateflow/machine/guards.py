"""The standard guards: values with a name and a JSON form.

Here stand those on outcomes, counts and data, which read types, never text; those on what was
said come from ``guards_said``, and are had from here as well.  After a parallel state each branch
has an outcome in the turn: a guard holds if it does for any of them, and ``succeeded`` for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from stateflow.conversation.message import Message
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard
from stateflow.machine.guards_said import (
    answered,
    any_said,
    built,
    called,
    ended,
    equals,
    handed_to,
    matches,
    says,
    spoke,
)

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
    "messages_at_least",
    "raised",
    "replied",
    "says",
    "spent",
    "spoke",
    "succeeded",
    "timed_out",
    "turns_at_least",
    "visited",
]


def _bad(said: Message) -> bool:
    return said.outcome is not None and not said.outcome.ok


def _late(said: Message) -> bool:
    return said.outcome is not None and said.outcome.timed_out


_any_bad: Final = any_said(_bad)
_any_late: Final = any_said(_late)


def _failed(view: View) -> bool:
    return view.fault is not None or _any_bad(view)


def _succeeded(view: View) -> bool:
    if not view.others:
        return view.last.outcome is not None and view.last.outcome.ok
    return not _any_bad(view) and any(said.outcome is not None for said in view.said)


def _timed_out(view: View) -> bool:
    return _any_late(view) if view.fault is None else view.fault.is_a("TimedOut")


failed: Final = built("failed", _failed, faults=True)
"""The turn raised, or an outcome of it is bad."""

succeeded: Final = built("succeeded", _succeeded)
"""There is an outcome, and none is bad.  Plain speech has none: it neither failed nor succeeded."""

timed_out: Final = built("timed_out", _timed_out, faults=True)
"""The turn, or the code it ran, took too long."""

exhausted: Final = built("exhausted", lambda view: bool(view.exhausted))
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

    def cut(said: Message) -> bool:
        by = said.outcome.fault if said.outcome is not None else ""
        return bool(by) and (not names or by in names)

    any_cut = any_said(cut)

    def test(view: View) -> bool:
        fault = view.fault
        if fault is not None:
            return not names or any(fault.is_a(name) for name in names)
        return any_cut(view)

    return built("raised", test, *names, faults=True)


def exit_code(*codes: int) -> Guard:
    """Ask whether the code ended with one of *codes*.

    Example:
        >>> exit_code(1, 2).name
        'exit_code(1, 2)'
    """
    if not codes:
        sentence = "exit_code() names no code; write exit_code(0) or exit_code(1, 2)"
        raise DefinitionError(sentence)

    def read(said: Message) -> bool:
        return said.outcome is not None and said.outcome.exit_code in codes

    return built("exit_code", any_said(read), *codes, faults=True)


def _within(value: object, at_least: float | None, at_most: float | None) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def visited(state: str, *, at_least: int = 1) -> Guard:
    """Ask whether *state* was entered at least so often [visits]."""
    named = None if at_least == 1 else at_least
    return built(
        "visited", lambda view: view.visits.get(state, 0) >= at_least, state, at_least=named
    )


def turns_at_least(turns: int) -> Guard:
    """Ask whether at least *turns* turns were taken, this one included [turns]."""
    return built("turns_at_least", lambda view: view.turns + 1 >= turns, turns)


def messages_at_least(messages: int) -> Guard:
    """Ask whether the transcript holds so many messages, the task counted [messages].

    Example:
        >>> messages_at_least(1)(View())
        False
    """
    return built("messages_at_least", lambda view: len(view.transcript) >= messages, messages)


def spent(
    *,
    usd: float | None = None,
    tokens: int | None = None,
    calls: int | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
) -> Guard:
    """Ask whether the run has spent at least so much of any of these.

    Args:
        usd: money [USD]; an unknown cost counts as reached, because nobody can say it is not.
        tokens: input and output together [tokens].
        calls: model calls.
        input_tokens: what was read [tokens].
        output_tokens: what was written [tokens].
    """
    limits = (
        ("tokens", tokens),
        ("calls", calls),
        ("input_tokens", input_tokens),
        ("output_tokens", output_tokens),
    )
    counted = [(name, limit) for name, limit in limits if limit is not None]
    if usd is None and not counted:
        sentence = "spent() names no limit; write spent(usd=1.0), tokens= or calls="
        raise DefinitionError(sentence)

    def test(view: View) -> bool:
        usage = view.usage
        if usd is not None and (usage.usd is None or usage.usd >= usd):
            return True
        for name, limit in counted:  # noqa: SIM110 - any() would build a generator each turn
            if getattr(usage, name) >= limit:
                return True
        return False

    return built(
        "spent",
        test,
        usd=usd,
        tokens=tokens,
        calls=calls,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )


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
    asked: Callable[[Callable[[object], bool]], Callable[[View], bool]],
    name: str,
    equal: Any,  # noqa: ANN401 - any JSON value
    at_least: float | None,
    at_most: float | None,
) -> Guard:
    if equal is not _ABSENT and not (at_least is None and at_most is None):
        sentence = f"{word}({name!r}, {equal!r}) has a range too; ask for one or the other"
        raise DefinitionError(sentence)

    def fits(source: object) -> bool:
        return _compared(_found(source, name), equal, at_least, at_most)

    args = (name,) if equal is _ABSENT else (name, equal)
    return built(word, asked(fits), *args, at_least=at_least, at_most=at_most)


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
    return _field("data_is", _of_data, field, value, at_least, at_most)


def replied(
    field: str,
    value: Any = _ABSENT,  # noqa: ANN401 - any JSON value
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Guard:
    """Ask about a field of the last message's structured reply, as :func:`data_is` does."""
    return _field("replied", _of_reply, field, value, at_least, at_most)


def _of_data(fits: Callable[[object], bool]) -> Callable[[View], bool]:
    return lambda view: fits(view.data)


def _of_reply(fits: Callable[[object], bool]) -> Callable[[View], bool]:
    return any_said(lambda said: fits(said.reply))
