"""Forks: the part of a journal that one shares with its origin, its copy, and what is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from stateflow.engine.instead import check_reply
from stateflow.errors import DefinitionError, RunError
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import (
    ChildStarted,
    Event,
    Journal,
    Recorded,
    RunChanged,
    RunEnded,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.redact import Redactor
from stateflow.machine.flow import Flow
from stateflow.stores.base import Store

__all__ = ["changed", "copy_run", "first_turns"]


def first_turns(journal: Journal, at: int) -> list[Event]:
    """Return the events of the first *at* turns of *journal*; less than none counts from the end.

    What a person changed right after them, where *journal* is a fork itself, belongs to them.

    Raises:
        RunError: it has fewer.
    """
    events = canonical_events(recorded.event for recorded in journal.events)
    turns = [n for n, e in enumerate(events) if isinstance(e, TurnTaken) and e.spoken]
    turn = at + len(turns) + 1 if at < 0 else at
    if not 0 <= turn <= len(turns):
        raise RunError(
            f"cannot fork run {journal.run!r} at {at}: give 0 (before its first turn) to "
            f"{len(turns)} (after its last), or -1 for the last"
        )
    end = turns[turn - 1] + 1 if turn else 1
    while isinstance(next(iter(events[end : end + 1]), None), RunChanged):
        end += 1
    if turn == len(turns) and any(_is_over(event) for event in events[end : end + 1]):
        end += 1  # all the turns of a run that is over end there too
    return events[:end]


def changed(
    flow: Flow,
    events: Sequence[Event],
    fields: Mapping[str, Any],
    reply: str | None,
    redactor: Redactor,
) -> list[Event]:
    """Return *events* with what a person changes behind them: *fields* of the data, a *reply*.

    Raises:
        RunError: the run is over there; the data has no such field, or it does not take the value;
            or nobody can give the reply.
    """
    if not fields and reply is None:
        return list(events)
    fold = fold_of(Recorded(n, 0.0, one) for n, one in enumerate(events, 1))
    if fold.ended:
        raise RunError(
            f"the run is over after turn {len(fold.path)} ({fold.stop}), and nothing that is "
            "changed there could count; fork it at an earlier turn"
        )
    patch = _patch(flow, fold.data, fields, redactor) if fields else None
    if reply is not None:
        check_reply(flow, fold, reply)
    told = None if reply is None else redactor.text(reply)
    return [*events, RunChanged(patch, told)]


def _patch(
    flow: Flow, data: Mapping[str, Any], fields: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    """Return *fields*, which may lie deeper (``brief.words``), as changes to *data*."""
    model = flow.data
    if model is None:
        raise RunError(
            f"flow {flow.name!r} declares no data, so none can be set; give it Flow(data=Model)"
        )
    whole: dict[str, Any] = deepcopy(dict(data))
    for path, value in fields.items():
        name, *deeper = path.split(".")
        if name not in model.model_fields:
            known = ", ".join(model.model_fields) or "none"
            raise RunError(f"the data has no field {name!r}; {model.__name__} has: {known}")
        _put(whole, [name, *deeper], value, path)
    try:
        typed = flow.typed(whole)
        told: Any = {} if typed is None else redactor.json(json.loads(typed.model_dump_json()))
        flow.typed(told)  # as it will be read again: NaN is no JSON
    except DefinitionError as error:
        raise RunError(f"{error}; nothing was written") from error
    for path in fields:
        if not _is_there(told, path.split(".")):
            raise RunError(f"the data has no field {path!r}; {model.__name__} leaves it out")
    names = dict.fromkeys(path.split(".")[0] for path in fields)
    return {name: told[name] for name in names}


def _is_there(data: Any, path: Sequence[str]) -> bool:  # noqa: ANN401 - JSON
    """Tell whether *data* has *path*: models leave out fields that they do not know."""
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]  # pyright: ignore[reportUnknownVariableType]
    return True


def _put(whole: dict[str, Any], path: Sequence[str], value: Any, told: str) -> None:  # noqa: ANN401 - JSON
    *above, last = path
    at: Any = whole
    for name in above:
        at = at.get(name) if isinstance(at, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(at, dict):
        raise RunError(f"{told!r} leads into what is no object; set {path[0]!r} as a whole")
    at[last] = value


async def copy_run(
    store: Store, name: str, events: list[Event], journal: Journal, forked: str
) -> None:
    """Write *events* of *journal* as the run *name*, nested runs included."""
    first = events[0]
    if isinstance(first, RunStarted):
        events = [replace(first, forked=forked), *events[1:]]
    await store.append(name, after=0, events=events)
    for event in events:
        if isinstance(event, ChildStarted) and str(event.key) in journal.children:
            child = journal.children[str(event.key)]
            copied = [recorded.event for recorded in child.events]
            await copy_run(store, f"{name}/{event.key}", copied, child, forked)


def _is_over(event: Event) -> bool:
    return isinstance(event, RunEnded) and event.stop.kind != "cancelled"
