"""What a run can take at most: read from the table, with what a turn may cost.

Three things bound a run, and the least of them counts: the longest walk through the graph with
its ``visits=``; the turns that the budget allows, each as dear as it can be; and the budget of the
thing itself.  Nested flows are bounded from the innermost outwards, level by level, each with the
turns that are left to grant it.  What a turn costs is told by who speaks, so it comes from above:
``engine/ceiling.py`` knows the agents.  No guard is asked but for the witness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final as Constant
from typing import NamedTuple, TypeAlias

from stateflow.conversation.message import Message
from stateflow.conversation.tokens import estimate_message
from stateflow.machine.bound.figure import FIGURES, Bound, Figure, Most, Move, folded_path
from stateflow.machine.bound.graph import Ways, cycle_of, dearest, in_turns, ways_of
from stateflow.machine.bound.level import Costs, Level, levels_of, nested_in, turns_of
from stateflow.machine.bound.witness import walked
from stateflow.machine.check.nested import Nesting
from stateflow.machine.flow import Flow
from stateflow.machine.state import State

__all__ = ["FIGURES", "Bound", "Costs", "Figure", "Most", "Move", "bounded", "folded_path"]

_NANO: Constant = 1_000_000_000
"""Money is counted in these [1/USD]; walks are counted in whole numbers."""
_HUGE: Constant = 10**15
"""More than this of anything is told as no bound."""
_NAMED_AROUND: Constant = 9
"""Longest cycle that is told as it is [states]."""
_NAMED: Constant = 3
"""Most caps that are named."""

_Weights: TypeAlias = dict[str, Most]
"""Of each state, in whole numbers or ``inf``."""


class _Worst(NamedTuple):
    """The most of one figure that a run of one flow takes, at one level."""

    most: float
    why: str
    rate: float
    """The most for each turn that is counted, the last one's nested runs included."""
    walks: tuple[tuple[str, ...], ...] = ()
    weights: _Weights = {}  # noqa: RUF012 - never changed


_NONE: Constant = _Worst(0, "", 0)
_TOO_DEEP: Constant = _Worst(
    math.inf, "flows are nested without end; write Budget(depth=...)", math.inf
)


def bounded(flow: Flow, costs: Costs, notes: Sequence[str] = ()) -> Bound:
    """Return what a run of *flow* can take at most, its nested runs included."""
    return Bound(flow.name, tuple(_Bounding(flow, costs).figures()), tuple(notes))


