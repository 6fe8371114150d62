"""Which place of one version of a flow is which of another, and which agent.

Names come first.  What is left is matched by who speaks, what is asked, and what stands around
it, so that a place that was only renamed is told as that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stateflow.machine.difference.match import Features, alike, features, words
from stateflow.machine.table_json import Table, kind_of, name_of
from stateflow.value import canonical_json

__all__ = ["agents_matched", "places_matched"]

_ELSEWHERE: Final = frozenset({"state", "junction", "final", "speaks", "prompt", "to", "flows"})
"""Fields of a place that are compared as features of their own."""
_ROUNDS: Final = 3
"""What was matched in one round is known around the others in the next."""


def places_matched(before: Table, after: Table, agents: Mapping[int, int]) -> dict[int, int]:
    """Return the position in *after* of the places of *before* that are still there.

    Args:
        before: table of a flow.
        after: table of another version of it.
        agents: position in *after* of the agents of *before*.
    """
    old, new = before.get("places", ()), after.get("places", ())
    found = _by_name([name_of(place) for place in old], [name_of(place) for place in new])
    speakers: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for number, (here, there) in enumerate(agents.items()):
        speakers[0].setdefault(str(before["agents"][here]["name"]), str(number))
        speakers[1].setdefault(str(after["agents"][there]["name"]), str(number))
    for _ in range(_ROUNDS):
        more = _round(_Side(before, speakers[0]), _Side(after, speakers[1]), found)
        if not more:
            break
        found |= more
    return found


def agents_matched(before: Table, after: Table) -> dict[int, int]:
    """Return the position in *after* of the agents of *before* that are still there."""
    old, new = before.get("agents", ()), after.get("agents", ())
    found = _by_name([str(agent["name"]) for agent in old], [str(agent["name"]) for agent in new])
    left = [at for at in range(len(old)) if at not in found]
    there = set(found.values())
    right = [at for at in range(len(new)) if at not in there]
    if left and right:
        known = {name_of(p) for p in before["places"]} & {name_of(p) for p in after["places"]}
        mine = _agent_features(before, left, known)
        theirs = _agent_features(after, right, known)
        found |= {left[a]: right[b] for a, b in alike(mine, theirs)}
    return found


def _by_name(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Match by name; of several that are called the same, the first with the first."""
    there: defaultdict[str, list[int]] = defaultdict(list)
    for at in reversed(range(len(after))):
        there[after[at]].append(at)
    return {at: there[name].pop() for at, name in enumerate(before) if there[name]}


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two versions."""

    table: Table
    speakers: Mapping[str, str]
    """What an agent that is in both is called in either."""


def _round(before: _Side, after: _Side, found: Mapping[int, int]) -> dict[int, int]:
    """Return places that are alike, of those that are not in *found*."""
    old, new = before.table.get("places", ()), after.table.get("places", ())
    there = set(found.values())
    left = [at for at in range(len(old)) if at not in found]
    right = [at for at in range(len(new)) if at not in there]
    if not left or not right:
        return {}
    number = {name_of(old[here]): str(at) for at, here in enumerate(found)}
    same = {name_of(new[found[here]]): str(at) for at, here in enumerate(found)}
    mine, theirs = _place_features(before, left, number), _place_features(after, right, same)
    return {left[a]: right[b] for a, b in alike(mine, theirs)}


def _place_features(side: _Side, chosen: Sequence[int], known: Mapping[str, str]) -> list[Features]:
    places: Sequence[Table] = side.table["places"]
    entries = _entries(side.table, known)
    found: list[Features] = []
    for at in chosen:
        place = places[at]
        name, rows = name_of(place), place.get("to", ())
        rest = {key: value for key, value in place.items() if key not in _ELSEWHERE}
        found.append(
            features(
                name,
                kind_of(place),
                speaks=[side.speakers.get(str(who), f"? {who}") for who in place.get("speaks", ())],
                prompt=words(place.get("prompt")),
                to=[_token(row.get("to"), name, known) for row in rows],
                when=[canonical_json(row.get("when")) for row in rows],
                **{"from": entries.get(name, [])},
                flows=_inner(place),
                rest=[f"{key}={canonical_json(value)}" for key, value in rest.items()],
            )
        )
    return found


def _entries(table: Table, known: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Return what leads to each place."""
    entries: defaultdict[str, list[str]] = defaultdict(list)
    entries[str(table.get("initial"))].append("initial")
    if table.get("on_error") is not None:
        entries[str(table["on_error"])].append("on_error")
    for place in table["places"]:
        source = name_of(place)
        for row in place.get("to", ()):
            target = str(row.get("to"))
            entries[target].append(_token(source, target, known))
    return entries


def _token(name: object, here: str, known: Mapping[str, str]) -> str:
    """Return what both versions call the neighbour *name* of *here*."""
    if name is None:
        return "done"
    return "self" if name == here else known.get(str(name), "?")


def _inner(place: Table) -> Iterator[str]:
    """Yield the names of the places of flows that run in *place*."""
    for nested in place.get("flows", ()):
        flow: Table | str = nested["flow"]
        places: Sequence[Table] = () if isinstance(flow, str) else flow["places"]
        yield from ("itself",) if isinstance(flow, str) else map(name_of, places)


def _agent_features(table: Table, chosen: Sequence[int], known: set[str]) -> list[Features]:
    """Return features of agents; places that are in one version only are told as ``?``."""
    states: defaultdict[str, list[str]] = defaultdict(list)
    for place in table["places"]:
        name = name_of(place)
        for who in place.get("speaks", ()):
            states[str(who)].append(name if name in known else "?")
    return [
        features(
            str(agent["name"]),
            str(agent.get("kind", "")),
            states=states[str(agent["name"])],
            prompt=words(agent.get("prompt")),
            model=words(agent.get("model")),
            rest=[
                *words(agent.get("description")),
                *map(str, agent.get("tools", ())),
                *words(agent.get("sandbox")),
            ],
        )
        for agent in (table["agents"][at] for at in chosen)
    ]
