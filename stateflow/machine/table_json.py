"""A flow's table as JSON, read: as ``Flow.table()`` gives it, and as every journal records it.

A recorded run can be told, compared and held against rules without its code, because the table
that it began with names every place, who speaks there, and what leads on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

__all__ = [
    "Table",
    "branch_of",
    "guards_of",
    "kind_of",
    "name_of",
    "names_apart",
    "nested_path",
    "places_in",
]

Table: TypeAlias = Mapping[str, Any]
"""A flow, a place, a transition or an agent, as JSON."""

_KINDS: Final = ("state", "junction", "final")


def kind_of(place: Table) -> str:
    """Return whether *place* is a ``state``, a ``junction`` or a ``final``."""
    return next((kind for kind in _KINDS if kind in place), "state")


def name_of(place: Table) -> str:
    """Return the name of *place*."""
    return str(place.get(kind_of(place), "?"))


def places_in(table: Table) -> dict[str, Table]:
    """Return the places of a flow by their names, in order."""
    return {name_of(place): place for place in table.get("places", ())}


def guards_of(place: Table) -> list[str]:
    """Return the guards of *place* in the order of trial.

    Example:
        >>> guards_of({"state": "run", "to": [{"to": "mend", "name": "failed"}, {"to": None}]})
        ['failed', 'else']
    """
    return [str(row.get("name", "else")) for row in place.get("to", ())]


def names_apart(names: Iterable[str]) -> tuple[str, ...]:
    """Return what those who speak in one place are called there: no two of them alike.

    Example:
        >>> names_apart(["writer", "critic", "critic"])
        ('writer', 'critic', 'critic 2')
    """
    found: dict[str, None] = {}
    for name in names:
        shown, count = name, 1
        while shown in found:
            count += 1
            shown = f"{name} {count}"
        found[shown] = None
    return tuple(found)


def branch_of(place: Table, ordinal: int, flow: str, around: str) -> str:
    """Return under which name a nested run speaks in *place*.

    Args:
        place: where it runs.
        ordinal: of the nested run among the effects of its turn.
        flow: name of the flow that runs.
        around: name of the flow that *place* is in, which may run in itself.
    """
    flows: Sequence[Table] = place.get("flows", ())
    if "join" in place and ordinal < len(flows):
        return str(flows[ordinal]["as"])
    named = [str(one["as"]) for one in flows if _flow_of(one, around) == flow]
    return named[0] if len(named) == 1 else flow


def nested_path(state: str, place: Table, ordinal: int, flow: str, around: str) -> str:
    """Return the path of a nested run in the *state* that is told by *place*.

    It is the state's name, and where not one flow alone speaks there, the branch's behind it.

    Example:
        >>> place = {"state": "ask", "speaks": ["a", "b"], "join": 2, "flows": [{"as": "a"}]}
        >>> nested_path("ask", place, 0, "essay", "team")
        'ask/a'
    """
    alone = len(place.get("speaks", ())) == 1 and "flows" in place
    return state if alone else f"{state}/{branch_of(place, ordinal, flow, around)}"


def _flow_of(nested: Table, around: str) -> str:
    flow: Table | str = nested.get("flow", "")
    return around if isinstance(flow, str) else str(flow.get("name", ""))
