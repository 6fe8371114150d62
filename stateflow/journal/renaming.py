"""A journal in the names that the places of its flow have now.

A run can go on with a flow whose states were renamed; ``RunResumed`` records what is called what
from there on.  Nothing that was written is written again: what came before is read in the new
names, by the fold event by event, and by :func:`in_present_names` as a whole.  Names stand in the
keys of effects, in turns and stops, in what choosers were offered and picked, and in the names
under which agents keep effects; texts that somebody said are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stateflow.conversation.effect import Key
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.stop import Stop
from stateflow.machine.fingerprint import fingerprint
from stateflow.machine.table_json import Table, nested_path, places_in
from stateflow.value import Json, canonical_json

if TYPE_CHECKING:
    from stateflow.journal.fold import Fold

__all__ = ["in_present_names", "inside", "own_names", "rename_fold", "renamed", "restarted"]

Names = Mapping[str, str]
"""What is called what now, by the name it had; of one flow."""

E = TypeVar("E", bound=Event)

_KEYED = (
    EffectBegun,
    EffectDone,
    EffectFailed,
    ChildStarted,
    ChildEnded,
    HumanAsked,
    HumanAnswered,
)
_QUOTED = re.compile(r"(visits of |visited\()('(?:[^'\\]|\\.)*')")
"""A place, where a limit or a guard names it."""


def own_names(resumed: RunResumed) -> Names:
    """Return what *resumed* renames in the run's own flow, without what is nested in it."""
    return {old: new for old, new in (resumed.rename or {}).items() if "/" not in old}


def rename_fold(fold: Fold, resumed: RunResumed) -> None:
    """Have *fold* go on in the names that *resumed* gives, as if places had always had them."""
    names = own_names(resumed)
    if fold.started is not None:
        fold.started = restarted(fold.started, resumed)
    fold.state = names.get(fold.state, fold.state)
    visits = {names.get(name, name): count for name, count in fold.visits.items()}
    fold.visits.clear()  # views hold it
    fold.visits.update(visits)
    fold.path = [names.get(name, name) for name in fold.path]
    fold.entered = [None if n is None else names.get(n, n) for n in fold.entered]
    spent = fold.usage_by_state.items()
    fold.usage_by_state = {names.get(name, name): usage for name, usage in spent}
    fold.answers = {n: renamed(one, names) for n, one in fold.answers.items()}
    fold.begun = {n: renamed(one, names) for n, one in fold.begun.items()}
    fold.kept = {kept_as(name, names): made for name, made in fold.kept.items()}


def in_present_names(journal: Journal) -> Journal:
    """Return *journal* as if its places had always been called what they are called now.

    A journal in which nothing was renamed is returned as it is.
    """
    return _named(journal, ()) if _is_renamed(journal) else journal


def _is_renamed(journal: Journal) -> bool:
    events = (one.event for one in journal.events)
    return any(isinstance(e, RunResumed) and e.rename is not None for e in events) or any(
        _is_renamed(child) for child in journal.children.values()
    )


@dataclass(slots=True)
class _Child:
    """A nested run on the way through the journal of the run around it."""

    key: Key
    flow: str
    later: list[RunResumed] = field(default_factory=list[RunResumed])
    """What was renamed in it after it had begun."""


def _named(journal: Journal, later: Sequence[RunResumed]) -> Journal:
    """Return *journal* in the names that hold after what was renamed in it, and *later*."""
    children: dict[str, _Child] = {}
    read: list[Recorded] = []
    own = 0
    for one in journal.events:
        event = one.event
        if isinstance(event, ChildStarted):
            children.setdefault(str(event.key), _Child(event.key, event.flow))
        if isinstance(event, RunResumed) and event.rename is not None:
            own += 1
            read = _again(read, event, children)
            event = replace(event, rename=None, table=None)
        read.append(one._replace(event=event))
    for resumed in later[own:]:  # a run that was open has them in its own journal
        read = _again(read, resumed, children)
    return Journal(journal.run, tuple(read), _below(journal, children))


