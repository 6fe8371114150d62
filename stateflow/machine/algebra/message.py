"""Messages: one that an agent can say, for which some traits hold and others do not.

Traits of different parts of a message (its outcome, its answer, its words) do not depend on each
other, save where the speaker makes them: so each part is chosen by itself, from a few values that
stand for all others.  Where none of these will do, no message will.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from typing import Final as Constant

from stateflow.conversation.message import SILENCE, Message, Outcome, ToolCall
from stateflow.machine.algebra.answer import is_named, worded
from stateflow.machine.algebra.atom import Trait
from stateflow.machine.algebra.speech import Speech
from stateflow.machine.algebra.trait import NO_TRAITS, Lack, Traits, by_part
from stateflow.machine.algebra.value import ABSENT, Domain, choices, fits

__all__ = ["message_of"]

_NEVER, _UNKNOWN = Lack.NEVER, Lack.UNKNOWN
_NONE: Constant = Outcome(ok=False, detail="none of them")
"""Stands where no outcome fits."""


def message_of(speech: Speech, must: Sequence[Trait], never: Sequence[Trait]) -> Message | Lack:
    """Return a message of *speech* for which all of *must* hold and none of *never* does."""
    if speech.silent:
        return _NEVER if must else SILENCE
    parts, lack = by_part(must, never), _NEVER
    for speaker in _speakers(speech, parts):
        found = _said(speech, parts, speaker)
        if isinstance(found, Message):
            return found
        if found is _UNKNOWN:
            lack = found
    return lack


def _speakers(speech: Speech, parts: Mapping[str, Traits]) -> Iterator[str]:
    if speech.speaker is not None:
        yield speech.speaker
        return
    named = [one.by for one in parts.get("text", NO_TRAITS).every if one.by is not None]
    named += parts.get("speaker", NO_TRAITS).names
    fresh = "somebody"
    while fresh in named:
        fresh += " else"
    yield from (fresh, *dict.fromkeys(named), "")


def _said(speech: Speech, parts: Mapping[str, Traits], speaker: str) -> Message | Lack:
    """Return the message if *speaker* can say it."""
    if not parts.get("speaker", NO_TRAITS).fit(_spoken_by, speaker):
        return _NEVER
    ended = _ended(speech, parts)
    handed = _name(parts.get("handed"), "somebody", may=speech.hands)
    calls = _calls(speech, parts.get("called"))
    if ended is None or handed is ABSENT or calls is None:
        return _NEVER
    reply = _reply(speech, parts.get("reply", NO_TRAITS))
    if isinstance(reply, Lack):
        return reply
    text = worded(speech, parts, speaker, reply)
    if isinstance(text, Lack):
        return text
    hands = cast("str | None", handed)
    return Message(text[0], speaker, ended[0], calls, cast("Any", reply), hands, text[1], ended[1])


def _spoken_by(trait: Trait, speaker: str) -> bool:
    return speaker in trait.names if trait.names else bool(speaker)


def _name(traits: Traits | None, other: str, *, may: bool) -> object:
    """Return nothing, a name that is asked for, or another; ``ABSENT`` where none fits."""
    if traits is None:
        return None
    names = traits.names if may else []
    while other in names:
        other += " else"
    return traits.first([None, *names, *([other] if may else [])], is_named, ABSENT)


def _calls(speech: Speech, traits: Traits | None) -> tuple[ToolCall, ...] | None:
    if traits is None:
        return ()
    wanted = list(dict.fromkeys(name for one in traits.must for name in one.names))
    refused = {name for one in traits.never for name in one.names}
    if (wanted and not speech.calls) or refused.intersection(wanted):
        return None
    return tuple(ToolCall(str(n), name, "{}") for n, name in enumerate(wanted, 1))


def _ended(speech: Speech, parts: Mapping[str, Traits]) -> tuple[Outcome | None, str | None] | None:
    """Return an outcome, and the end that a nested flow came to."""
    outcomes, ends = parts.get("outcome", NO_TRAITS), parts.get("ended")
    if speech.outcomes == "ends":
        for one in speech.ends:
            outcome = Outcome(one.ok, detail="" if one.ok else f"ended in {one.name!r}")
            if outcomes.fit(_came_out, outcome) and (ends or NO_TRAITS).fit(is_named, one.name):
                return outcome, one.name
        return None
    ended = _name(ends, "elsewhere", may=speech.nested)
    found = outcomes.first(_outcomes(speech, outcomes), _came_out, _NONE)
    return None if ended is ABSENT or found is _NONE else (found, cast("str | None", ended))


def _came_out(trait: Trait, outcome: Outcome | None) -> bool:
    if outcome is None:
        return False
    match trait.word:
        case "bad":
            return not outcome.ok
        case "late":
            return outcome.timed_out
        case "cut":
            return bool(outcome.fault) and (not trait.names or outcome.fault in trait.names)
        case "exit":
            return outcome.exit_code in trait.names
        case _:
            return True


def _outcomes(speech: Speech, traits: Traits) -> Iterator[Outcome | None]:
    """Yield an outcome of each kind that can be told apart, the usual ones first."""
    if speech.outcomes != "code":
        yield None
        if speech.outcomes == "none":
            return
        yield from (Outcome.passed(), Outcome.failed())
        if speech.outcomes == "tools":
            return
    codes = _with_other([one for t in traits.every if t.word == "exit" for one in t.names])
    faults = [one for t in traits.every if t.word == "cut" for one in t.names]
    faults = ["TimedOut", "OutOfMemory", *faults, "".join(["Cut", *faults])]
    yield from (Outcome.exited(one) for one in codes)
    every = [None, *codes]
    for how in faults:
        late = how == "TimedOut"
        yield from (Outcome(ok=False, exit_code=one, timed_out=late, fault=how) for one in every)
    if speech.outcomes == "code":
        yield Outcome(ok=False)
        return
    yield from (
        Outcome(ok, one, slow, fault=how)
        for ok in (True, False)
        for slow in (False, True)
        for how in ("", *faults)
        for one in every
    )


def _with_other(codes: Sequence[int]) -> list[int]:
    """Return 0, a code that is none of *codes*, and these."""
    return [0, next(one for one in range(1, len(codes) + 2) if one not in codes), *codes]


def _reply(speech: Speech, traits: Traits) -> object:
    """Return a structured reply."""
    if not traits.must and not speech.must_reply:
        return None
    values: dict[str, object] = {}
    for name in traits.names:
        asked = Traits(
            [one for one in traits.must if name in one.names],
            [one for one in traits.never if name in one.names],
        )
        domain = _domain(speech, name)
        every = [one.asked for one in (*asked.must, *asked.never) if one.asked is not None]
        value = asked.first(choices(domain, every), _field_fits, ABSENT)
        if value is ABSENT and (asked.must or not domain.absent):
            return _UNKNOWN if domain.strange else _NEVER
        if value is not ABSENT:
            values[name] = value
    if speech.fields is None:
        return values
    filled = speech.fields.filled(values)
    return _UNKNOWN if filled is None else filled


def _domain(speech: Speech, name: str) -> Domain:
    """Return what a field holds where there is a reply."""
    if speech.replies and speech.fields is not None:
        return speech.fields.dumped(name)
    return speech.field(name)


def _field_fits(trait: Trait, value: object) -> bool:
    return trait.asked is not None and fits(trait.asked, value)
