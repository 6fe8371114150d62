"""What has changed from one version of a flow to another, as state machines.

Both versions are tables, as ``Flow.table()`` gives and as every journal records, so that a flow
can be held against the one that a run was made with.  Nothing changed means: the same fingerprint,
the same prompts, the same models.  Either version can come first: what was added one way was
removed the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from stateflow.machine.difference.change import Change, Row, What
from stateflow.machine.difference.parts import Versions, passed
from stateflow.machine.difference.places import agents_matched, places_matched
from stateflow.machine.difference.rows import rows_matched
from stateflow.machine.table_json import Table, kind_of, name_of, names_apart
from stateflow.value import Json

__all__ = ["Difference", "difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed from one flow to another; false where nothing has.

    Example:
        >>> from stateflow import Flow, Scripted, State, to
        >>> writer = Scripted("writer", ["a"])
        >>> before = Flow("essay", State("write", writer, to(None)))
        >>> after = Flow("essay", State("draft", writer, to(None), visits=2))
        >>> for change in difference(before.table(), after.table()).changes:
        ...     print(change.kind, change.what, change.path, change.part, change.after)
        renamed state draft  draft
        changed state draft visits 2
    """

    changes: tuple[Change, ...]
    """In the order of definition now, outer flows first; what is gone stands where it stood."""
    places: Mapping[str, str]
    """What places of the version before are called now, by path, as far as they were compared."""
    rows: Mapping[str, tuple[Row, ...]]
    """Transitions of places that are in both versions, by the place's path now."""
    agents: Mapping[str, tuple[str, ...]]
    """Agents that are not as they were, by the path of each place where they speak now."""

    def __bool__(self) -> bool:
        """Tell whether anything has changed."""
        return bool(self.changes)


def difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> Difference:
    """Return what has changed from the table *before* to the table *after*.

    Args:
        before: a flow's table: ``flow.table()``, or ``RunStarted.table`` of a journal.
        after: the table of another version of it.
    """
    walk = _Walk([], {}, {}, {}, [(before, after, "", "")])
    for at, _ in enumerate(walk.ahead):  # it grows on the way
        walk.flow(*walk.ahead[at])
    return Difference(tuple(walk.changes), walk.places, walk.rows, walk.agents)


@dataclass(slots=True)
class _Walk:
    """Goes through two flows and what is nested in them, outer flows first.

    It is no recursion: flows may be nested deeper than Python calls functions.
    """

    changes: list[Change]
    places: dict[str, str]
    rows: dict[str, tuple[Row, ...]]
    agents: dict[str, tuple[str, ...]]
    ahead: list[tuple[Table, Table, str, str]]

    def flow(self, before: Table, after: Table, was: str, now: str) -> None:
        """Compare two versions of one flow."""
        if before is after:
            return
        old, new = before["places"], after["places"]
        agents = agents_matched(before, after)
        same = places_matched(before, after, agents)
        names = {name_of(old[here]): name_of(new[there]) for here, there in same.items()}
        versions = Versions(before, after, was, now, names, agents)
        changed = list(versions.agents_changed())
        self.changes += [*versions.own(), *versions.order(same), *changed]
        self._speaking(versions, changed)
        gone = _gone(len(old), same)
        back = {there: here for here, there in same.items()}
        self._removed(versions, gone[None])
        for at, place in enumerate(new):
            if at in back:
                self._both(versions, old[back[at]], place)
                self._removed(versions, gone[back[at]])
            else:
                self._added(versions, place)

    def _speaking(self, versions: Versions, changed: Sequence[Change]) -> None:
        """Note where agents speak that have changed."""
        others = {change.now for change in changed if change.was and change.now}
        for place in versions.after["places"] if others else ():
            named = [str(who) for who in place.get("speaks", ())]
            found = tuple(who for who in named if versions.path_now(who) in others)
            if found:
                self.agents[versions.path_now(name_of(place))] = found

    def _both(self, versions: Versions, old: Table, new: Table) -> None:
        was, now = versions.path_was(name_of(old)), versions.path_now(name_of(new))
        self.places[was] = now
        rows = tuple(rows_matched(old.get("to", ()), new.get("to", ()), versions.names))
        self.rows[now] = rows
        self.changes += [*versions.place(old, new), *versions.transitions(old, new, rows)]
        self._nested(old, new, was, now)

    def _nested(self, old: Table, new: Table, was: str, now: str) -> None:
        """Go on with the flows that run in a place; of several, by who speaks them."""
        mine, theirs = _framed(old, was), _framed(new, now)
        alone = len(mine) == len(theirs) == 1
        for path, nested in mine.items():
            same = next(iter(theirs)) if alone else now + path.removeprefix(was)
            inner = theirs.get(same)
            if inner is None:
                continue
            self.places[path] = same
            self.changes += passed(nested, inner, path, same)
            flows = (nested["flow"], inner["flow"])
            if all(isinstance(flow, Mapping) for flow in flows):
                self.ahead.append((*cast("tuple[Table, Table]", flows), path, same))

    def _removed(self, versions: Versions, gone: Sequence[int]) -> None:
        for at in gone:
            place = versions.before["places"][at]
            what = cast("What", kind_of(place))
            path = versions.path_was(name_of(place))
            self.changes.append(Change(kind="removed", what=what, was=path, before=place))
            self.changes += [versions.removed(place, n) for n in range(len(place.get("to", ())))]

    def _added(self, versions: Versions, place: Table) -> None:
        what = cast("What", kind_of(place))
        path = versions.path_now(name_of(place))
        self.changes.append(Change(kind="added", what=what, now=path, after=place))
        self.changes += [versions.added(place, n) for n in range(len(place.get("to", ())))]


def _gone(count: int, same: Mapping[int, int]) -> Mapping[int | None, list[int]]:
    """Return the places that are gone, by the last one before them that is not."""
    gone: defaultdict[int | None, list[int]] = defaultdict(list)
    last: int | None = None
    for at in range(count):
        if at in same:
            last = at
        else:
            gone[last].append(at)
    return gone


def _framed(place: Table, path: str) -> dict[str, Table]:
    """Return the flows that run in *place*, by the path that their places stand below."""
    left = list(place.get("flows", ()))
    speaks = [str(who) for who in place.get("speaks", ())]
    if len(left) == len(speaks) == 1:
        return {path: left[0]}
    found: dict[str, Table] = {}
    for who, name in zip(speaks, names_apart(speaks), strict=True):
        if left and left[0]["as"] == who:
            found[f"{path}/{name}"] = left.pop(0)
    return found