def _again(
    read: Sequence[Recorded], resumed: RunResumed, children: Mapping[str, _Child]
) -> list[Recorded]:
    """Return what was *read* in the names that *resumed* gives; note what that is for children."""
    names = own_names(resumed)
    started = read[0].event if read else None
    ends: dict[Key, Names] = {}
    for child in children.values():
        if isinstance(started, RunStarted):
            below = inside(resumed, started, child.key, child.flow)
            if below is not None:
                child.later.append(below)
                ends[child.key] = below.rename or {}
        child.key = _key(child.key, names)
    return [one._replace(event=_event(one.event, resumed, names, ends)) for one in read]


def _event(event: Event, resumed: RunResumed, names: Names, ends: Mapping[Key, Names]) -> Event:
    if isinstance(event, RunStarted):
        return restarted(event, resumed)
    if isinstance(event, ChildEnded) and event.result is not None and event.key in ends:
        inner = ends[event.key]
        ended = event.result.ended
        event = replace(event, result=replace(event.result, ended=inner.get(ended, ended)))
    return renamed(event, names)


def _below(journal: Journal, children: Mapping[str, _Child]) -> dict[str, Journal]:
    """Return the nested runs by their keys now; of two at one key, the one that went on there."""
    now = {str(child.key): child for child in children.values()}
    found: dict[str, Journal] = {}
    for place, nested in journal.children.items():
        child = children.get(place) or now.get(place)
        key = place if child is None else str(child.key)
        if key == place or key not in journal.children:
            found[key] = _named(nested, () if child is None else child.later)
    return dict(sorted(found.items()))


def inside(resumed: RunResumed, started: RunStarted, key: Key, flow: str) -> RunResumed | None:
    """Return what *resumed* renames in the nested run of *flow* at *key*; ``None``: nothing.

    Args:
        resumed: of the run around it.
        started: how that began, in the names it had until then.
        key: the place of the nested run, in these names.
        flow: the name of its flow.
    """
    place = places_in(started.table).get(key.state, {})
    path = nested_path(key.state, place, key.ordinal, flow, started.flow)
    below = dict(_inner(resumed.rename or {}, f"{path}/"))
    if not below:
        return None
    names = own_names(resumed)
    table = resumed.table or {}
    there = places_in(table).get(names.get(key.state, key.state), {})
    inner = _flow_at(there, path.removeprefix(key.state).removeprefix("/"))
    whole = dict(table if inner is None else inner)
    return RunResumed(None, fingerprint(whole), below, whole)


def _inner(paths: Names, prefix: str) -> Iterator[tuple[str, str]]:
    for old, new in paths.items():
        if old.startswith(prefix):
            rest = old.removeprefix(prefix)
            yield rest, "/".join(new.split("/")[-1 - rest.count("/") :])


def _flow_at(place: Table, branch: str) -> Table | None:
    """Return the flow that runs in *place*, as *branch* where there are several.

    ``None``: it is the flow around the place.
    """
    flows: Sequence[Table] = place.get("flows", ())
    found = next((one for one in flows if one.get("as") == branch), flows[0] if flows else {})
    flow: Table | str = found.get("flow", "")
    return None if isinstance(flow, str) else flow


def restarted(started: RunStarted, resumed: RunResumed) -> RunStarted:
    """Return *started* with the flow that *resumed* goes on with."""
    table = dict(resumed.table or started.table)
    return replace(
        started,
        flow=str(table.get("name", started.flow)),
        table=table,
        print=resumed.print or started.print,
    )


