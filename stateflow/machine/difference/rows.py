"""Which transition of one version of a place is which of another.

Transitions have no names.  Two are one if they are the same word for word, else if they lead to
the same place and ask the same, else if they lead to the same place; what leads elsewhere is
another transition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from stateflow.machine.difference.change import Row
from stateflow.machine.table_json import Table
from stateflow.value import canonical_json

__all__ = ["in_order", "row_words", "rows_matched"]


def rows_matched(
    before: Sequence[Table], after: Sequence[Table], names: Mapping[str, str]
) -> Iterator[Row]:
    """Yield the transitions of a place in order; what was removed stands where it stood.

    Args:
        before: transitions of the place, as JSON.
        after: those of another version of it.
        names: what places of the version before are called now.
    """
    old = [
        {**row, "to": names.get(row["to"], row["to"])} if row.get("to") else row for row in before
    ]
    found: dict[int, int] = {}
    for same in (canonical_json, _target_and_guard, _target):
        _pair(old, after, same, found)
    there = {now: was for was, now in found.items()}
    gone = [at for at in range(len(before)) if at not in found]
    for at, row in enumerate(after):
        if at not in there:
            yield Row(None, at)
            continue
        while gone and gone[0] < there[at]:
            yield Row(gone.pop(0), None)
        asked = {**before[there[at]], "to": row.get("to")}
        yield Row(there[at], at, canonical_json(asked) != canonical_json(row))
    for at in gone:
        yield Row(at, None)


def _target_and_guard(row: Table) -> str:
    return canonical_json([row.get("to"), row.get("when")])


def _target(row: Table) -> str:
    return canonical_json(row.get("to"))


def _pair(
    before: Sequence[Table],
    after: Sequence[Table],
    same: Callable[[Table], str],
    found: dict[int, int],
) -> None:
    """Add to *found* what is the *same*, the first with the first."""
    taken = set(found.values())
    there: defaultdict[str, list[int]] = defaultdict(list)
    for at in reversed(range(len(after))):
        if at not in taken:
            there[same(after[at])].append(at)
    for at, row in enumerate(before):
        if at not in found and there[same(row)]:
            found[at] = there[same(row)].pop()


def in_order(found: Mapping[int, int]) -> bool:
    """Tell whether what was found stands in the same order as before.

    Example:
        >>> in_order({0: 0, 1: 2}), in_order({0: 1, 1: 0})
        (True, False)
    """
    places = [found[at] for at in sorted(found)]
    return places == sorted(places)


def row_words(rows: Iterable[Table]) -> list[str]:
    """Return *rows* for people, in the order of trial.

    Example:
        >>> row_words([{"to": "run", "when": {}, "name": "failed"}, {"to": None}])
        ['failed → run', 'else → done']
    """
    return [f"{row.get('name', 'else')} → {row.get('to') or 'done'}" for row in rows]
