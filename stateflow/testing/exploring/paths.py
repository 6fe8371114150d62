"""Paths: a few scripted conversations that together take every transition that can be taken.

Each was found by a guide and has gone through the real engine; nothing is claimed that did not
run.  What no conversation took is told with the reason: proved where the algebra of guards has a
proof, else how many were tried.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias
from typing import Final as Constant

from stateflow.engine.result import Result
from stateflow.errors import DefinitionError, StateflowError
from stateflow.machine.check.guards import shadowed
from stateflow.machine.flow import Flow
from stateflow.machine.state import Junction
from stateflow.testing.exploring.cast import Cast
from stateflow.testing.exploring.guide import LONGEST, Goal, Guide, Map
from stateflow.testing.exploring.improvised import bounded
from stateflow.testing.exploring.menu import starts
from stateflow.testing.exploring.play import Row, play
from stateflow.testing.exploring.stage import Speechless

__all__ = ["Conversation", "Cover", "Missed", "Paths", "paths"]

Cover: TypeAlias = Literal["transitions", "pairs"]
"""What is to be taken: every transition, or every two that can follow each other in a run."""

_TRIES: Constant = 16
"""Conversations by chance for a goal that the shortest way does not reach."""
_TIGHT: Constant = 12
"""Largest budget that is tried for what only a used up budget takes [turns]."""
_MOST_EFFORT: Constant = 6_000
"""All conversations together, long ones as if longer; what is left then is told [turns]."""
_LONG: Constant = 20
"""A conversation that is so long takes up nothing more, unless the way was as long [turns]."""
_SLOW: Constant = 128
"""After so many turns the next takes twice the time: each reads the whole conversation [turns]."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What everybody says in one run, and which way it goes."""

    cast: Cast
    path: tuple[str, ...]
    """States that spoke."""
    stop: str
    takes: tuple[str, ...]
    """Transitions that no conversation before it takes, as people read them."""
    goals: tuple[Goal, ...]
    data: Mapping[str, Any] | None = None
    turns: int | None = None
    """The budget, where it is smaller than the flow's [turns]."""
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A transition, or two, that no conversation took."""

    what: str
    """As people read it."""
    why: str
    proved: bool
    """No conversation ever takes it; else none was found."""
    goal: Goal = ()


@dataclass(frozen=True, slots=True)
class Paths:
    """Conversations that together take all that was found, and what was not."""

    flow: Flow
    conversations: tuple[Conversation, ...]
    missed: tuple[Missed, ...]
    taken: int
    """Of the goals."""

    def __str__(self) -> str:
        """Return it as people read it."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        every = self.taken + len(self.missed)
        many = len(self.conversations)
        if not every:
            yield f"{self.flow.name}: nothing is left to take"
            return
        yield f"{self.flow.name}: {self.taken} of {every} taken by {many} conversation(s)"
        for one in self.conversations:
            yield f"  {' → '.join(one.path) or '(nobody speaks)'}: {one.stop}"
        for never in self.missed:
            yield f"  {'never' if never.proved else 'not found'}: {never.what}: {never.why}"


def paths(
    flow: Flow,
    cover: Cover = "transitions",
    *,
    task: str = "",
    only: Collection[Row] | None = None,
    real: Collection[str] = (),
) -> Paths:
    """Return a few conversations that take every transition of *flow*, nested flows' included.

    Args:
        flow: what may happen.
        cover: ``transitions``, or ``pairs`` of them that follow each other in one run.
        task: what every run starts from.
        only: the transitions that are wanted, and the pairs they are in; ``None``: all.
        real: names of agents that speak for themselves, as plain Python without cost may.

    Raises:
        DefinitionError: *flow* is none, or *cover* is no such word.

    Example:
        >>> from stateflow import Assistant, Flow, State, says, to
        >>> critic = Assistant("critic", "openai:gpt-5")
        >>> judge = State("judge", critic, to(None, when=says("GOOD", by=critic)), to("judge"))
        >>> print(paths(Flow("essay", judge)))
        essay: 2 of 2 taken by 1 conversation(s)
          judge → judge: done
    """
    checked(flow)
    if cover not in ("transitions", "pairs"):
        raise DefinitionError(f"cover={cover!r} is none; write 'transitions' or 'pairs'")
    return _Search(flow, task, real).paths(cover, only)