def renamed(event: E, names: Names) -> E:
    """Return *event* with the places of its own flow called by *names*."""
    new: Event = event
    if isinstance(event, _KEYED):
        new = replace(event, key=_key(event.key, names))
        if isinstance(new, EffectDone):
            result = _picked(new.op, new.args, new.result, names)
            new = replace(new, args=_args(new.op, new.args, names), result=result)
        elif isinstance(new, EffectFailed | EffectBegun):
            new = replace(new, args=_args(new.op, new.args, names))
    elif isinstance(event, TurnTaken):
        new = _turn(event, names)
    elif isinstance(event, RunPaused):
        turn = None if event.turn is None else _turn(event.turn, names)
        new = replace(event, stop=_stop(event.stop, names), turn=turn)
    elif isinstance(event, RunEnded):
        new = replace(event, stop=_stop(event.stop, names))
    return cast("E", new)


def kept_as(name: str, names: Names) -> str:
    """Return the *name* under which an agent keeps an effect: it quotes the state.

    Example:
        >>> kept_as("summary in 'write' for 'author'", {"write": "draft"})
        "summary in 'draft' for 'author'"
    """
    before, in_, rest = name.partition(" in ")
    state, for_, who = rest.rpartition(" for ")
    new = {repr(old): repr(now) for old, now in names.items()}.get(state)
    return name if new is None else f"{before}{in_}{new}{for_}{who}"


def _key(key: Key, names: Names) -> Key:
    return key._replace(state=names.get(key.state, key.state))


def _args(op: str, args: Json, names: Names) -> Json:
    """Return the arguments of an effect: who asks a model, what is kept, and who can be picked."""
    if not isinstance(args, dict):
        return args
    told = dict(args)
    if op.startswith("model.") and "state" in told:
        told["state"] = _name(told["state"], names)
    if "keep" in told:
        told["keep"] = kept_as(str(told["keep"]), names)
    offered = told.get("candidates")
    if isinstance(offered, list):
        told["candidates"] = [_name(one, names) for one in offered]
    return told


def _name(value: Json, names: Names) -> Json:
    return names.get(value, value) if isinstance(value, str) else value


def _picked(op: str, args: Json, result: Json, names: Names) -> Json:
    """Return what a chooser answered: the name of a place, by itself or as ``next``."""
    if not (isinstance(args, dict) and "candidates" in args and isinstance(result, dict)):
        return result
    if op == "speaker.choose":
        return {**result, "to": _name(result.get("to"), names)}
    text = str(result.get("text", ""))
    if text.strip() in names:
        return {**result, "text": names[text.strip()]}
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        return result
    told = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if told.get("next") in names:
        return {**result, "text": canonical_json({**told, "next": names[told["next"]]})}
    return result


def _turn(turn: TurnTaken, names: Names) -> TurnTaken:
    steps = tuple(
        replace(
            step,
            at=names.get(step.at, step.at),
            to=None if step.to is None else names.get(step.to, step.to),
        )
        for step in turn.steps
    )
    exhausted = _quoted(turn.exhausted, names)
    return replace(turn, state=names.get(turn.state, turn.state), exhausted=exhausted, steps=steps)


def _stop(stop: Stop, names: Names) -> Stop:
    questions = tuple(replace(one, id=_question(one.id, names)) for one in stop.questions)
    return replace(
        stop,
        state=names.get(stop.state, stop.state),
        why=_quoted(stop.why, names),
        which=_quoted(stop.which, names),
        tried=tuple((_quoted(name, names), verdict) for name, verdict in stop.tried),
        questions=questions,
    )


def _question(path: str, names: Names) -> str:
    """Return the id of a question; the first key is that of a place of the flow itself."""
    first, slash, rest = path.partition("/")
    state, hash_, place = first.rpartition("#")
    return f"{names.get(state, state)}{hash_}{place}{slash}{rest}"


def _quoted(text: str, names: Names) -> str:
    """Return *text* with places called by *names*, where a limit or a guard names them."""
    if not text:
        return text
    new = {repr(old): repr(now) for old, now in names.items()}
    return _QUOTED.sub(lambda found: found[1] + new.get(found[2], found[2]), text)
