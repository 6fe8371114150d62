"""All mutants of a flow, in the order in which it is written.

Those that would be no flow are left out, and those whose table is the flow's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.testing.home import home_of
from stateflow.testing.mutate.limits import of_flow, of_place
from stateflow.testing.mutate.moves import of_moves
from stateflow.testing.mutate.mutant import Mutant
from stateflow.testing.mutate.same import Proofs

__all__ = ["OPERATORS", "mutants", "of_one"]

OPERATORS: Constant[Mapping[str, str]] = {
    "negate-guard": "ask the opposite",
    "drop-guard": "ask nothing: the transition is always taken",
    "and-to-or": "join two guards by | for &",
    "or-to-and": "join two guards by & for |",
    "change-words": "ask for other words",
    "drop-speaker": "leave out by=: anybody may say it",
    "shift-number": "ask for one more",
    "drop-transition": "leave a transition out",
    "drop-deadline": "leave a transition with after= out",
    "swap-transitions": "try two neighbours the other way round",
    "retarget": "lead to another place",
    "end-here": "lead to None: done",
    "drop-action": "leave out do=, entry=, exit=, save= or output=",
    "drop-restart": "leave out restart=",
    "drop-cap": "leave out visits=",
    "tighten-cap": "one visit less",
    "flip-ok": "a final is no success, or is one",
    "drop-limit": "leave out a limit of the budget",
    "drop-on-error": "leave out on_error=",
}
"""What is changed, by name."""


def mutants(flow: Flow) -> Sequence[Mutant]:
    """Return the mutants of *flow* and of the flows that are nested in it.

    Example:
        >>> from stateflow import Final, Scripted, State, says, to
        >>> critic = Scripted("critic", ["APPROVED"])
        >>> ways = to(None, when=says("APPROVED")), to("bad")
        >>> flow = Flow("essay", State("judge", critic, *ways), Final("bad", ok=False))
        >>> for mutant in mutants(flow)[:3]:
        ...     print(mutant.id)
        drop-transition at essay/judge.1
        negate-guard at essay/judge.1
        drop-guard at essay/judge.1
    """
    homes = {home_of(one): one for one in reversed(flow.flows)}
    found: list[Mutant] = []
    for inner in flow.flows:
        if homes[home_of(inner)] is inner:
            proofs = Proofs(inner)
            found += [replace(one, equivalent=proofs.why(one)) for one in _told_apart(inner)]
    return found


def of_one(flow: Flow) -> Iterator[Mutant]:
    """Yield all changes of *flow* itself, also those that come to no flow or to the same."""
    for place in flow.places.values():
        yield from of_moves(flow, place)
        yield from of_place(flow, place)
    yield from of_flow(flow)


def _told_apart(flow: Flow) -> Iterator[Mutant]:
    """Yield the changes that come to another flow, each once."""
    seen = [flow.table()]
    for one in of_one(flow):
        try:
            table = one.made().table()
        except DefinitionError:
            continue
        if table not in seen:
            seen.append(table)
            yield one