def checked(flow: object) -> None:
    """Refuse what is no flow.

    Raises:
        DefinitionError: it is none.
    """
    if not isinstance(flow, Flow):
        raise DefinitionError(f"{flow!r} is not a flow; give what Flow(...) returns")


class _Search:
    """The search for one flow."""

    def __init__(self, flow: Flow, task: str, real: Collection[str]) -> None:
        self.real = tuple(real)
        self.flow = flow
        self.task = task
        self.known = Map(flow)
        self.found: list[Conversation] = []
        self.left: dict[Goal, int] = {}
        """What was not taken yet, and how many conversations were tried for it."""
        self.effort = 0
        """Of all conversations so far [turns]."""
        self.tries = 0
        self._junctions = sum(isinstance(one, Junction) for one in flow.places.values())

    def paths(self, cover: Cover, only: Collection[Row] | None) -> Paths:
        rows = self.known.rows()
        wanted = {row: None for row in rows if only is None or row in only}.keys()
        proved = self._proofs()
        missed = [proved[row] for row in wanted if row in proved]
        goals: list[Goal] = [(row,) for row in wanted if row not in proved]
        if cover == "pairs":
            pairs = self._pairs([row for row in rows if row not in proved])
            goals = [pair for pair in pairs if not wanted.isdisjoint(pair)]
        self.left = dict.fromkeys(goals, 0)
        for goal in sorted(goals, key=self.known.depth, reverse=True):
            if goal in self.left:
                self._seek(goal)
        missed += [self._missed(goal, tries) for goal, tries in self.left.items()]
        return Paths(self.flow, self._fewest(), tuple(missed), len(goals) - len(self.left))

    def _pairs(self, rows: Sequence[Row]) -> Iterator[Goal]:
        for row in rows:
            target = self.known.target(row)
            for other in rows:
                if other.flow == row.flow and other.place == target:
                    yield (row, other)

    def _seek(self, goal: Goal) -> None:
        """Try for *goal*: the shortest way, ways by chance, other data, smaller budgets."""
        if self._too_far(goal):
            return
        for chance, data, turns in self._ways(goal):
            if goal not in self.left or self.effort > _MOST_EFFORT:
                return
            self.left[goal] += 1
            self.tries += 1
            self._try(goal, chance, data, turns)

    def _ways(
        self, goal: Goal
    ) -> Iterator[tuple[random.Random | None, Mapping[str, Any] | None, int | None]]:
        begins = starts(self.flow) if self.flow.data is not None else [None]
        yield None, begins[0], None
        row = self.known.transition(goal[-1])
        if row.when is not None and row.when.exhausts:
            yield from ((None, begins[0], turns) for turns in range(1, _TIGHT + 1))
        yield from ((None, data, None) for data in (*self._witnessed(goal[-1]), *begins[1:6]))
        for seed in range(_TRIES):
            chance = random.Random(f"{goal}:{seed}")  # noqa: S311 - no secret
            yield chance, begins[seed % len(begins)], None

    def _witnessed(self, row: Row) -> Iterator[Mapping[str, Any]]:
        """Yield the data with which a witness takes *row*."""
        flow = self.known.flows[row.flow]
        view = self.known.menu.witness(flow, row.place, row.number)
        if flow is self.flow and view is not None and view.data is not None:
            yield view.data.model_dump(mode="json")

    def _try(
        self,
        goal: Goal,
        chance: random.Random | None,
        data: Mapping[str, Any] | None,
        turns: int | None,
    ) -> None:
        others = list(self.left) if len(self.left) > 1 else []
        luck = 2.0 * self.left[goal]
        long = max(_LONG, min(2 * self.known.depth(goal), LONGEST))
        guide = Guide(self.known, goal, others=others, turns=long, chance=chance, luck=luck)
        try:
            budget = bounded(self.flow, turns or LONGEST)
            played = play(self.flow, guide, self.task, data=data, budget=budget, real=self.real)
        except (StateflowError, Speechless):
            self.effort += _effort(guide.taken or _LONG)
            return
        self.effort += max(1, sum(_effort(len(rows)) for rows in played.runs))
        taken = _goals_in(played.runs)
        new = [one for one in self.left if one in taken]
        if not new:
            return
        for one in new:
            del self.left[one]
        result = played.result
        if guide.taken >= LONGEST:
            turns = LONGEST
        every = tuple(one for one in (*new, *self._again(taken)))
        takes = tuple(self._told(one) for one in new)
        cast = Cast(guide.lines, picks=guide.picks, real=self.real)
        self.found.append(
            Conversation(cast, result.path, _stop(result), takes, every, data, turns, result)
        )

    def _again(self, taken: Collection[Goal]) -> Iterator[Goal]:
        """Yield what earlier conversations took that this one takes, too."""
        for earlier in self.found:
            yield from (goal for goal in earlier.goals if goal in taken)

    def _fewest(self) -> tuple[Conversation, ...]:
        """Return the conversations without those whose goals the others take."""
        kept = list(self.found)
        for one in self.found:
            rest = {goal for other in kept if other is not one for goal in other.goals}
            if all(goal in rest for goal in one.goals):
                kept.remove(one)
        return tuple(kept)

    def _proofs(self) -> dict[Row, Missed]:
        """Return the transitions that are certainly never taken, with the reasons."""
        found: dict[Row, Missed] = {}
        for number, flow in enumerate(self.known.flows):
            idle = {
                (place.name, index): one.text
                for place in flow.places.values()
                for index, one in shadowed(flow, place).items()
                if one.code == "SF110" or one.severity == "error"
            }
            come = _come_to(flow, idle.keys())
            for row in (one for one in self.known.rows() if one.flow == number):
                why = idle.get((row.place, row.number))
                if row.place not in come:
                    why = f"no run comes to {row.place!r}"
                if why is not None:
                    found[row] = Missed(self._told((row,)), why, proved=True, goal=(row,))
        return found

    def _too_far(self, goal: Goal) -> str:
        """Return why even the shortest way to *goal* is too long; ``""``: it is not."""
        if goal[0].flow:
            return ""
        away = self.known.depth(goal) - self._junctions
        if away >= self.flow.budget.turns:
            return f"it is more than {self.flow.budget.turns:g} turns away, which is the budget"
        if away >= LONGEST:
            return f"it is more than {LONGEST} turns away, and the search goes no further"
        return ""

    def _missed(self, goal: Goal, tries: int) -> Missed:
        why = self._too_far(goal)
        if why:
            proved = "budget" in why
            return Missed(self._told(goal), why, proved=proved, goal=goal)
        if not tries or self.effort > _MOST_EFFORT:
            why = f"the search is bounded, and ended after {self.tries} conversations"
            return Missed(self._told(goal), why, proved=False, goal=goal)
        last = goal[-1]
        witness = self.known.menu.witness(self.known.flows[last.flow], last.place, last.number)
        known = "" if witness is not None else "no reply is known that its guard takes, and "
        why = f"{known}none of {tries} conversations took it"
        return Missed(self._told(goal), why, proved=False, goal=goal)

    def _told(self, goal: Goal) -> str:
        return ", then ".join(told(self.flow, row) for row in goal)


