"""A guide: says whatever leads to a transition that was not taken yet, and then to the end.

At each turn every line of the menu is tried in foresight; what comes nearest is said.  Ways that
were gone before count as longer, so that a loop is left in the end.  Nested flows are led to the
end that the flow around them needs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple, TypeAlias

from stateflow.conversation.view import View
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.machine.state import State
from stateflow.machine.transition import Transition
from stateflow.testing.exploring.foresight import Ahead, foreseen
from stateflow.testing.exploring.line import Line, fault_in
from stateflow.testing.exploring.menu import Menu
from stateflow.testing.exploring.play import Row
from stateflow.testing.exploring.roads import FAR, Roads, containment
from stateflow.testing.exploring.stage import Ask, Speechless

__all__ = ["LONGEST", "Goal", "Guide", "Map"]

Goal: TypeAlias = tuple[Row, ...]
"""Transitions to be taken one right after the other."""

_AGAIN = 2
"""A way that was gone before counts as so much longer, each time [places]."""
_TROUBLE = 2
"""What goes wrong counts as so much longer than what goes well [places]."""
_PATIENCE = 30
"""So much longer than the shortest way may one be before it is given up [turns]."""
_NOWHERE = FAR * 10

LONGEST: Final = 800
"""A run is led no further [turns]."""


class Map:
    """What is known of a flow before any run of it."""

    def __init__(self, flow: Flow) -> None:
        """Read it once; runs share it."""
        self.flow = flow
        self.menu = Menu(flow)
        self.flows = flow.flows
        self.numbers = {id(one): number for number, one in enumerate(self.flows)}
        self.roads = {id(one): Roads(one) for one in self.flows}
        self.within = containment(flow)

    def rows(self) -> list[Row]:
        """Return every transition, nested flows' included."""
        return [
            Row(number, place.name, index)
            for number, flow in enumerate(self.flows)
            for place in flow.places.values()
            for index in range(len(place.transitions))
        ]

    def target(self, row: Row) -> str | None:
        """Return where *row* leads."""
        return self.transition(row).target

    def transition(self, row: Row) -> Transition:
        """Return what *row* stands for."""
        return self.flows[row.flow].places[row.place].transitions[row.number]

    def depth(self, goal: Goal) -> int:
        """Return how far *goal* is from the beginning of its flow [places]."""
        return self.roads[id(self.flows[goal[0].flow])].from_start(goal[0].place)

    def way_to(self, flow: Flow) -> dict[int, str]:
        """Return the state to enter in each flow around *flow*, by the flow's id."""
        found: dict[int, str] = {}
        at = flow
        while at is not self.flow and id(at) in self.within:
            around, state = self.within[id(at)]
            if id(around) in found:
                break
            found[id(around)] = state
            at = around
        return found


class _Cost(NamedTuple):
    """What it takes to come to where one run is wanted."""

    flow: int
    aim: Row | None
    far: Mapping[str | None, int]
    gone: Counter[tuple[str, str, int]]
    run: str

    def of(self, ahead: Ahead) -> float:
        """Return how good it is to go *ahead*; less is better."""
        if self.aim is not None and any(Row(self.flow, *row) == self.aim for row in ahead.rows):
            return -1.0
        if ahead.stuck:
            return float(_NOWHERE)
        again = sum(self.gone[self.run, *row] for row in ahead.rows)
        return self.far.get(ahead.target, FAR) + _AGAIN * again


