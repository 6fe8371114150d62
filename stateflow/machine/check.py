"""What is wrong with a flow that can be built: findings, each with a code and a cure.

Building a flow proves that its names resolve.  This proves more: that every place can be
reached and left, that no transition hides another, that no cycle is without a cap.  It reads
the table that executes, nothing else, and asks no guard.  A guard's JSON form is enough to
tell when two guards, between them, always hold.

``docs/check.md`` has a page on each code.  The only importer of ``networkx`` beside ``bound``;
nothing imports this module before somebody asks for a check.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from typing import Final as Constant

import networkx as nx

from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition
from stateflow.value import Json, canonical_json

__all__ = ["Finding", "Severity", "check"]

Severity: TypeAlias = Literal["error", "warning"]
"""An error cannot be meant; a warning may be."""

_Graph: TypeAlias = "nx.DiGraph[str]"

_DONE: Constant = ""  # no place can be called so
_SPEAKING: Constant = frozenset({"llm", "code"})  # the kinds that meet faults
_MOST_ATOMS: Constant = 8  # 256 worlds


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a flow.

    Example:
        >>> str(Finding("SF101", "error", "rest", "nothing leads here", "remove it"))
        "SF101 error at 'rest': nothing leads here; remove it"
    """

    code: str
    """``SF101`` and so on; what ``docs/check.md`` is sorted by."""
    severity: Severity
    place: str
    """Name of a state, junction or final; of the flow, where it is about all of it."""
    text: str
    """What is wrong."""
    cure: str
    """What would be right."""

    def __str__(self) -> str:
        """Return everything in one line."""
        return f"{self.code} {self.severity} at {self.place!r}: {self.text}; {self.cure}"


def check(flow: Flow) -> tuple[Finding, ...]:
    """Return what is wrong with *flow*, in definition order of the places, then by code.

    What concerns the whole flow comes last.  The same flow gives the same findings.
    """
    shadowed = {name: _shadowed(place) for name, place in flow.places.items()}
    graph = _graph(flow, shadowed)
    found = [
        *_unreachable(flow, graph),
        *_traps(flow, graph),
        *_without_else(flow),
        *(finding for name in flow.places for finding in shadowed[name].values()),
        *_uncapped(flow, graph),
        *_faults_untaken(flow),
    ]
    order = {name: position for position, name in enumerate(flow.places)}

    def position(finding: Finding) -> tuple[int, str]:
        whole = finding.code == "SF106"
        return (len(order) if whole else order[finding.place], finding.code)

    return tuple(sorted(found, key=position))


def _transitions(place: Place) -> tuple[Transition, ...]:
    return () if isinstance(place, Final) else place.transitions


def _graph(flow: Flow, shadowed: Mapping[str, Mapping[int, Finding]]) -> _Graph:
    """Return the moves that can happen: those in the table, without the ones never taken."""
    graph: _Graph = nx.DiGraph()
    graph.add_nodes_from([*flow.places, _DONE])
    for name, place in flow.places.items():
        for index, transition in enumerate(_transitions(place)):
            hidden = shadowed[name].get(index)
            if hidden is None or hidden.severity == "warning":
                target = _DONE if transition.target is None else transition.target
                graph.add_edge(name, target)
    return graph


def _with_on_error(flow: Flow, graph: _Graph) -> _Graph:
    """Return *graph* with the moves of raised turns that no transition takes."""
    if flow.on_error is None:
        return graph
    wider: _Graph = graph.copy()
    wider.add_edges_from((state.name, flow.on_error) for state in flow.states)
    return wider


