"""Views: one that meets plain demands, part by part.

What a demand leaves open is as it is when the place is first come to: data as it begins, visits
as on the shortest way, little spent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from pydantic import BaseModel

from stateflow import errors
from stateflow.conversation.message import SILENCE, Message
from stateflow.conversation.message import Fault as Raised
from stateflow.conversation.view import View
from stateflow.machine.algebra.atom import Atom, Count, Data, Fault, Limit, Said, Trait
from stateflow.machine.algebra.count import Counts
from stateflow.machine.algebra.fields import fields_of
from stateflow.machine.algebra.heard import heard
from stateflow.machine.algebra.setting import Setting
from stateflow.machine.algebra.trait import Lack
from stateflow.machine.algebra.value import ABSENT, choices, fits
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import State

__all__ = ["Demands", "possible", "view_for"]

_TROUBLES: Constant = ("Unreachable", "RateLimited", "NoReply", "ValueError", "Trouble")


_What: TypeAlias = tuple[str, str]
_Range: TypeAlias = tuple[float, float]


@dataclass(slots=True)
class Demands:
    """What a view has to be like, atom by atom."""

    said: list[Trait] = field(default_factory=list[Trait])
    unsaid: list[Trait] = field(default_factory=list[Trait])
    faults: list[str] = field(default_factory=list[str])
    no_faults: list[str] = field(default_factory=list[str])
    limits: set[bool] = field(default_factory=set[bool])
    counts: dict[_What, _Range] = field(default_factory=dict[_What, _Range])
    """For what is counted: at least so much, and less than so much."""
    data: list[tuple[Data, bool]] = field(default_factory=list[tuple[Data, bool]])

    @classmethod
    def of(cls, world: Mapping[Atom, bool]) -> Demands:
        """Sort *world* by the parts of a view."""
        demands = cls()
        for atom, so in world.items():
            match atom:
                case Said(trait):
                    (demands.said if so else demands.unsaid).append(trait)
                case Fault(name):
                    (demands.faults if so else demands.no_faults).append(name)
                case Limit():
                    demands.limits.add(so)
                case Count(what, least, of):
                    low, high = demands.counts.get((what, of), (-math.inf, math.inf))
                    bounds = (max(low, least), high) if so else (low, min(high, least))
                    demands.counts[what, of] = bounds
                case Data():
                    demands.data.append((atom, so))
                case _:  # nothing is known of what only a function can answer
                    pass
        return demands


def possible(demands: Demands, setting: Setting) -> bool:
    """Return ``False`` if it is certain that no view of *setting* meets *demands*."""
    if Lack.NEVER in (_limit(demands, setting), _fault(demands, setting)):
        return False
    if demands.counts and Counts.met(demands.counts, setting, {}) is Lack.NEVER:
        return False
    if demands.data and _values(demands, setting) is Lack.NEVER:
        return False
    if not demands.said and not demands.unsaid:
        return True
    return heard(demands.said, demands.unsaid, setting) is not Lack.NEVER


def view_for(demands: Demands, setting: Setting) -> tuple[View, bool] | Lack:
    """Return a view that meets *demands* in *setting*, and whether it is an unusual one."""
    limit, fault = _limit(demands, setting), _fault(demands, setting)
    counts = Counts.met(demands.counts, setting, setting.usual())
    messages = heard(demands.said, demands.unsaid, setting)
    if isinstance(counts, Counts) and counts.strained and not demands.said and _quiet(setting):
        counts = Counts.met(demands.counts, setting, setting.usual(), spoken=0)
        messages = (SILENCE,)
    data = _data(demands, setting)
    if Lack.NEVER in (limit, fault, counts, messages, data):
        return Lack.NEVER
    if isinstance(messages, Lack) or isinstance(data, Lack) or isinstance(counts, Lack):
        return Lack.UNKNOWN
    spoken = [one for one in messages if one is not SILENCE]
    made, strained = data
    if spoken and made is not None:
        kept = _saved(setting, messages, made)
        if kept is None:
            return Lack.UNKNOWN
        strained = strained and not (kept is not made and _holds(kept, demands))
        made = kept
    view = View(
        setting.place,
        messages[-1],
        cast("Raised | None", fault),
        counts.transcript(spoken),
        made,
        counts.visits,
        counts.turns,
        counts.usage,
        {},
        str(limit),
        tuple(messages[:-1]),
    )
    return view, counts.strained or strained


def _quiet(setting: Setting) -> bool:
    """Tell whether a turn in *setting* may pass without a word."""
    return not setting.need and any(voice.silent for voice in setting.voices)


def _limit(demands: Demands, setting: Setting) -> str | Lack:
    wanted = demands.limits
    if len(wanted) > 1 or (setting.limit == "no" and True in wanted):
        return Lack.NEVER
    if setting.limit == "yes":
        return Lack.NEVER if False in wanted else "turns"
    return "turns" if True in wanted else ""


def _fault(demands: Demands, setting: Setting) -> Raised | Lack | None:
    some = bool(demands.faults) or setting.fault == "yes"
    if not some:
        return None
    if setting.fault == "no" or "" in demands.no_faults:
        return Lack.NEVER
    refused = {*demands.no_faults, *setting.refused}
    named = list(dict.fromkeys(one for one in demands.faults if one))
    kinds = list(dict.fromkeys(kind for one in named for kind in (one, *_kinds(one))))
    if refused.intersection(kinds):
        return Lack.NEVER
    if named:
        first = max(named, key=lambda one: len(set(_kinds(one)).intersection(named)))
        return Raised(first, kinds=tuple(one for one in kinds if one != first))
    fresh = ("".join(["Trouble"] * n) for n in range(1, len(refused) + 2))
    names = [*_TROUBLES, *fresh]
    name = next(one for one in names if not refused.intersection((one, *_kinds(one))))
    return Raised(name, kinds=_kinds(name))


def _kinds(name: str) -> tuple[str, ...]:
    """Return the wider errors that one called *name* also is."""
    import builtins

    found: object = getattr(errors, name, getattr(builtins, name, None))
    if not (isinstance(found, type) and issubclass(found, Exception)):
        return ()
    kinds = [one.__name__ for one in found.__mro__[1:] if issubclass(one, Exception)]
    if kinds and kinds[-1] == "Exception":
        kinds.pop()
    if issubclass(found, TimeoutError):
        kinds.append("TimedOut")
    return tuple(kinds)


_Made: TypeAlias = tuple[Any, bool]


def _data(demands: Demands, setting: Setting) -> _Made | Lack:
    """Return the data, and whether it is other than it begins."""
    flow = setting.flow
    fields = fields_of(flow.data) if flow is not None and flow.data is not None else None
    begin: Any = {} if flow is None else None
    if fields is not None:
        begin = fields.instance({})
    if _holds(begin, demands) and (begin is not None or fields is None):
        return begin, False
    values = _values(demands, setting)
    if isinstance(values, Lack):
        return values
    made: Any = values if flow is None else None
    if fields is not None:
        made = fields.instance(values)
        if made is None:
            return Lack.UNKNOWN
    return made, True


def _values(demands: Demands, setting: Setting) -> dict[str, object] | Lack:
    """Return a value for each field of the data that is asked about."""
    values: dict[str, object] = {}
    lack: Lack | None = None
    for name in dict.fromkeys(one.field for one, _ in demands.data):
        asked = [(one.asked, so) for one, so in demands.data if one.field == name]
        domain = setting.data(name)
        found = [
            value
            for value in choices(domain, [one for one, _ in asked])
            if all(fits(one, value) is so for one, so in asked)
        ]
        if not found and not domain.strange:
            return Lack.NEVER
        if not found:
            lack = Lack.UNKNOWN
        elif found[0] is not ABSENT:
            values[name] = found[0]
    return values if lack is None else lack


def _holds(data: object, demands: Demands) -> bool:
    return all(fits(one.asked, _read(data, one.field)) is so for one, so in demands.data)


def _read(data: object, name: str) -> object:
    if isinstance(data, Mapping):
        return cast("Mapping[str, object]", data).get(name, ABSENT)
    return ABSENT if data is None else getattr(data, name, ABSENT)


def _saved(setting: Setting, messages: Sequence[Message], data: object) -> object:
    """Return *data* with what was said in it, where the state saves that; ``None``: it cannot."""
    place = setting.flow.places[setting.place] if setting.flow is not None else None
    if not isinstance(place, State) or place.save is None or not isinstance(data, BaseModel):
        return data
    worth: Any = _worth(messages[-1])
    if isinstance(place, Parallel):
        worth = {one.speaker: _worth(one) for one in messages}
    try:
        return type(data).model_validate({**data.model_dump(), place.save: worth})
    except Exception:  # noqa: BLE001 - what does not fit the data ends the run
        return None


def _worth(message: Message) -> object:
    return message.text if message.reply is None else message.reply
