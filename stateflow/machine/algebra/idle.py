"""Idle guards: why one can never hold in its place, said so that the slip is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final as Constant

from stateflow.machine.algebra.algebra import contradictory
from stateflow.machine.algebra.atom import (
    Count,
    Data,
    Fault,
    Formula,
    Is,
    Said,
    Trait,
    formula,
)
from stateflow.machine.algebra.search import never
from stateflow.machine.algebra.setting import Setting
from stateflow.machine.algebra.speech import Speech
from stateflow.machine.guard import Guard
from stateflow.machine.state import Junction, State

__all__ = ["why_idle"]

_REMOVE: Constant = "remove it, or ask what can be so here"


def why_idle(place: State | Junction, guard: Guard, settings: Sequence[Setting]) -> tuple[str, str]:
    """Return why *guard* holds in none of *settings*, and the cure."""
    if contradictory(guard).proved:
        return f"{guard.name} contradicts itself", "remove one part of it"
    for literal in _literals(formula(guard)):
        if all(never([literal], one) for one in settings):
            return _why(place, literal, settings[0]), _REMOVE
    return f"the parts of {guard.name} are never all so at once here", _REMOVE


def _literals(part: Formula) -> Iterator[Is]:
    if isinstance(part, Is):
        yield part
    else:
        for one in part.parts:
            yield from _literals(one)


def _why(place: State | Junction, literal: Is, setting: Setting) -> str:
    match literal:
        case Is(Said(trait), True):
            return _unsaid(trait, [one for one in setting.voices if not one.silent])
        case Is(Count("visits", least, state), True):
            return _unvisited(state, least, setting)
        case Is(Data(name, _), True):
            return _no_data(name, setting)
        case Is(Fault("Exhausted"), True):
            return "who meets a limit is asked about it with exhausted, not with raised"
        case _:
            return f"the opposite always holds at {place.name!r}"


def _unvisited(state: str, least: float, setting: Setting) -> str:
    if setting.flow is not None and state not in setting.flow.places:
        return f"there is no state {state!r} to visit"
    return f"{state!r} is entered {setting.visits(state)[1]:g} times at most, never {least:g}"


def _no_data(name: str, setting: Setting) -> str:
    model = setting.flow.data if setting.flow is not None else None
    if model is None:
        return "the flow has no data"
    if name not in model.model_fields:
        return f"{model.__name__} has no field {name!r}"
    return f"the field {name!r} of {model.__name__} is never so"


def _unsaid(trait: Trait, voices: Sequence[Speech]) -> str:
    """Return why none of *voices* says something that has *trait*."""
    names = " or ".join(repr(one.speaker) for one in voices) or "nobody"
    options = [option for one in voices for option in one.options]
    ends = [end.name for one in voices for end in one.ends]
    if trait.word == "answered" and options:
        return f"{names} answers one of {', '.join(map(repr, options))}"
    if trait.word == "ended" and ends:
        return f"{names} ends in one of {', '.join(map(repr, ends))}"
    if trait.word == "reply":
        return f"the reply of {names} is never so in its field {trait.names[0]!r}"
    return _UNSAID.get(trait.word, "what {} says has no such outcome").format(names)


_UNSAID: Constant = {
    "answered": "{} is no person who answers",
    "called": "{} has no tools",
    "cut": "what {} says is never cut off",
    "ended": "{} is no nested flow that ends",
    "exit": "{} runs no code, so there is no exit code",
    "handed": "{} has no tools to hand over with",
    "late": "what {} says is never late",
    "spoke": "only {} speaks last here",
    "text": "only {} speaks last here",
}
"""Why somebody does not say such a thing."""
