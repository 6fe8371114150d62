"""What is wrong with the transitions of one place: gaps between guards, hidden and idle ones.

What is an error is certain: proved on the algebra of the guards, or shown by a view for which the
guards themselves say so, and which the agents of the place can bring about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final as Constant
from typing import TypeAlias

from stateflow.conversation.view import View
from stateflow.machine.algebra.algebra import disjoint
from stateflow.machine.algebra.arrival import MOST_ARRIVALS, arrivals, offered
from stateflow.machine.algebra.atom import formula, negated
from stateflow.machine.algebra.idle import why_idle
from stateflow.machine.algebra.search import Found, never, search
from stateflow.machine.algebra.setting import Setting, setting_of
from stateflow.machine.algebra.trait import Lack
from stateflow.machine.algebra.witness import taken, told
from stateflow.machine.check.asked import asked, word
from stateflow.machine.check.finding import Finding, Severity
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.kernel import Event
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition
from stateflow.value import Json

__all__ = ["Hidden", "moves_of", "overlapping", "shadowed", "without_else"]

Hidden: TypeAlias = Mapping[int, Finding]
"""Findings about transitions of a place that are never taken, by index."""

_EVENTS: Constant[tuple[Event, ...]] = ("said", "raised", "exhausted")
_NEAR: Constant = 32
"""So many transitions before one are held against it, so that work grows with their number."""
_AT_JUNCTIONS: Constant[tuple[Event, ...]] = ("said", "exhausted")


def moves_of(flow: Flow, hidden: Mapping[str, Hidden]) -> dict[str, list[Transition]]:
    """Return the transitions that can be taken: those in the table, without the hidden ones."""
    return {
        name: [
            transition
            for index, transition in enumerate(place.transitions)
            if index not in hidden[name] or hidden[name][index].severity != "error"
        ]
        for name, place in flow.places.items()
    }


def without_else(flow: Flow, place: Place) -> Iterator[Finding]:
    """Find the gap between the guards of *place*, if there is one.

    It is an error where those who speak there can fall into it, and a warning where that depends
    on functions, or on data and counts that no usual way leaves behind.
    """
    guards = [transition.when for transition in place.transitions]
    asked = [guard for guard in guards if guard is not None]
    if not guards or len(asked) < len(guards):
        return
    gap, sure = _gap(flow, place, asked)
    if gap is Lack.NEVER:
        return
    yield Finding(
        "SF103",
        "error" if sure else "warning",
        place.name,
        f"a run gets stuck here where none of these holds: "
        f"{', '.join(guard.name for guard in asked)}",
        "end the state with a bare to(...), which always holds",
        told(gap.view) if isinstance(gap, Found) else "",
        None if isinstance(place, Final) else place.origin,
    )


def _gap(flow: Flow, place: Place, guards: Sequence[Guard]) -> tuple[Found | Lack, bool]:
    """Return a view for which none of *guards* holds, and whether it is sure to come about."""
    ways = arrivals(flow, place, "said")
    none_holds = [negated(formula(guard)) for guard in guards]
    gap: Found | Lack = Lack.UNKNOWN if len(ways) == MOST_ARRIVALS else Lack.NEVER
    if not ways:
        gap = Lack.UNKNOWN
    for way in ways:
        found = search(
            [*way.formulas, *none_holds],
            way.setting,
            lambda view: taken(flow, place, "said", view, None),
        )
        if isinstance(found, Found):
            if way.exact and not found.strained:
                return found, True
            gap = found
        elif found is Lack.UNKNOWN and not isinstance(gap, Found):
            gap = found
    return gap, False


def shadowed(flow: Flow, place: Place) -> dict[int, Finding]:
    """Return a finding for each transition of *place* that is never taken, by index.

    Its guard can hold for no turn there, or an earlier transition takes whatever it could.
    """
    if isinstance(place, Final):
        return {}
    table = _Table(flow, place)
    found: dict[int, Finding] = {}
    for index in range(len(place.transitions)):
        before = [one for one in range(index) if one not in found or found[one].severity != "error"]
        finding = table.finding(index, before)
        if finding is not None:
            found[index] = finding
    return found


class _Table:
    """The transitions of one place, and what is certain of a turn there."""

    def __init__(self, flow: Flow, place: State | Junction) -> None:
        self.flow = flow
        self.place = place
        self.rows = place.transitions
        self.asked = [formula(row.when) for row in self.rows]
        self.chosen = isinstance(place, State) and place.choose is not None
        here = _EVENTS if isinstance(place, State) else _AT_JUNCTIONS
        self._settings: dict[Event, Setting] = {
            event: setting_of(flow, place, event)
            for event in here
            if any(offered(row.when, event) for row in self.rows)
        }

    def finding(self, index: int, before: Sequence[int]) -> Finding | None:
        """Return what keeps transition *index* from being taken, those *before* it among that."""
        row = self.rows[index]
        before = [
            one
            for one in before
            if index - one <= _NEAR or row.when is None or _hides_all(self.rows[one], row)
        ]
        bare = [] if self.chosen else [one for one in before if self.rows[one].when is None]
        if row.when is None:
            return self._behind_bare(index, bare[0]) if bare else None
        if not bare and not self.never(index, () if self.chosen else before):
            return None
        if self.never(index):
            text, cure = why_idle(self.place, row.when, self._offers(index))
            text = f"{_shown(row)} is never taken: {text}"
            severity: Severity = "note" if self._shared(row.when) else "error"
            return Finding("SF110", severity, self.place.name, text, cure, origin=row.origin)
        for one in before:
            if self.rows[one].when is not None and self.never(index, [one]):
                return self._hidden(index, one)
        if bare:
            return self._behind_bare(index, bare[0])
        return self._between_them(index, before)

    def never(self, index: int, before: Iterable[int] = ()) -> bool:
        """Tell whether no turn is one for which *index* holds and none of *before* is taken."""
        before = list(before)
        return all(self._never(index, before, event) for event in self._events(index))

    def _never(self, index: int, before: Iterable[int], event: Event) -> bool:
        passed = [negated(self.asked[one]) for one in before if self._offered(one, event)]
        return never([self.asked[index], *passed], self._settings[event])

    def _offered(self, index: int, event: Event) -> bool:
        return offered(self.rows[index].when, event)

    def _shared(self, guard: Guard) -> bool:
        """Tell whether *guard* names a speaker and is asked elsewhere too: one stop for all."""
        return any("by" in atom or word(atom) == "spoke" for atom in asked(guard)) and any(
            _same(guard, row.when)
            for place in self.flow.places.values()
            if place is not self.place
            for row in place.transitions
        )

    def _events(self, index: int) -> list[Event]:
        return [one for one in self._settings if self._offered(index, one)]

    def _offers(self, index: int) -> list[Setting]:
        return [self._settings[one] for one in self._events(index)]

    def _behind_bare(self, index: int, bare: int) -> Finding | None:
        """Return what a bare transition leaves to one behind it: turns without a message."""
        row, earlier = self.rows[index], self.rows[bare]
        cure = f"move {_shown(row)} before {_shown(earlier)}"
        if row.when is None or not (row.when.faults or row.when.exhausts):
            text = f"{_shown(row)} is never taken: {_shown(earlier)} before it always holds"
            return self._shadow(row, text, cure)
        if _needs(row.when.form, "raised", "exhausted", "after"):
            return None  # a bare transition never takes a raised or an exhausted turn
        text = (
            f"{_shown(row)} takes only turns without a message: {_shown(earlier)} before it "
            "takes all others, bad outcomes too"
        )
        return replace(self._shadow(row, text, cure), severity="warning")

    def _hidden(self, index: int, one: int) -> Finding:
        """Return that transition *one* is taken wherever *index* could be."""
        row, earlier = self.rows[index], self.rows[one]
        text = f"{_shown(row)} is never taken: {_shown(earlier)}"
        if _same(row.when, earlier.when):
            cure = "remove one, or let them ask two things"
            return self._shadow(row, f"{text} asks the same before it", cure)
        cure = f"move {_shown(row)} before {_shown(earlier)}"
        late = row.when is not None and _needs(row.when.form, "after")
        why = "takes every deadline that passes" if late else "holds wherever it does"
        return self._shadow(row, f"{text} before it {why}", cure)

    def _between_them(self, index: int, before: Sequence[int]) -> Finding:
        """Return that those *before* take, between them, all that *index* could."""
        row = self.rows[index]
        told_of = ", ".join(_shown(self.rows[one]) for one in before)
        text = f"{_shown(row)} is never taken: those before it take all it could ({told_of})"
        return self._shadow(row, text, "remove it, or move it before them")

    def _shadow(self, row: Transition, text: str, cure: str) -> Finding:
        return Finding("SF104", "error", self.place.name, text, cure, origin=row.origin)


def overlapping(flow: Flow, place: Place) -> Iterator[Finding]:
    """Find guards of a state that can hold at once and lead to two places, where order decides.

    A guard before another that it implies is no finding: the narrow one comes first on purpose.
    """
    if not isinstance(place, State) or place.choose is not None:
        return
    setting = setting_of(flow, place, "said")
    for index, row in enumerate(place.transitions):
        for earlier in place.transitions[:index]:
            view = _both(earlier, row, setting)
            if view is not None:
                text = f"{_shown(earlier)} and {_shown(row)} can both hold; the first is taken then"
                cure = f"let them exclude each other, as in to({row.target!r}, when=... & ~...)"
                yield Finding("SF111", "note", place.name, text, cure, told(view), row.origin)
                break


def _both(earlier: Transition, row: Transition, setting: Setting) -> View | None:
    """Return a view for which both hold, and that is no matter of a narrow one before a wide."""
    one, other = earlier.when, row.when
    if one is None or other is None or earlier.target == row.target:
        return None
    first, second = formula(one), formula(other)
    if never([first, second], setting):
        return None
    if never([first, negated(second)], setting) or never([second, negated(first)], setting):
        return None
    return disjoint(one, other, setting).witness


def _same(one: Guard | None, other: Guard | None) -> bool:
    """Tell whether both ask the same.  Two closures may share name and source, and differ."""
    return one is other or (one is not None and one.exportable and one == other)


def _hides_all(earlier: Transition, row: Transition) -> bool:
    """Tell at a glance whether *earlier* leaves nothing to *row*, however far they are apart."""
    return earlier.when is None or _same(earlier.when, row.when)


def _shown(transition: Transition) -> str:
    guard = transition.when
    if guard is None:
        return f"to({transition.target!r})"
    word = "" if transition.after is not None else "when="
    return f"to({transition.target!r}, {word}{guard.name})"


def _needs(form: Json, *words: str) -> bool:
    """Tell whether *form* can hold only where a simple guard called one of *words* does."""
    match form:
        case {"and": [*parts], **rest} if not rest:
            return any(_needs(part, *words) for part in parts)
        case {"or": [*parts], **rest} if not rest:
            return all(_needs(part, *words) for part in parts)
        case {"guard": word}:
            return word in words
        case _:
            return False
