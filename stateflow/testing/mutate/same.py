"""Mutants that behave as the flow does, whatever is said: they lead to the same places and data.

It is proved, or it is not said.  Which guards are asked on the way may differ.  Two lists of
transitions are the same where no turn that can come to their place makes them lead to different
places, or change the data differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final as Constant
from typing import TypeAlias

from stateflow.engine.ceiling import bound
from stateflow.machine.algebra.arrival import MOST_ARRIVALS, arrivals, offered
from stateflow.machine.algebra.atom import Formula, formula, negated
from stateflow.machine.algebra.search import never
from stateflow.machine.check.graph import unreachable
from stateflow.machine.check.guards import moves_of, shadowed
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Event
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition
from stateflow.testing.mutate.mutant import Mutant

__all__ = ["Proofs"]

_EVENTS: Constant[tuple[Event, ...]] = ("said", "raised", "exhausted")
_MOST: Constant = 12
"""So many transitions of a place are held against each other."""

_Way: TypeAlias = "tuple[object, tuple[Formula, ...]]"
"""What a transition does, and what holds where it is taken."""


class Proofs:
    """What is certain of one flow."""

    def __init__(self, flow: Flow) -> None:
        """Find out what no run comes to."""
        self.flow = flow
        hidden = {name: shadowed(flow, place) for name, place in flow.places.items()}
        self._moves = moves_of(flow, hidden)
        self._unreached = {one.place for one in unreachable(flow, self._moves)}

    def why(self, mutant: Mutant) -> str:
        """Return why *mutant* behaves as the flow does; empty: that is not proved."""
        if mutant.at in self._unreached:
            return f"nothing leads to {mutant.at!r}"
        if mutant.operator == "drop-limit":
            return self._unlimited(mutant)
        if mutant.operator in {"drop-cap", "tighten-cap"}:
            once = mutant.at not in self._after(mutant.at)
            return f"{mutant.at!r} is entered once at most" if once else ""
        if mutant.at and mutant.operator not in {"drop-action", "flip-ok"}:
            old = self.flow.places[mutant.at]
            new: Place = mutant.parts["places"][mutant.at]
            if _same_moves(self.flow, old, new.transitions):
                return "whatever is said there, it leads to the same place"
        return ""

    def _unlimited(self, mutant: Mutant) -> str:
        """Return why the limit that *mutant* drops is never met."""
        if mutant.number not in {"turns", "calls"}:
            return ""
        figures = bound(mutant.made()).figures
        most = next(one for one in figures if one.name == mutant.number)
        limit: float = getattr(self.flow.budget, mutant.number)
        if most.bounded and most.most <= limit:
            return f"no run takes more than {most.most:g} {mutant.number}"
        return ""

    def _after(self, place: str) -> dict[str, None]:
        """Return the places that a run may enter after *place*."""
        found: dict[str, None] = {}
        ahead = [place]
        while ahead:
            at = ahead.pop()
            targets = [*(one.target for one in self._moves[at]), self.flow.on_error]
            for target in targets:
                ended = isinstance(self.flow.places[at], Final)
                if target is not None and target not in found and not ended:
                    found[target] = None
                    ahead.append(target)
        return found


def _same_moves(flow: Flow, place: Place, rows: Sequence[Transition]) -> bool:
    """Tell whether it is proved that *rows* lead where the transitions of *place* do."""
    if max(len(rows), len(place.transitions)) > _MOST:
        return False
    events = _EVENTS if isinstance(place, State) else ("said", "exhausted")
    return all(_same_for(flow, place, rows, event) for event in events)


def _same_for(flow: Flow, place: Place, rows: Sequence[Transition], event: Event) -> bool:
    if not any(offered(one.when, event) for one in (*place.transitions, *rows)):
        return True
    if event == "said" and isinstance(place, State) and place.choose is not None:
        return False  # who chooses may count, or look at the names of those it does not take
    ways = arrivals(flow, place, event)
    if not ways or len(ways) == MOST_ARRIVALS:
        return False
    before, after = list(_ways(place.transitions, event)), list(_ways(rows, event))
    return all(
        never([*way.formulas, *held, *other], way.setting)
        for way in ways
        for done, held in before
        for does, other in after
        if done != does
    )


def _ways(rows: Sequence[Transition], event: Event) -> Iterator[_Way]:
    """Yield what each of *rows* does and when it is taken; at last, that none is."""
    passed: list[Formula] = []
    for row in rows:
        if offered(row.when, event):
            asked = formula(row.when)
            yield replace(row, when=None, after=None), (*passed, asked)
            passed.append(negated(asked))
    yield None, tuple(passed)
