"""Rules of a flow that some run can break, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from stateflow.machine.check.finding import Finding
from stateflow.machine.check.guards import moves_of, shadowed
from stateflow.machine.flow import Flow
from stateflow.machine.rule.automaton import shown_path
from stateflow.machine.rule.graph import Moves, Verdict, verdict

__all__ = ["broken_rules", "verdicts"]


def verdicts(flow: Flow, moves: Moves | None = None) -> tuple[Verdict, ...]:
    """Return what the graph says of each rule of *flow*, in order.

    Args:
        flow: whose rules they are; those of nested flows are their own.
        moves: the transitions that can be taken, by place, where they are known already.
    """
    if not flow.automata:
        return ()
    if moves is None:
        hidden = {name: shadowed(flow, place) for name, place in flow.places.items()}
        moves = moves_of(flow, hidden)
    return tuple(verdict(flow, automaton, moves) for automaton in flow.automata)


def broken_rules(flow: Flow, moves: Moves | None = None) -> Iterator[Finding]:
    """Find the rules of *flow* that some run can break, each with the shortest path.

    Args:
        flow: whose rules they are; those of nested flows are their own.
        moves: the transitions that can be taken, by place, where they are known already.
    """
    for one in verdicts(flow, moves):
        if one.holds is False:
            names = [name for name in one.path if name is not None]
            text = f"rule {one.rule.name} can be broken: {shown_path(one.path)}"
            cure = "take a transition of this path away, guard it, or mend the rule"
            yield Finding(
                "SF122",
                "error",
                names[-1],
                text,
                cure,
                shown_path(one.path),
                flow.places[names[-1]].origin,
            )
        elif one.holds is None:
            text = f"rule {one.rule.name} is not decided: visits= and its count make too many ways"
            cure = "a run is held to it all the same; count less, or cap fewer states"
            place = flow.places.get(one.rule.place, flow.places[flow.initial])
            yield Finding("SF122", "warning", place.name, text, cure, "", place.origin)
