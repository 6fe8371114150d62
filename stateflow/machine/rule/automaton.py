"""A rule as a small deterministic automaton, which reads the entries of places one by one.

What it must remember of a run is one number, so a run under way is watched at constant cost.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.machine.rule.rule import Rule
from stateflow.machine.state import Final

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["BROKEN", "DONE", "Automaton", "Ends", "automata", "ends_of", "shown_path"]

Ends: TypeAlias = Mapping[str, bool | None]
"""Places of a flow: whether each is an end that counts as success; ``None``: it is no end."""

BROKEN: Constant = -2
"""The rule is broken, and stays so."""

DONE: Constant = "done"
"""What a rule calls every end that counts as success, unless a place has that name."""

_ASIDE: Constant = -1  # outside of the part of the run in which the rule counts
_SETTLED: Constant = 0
_OWING: Constant = 1


# What entering a place means to a rule; plain bits, for they are read in every turn.
_PLACE: Constant = 1
_OPENS: Constant = 2
_CLOSES: Constant = 4
_ENDS: Constant = 8


class Automaton:
    """Reads entries, from the first place of a run to its end."""

    __slots__ = ("_begins", "_most", "_owes", "_roles", "rule")

    def __init__(self, rule: Rule, places: Ends) -> None:
        """Compile *rule* for a flow that has these *places*."""
        self.rule = rule
        self._owes = rule.word == "always"
        self._most = rule.most
        self._begins = rule.scope in {"", "before"}
        self._roles: dict[str | None, int] = {}
        opens = rule.bounds[:1] if rule.scope in {"after", "between"} else ()
        closes = rule.bounds[-1:] if rule.scope in {"before", "between"} else ()
        owes_to_the_end = self._owes and rule.scope in {"", "after"}
        for role, names in (
            (_PLACE, (rule.place,)),
            (_OPENS, opens),
            (_CLOSES, closes),
        ):
            for name in names:
                self._add(role, entries(name, places))
        if owes_to_the_end:
            self._add(_ENDS, [None, *(name for name, ok in places.items() if ok is not None)])

    @property
    def start(self) -> int:
        """What it remembers before the first place is entered."""
        if self._owes:
            return _OWING if self._begins else _SETTLED
        return 0 if self._begins else _ASIDE

    def enter(self, at: int, place: str | None) -> int:
        """Return what it remembers once *place* was entered; ``None`` is ``to(None)``."""
        role = self._roles.get(place)
        if role is None or at == BROKEN:
            return at
        return self._owed(at, role) if self._owes else self._counted(at, role)

    def _owed(self, at: int, role: int) -> int:
        if role & _PLACE:
            at = _SETTLED
        if role & (_CLOSES | _ENDS) and at == _OWING:
            return BROKEN
        if role & _OPENS:
            return BROKEN if role & _ENDS else _OWING  # after an end, nothing is entered
        return at

    def _counted(self, at: int, role: int) -> int:
        if role & _CLOSES:
            at = _ASIDE
        if role & _OPENS and at == _ASIDE:
            at = 0
        if role & _PLACE and at != _ASIDE:
            return at + 1 if at < self._most else BROKEN
        return at

    def _add(self, role: int, names: Iterable[str | None]) -> None:
        for name in names:
            self._roles[name] = self._roles.get(name, 0) | role


def entries(name: str, places: Ends) -> list[str | None]:
    """Return what is entered where a rule says *name*."""
    if name != DONE or name in places:
        return [name]
    return [None, *(final for final, ok in places.items() if ok)]


def ends_of(flow: Flow) -> Ends:
    """Return the places of *flow*, as rules see them."""
    return {
        name: place.ok if isinstance(place, Final) else None for name, place in flow.places.items()
    }


def automata(flow: Flow, rules: Iterable[Rule]) -> tuple[Automaton, ...]:
    """Return the *rules* of *flow*, compiled.

    Raises:
        DefinitionError: one names a place that the flow does not have, names a place twice, or is
            broken as soon as a run begins.
    """
    if isinstance(rules, Rule) or not isinstance(cast("object", rules), Iterable):
        raise DefinitionError(
            f"flow {flow.name!r}: rules={rules!r} is no list of rules; write rules=[...]"
        )
    places = ends_of(flow)
    return tuple(_checked(flow, places, rule) for rule in rules)


def shown_path(path: Iterable[str | None]) -> str:
    """Return *path* in one line.

    Example:
        >>> shown_path(["plan", "execute", None])
        'plan → execute → done'
    """
    return " → ".join(DONE if name is None else name for name in path)


def _checked(flow: Flow, places: Ends, rule: Rule) -> Automaton:
    if not isinstance(cast("object", rule), Rule):
        raise DefinitionError(
            f"flow {flow.name!r}: {rule!r} is no rule; write never(...), always(...) or "
            "at_most(...)"
        )
    for name in rule.places:
        _check_known(flow, places, rule, name)
    spoken = [entries(name, places) for name in dict.fromkeys(rule.places)]
    both = [name for one in spoken for name in one if sum(name in other for other in spoken) > 1]
    if both:
        raise DefinitionError(
            f"flow {flow.name!r}: {rule.name} speaks of {both[0]!r} twice, for 'done' stands for "
            "every end that counts as success; name the ends one by one"
        )
    automaton = Automaton(rule, places)
    if automaton.enter(automaton.start, flow.initial) == BROKEN:
        raise DefinitionError(
            f"flow {flow.name!r}: {rule.name} is broken as soon as a run begins, in "
            f"{flow.initial!r}; mend the rule, or begin elsewhere"
        )
    return automaton


def _check_known(flow: Flow, places: Ends, rule: Rule, name: str) -> None:
    ends = any(row.target is None for place in flow.places.values() for row in place.transitions)
    known = [*places, DONE] if ends or any(places.values()) else list(places)
    if name in known:
        return
    cure = f"the flow has: {', '.join(known)}"
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        cure = f"did you mean {near[0]!r}? {cure}"
    raise DefinitionError(
        f"flow {flow.name!r}: {rule.name} speaks of {name!r}, which is no place of it; {cure}"
    )