def _unreachable(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    wider = _with_on_error(flow, graph)
    reached: set[str] = nx.descendants(wider, flow.initial) | {flow.initial}  # pyright: ignore[reportUnknownMemberType] - the stub leaves a type open
    for name in flow.places:
        if name not in reached:
            yield Finding(
                "SF101",
                "error",
                name,
                f"cannot be reached from {flow.initial!r}",
                f"lead to it with to({name!r}, ...), or remove it",
            )


def _traps(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    """Find the groups of places that are entered and never left, one finding each."""
    for group in nx.strongly_connected_components(graph):
        names = [name for name in flow.places if name in group]
        left = any(target not in group for name in names for target in graph.successors(name))
        if left or not names or isinstance(flow.places[names[0]], Final):
            continue
        text = "has no transition, so a run gets stuck here"
        if graph.out_degree(names[0]):
            text = f"no end can be reached from here: {_listed(names)} only ever lead to each other"
            if len(names) == 1:
                text = "no end can be reached from here: it only ever leads to itself"
        cure = "lead to a Final or to None: to(None, when=...)"
        yield Finding("SF102", "error", names[0], text, cure)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _without_else(flow: Flow) -> Iterator[Finding]:
    for name, place in flow.places.items():
        guards = [transition.when for transition in _transitions(place)]
        if guards and not _exhaustive(guards):
            yield Finding(
                "SF103",
                "warning",
                name,
                f"a run gets stuck here where none of these holds: {_asked(guards)}",
                "end the state with a bare to(...), which always holds",
            )


def _asked(guards: Iterable[Guard | None]) -> str:
    return ", ".join(guard.name for guard in guards if guard is not None)


def _exhaustive(guards: Sequence[Guard | None]) -> bool:
    """Tell whether one of *guards* holds whatever their simple parts say."""
    forms = [guard.form for guard in guards if guard is not None]
    if len(forms) < len(guards):
        return True  # one of them is bare
    atoms = list(dict.fromkeys(atom for form in forms for atom in _atoms(form)))
    if len(atoms) > _MOST_ATOMS:
        return any({"not": form} in forms for form in forms)
    worlds = itertools.product((False, True), repeat=len(atoms))
    return all(
        any(_holds(form, dict(zip(atoms, world, strict=True)).__getitem__) for form in forms)
        for world in worlds
    )


def _parts(form: Json) -> tuple[str, Sequence[Json]]:
    """Return how *form* joins its parts: ``and``, ``or``, ``not``; or ``""`` for a simple one."""
    if isinstance(form, Mapping) and len(form) == 1:
        ((word, parts),) = form.items()
        if word == "not":
            return word, [parts]
        if word in {"and", "or"}:
            return word, cast("Sequence[Json]", parts)
    return "", ()


def _atoms(form: Json) -> Iterator[str]:
    word, parts = _parts(form)
    if not word:
        yield canonical_json(form)
    for part in parts:
        yield from _atoms(part)


def _holds(form: Json, verdict: Callable[[str], bool]) -> bool:
    """Answer *form* where each simple guard answers as *verdict* says."""
    word, parts = _parts(form)
    if not word:
        return verdict(canonical_json(form))
    verdicts = [_holds(part, verdict) for part in parts]
    if word == "not":
        return not verdicts[0]
    return all(verdicts) if word == "and" else any(verdicts)


def _shadowed(place: Place) -> dict[int, Finding]:
    """Return a finding for each transition of *place* that an earlier one hides, by index."""
    if isinstance(place, Final) or (isinstance(place, State) and place.choose is not None):
        return {}
    found: dict[int, Finding] = {}
    for index, transition in enumerate(place.transitions):
        for earlier in place.transitions[:index]:
            finding = _hidden(place, transition, earlier)
            if finding is not None:
                found[index] = finding
                break
    return found


def _hidden(place: State | Junction, transition: Transition, earlier: Transition) -> Finding | None:
    """Return a finding if *earlier* is taken wherever *transition* could be."""
    guard, before = transition.when, earlier.when
    if before is not None:
        if guard is None or not _same(guard, before):
            return None
        text = f"{_shown(transition)} is never taken: {_shown(earlier)} asks the same before it"
        return Finding("SF104", "error", place.name, text, "remove one, or let them ask two things")
    cure = f"move {_shown(transition)} before {_shown(earlier)}"
    if guard is None or not (guard.faults or guard.exhausts):
        text = f"{_shown(transition)} is never taken: {_shown(earlier)} before it always holds"
        return Finding("SF104", "error", place.name, text, cure)
    if _needs_trouble(guard.form):
        return None  # a bare transition never takes a raised or an exhausted turn
    text = (
        f"{_shown(transition)} takes only turns without a message: {_shown(earlier)} before it "
        "takes all others, bad outcomes too"
    )
    return Finding("SF104", "warning", place.name, text, cure)


def _same(one: Guard, other: Guard) -> bool:
    """Tell whether both ask the same.  Two closures may share name and source, and differ."""
    return one is other or (one.exportable and one == other)


def _shown(transition: Transition) -> str:
    when = "" if transition.when is None else f", when={transition.when.name}"
    return f"to({transition.target!r}{when})"


def _needs_trouble(form: Json) -> bool:
    """Tell whether *form* can hold only for a turn that raised or used up a limit."""
    word, parts = _parts(form)
    if word == "and":
        return any(map(_needs_trouble, parts))
    if word == "or":
        return all(map(_needs_trouble, parts))
    return isinstance(form, Mapping) and form.get("guard") in {"raised", "exhausted"}


def _uncapped(flow: Flow, graph: _Graph) -> Iterator[Finding]:
    """Find the cycles that are left when every state with a cap is taken out."""
    if _limited(flow):
        return
    loose: _Graph = _with_on_error(flow, graph).copy()
    loose.remove_nodes_from([state.name for state in flow.states if state.visits is not None])
    for group in nx.strongly_connected_components(loose):
        names = [name for name in flow.places if name in group]
        if len(names) > 1 or (names and loose.has_edge(names[0], names[0])):
            yield Finding(
                "SF105",
                "error",
                names[0],
                f"nothing stops the cycle through {_listed(names)}: no visits=, no limit",
                f"write visits= on one of its states, or Budget(turns=...) on {flow.name!r}",
            )


def _limited(flow: Flow) -> bool:
    """Tell whether any limit of the budget is finite; depth limits no cycle."""
    budget = flow.budget
    limits: list[float | None] = [
        budget.turns,
        budget.calls,
        budget.tokens,
        budget.usd,
        budget.seconds,
    ]
    return any(limit is not None and math.isfinite(limit) for limit in limits)


def _faults_untaken(flow: Flow) -> Iterator[Finding]:
    exposed = [state for state in flow.states if _meets_faults(state)]
    taken = any(
        transition.when is not None and transition.when.faults
        for state in exposed
        for transition in state.transitions
    )
    if exposed and not taken and flow.on_error is None:
        names = [state.name for state in exposed]
        yield Finding(
            "SF106",
            "warning",
            flow.name,
            f"no fault is taken: a dead model or sandbox in {_listed(names)} stops the run",
            "name a state in Flow(on_error=...), or write to(..., when=raised())",
        )


def _meets_faults(state: State) -> bool:
    kinds: list[Any] = [getattr(agent, "kind", "tool") for agent in state.agents]
    return any(kind in _SPEAKING for kind in kinds)
