"""Who may follow whom in a group: a row of candidates for each agent.

The rows are what is executed, drawn and checked.  Whoever picks, a model, a person or a function,
picks from the row, so what the rules forbid cannot happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.patterns.frame import name_of
from stateflow.patterns.people import Row

__all__ = ["Speakers", "rows_of"]

Speakers: TypeAlias = Mapping[Any, Sequence[Agent | None]]
"""For each agent, those who may speak next, or who may not; ``None`` is done.

Mappings are invariant in their keys, so a table of one kind of agent would fit no other type.
"""


def rows_of(
    where: str,
    agents: Sequence[Agent],
    *,
    allowed: Speakers | None,
    disallowed: Speakers | None,
    repeat: bool | Sequence[Agent],
    done: bool,
) -> dict[str, Row]:
    """Return the candidates after each of *agents*, by name, in their order.

    Args:
        where: pattern and name, for the sentence.
        agents: who takes part.
        allowed: who may follow, a row for each agent; ``None`` in a row is done.
        disallowed: who may not follow; instead of *allowed*.
        repeat: whether an agent may follow itself, or those who may; instead of *allowed*.
        done: whether being done is a candidate where *allowed* does not say.

    Raises:
        DefinitionError: the rules contradict each other, name somebody who is not there, or leave
            a row without a candidate.
    """
    names = [agent.name for agent in agents]
    if allowed is not None:
        if disallowed is not None or repeat is not True:
            other = "disallowed" if disallowed is not None else "repeat"
            raise DefinitionError(
                f"{where}: allowed= names all who may follow, and {other}= says so again; leave "
                "one out"
            )
        return _allowed(where, names, _named(where, "allowed", allowed, names))
    against = _named(where, "disallowed", disallowed or {}, names)
    again = names if repeat is True else _repeating(where, repeat, names)
    rows: dict[str, Row] = {}
    for name in names:
        barred = (*against.get(name, ()), *(() if name in again else (name,)))
        rows[name] = tuple(one for one in (*names, *_done(done)) if one not in barred)
        if not rows[name]:
            raise DefinitionError(
                f"{where}: nobody may follow {name!r}; take somebody out of its row in "
                "disallowed=, or allow repeat="
            )
    return rows


def _done(done: bool) -> Row:  # noqa: FBT001 - the one question
    return (None,) if done else ()


def _allowed(where: str, names: Sequence[str], given: Mapping[str, Row]) -> dict[str, Row]:
    for name in names:
        if not given.get(name):
            told = "has no row" if name not in given else "has an empty row"
            raise DefinitionError(
                f"{where}: {name!r} {told} in allowed=; name who may follow, or write [None] to "
                "be done after it"
            )
    return {name: given[name] for name in names}


def _repeating(where: str, repeat: object, names: Sequence[str]) -> Row:
    if repeat is False:
        return ()
    return _row(where, "repeat", repeat, names)


def _named(
    where: str, word: str, table: Speakers, names: Sequence[str]
) -> dict[str, tuple[str | None, ...]]:
    """Return *table* by names."""
    if not isinstance(cast("object", table), Mapping):
        raise DefinitionError(f"{where}: {word}={table!r} is no table; write {{writer: [critic]}}")
    found: dict[str, Row] = {}
    for agent, row in table.items():
        found[_known(where, word, agent, names)] = _row(
            where, f"{word}[{name_of(agent)!r}]", row, names
        )
    return found


def _row(where: str, word: str, row: object, names: Sequence[str]) -> Row:
    if isinstance(row, str) or not isinstance(row, Sequence):
        raise DefinitionError(f"{where}: {word}={row!r} is no list of agents; write [critic]")
    entries = cast("Sequence[object]", row)
    known = (None if one is None else _known(where, word, one, names) for one in entries)
    return tuple(dict.fromkeys(known))


def _known(where: str, word: str, agent: object, names: Sequence[str]) -> str:
    name = name_of(agent)
    if name not in names:
        raise DefinitionError(
            f"{where}: {word} names {name or agent!r}, who is none of its agents; there are: "
            f"{', '.join(names)}"
        )
    return name