class Guide:
    """Leads one run."""

    def __init__(
        self,
        known: Map,
        goal: Goal | None,
        *,
        others: Collection[Goal] = (),
        turns: int = 30,
        chance: Random | None = None,
        luck: float = 3.0,
    ) -> None:
        """Begin before the first turn.

        Args:
            known: of the flow.
            goal: what is to be taken; ``None``: the end alone.
            others: what may be taken afterwards, while the run is short.
            turns: so long is short [turns].
            chance: what makes one way look better than another; ``None``: length alone.
            luck: by how much at most [places].
        """
        self.known = known
        self.goal: Goal | None = goal
        self.others = {one: None for one in others if one != goal}
        self.turns = turns
        self.chance = chance
        self.luck = luck
        self.lines: dict[str, list[Line]] = {}
        self.picks: dict[str, list[str | None]] = {}
        self._gone: Counter[tuple[str, str, int]] = Counter()
        self._at = 0
        """How much of the goal was taken."""
        self.taken = 0
        """So many turns the run has come to."""
        self._patience = _PATIENCE + self._depth()
        self._wanted: dict[str, View | None] = {}

    def _depth(self) -> int:
        """Return how long the run is at least before the goal."""
        if self.goal is None:
            return 0
        return 2 * self.known.depth(self.goal)

    def took(self, flow: Flow, rows: Sequence[Row], stop: Stop | None) -> None:
        """Hear of a turn: whether the goal was reached, and what may be next."""
        self.taken += 1
        if not rows:
            return
        for end in range(max(1, len(rows) - 8), len(rows) + 1):
            self.others.pop(tuple(rows[end - 1 : end]), None)
            self.others.pop(tuple(rows[end - 2 : end]), None)
        goal = self.goal
        if goal is not None and (_reached(goal, rows) or self.taken > self._patience):
            self.goal = None
        self._at = 0
        if self.goal is None and stop is None and self.taken < self.turns:
            self.goal = self._next(flow, self.known.target(rows[-1]))
        if self.goal is not None and len(self.goal) > 1 and rows[-1] == self.goal[0]:
            self._at = 1

    def _next(self, flow: Flow, place: str | None) -> Goal | None:
        """Return the nearest of the other goals in *flow*."""
        roads, number = self.known.roads[id(flow)], self.known.numbers[id(flow)]
        best, least = None, FAR
        for goal in self.others:
            far = FAR
            if goal[0].flow == number and place is not None:
                far = roads.to_place(goal[0].place).get(place, FAR)
            if far < least:
                best, least = goal, far
        return best

    def line(self, ask: Ask) -> Line:
        """Return what leads on best, and note it.

        Raises:
            Speechless: it goes on and on, in a conversation by chance.
        """
        if self.chance is not None and self.taken > 2 * self._patience:
            raise Speechless(f"no way to {self.goal} was found")
        options = self.known.menu.lines(ask.flow, ask.state, ask.agent)
        line = self.choose(ask, options)
        self.lines.setdefault(ask.agent.name, []).append(line)
        return line

    def choose(self, ask: Ask, options: Sequence[Line]) -> Line:
        """Return the one of *options* that leads on best."""
        if not options:
            return ""
        if ask.agent is not ask.state.agents[-1]:
            return options[0]
        aim = self._aim(ask.flow, ask.run)
        far = self._far(ask.flow, ask.run, aim)
        cost = _Cost(self.known.numbers[id(ask.flow)], aim, far, self._gone, ask.run)

        def pick(_: str, enabled: list[int]) -> int:
            rows = ask.state.transitions
            ways = [Ahead(((ask.state.name, one),), rows[one].target) for one in enabled]
            return min(zip(map(cost.of, ways), enabled, strict=True))[1]

        best, least, way = options[0], math.inf, Ahead()
        for line in options:
            ahead = foreseen(ask, line, pick)
            price = cost.of(ahead) + (_TROUBLE if fault_in(line) is not None else 0)
            if self.chance is not None and price >= 0:
                price += self.luck * self.chance.random()
            if price < least:
                best, least, way = line, price, ahead
            if price < 0:
                break
        self._gone.update((ask.run, *row) for row in way.rows)
        return best

    def _aim(self, flow: Flow, run: str) -> Row | None:
        """Return the transition of *flow* to be taken now; ``None``: none of this run."""
        if self.goal is None or self._in_itself(flow, run):
            return None
        row = self.goal[self._at]
        return row if row.flow == self.known.numbers[id(flow)] else None

    def _far(self, flow: Flow, run: str, aim: Row | None) -> Mapping[str | None, int]:
        """Return how far each place of *flow* is from what is wanted in it."""
        roads = self.known.roads[id(flow)]
        if aim is not None:
            return roads.to_place(aim.place)
        if self.goal is not None and not self._in_itself(flow, run):
            inner = self.known.flows[self.goal[0].flow]
            state = self.known.way_to(inner).get(id(flow))
            if state is not None:
                return roads.to_place(state)
        return roads.to_end(self._ends(flow, run))

    def _in_itself(self, flow: Flow, run: str) -> bool:
        """Tell whether *run* is nested in a run of the same flow: it would go on for ever."""
        return flow is self.known.flow and "/" in run

    def _ends(self, flow: Flow, run: str) -> tuple[str | None, ...]:
        """Return the ends that the flow around *flow* wants it to come to; none: any."""
        around = self.known.within.get(id(flow))
        if around is None:
            return ()
        parent, name = around
        view = self._wanted_of(parent, name, run.rpartition("/")[0], run)
        if view is None:
            return ()
        if view.fault is not None:
            return ("",)  # it is to fail: no end is near
        ended = [one.ended for one in view.said if one.ended is not None]
        named = [None if one == "done" else one for one in ended]
        return tuple(one for one in named if one is None or one in flow.places)

    def _wanted_of(self, parent: Flow, name: str, above: str, run: str) -> View | None:
        """Return how the turn around a nested run is to come out; decided once a run."""
        if run not in self._wanted:
            self._wanted[run] = self._intent(parent, parent.places[name], above)
        return self._wanted[run]

    def _intent(self, parent: Flow, place: object, above: str) -> View | None:
        assert isinstance(place, State)  # noqa: S101 - flows run in states
        aim = self._aim(parent, above)
        far = self._far(parent, above, aim)
        best: tuple[float, int] | None = None
        number = self.known.numbers[id(parent)]
        for index, row in enumerate(place.transitions):
            if self.known.menu.witness(parent, place.name, index) is None:
                continue
            cost = far.get(row.target, FAR) + _AGAIN * self._gone[above, place.name, index]
            cost = -1 if Row(number, place.name, index) == aim else cost
            if best is None or cost < best[0]:
                best = (cost, index)
        if best is None:
            return None
        self._gone[above, place.name, best[1]] += 1
        return self.known.menu.witness(parent, place.name, best[1])

    def pick(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        """Return the candidate that leads on best, and note it."""
        picked = self.prefer(state, candidates, run)
        self.picks.setdefault(state, []).append(picked)
        return picked

    def prefer(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        """Return the one of *candidates* that leads on best."""
        flow = self._flow_with(state, candidates)
        aim = self._aim(flow, run)
        far = self._far(flow, run, aim)
        number = self.known.numbers[id(flow)]
        places = {row.target: index for index, row in enumerate(flow.places[state].transitions)}

        def cost(candidate: str | None) -> float:
            index = places.get(candidate, 0)
            if aim == Row(number, state, index):
                return -1.0
            return far.get(candidate, FAR) + _AGAIN * self._gone[run, f"pick {state}", index]

        picked = min(candidates, key=cost)
        self._gone[run, f"pick {state}", places.get(picked, 0)] += 1
        return picked

    def _flow_with(self, state: str, candidates: Sequence[str | None]) -> Flow:
        for flow in self.known.flows:
            place = flow.places.get(state)
            targets = [row.target for row in place.transitions] if place is not None else []
            if place is not None and all(one in targets for one in candidates):
                return flow
        return self.known.flow


def _reached(goal: Goal, rows: Sequence[Row]) -> bool:
    """Tell whether the last turn of a run that took *rows* was the last of *goal*."""
    size = len(goal)
    recent = range(max(size, len(rows) - 8), len(rows) + 1)
    return any(tuple(rows[end - size : end]) == goal for end in recent)
