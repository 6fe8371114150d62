"""What is wrong with a flow that can be built: findings, each with a code and a cure.

Building a flow proves that its names resolve.  This proves more: that every place can be
reached and left, that no transition hides another, that no cycle is without a cap, that no join
waits for ever, that no success is only claimed.  It reads the table that executes, nothing else,
and runs nobody.  Nested flows are read with the flow around them, each once.

``docs/check.md`` has a section on each code.  Nothing imports this module before somebody asks
for a check, because ``networkx`` takes longer to import than a flow takes to check.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final as Constant
from typing import TypeAlias

from stateflow.machine.check.accepted import Acceptance, told
from stateflow.machine.check.choosers import without_fallback
from stateflow.machine.check.data import given_data, never_written
from stateflow.machine.check.depth import depths, too_deep
from stateflow.machine.check.faults import faults_untaken
from stateflow.machine.check.finding import Finding, Severity
from stateflow.machine.check.graph import is_limited, traps, uncapped, unreachable
from stateflow.machine.check.guards import overlapping, without_else
from stateflow.machine.check.names import unknown_names
from stateflow.machine.check.nested import Nesting, flows_in
from stateflow.machine.check.rules import broken_rules
from stateflow.machine.check.secrets import secrets_told
from stateflow.machine.check.success import Success
from stateflow.machine.check.text import text_read
from stateflow.machine.check.unused import unused, unused_tools
from stateflow.machine.flow import Flow
from stateflow.machine.origin import Origin

__all__ = ["Finding", "Severity", "check"]

_Walk: TypeAlias = "Iterator[Finding | tuple[Flow, str]]"
"""What is found in one flow, and between that the flows to walk, each with its path."""


def check(
    flow: Flow, declared: Sequence[object] = (), *, notes: bool = False, accepted: bool = False
) -> tuple[Finding, ...]:
    """Return what is wrong with *flow*, in definition order of the places, then by code.

    What is wrong with a nested flow stands behind its state, under path names such as
    ``write/outline``; each flow is told once, where it is nested first.  What concerns the whole
    flow comes last.  The same flow gives the same findings.

    Args:
        flow: to read.
        declared: what its module declares, so that agents and tools without a use are found.
        notes: tell notes, too.
        accepted: tell findings that ``accept=`` says are meant, too, each with the reason.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.machine.state import Final, State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> flow = Flow("say", State("say", echo, to(None)), Final("nobody"))
        >>> [f"{finding.code} at {finding.place}" for finding in check(flow)]
        ['SF101 at nobody']
    """
    found = tuple(_Check(flow, declared, notes=notes).findings())
    return told(found, notes=notes, accepted=accepted)


class _Check:
    """One check, of a flow and of all that are nested in it."""

    def __init__(self, flow: Flow, declared: Sequence[object], *, notes: bool) -> None:
        self.flow = flow
        self.declared = declared
        self.notes = notes
        self.flows = [*flow.flows, *_declared_flows(declared)]
        self.nesting = Nesting(flow)
        self.success = Success()
        for one in self.nesting.inner_first:
            self.success.read(one, self.nesting.moves(one))
        self.unlimited = _unlimited_flows(flow)
        self.depths = depths(flow)
        self.given = given_data(flow)
        self.told: set[int] = set()
        self.around: list[tuple[Acceptance, str]] = []

    def findings(self) -> Iterator[Finding]:
        """Yield what is found, walking nested flows without recursion, however deep they lie."""
        walks = [self._walk(self.flow, "")]
        while walks:
            step = next(walks[-1], None)
            if step is None:
                walks.pop()
            elif isinstance(step, Finding):
                yield step
            else:
                walks.append(self._walk(*step))

    def _walk(self, flow: Flow, above: str) -> _Walk:
        """Yield what is wrong with *flow*, whose places are called after the path *above*."""
        self.told.add(id(flow))
        acceptance = Acceptance(
            flow, nested=bool(above), declared=bool(self.declared), notes=self.notes
        )
        self.around.append((acceptance, above))
        found: dict[str, list[Finding]] = {}
        for finding in sorted(self._own(flow), key=lambda one: one.code):
            found.setdefault(finding.place, []).append(finding)
        for name, place in flow.places.items():
            for finding in found.get(name, ()):
                yield self._placed(finding, flow, above)
            for path, inner in flows_in(place):
                if id(inner) not in self.told:
                    yield inner, f"{above}{path}/"
        whole = found.get("", [])
        if not above:
            whole = [*whole, *faults_untaken(flow), *unused(flow, self.declared)]
        for finding in itertools.chain(whole, acceptance.stale()):
            yield self._placed(finding, flow, above)
        self.around.pop()

    def _placed(self, finding: Finding, flow: Flow, above: str) -> Finding:
        """Return *finding* with its path, its origin, and why it is meant where it is."""
        place = flow.places.get(finding.place)
        origin = finding.origin or (place.origin if place is not None else None) or flow.origin
        path = f"{above}{finding.place}" if finding.place else above[:-1]
        for acceptance, prefix in reversed(self.around):
            finding = acceptance.of(finding, path[len(prefix) :] or flow.name)
        return replace(finding, place=path or flow.name, origin=origin)

    def _own(self, flow: Flow) -> list[Finding]:
        nesting, moves = self.nesting, self.nesting.moves(flow)
        hidden = nesting.hidden(flow)
        names = list(unknown_names(flow, self.flows))
        named = set(map(_at, names))
        places = flow.places.values()
        guards = [
            *(one for place in places for one in without_else(flow, place)),
            *(one for name in flow.places for one in hidden[name].values()),
        ]
        if self.notes:  # the dearest of all, and nothing but notes
            guards += [one for place in places for one in overlapping(flow, place)]
        unlimited = id(flow) in self.unlimited
        written = never_written(flow) if id(flow) not in self.given else ()
        lost = list(unreachable(flow, moves))
        return [
            *lost,
            *_moot(traps(flow, moves), lost),
            *_moot((one for one in guards if one.code != "SF110" or _at(one) not in named), lost),
            *_moot(uncapped(flow, moves) if unlimited else (), lost),
            *nesting.findings(flow),
            *text_read(flow),
            *without_fallback(flow),
            *too_deep(flow, self.depths[id(flow)], unlimited=unlimited),
            *unused_tools(flow, self.flows),
            *written,
            *names,
            *self.success.findings(flow),
            *secrets_told(flow),
            *broken_rules(flow, moves),
        ]


def _at(finding: Finding) -> tuple[str, Origin | None]:
    """Return the transition that *finding* is about; a name nobody has is told once."""
    return finding.place, finding.origin


_MOOT: Constant = frozenset({"SF102", "SF103", "SF105"})
"""What happens to a run that comes to the place."""


def _moot(found: Iterable[Finding], lost: Sequence[Finding]) -> Iterator[Finding]:
    """Yield *found*; what would happen where no run comes is no more than a warning."""
    nowhere = {one.place for one in lost}
    for one in found:
        moot = one.code in _MOOT and one.place in nowhere
        yield replace(one, severity="warning") if moot else one


def _declared_flows(declared: Sequence[object]) -> list[Flow]:
    """Return the flows among *declared*, and all that are nested in them."""
    flows = [one for one in declared if isinstance(one, Flow)]
    found = {id(one): one for flow in flows for one in flow.flows}
    return list(found.values())


def _unlimited_flows(flow: Flow) -> set[int]:
    """Return the flows that may run with no limit at all: no flow around them has one either."""
    found: set[int] = set()
    ahead = [flow]
    while ahead:
        one = ahead.pop()
        if id(one) not in found and not is_limited(one):
            found.add(id(one))
            ahead += [inner for place in one.places.values() for _, inner in flows_in(place)]
    return found