class _Bounding:
    """One bound, of a flow and of all that are nested in it."""

    def __init__(self, flow: Flow, costs: Costs) -> None:
        self.flow = flow
        self.costs = costs
        nesting = Nesting(flow)
        self.ways = {id(one): ways_of(one, nesting.moves(one)) for one in flow.flows}

    def figures(self) -> Iterator[Figure]:
        """Yield the figures of the outermost flow."""
        *levels, deepest = levels_of(self.flow, self.ways, self.costs)
        below: dict[int, Mapping[str, _Worst]] = {
            key: {name: _TOO_DEEP if self._any(name) else _NONE for name in FIGURES}
            for key in deepest
        }
        for level in reversed(levels):
            below = {key: self._worst(one, below) for key, one in level.items()}
        found = below[id(self.flow)]
        for name in FIGURES:
            yield self._figure(name, found)

    def _any(self, name: str) -> bool:
        """Tell whether anybody anywhere takes something of the figure *name*."""
        states = (state for one in self.flow.flows for state in one.states)
        return name == "turns" or any(
            one[name].amount for state in states if name in (one := self.costs.turn(state, 0))
        )

    def _figure(self, name: str, found: Mapping[str, _Worst]) -> Figure:
        worst = found[name]
        most = _told(name, worst.most)
        if not math.isfinite(most):
            return Figure(name, most, why=worst.why, path=next(iter(worst.walks), ()))
        if not most:
            return Figure(name, most, tight=True)
        path: tuple[str, ...] = ()
        for walk in worst.walks:
            cut = _cut(walk, worst.weights, worst.most)
            path = path or cut
            moves = self._witness(name, cut, found)
            if moves is not None:
                return Figure(name, most, tight=True, why=worst.why, path=cut, witness=moves)
        return Figure(name, most, why=worst.why, path=path)

    def _witness(
        self, name: str, walk: Sequence[str], found: Mapping[str, _Worst]
    ) -> tuple[Move, ...] | None:
        """Return the turns of *walk* if the kernel takes them all, and they come to the figure."""
        weights = found[name].weights
        if _taken(walk, weights) != found[name].most:
            return None
        if not all(weights[state].sure for state in walk):
            return None
        for other in ("calls", "usd"):  # no limit may stand in the way
            if _taken(walk, found[other].weights) > self._limit(self.flow, other):
                return None
        free = {at for at, one in weights.items() if name == "turns" or not one.amount}
        moves = walked(self.flow, walk, may_raise=free)
        if moves is None or self._lean(moves) > self._limit(self.flow, "tokens"):
            return None
        return moves

    def _lean(self, moves: Sequence[Move]) -> float:
        """Return the tokens that the calls of *moves* reserve at most, for a task of a word."""
        limit = self.flow.budget.tokens
        if limit is None or math.isinf(limit):
            return 0
        total: float = 0
        said = estimate_message(Message("task", "user"))
        for move in moves:
            state = self.flow.places[move.state]
            if isinstance(state, State):
                own = self.costs.turn(state, 0)
                lean, calls = self.costs.lean(state), own["calls"].amount
                total += lean + calls * said
                said += 0 if move.says is None else estimate_message(move.says) * len(state.agents)
        return total

    def _worst(
        self, level: Level, below: Mapping[int, Mapping[str, _Worst]]
    ) -> Mapping[str, _Worst]:
        """Return the worst of each figure of a run of *level*."""
        flow, ways = level.flow, self.ways[id(level.flow)]
        ones = {name: Most(1) for name in ways.states}
        entries = self._least(level, "turns", ones, math.inf).most
        speak = [len(state.agents) for state in flow.states if state.name in ways.to]
        own = self._own(flow, ways, entries * max(speak, default=1))
        return {name: self._with_nested(level, name, own[name], below) for name in FIGURES}

    def _own(self, flow: Flow, ways: Ways, said: float) -> dict[str, _Weights]:
        """Return what a turn in each state takes by itself."""
        found: dict[str, _Weights] = {name: {} for name in FIGURES}
        for at in ways.states:
            state = flow.places[at]
            assert isinstance(state, State)  # noqa: S101 - only those are in the ways
            takes: list[Mapping[str, Most]] = [self.costs.turn(state, said)]
            for group in ways.restarts[at]:
                takes += [self.costs.restart(one, said) for one in group]
            takes.append({"turns": Most(1 if ways.to[at] else 0)})
            for name in FIGURES:
                found[name][at] = _whole(name, _sum(one.get(name) for one in takes))
        return found

    def _with_nested(
        self,
        level: Level,
        name: str,
        own: _Weights,
        below: Mapping[int, Mapping[str, _Worst]],
    ) -> _Worst:
        """Return the worst of the figure *name*, what nested runs take added."""
        weights: _Weights = {}
        rate: float = 0
        for at, one in own.items():
            amount, why, sure, per_turn = one.amount, one.why, one.sure, one.amount
            for inner, times, _ in nested_in(level.flow.places[at], self.costs):
                sure = False
                worst = below[id(inner)][name] if id(inner) in below else _NONE
                amount += _times(worst.most, times)
                per_turn += _times(worst.rate, times)
                if math.isinf(amount) and not why:
                    why = _nested_why(at, inner, worst)
            weights[at] = Most(amount, why, sure)
            rate = max(rate, per_turn)
        return self._least(level, name, weights, rate)

    def _least(self, level: Level, name: str, weights: _Weights, rate: float) -> _Worst:
        """Return the least of all that bounds the figure *name*."""
        flow, ways = level.flow, self.ways[id(level.flow)]
        endless = [one.why for one in weights.values() if math.isinf(one.amount)]
        whole = {} if endless else {at: int(one.amount) for at, one in weights.items()}
        found = [] if endless else list(_counted(level, ways, whole))
        if name == "turns":
            found.append((level.room, _by_turns(level), ()))
        elif math.isfinite(level.room):
            found.append((_times(rate, level.room), _by_turns(level), ()))
        found.append((self._limit(flow, name), f"Budget({name}=...) of {flow.name!r}", ()))
        most, why, _ = min(found, key=lambda one: one[0])
        if most > _HUGE:
            return self._unbounded(level, name, most, endless, whole)._replace(weights=weights)
        walks = tuple(walk for value, _, walk in found if walk and value >= most)
        rate = 1 if name == "turns" else rate
        return _Worst(most, why if most else "", rate, walks, weights)

    def _unbounded(
        self, level: Level, name: str, most: float, endless: Sequence[str], whole: dict[str, int]
    ) -> _Worst:
        """Return that nothing bounds the figure *name*, and what would."""
        if math.isfinite(most):
            why = (
                f"it can come to more than {_HUGE:,}; write smaller visits=, or {_cap(level, name)}"
            )
            return _Worst(math.inf, why, math.inf)
        ways = self.ways[id(level.flow)]
        why = next((one for one in endless if one), "")
        if endless and why:
            own = name in {"tokens", "usd"} and "; write" not in why
            return _Worst(math.inf, f"{why}; write {_cap(level, name)}" if own else why, math.inf)
        cycle = tuple(cycle_of(ways, whole or dict.fromkeys(ways.states, 1)))
        around = " → ".join(cycle) if len(cycle) <= _NAMED_AROUND else folded_path(cycle)
        told = f"nothing stops the cycle {around}: write visits= on {cycle[0]!r}, or "
        return _Worst(math.inf, f"{told}{_cap(level, 'turns')}", math.inf, (cycle,))

    def _limit(self, flow: Flow, name: str) -> float:
        limit = math.inf if name == "turns" else self.costs.limit(flow, name)
        return limit if math.isinf(limit) else math.floor(limit * _unit(name))


