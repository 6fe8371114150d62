"""States that were renamed since a run was recorded: the map, and the nested runs it moves.

A map is held against both flows before anything is proved or written.  The journal of a nested run
lies under the name of the state that it runs in; one that is still open is copied to where the new
name looks for it.  What was written stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from stateflow.errors import ReplayDivergence, RunError
from stateflow.journal.codec import encode
from stateflow.journal.event import (
    ChildStarted,
    Event,
    Journal,
    Recorded,
    RunResumed,
    RunStarted,
)
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.renaming import in_present_names, inside, own_names, renamed
from stateflow.machine.difference.difference import difference
from stateflow.machine.table_json import Table, places_in
from stateflow.stores.base import Store

__all__ = ["carry", "check_renames", "claimed", "hinted", "suggested"]

_FACTS = (
    "kind",
    "run",
    "turn",
    "state",
    "visit",
    "key",
    "op",
    "expected",
    "actual",
    "verdicts",
    "details",
    "request",
    "changes",
)


_AGENTS_STAY: Final = (
    "a map renames places, not agents, for what {0!r} said stands under that name; call the agent "
    "{0!r} again to go on"
)


def suggested(before: Table, now: Table) -> dict[str, str]:
    """Return which places are called otherwise *now*, by the paths they had; a guess.

    Example:
        >>> from stateflow import Flow, Scripted, State, to
        >>> one = Scripted("one", ["a"])
        >>> old, new = (Flow("f", State(name, one, to(None))) for name in ("write", "draft"))
        >>> suggested(old.table(), new.table())
        {'write': 'draft'}
    """
    return {
        change.was: change.now
        for change in difference(before, now).changes
        if change.kind == "renamed" and change.what in {"state", "junction", "final"}
    }


def check_renames(before: Table, now: Table, rename: Mapping[str, str]) -> None:
    """Refuse a map that does not lead from the places of one flow to those of the other.

    Raises:
        RunError: it names a place that is in neither, leads two to one, or is not needed.
    """
    old, new = list(_paths(before)), list(_paths(now))
    for was, name in rename.items():
        told = f"rename {was!r} to {name!r}"
        if was not in old:
            if name in old and name in new:
                raise RunError(f"{told}: the recording calls it {name!r} already; leave it out")
            if was in _agents(before):
                raise RunError(f"{told}: {_AGENTS_STAY.format(was)}")
            raise RunError(f"{told}: the recording has no place {was!r}; it has {_listed(old)}")
        if _now(was, rename) not in new:
            raise RunError(f"{told}: the flow has no place {name!r} now; it has {_listed(new)}")
        taken = {_now(one, rename) for one in old if one != was}
        if _now(was, rename) in taken:
            other = next(o for o in old if o != was and _now(o, rename) == _now(was, rename))
            raise RunError(f"{told}: {other!r} would be called that, too; two cannot become one")
        unmoved = "/".join([*_now(was, rename).split("/")[:-1], was.rpartition("/")[2]])
        if unmoved in new and unmoved not in taken:
            raise RunError(f"{told}: the flow still has {unmoved!r}; leave the map out")


def _agents(table: Table) -> set[str]:
    return {str(agent.get("name")) for agent in table.get("agents", ())}


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(map(repr, paths))


def _now(path: str, rename: Mapping[str, str]) -> str:
    """Return what the place at *path* is called, and what it lies in."""
    parts = path.split("/")
    heads = ("/".join(parts[: number + 1]) for number in range(len(parts)))
    return "/".join(
        rename[head].rpartition("/")[2] if head in rename else part
        for head, part in zip(heads, parts, strict=True)
    )


def _paths(table: Table, above: str = "") -> Iterator[str]:
    """Yield the paths of the places of a flow and of what is nested in it."""
    for name, place in places_in(table).items():
        yield f"{above}{name}"
        alone = len(place.get("speaks", ())) == 1
        for one in place.get("flows", ()):
            flow: Any = one.get("flow")
            if isinstance(flow, Mapping):
                below = f"{above}{name}/" if alone else f"{above}{name}/{one.get('as')}/"
                yield from _paths(cast("Table", flow), below)


def claimed(journal: Journal, claim: RunResumed) -> Journal:
    """Return *journal* as it is read once *claim* is written."""
    last = journal.events[-1]
    written = Recorded(last.seq + 1, last.at, claim, journal.run)
    return in_present_names(replace(journal, events=(*journal.events, written)))


def hinted(
    error: ReplayDivergence, before: Table, now: Table, given: Mapping[str, str]
) -> ReplayDivergence:
    """Return *error* with what can be done where places or agents seem to be renamed."""
    maps = {was: name for was, name in suggested(before, now).items() if was not in given}
    words = " ".join(f"--map {was}={name}" for was, name in maps.items())
    named = ", ".join(f"{was!r} is {name!r}" for was, name in maps.items())
    hints = [f"if {named} now: {words} (rename={maps!r})"] if maps else []
    gone = error.kind == "gone" and error.expected in _agents(before)
    hints += [_AGENTS_STAY.format(error.expected)] if gone else []
    if not hints:
        return error
    text = "; ".join([error.text, *hints])
    facts: dict[str, Any] = {name: getattr(error, name) for name in _FACTS}
    return ReplayDivergence(error.place, text, **facts)


async def carry(store: Store, run: str, fold: Fold, resumed: RunResumed) -> None:
    """Let the nested runs of the open turn be found under the names that *resumed* gives.

    It can be done again where it was cut off.

    Raises:
        RunError: something else lies where one of them belongs.
    """
    started = fold.started
    for begun in fold.begun.values():
        if isinstance(begun, ChildStarted) and started is not None:
            await _carry(store, run, begun, started, resumed)


async def _carry(
    store: Store, run: str, begun: ChildStarted, started: RunStarted, resumed: RunResumed
) -> None:
    below = inside(resumed, started, begun.key, begun.flow)
    old, new = f"{run}/{begun.key}", f"{run}/{renamed(begun, own_names(resumed)).key}"
    events = await store.read(old)
    if not events:
        return  # it has begun, and written nothing
    if old != new:
        await _copy(store, old, new, events)
    if below is None:
        return
    child = fold_of(events)
    if _told(events) != below.rename:
        if child.started is not None:
            await carry(store, new, child, below)
        await store.append(new, after=len(await store.read(new)), events=[below])


def _told(events: list[Recorded]) -> Mapping[str, str] | None:
    """Return what was renamed last."""
    maps = [one.event.rename for one in events if isinstance(one.event, RunResumed)]
    return next((one for one in reversed(maps) if one is not None), None)


async def _copy(store: Store, old: str, new: str, events: list[Recorded]) -> None:
    """Copy the nested run *old*, and what is nested in it, to *new*."""
    copied: list[Event] = [one.event for one in events]
    there = await store.read(new)
    if not there:
        await store.append(new, after=0, events=copied)
    elif [encode(one.event) for one in there[: len(copied)]] != list(map(encode, copied)):
        raise RunError(
            f"nested run {old!r} is open and would be called {new!r}, where another lies; let it "
            "end before its state is renamed"
        )
    for event in copied:
        if isinstance(event, ChildStarted):
            below = await store.read(f"{old}/{event.key}")
            if below:
                await _copy(store, f"{old}/{event.key}", f"{new}/{event.key}", below)
