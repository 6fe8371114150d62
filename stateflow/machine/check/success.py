"""Success that is only claimed: an end that is reached though nothing was ever executed (SF120).

What a model says of its own work is no check of it.  A check is executed where code or a tool
runs, where a person answers, or where a transition needs an outcome that somebody else gave.
What a model may do, such as calling a tool that it has, is no check; what it must do is one.

Source:
    arXiv 2606.11688 counts 25 % of false successes where claims are believed, and 0.95 % where
    a check has to pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from typing import Final as Constant

from stateflow.machine.check.asked import asked, needs, word
from stateflow.machine.check.finding import Finding
from stateflow.machine.check.graph import Moves, way
from stateflow.machine.check.speakers import kind_of, tools_of
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition

__all__ = ["Success"]

_EXECUTED: Constant = frozenset({"succeeded", "exit_code", "answered", "called"})
"""``failed`` and ``timed_out`` hold for a model that cannot be reached, too."""
_DECIDING: Constant = _EXECUTED | {"failed", "timed_out", "ended"}
"""What asks how something that was executed came out."""
_CHECKING: Constant = frozenset({"code", "human", "tool"})


class _Claim(NamedTuple):
    """A way to success past every check."""

    place: str
    """Where it was last spoken or routed."""
    transition: Transition | None
    """The one that ends the run; ``None``: a raised turn does."""
    end: str | None
    before: Mapping[str, str]
    """How each place was come to first; a path is walked back only where it is told."""

    @property
    def path(self) -> tuple[str, ...]:
        """The way, the end included."""
        names = ["done" if self.end is None else self.end, self.place]
        while self.before[names[-1]]:
            names.append(self.before[names[-1]])
        return tuple(names[::-1])


class Success:
    """What is known of the successes of flows; inner flows are asked about before outer ones."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._claims: dict[int, Sequence[_Claim]] = {}
        self._checking: set[int] = set()

    def read(self, flow: Flow, moves: Moves) -> None:
        """Find the ways to success in *flow*, whose nested flows were read before."""
        self._claims[id(flow)] = tuple(self._walk(flow, moves))
        if any(self._checks(flow, place, moves) for place in flow.places.values()):
            self._checking.add(id(flow))

    def findings(self, flow: Flow) -> Iterator[Finding]:
        """Find the successes of *flow* that are only claimed; a note where no check decides."""
        claims = self._claims[id(flow)]
        if not claims:
            return
        if id(flow) not in self._checking:
            yield _finding(flow, claims[0], "note")
            return
        for claim in claims:
            yield _finding(flow, claim, "warning")

    def _walk(self, flow: Flow, moves: Moves) -> Iterator[_Claim]:
        """Walk all ways on which nothing is executed, the shortest first; one claim a place."""
        before: dict[str, str] = {flow.initial: ""}
        ahead = deque([flow.initial])
        while ahead:
            place = flow.places[ahead.popleft()]
            if self._is_check(flow, place, again=True):
                continue
            claimed = False
            for target, transition in _onward(flow, place, moves):
                if transition is not None and _executed(place, transition):
                    continue
                if _succeeds(flow, target):
                    if not claimed:
                        yield _Claim(place.name, transition, target, before)
                    claimed = True
                elif target is not None and target not in before:
                    before[target] = place.name
                    ahead.append(target)

    def _checks(self, flow: Flow, place: Place, moves: Moves) -> bool:
        """Tell whether something is executed in *place*, and its outcome decides."""
        executed = self._is_check(flow, place, again=False)
        return any(
            _executed(place, transition)
            or (executed and any(word(atom) in _DECIDING for atom in asked(transition.when)))
            for transition in moves[place.name]
        )

    def _is_check(self, flow: Flow, place: Place, *, again: bool) -> bool:
        """Tell whether something is executed in *place*, whatever is said there.

        What the flow itself does, nested in itself, is checked wherever all its other ways are;
        *again* says whether that counts.
        """
        if not isinstance(place, State):
            return False
        checks = [
            again if getattr(agent, "flow", None) is flow else self._executes(agent)
            for agent in place.agents
        ]
        if isinstance(place, Parallel):
            return len(checks) - sum(checks) < place.need
        return any(checks)

    def _executes(self, agent: Any) -> bool:  # noqa: ANN401 - agents live layers up
        if isinstance(agent, FlowAgent):
            return not self._claims.get(id(agent.flow))
        if kind_of(agent) == "llm":
            acts = [one for one in tools_of(agent) if not hasattr(one, "target")]
            return getattr(agent, "tool_choice", "") == "required" and bool(acts)
        return kind_of(agent) in _CHECKING


def _onward(
    flow: Flow, place: Place, moves: Moves
) -> Iterator[tuple[str | None, Transition | None]]:
    """Yield where *place* leads, by its transitions and by ``on_error``."""
    for transition in moves[place.name]:
        yield transition.target, transition
    if flow.on_error is not None and isinstance(place, State):
        yield flow.on_error, None


def _executed(place: Place, transition: Transition) -> bool:
    """Tell whether *transition* needs an outcome that was not only claimed.

    The outcome of a nested flow is what its own end claims.
    """
    nested = isinstance(place, State) and all(isinstance(one, FlowAgent) for one in place.agents)
    return not nested and needs(transition.when, _EXECUTED)


def _succeeds(flow: Flow, target: str | None) -> bool:
    if target is None:
        return True
    place = flow.places[target]
    return isinstance(place, Final) and place.ok


def _finding(flow: Flow, claim: _Claim, severity: Any) -> Finding:  # noqa: ANN401 - one of two literals
    end = "done" if claim.end is None else claim.end
    text = f"{end!r} is reached on what was said alone: nothing was executed on the way"
    if severity == "warning":
        text = f"{end!r} is reached around every check: nothing was executed on the way"
    cure = (
        "lead through code, a tool that must be called, or a person, and end on the outcome: "
        "to(None, when=succeeded)"
    )
    origin = flow.places[claim.place].origin
    if claim.transition is not None and claim.transition.origin is not None:
        origin = claim.transition.origin
    return Finding("SF120", severity, claim.place, text, cure, way(claim.path), origin)