def _come_to(flow: Flow, idle: Collection[tuple[str, int]]) -> set[str]:
    """Return the places that a way leads to which takes no transition of *idle*."""
    found, ahead = {flow.initial}, [flow.initial]
    while ahead:
        name = ahead.pop()
        rows = enumerate(flow.places[name].transitions)
        targets = [row.target for index, row in rows if (name, index) not in idle]
        fresh = {one for one in (*targets, flow.on_error) if one is not None} - found
        found |= fresh
        ahead += fresh
    return found


def told(flow: Flow, row: Row) -> str:
    """Return *row* as people read it."""
    inner = flow.flows[row.flow]
    taken = inner.places[row.place].transitions[row.number]
    where = f"{row.place} → {'done' if taken.target is None else taken.target}"
    where = where if not row.flow else f"{inner.name}: {where}"
    return where if taken.when is None else f"{where} [{taken.guard_name}]"


def _effort(turns: int) -> int:
    """Return how many turns at the beginning of a run take as long as *turns* of one."""
    return turns + turns * turns // _SLOW


def _goals_in(runs: Sequence[Sequence[Row]]) -> set[Goal]:
    """Return every transition that *runs* took, and every two that followed each other."""
    ones: set[Goal] = {(row,) for rows in runs for row in rows}
    return ones | {pair for rows in runs for pair in pairwise(rows)}


def _stop(result: Result) -> str:
    stop = result.stop
    return f"{stop.kind} {stop.state!r}" if stop.kind == "final" else stop.kind