def _counted(
    level: Level, ways: Ways, weights: Mapping[str, int]
) -> Iterator[tuple[float, str, tuple[str, ...]]]:
    """Yield what the graph and the turns allow, why, and a walk that may come to it."""
    if not any(weights.values()):
        yield 0, "", ()
        return
    least = math.inf
    if not cycle_of(ways, weights):
        most, walk = dearest(ways, weights)
        capped = [name for name in dict.fromkeys((*walk, *ways.caps)) if name in ways.caps]
        capped = [name for name in capped if not walk or name in walk]
        told = ", ".join(f"visits={ways.caps[name]} of {name!r}" for name in capped[:_NAMED])
        yield most, told or "no way leads back", tuple(walk)
        least = len(walk) if walk and most == sum(weights[name] for name in walk) else math.inf
    if least <= level.room:  # its turns are there
        return
    counted = in_turns(ways, weights, level.room)
    if counted is not None:
        yield counted[0], _by_turns(level), tuple(counted[1])


def _by_turns(level: Level) -> str:
    return (
        f"Budget(turns={level.room:g})"
        if level.room == turns_of(level.flow.budget.turns)
        else (f"the {level.room:g} turns that {level.flow.name!r} is granted")
    )


def _cap(level: Level, name: str) -> str:
    return f"Budget({name}=...) on {level.flow.name!r}"


def _nested_why(at: str, inner: Flow, worst: _Worst) -> str:
    told = worst.why or "the model may call it as often as it likes"
    if told.startswith("in flow "):  # the innermost is to blame
        return told
    return f"in flow {inner.name!r} at {at!r}: {told}"


def _unit(name: str) -> int:
    return _NANO if name == "usd" else 1


def _whole(name: str, most: Most) -> Most:
    """Return *most* in whole numbers, rounded up."""
    if math.isinf(most.amount):
        return most
    return most._replace(amount=math.ceil(round(most.amount * _unit(name), 3)))


def _told(name: str, most: float) -> float:
    return most / _NANO if name == "usd" else most


def _sum(parts: Iterable[Most | None]) -> Most:
    """Return what several parts of a turn take together."""
    known = [one for one in parts if one is not None]
    why = next((one.why for one in known if math.isinf(one.amount)), "")
    return Most(sum(one.amount for one in known), why, all(one.sure for one in known))


def _times(amount: float, times: float) -> float:
    return amount * times if amount and times else 0


def _taken(walk: Sequence[str], weights: Mapping[str, Most]) -> float:
    """Return what a *walk* takes, at its most."""
    return sum(weights[state].amount if weights else math.inf for state in walk)


def _cut(walk: Sequence[str], weights: Mapping[str, Most], most: float) -> tuple[str, ...]:
    """Return the beginning of *walk* that comes to *most*."""
    total: float = 0
    for count, name in enumerate(walk, 1):
        total += weights[name].amount
        if total >= most:
            return tuple(walk[:count])
    return tuple(walk)
