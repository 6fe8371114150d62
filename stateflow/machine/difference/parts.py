"""What has changed in the parts of one flow: in itself, its agents, its places, its transitions.

Fields are compared as JSON, whatever they are called, so that a field of a later version is
told like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from stateflow.machine.difference.change import Change, Row, What
from stateflow.machine.difference.rows import in_order, row_words
from stateflow.machine.table_json import Table, kind_of, name_of
from stateflow.value import Json, canonical_json

__all__ = ["Versions", "passed"]

_FLOW: Final = frozenset({"places", "agents", "initial", "on_error"})
_PLACE: Final = frozenset({"state", "junction", "final", "to", "flows", "speaks"})
_ROW: Final = frozenset({"to", "when", "name"})
_NESTED: Final = frozenset({"flow", "as"})


@dataclass(frozen=True, slots=True)
class Versions:
    """Two versions of a flow, and where they stand."""

    before: Table
    after: Table
    was: str
    """Path of the flow before; empty for the outermost."""
    now: str
    names: Mapping[str, str]
    """What the places that are in both are called now."""
    agents: Mapping[int, int]
    """Position now of the agents that are in both."""

    def path_was(self, name: str) -> str:
        """Return the path that *name* had."""
        return f"{self.was}/{name}" if self.was else name

    def path_now(self, name: str) -> str:
        """Return the path that *name* has."""
        return f"{self.now}/{name}" if self.now else name

    def own(self) -> Iterator[Change]:
        """Yield what has changed in the flow itself."""
        whole: tuple[What, str, str] = ("flow", self.was, self.now)
        for part, before, after in _fields(self.before, self.after, _FLOW):
            shape = before if before is not None else after
            if isinstance(shape, Mapping):
                old, new = cast("Table", before or {}), cast("Table", after or {})
                for field, *values in _fields(old, new):
                    yield _changed(*whole, f"{part} {field}", *values)
            elif isinstance(shape, list | tuple):
                yield from self._items(part, before or [], after or [])
            else:
                yield _changed(*whole, part, before, after)
        for part in ("initial", "on_error"):
            before, after = self.before.get(part), self.after.get(part)
            if (before and self.names.get(str(before), before)) != after:
                yield _changed(*whole, part, before, after)

    def order(self, matched: Mapping[int, int]) -> Iterator[Change]:
        """Yield whether places stand in another order; *matched* are their positions."""
        if not in_order(matched):
            old, new = self.before["places"], self.after["places"]
            yield Change(
                kind="reordered",
                what="flow",
                was=self.was,
                now=self.now,
                part="places",
                before=[name_of(old[at]) for at in sorted(matched)],
                after=[name_of(new[at]) for at in sorted(matched.values())],
            )

    def agents_changed(self) -> Iterator[Change]:
        """Yield what has changed in who speaks."""
        old, new = self.before["agents"], self.after["agents"]
        for at, agent in enumerate(old):
            if at not in self.agents:
                was = self.path_was(str(agent["name"]))
                yield Change(kind="removed", what="agent", was=was, before=agent)
        there = {now: was for was, now in self.agents.items()}
        for at, agent in enumerate(new):
            now = self.path_now(str(agent["name"]))
            if at not in there:
                yield Change(kind="added", what="agent", now=now, after=agent)
                continue
            before = old[there[at]]
            was = self.path_was(str(before["name"]))
            yield from _renamed("agent", was, now, str(before["name"]), str(agent["name"]))
            yield from _compared("agent", was, now, before, agent, frozenset({"name", "told"}))
            if before.get("told") and agent.get("told"):  # not recorded by earlier versions
                yield from _told_otherwise(was, now, before["told"], agent["told"])

    def place(self, old: Table, new: Table) -> Iterator[Change]:
        """Yield what has changed in a place, but for its transitions and what is nested in it."""
        what = cast("What", kind_of(new))
        was, now = self.path_was(name_of(old)), self.path_now(name_of(new))
        if kind_of(old) != kind_of(new):
            yield _changed(what, was, now, "kind", kind_of(old), kind_of(new))
        yield from _renamed(what, was, now, name_of(old), name_of(new))
        called = self._called()
        speaks = [called.get(str(who), who) for who in old.get("speaks", ())]
        if speaks != list(new.get("speaks", ())):
            yield _changed(what, was, now, "speaks", old.get("speaks"), new.get("speaks"))
        yield from _compared(what, was, now, old, new, _PLACE)

    def transitions(self, old: Table, new: Table, rows: Sequence[Row]) -> Iterator[Change]:
        """Yield what has changed in the exits of a place."""
        exits, ways = old.get("to", ()), new.get("to", ())
        was, now = self.path_was(name_of(old)), self.path_now(name_of(new))
        for row in rows:
            if row.now is None and row.was is not None:
                yield self.removed(old, row.was)
            elif row.was is None and row.now is not None:
                yield self.added(new, row.now)
            elif row.was is not None and row.now is not None and row.changed:
                yield from _row_changed(was, now, exits[row.was], ways[row.now])
        both = {row.was: row.now for row in rows if row.was is not None and row.now is not None}
        if not in_order(both):
            yield Change(
                kind="reordered",
                what=cast("What", kind_of(new)),
                was=was,
                now=now,
                part="transitions",
                before=row_words(exits),
                after=row_words(ways),
            )

    def removed(self, place: Table, at: int) -> Change:
        """Return that exit number *at* of *place* is gone."""
        row = place["to"][at]
        where = _way(self.path_was(name_of(place)), row)
        return Change(kind="removed", what="transition", was=where, before=row)

    def added(self, place: Table, at: int) -> Change:
        """Return that exit number *at* of *place* is new."""
        row = place["to"][at]
        where = _way(self.path_now(name_of(place)), row)
        return Change(kind="added", what="transition", now=where, after=row)

    def _items(self, part: str, before: Json, after: Json) -> Iterator[Change]:
        """Yield what was added to a list, and what was removed from it."""
        old, new = list(cast("Sequence[Json]", before)), list(cast("Sequence[Json]", after))
        known = [[canonical_json(item) for item in items] for items in (old, new)]
        gone = [item for item in old if canonical_json(item) not in known[1]]
        fresh = [item for item in new if canonical_json(item) not in known[0]]
        for item in gone:
            yield Change(kind="removed", what="flow", was=self.was, part=part, before=item)
        for item in fresh:
            yield Change(kind="added", what="flow", now=self.now, part=part, after=item)
        if not gone and not fresh:
            yield _changed("flow", self.was, self.now, part, old, new)

    def _called(self) -> Mapping[str, str]:
        """Return what the agents that are in both are called now."""
        old, new = self.before["agents"], self.after["agents"]
        return {str(old[was]["name"]): str(new[now]["name"]) for was, now in self.agents.items()}


def _told_otherwise(was: str, now: str, before: Table, after: Table) -> Iterator[Change]:
    """Yield what a model is told otherwise: of tools it had before, and of its reply."""
    old, new = before.get("tools", {}), after.get("tools", {})
    for tool, *values in _fields(old, new):
        if tool in old and tool in new:
            yield _changed("agent", was, now, f"tool {tool}", *values)
    for part, *values in _fields(before, after, frozenset({"tools"})):
        yield _changed("agent", was, now, part, *values)


def passed(old: Table, new: Table, was: str, now: str) -> Iterator[Change]:
    """Yield what has changed in how a flow is nested: what goes in, and what comes out."""
    yield from _compared("state", was, now, old, new, _NESTED)
    before, after = (_flow_name(one["flow"]) for one in (old, new))
    if before != after and "itself" in {before, after}:
        yield _changed("state", was, now, "flow", before, after)


def _flow_name(flow: Table | str) -> str:
    """Return what *flow* is called: ``itself``, where it is the flow around it."""
    return flow if isinstance(flow, str) else str(flow["name"])


def _row_changed(was: str, now: str, before: Table, after: Table) -> Iterator[Change]:
    """Yield what has changed in a transition of the place at the path *was*, *now* at another."""
    was, now = _way(was, before), _way(now, after)
    old, new = ({k: row[k] for k in ("name", "when") if k in row} for row in (before, after))
    if canonical_json(old) != canonical_json(new):
        yield _changed("transition", was, now, "guard", old, new)
    yield from _compared("transition", was, now, before, after, _ROW)


def _way(path: str, row: Table) -> str:
    return f"{path} → {row.get('to') or 'done'}"


def _renamed(what: What, was: str, now: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        yield Change(kind="renamed", what=what, was=was, now=now, before=before, after=after)


def _compared(
    what: What, was: str, now: str, old: Table, new: Table, but: frozenset[str]
) -> Iterator[Change]:
    """Yield the fields that differ, *but* for those that are compared elsewhere."""
    for part, before, after in _fields(old, new, but):
        yield _changed(what, was, now, part, before, after)


def _changed(what: What, was: str, now: str, part: str, before: Json, after: Json) -> Change:
    return Change(
        kind="changed", what=what, was=was, now=now, part=part, before=before, after=after
    )


def _fields(
    before: Table, after: Table, but: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Json, Json]]:
    """Yield the fields that differ, in alphabetical order."""
    for field in sorted({*before, *after} - but):
        old, new = before.get(field), after.get(field)
        if canonical_json(old) != canonical_json(new):
            yield field, old, new
