"""Two versions of a flow in one picture: what was added, what is gone, what has changed.

It is the picture of the version after, and what is gone stands near where it stood.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stateflow.diagram.box import Arrow, Box, Mark, Picture, at
from stateflow.diagram.look import line
from stateflow.diagram.picture import picture
from stateflow.machine.difference.change import Row
from stateflow.machine.difference.difference import Difference, difference
from stateflow.machine.difference.words import part_words, sentence
from stateflow.machine.flow import Flow

__all__ = ["compared", "merged"]


def compared(
    before: Flow, after: Flow, *, was: str = "before", now: str = "after", depth: int | None = None
) -> Picture:
    """Return both versions of a flow in one picture, with marks for what differs.

    Args:
        before: the older version.
        after: the newer version.
        was: what the older version is called in the caption.
        now: what the newer version is called there.
        depth: so many flows are opened in one another [nested flows]; ``None``: all.

    Example:
        >>> from stateflow import Scripted, State, to
        >>> writer = Scripted("writer", ["a"])
        >>> one = Flow("essay", State("write", writer, to(None)))
        >>> two = Flow("essay", State("write", writer, to("read")), State("read", writer, to(None)))
        >>> drawn = compared(one, two, was="main", now="this branch")
        >>> drawn.caption
        'main → this branch: + 1 state, + 2 transitions, − 1 transition'
        >>> [(box.name, box.mark) for box in drawn.boxes]
        [('start', 'kept'), ('write', 'kept'), ('read', 'added'), ('done', 'kept')]
    """
    found = difference(before.table(), after.table())
    drawn = merged(picture(before, depth), picture(after, depth), found)
    return replace(drawn, caption=line(f"{was} → {now}: {sentence(found.changes)}"))


def merged(before: Picture, after: Picture, found: Difference) -> Picture:
    """Return the picture *after* with marks, and what is gone since *before*.

    Args:
        before: the version before.
        after: the version after.
        found: what differs between them.
    """
    merge = _Merge.of(before, after, found)
    return replace(after, boxes=tuple(merge.boxes()), arrows=tuple(merge.arrows()))


@dataclass(frozen=True, slots=True)
class _Merge:
    """Two pictures, and which box of one is which of the other."""

    before: Picture
    after: Picture
    found: Difference
    keys: Mapping[str, str]
    """What boxes of the picture before are called in the merged one; others have no room in it."""
    gone: frozenset[str]
    """Keys before of boxes that the picture after does not have."""
    notes: Mapping[str, Sequence[str]]
    """What has changed in places, by their keys after."""

    @classmethod
    def of(cls, before: Picture, after: Picture, found: Difference) -> _Merge:
        there = {box.key: box for box in after.boxes}
        removed = {c.was for c in found.changes if c.kind == "removed" and c.what != "transition"}
        keys: dict[str, str] = {}
        gone: set[str] = set()
        for box in before.boxes:
            frame = keys.get(box.within, "" if not box.within else None)
            if frame is None:
                continue
            part = box.key.removeprefix(f"{box.within}/") if box.within else box.key
            key = found.places.get(box.key, at(frame, part))
            if box.key in removed or box.within in gone or key not in there:
                if frame and box.within not in gone and not there[frame].open:
                    continue
                gone.add(box.key)
                key = at(frame, part)
            keys[box.key] = key
        return cls(before, after, found, keys, frozenset(gone), _notes(found))

    @property
    def kept(self) -> frozenset[str]:
        """Keys of boxes that are in both."""
        return frozenset(key for was, key in self.keys.items() if was not in self.gone)

    def boxes(self) -> Iterator[Box]:
        """Yield all boxes; what a frame holds follows it."""
        kept, behind = self.kept, self._behind()
        inside: defaultdict[str, list[Box]] = defaultdict(list)
        inside.update({frame: list(gone) for (frame, last), gone in behind.items() if not last})
        for box in self.after.boxes:
            notes = tuple(self.notes.get(box.key, ()))
            mark: Mark = "added" if box.key not in kept else "changed" if notes else "kept"
            told = (*box.notes, *notes) if mark == "changed" else box.notes
            inside[box.within].append(replace(box, mark=mark, notes=told))
            inside[box.within] += behind.get((box.within, box.key), ())
        yield from _level(inside, "")

    def _behind(self) -> Mapping[tuple[str, str], Sequence[Box]]:
        """Return what is gone, by its frame and the last box before it that is not gone."""
        behind: defaultdict[tuple[str, str], list[Box]] = defaultdict(list)
        last: dict[str, str] = {}
        for box in self.before.boxes:
            key, frame = self.keys.get(box.key), self.keys.get(box.within, "")
            if key is not None and box.key not in self.gone:
                last[frame] = key
            elif key is not None:
                shown = replace(
                    box,
                    key=key,
                    id=f"removed-{box.id}",
                    within=frame,
                    phase=self.keys.get(box.phase, ""),
                    mark="removed",
                )
                behind[frame, last.get(frame, "")].append(shown)
        return behind

    def arrows(self) -> Iterator[Arrow]:
        """Yield all arrows, what is gone last."""
        moved, kept = _moved(self.found), self.kept
        known = {self._ends(arrow) for arrow in self.before.arrows}
        there = {(arrow.source, arrow.target, arrow.stroke) for arrow in self.after.arrows}
        caught = {c.now for c in self.found.changes if c.what == "flow" and c.part == "on_error"}
        for arrow in self.after.arrows:
            mark: Mark = "kept"
            if arrow.number is not None:
                mark = self._mark(arrow, moved, kept)
            elif arrow.stroke == "error":  # drawn where states are few, so it tells nothing alone
                fresh = arrow.within in caught or arrow.source not in kept
                mark = "added" if fresh else "kept"
            elif (arrow.source, arrow.target, arrow.stroke) not in known:
                mark = "added"
            yield replace(arrow, mark=mark)
        for arrow in self.before.arrows:
            source, target, _ = ends = self._ends(arrow)
            within = self.keys.get(arrow.within, "")
            if arrow.number is not None or arrow.stroke == "error":
                gone = self._gone(arrow) or (arrow.number is None and within in caught)
            else:
                gone = ends not in there
            if gone and source is not None and target is not None:
                yield replace(
                    arrow,
                    source=source,
                    target=target,
                    id=f"removed-{arrow.id}",
                    within=within,
                    mark="removed",
                )

    def _ends(self, arrow: Arrow) -> tuple[str | None, str | None, str]:
        return self.keys.get(arrow.source), self.keys.get(arrow.target), arrow.stroke

    def _mark(
        self, arrow: Arrow, moved: Mapping[str, frozenset[int]], kept: frozenset[str]
    ) -> Mark:
        """Return what became of a transition that is there now."""
        rows = self.found.rows.get(arrow.source)
        if rows is None:
            return "kept" if arrow.source in kept else "added"
        row = next(row for row in rows if row.now == arrow.number)
        if row.was is None:
            return "added"
        other = row.changed or arrow.number in moved.get(arrow.source, ())
        return "changed" if other else "kept"

    def _gone(self, arrow: Arrow) -> bool:
        """Tell whether a transition that was there is not any more."""
        if arrow.source in self.gone:
            return True
        rows = self.found.rows.get(self.keys.get(arrow.source, ""), ())
        return arrow.number is not None and any(
            row.was == arrow.number and row.now is None for row in rows
        )


def _level(inside: Mapping[str, Sequence[Box]], frame: str) -> Iterator[Box]:
    for box in inside.get(frame, ()):
        yield box
        yield from _level(inside, box.key)


def _notes(found: Difference) -> Mapping[str, Sequence[str]]:
    """Return what has changed in places, by their paths now."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    renamed: dict[str, str] = {}
    for change in found.changes:
        if change.what in {"flow", "transition", "agent"} or not (change.was and change.now):
            continue
        if change.kind == "renamed":
            renamed[change.now] = f"was {line(str(change.before))}"
        else:
            parts[change.now].append(part_words(change.part))
    for path, agents in found.agents.items():
        parts[path] += [line(agent) for agent in agents]
    told = {path: [f"~ {', '.join(dict.fromkeys(words))}"] for path, words in parts.items()}
    return {
        path: [renamed[path], *told.get(path, ())] if path in renamed else told[path]
        for path in {**renamed, **told}
    }


def _moved(found: Difference) -> Mapping[str, frozenset[int]]:
    """Return which transitions are tried in another order, of places that were reordered."""
    return {
        change.now: frozenset(_out_of_order(found.rows[change.now]))
        for change in found.changes
        if change.kind == "reordered" and change.part == "transitions"
    }


def _out_of_order(rows: Sequence[Row]) -> Iterator[int]:
    """Yield the positions now of those that come earlier or later among what was there before."""
    both = sorted((row.now, row.was) for row in rows if row.now is not None and row.was is not None)
    for (now, was), then in zip(both, sorted(was for _, was in both), strict=True):
        if was != then:
            yield now
