"""Nested runs: what they are granted, how branches are joined, and what they come to.

Branches run at once, as tasks of one loop.  Each is granted a fixed share of what its parent had
left before the turn, so no refusal depends on which of them was faster.  What nobody needs any
more is cancelled, and told from what failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stateflow.conversation.effect import ChildResult, Key, Question
from stateflow.conversation.message import Fault, Usage
from stateflow.engine.branch import Branch, Join, given_json
from stateflow.engine.door import Parked
from stateflow.engine.faults import fault_of
from stateflow.engine.spending import budget_json
from stateflow.errors import DeadlinePassed, Exhausted, StoreError
from stateflow.journal.event import ChildEnded, ChildStarted, RunEnded, RunPaused
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.said import Answer
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.stores.base import Store
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.engine.live_door import LiveDoor

__all__ = ["run_branches"]


async def run_branches(
    door: LiveDoor, branches: Sequence[Branch], join: Join, grant: Budget
) -> Mapping[int, Answer]:
    """Run those of *branches* that the journal does not hold, and return what all came to.

    Raises:
        Parked: some wait for a person, and the others are not enough.
        StoreError: what they came to could not be recorded.
    """
    group = _Group(door, branches, join, grant)
    await group.begin()
    await group.run()
    await group.drop()
    if not join.closed(len(branches), group.came_to):
        await door.commit()
        raise Parked(tuple(question for one in group.parked for question in one))
    return group.came_to


class _Group:
    """The branches of one turn while they run."""

    def __init__(
        self, door: LiveDoor, branches: Sequence[Branch], join: Join, grant: Budget
    ) -> None:
        self.door = door
        self.branches = branches
        self.join = join
        self.grant = grant
        self.parked: list[tuple[Question, ...]] = []
        known = door.answers()
        self.came_to: dict[int, Answer] = {
            one.key.ordinal: known[one.key.ordinal] for one in branches if one.key.ordinal in known
        }
        self._heard: asyncio.Queue[tuple[Branch, ChildEnded | Parked]] = asyncio.Queue()
        self._unneeded: set[int] = set()

    @property
    def open(self) -> list[Branch]:
        return [one for one in self.branches if one.key.ordinal not in self.came_to]

    async def begin(self) -> None:
        """Put on the record which branches begin, all at once."""
        fresh: list[ChildStarted] = []
        for one in self.open:
            refused = self._refused(one)
            if refused is not None:
                self._settle(ChildEnded(one.key, fault=refused, args=one.given.args))
            elif one.key.ordinal not in self.door.fold.begun:
                args: Json = self.door.environment.redactor.json(given_json(one.given))
                limits = budget_json(self.grant)
                fresh.append(ChildStarted(one.key, one.flow.name, args, limits))
        if self.open:
            await self.door.commit(*fresh)

    def _refused(self, branch: Branch) -> Fault | None:
        """Return why a branch may not begin."""
        door, flow = self.door, branch.flow
        deep = door.depth + 1
        if deep > door.budget.depth:
            text = f"nested run {flow.name!r} would be {deep} deep; the budget allows "
            return fault_of(Exhausted("depth", f"{text}{door.budget.depth}"), branch.key)
        if self.grant.turns < 1 and branch.key.ordinal not in door.fold.begun:
            text = f"nothing is left for nested run {flow.name!r}"
            if len(self.branches) > 1:
                text = f"{len(self.branches)} branches share what is left, which gives none a turn"
            return fault_of(Exhausted("turns", f"{text}; raise Budget(turns=...)"), branch.key)
        return None

    async def run(self) -> None:
        """Run what is open, until nobody waits for more."""
        open_now, left_s = self.open, self.door.time_left()
        if not open_now or self.join.closed(len(self.branches), self.came_to):
            return
        if left_s == 0:
            await self._late()
        elif left_s is None and len(open_now) == 1:  # which needs no task of its own
            await self._branch(open_now[0])
            self._hear(self._heard.get_nowait()[1])
        else:
            await self._at_once(open_now, left_s)

    async def _at_once(self, open_now: list[Branch], left_s: float | None) -> None:
        try:
            async with asyncio.timeout(left_s), asyncio.TaskGroup() as tasks:
                running = {
                    one.key.ordinal: tasks.create_task(self._branch(one), name=str(one.key))
                    for one in open_now
                }
                await self._gather(running)
        except TimeoutError:
            await self._late()
        except BaseExceptionGroup as several:  # the store failed, or somebody stopped the run
            raise several.exceptions[0] from None

    async def _gather(self, running: dict[int, asyncio.Task[None]]) -> None:
        """Hear of each branch that ends or waits; cancel the rest once nobody needs it."""
        while running:
            branch, came_to = await self._heard.get()
            del running[branch.key.ordinal]
            self._hear(came_to)
            if running and not isinstance(came_to, Parked):
                await self.door.commit()  # the last shares its commit with what comes next
            if self.join.closed(len(self.branches), self.came_to):
                for ordinal, task in running.items():
                    self._unneeded.add(ordinal)
                    task.cancel()
                return

    def _hear(self, came_to: ChildEnded | Parked) -> None:
        if isinstance(came_to, Parked):
            self.parked.append(came_to.questions)
        else:
            self._settle(came_to)

    async def _late(self) -> None:
        """Drop what is not over when the state must have been left.

        What was over in time counts, also where a crash came before its parent could note that.
        """
        for one in self.open:
            child = self.door.below(one.key, self.grant)
            child.fold = fold_of(await self.door.environment.store.read(child.run))
            stop = child.fold.stop
            if stop is not None and stop.kind in {"done", "final"}:
                self._settle(_child_ended(one, stop, child, self.grant))
                continue
            text = f"nested run {one.flow.name!r} was not over in time"
            fault = fault_of(DeadlinePassed(text), one.key)
            await self._drop(one, Stop("cancelled", "", "it was not over in time"), fault)

    async def _branch(self, branch: Branch) -> None:
        """Run one branch; what it comes to is heard."""
        came_to: ChildEnded | Parked
        child = self.door.below(branch.key, self.grant)
        try:
            stop = await self.door.environment.conduct(branch.flow, child, branch.given)
            came_to = _child_ended(branch, stop, child, self.grant)
        except Parked as parked:
            came_to = parked
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - it could not begin; a replay finds it ended
            came_to = ChildEnded(
                branch.key, fault=self._broken(branch, error), args=branch.given.args
            )
        except asyncio.CancelledError:
            if branch.key.ordinal not in self._unneeded:
                raise
            return  # told by drop()
        self._heard.put_nowait((branch, came_to))

    def _broken(self, branch: Branch, error: Exception) -> Fault:
        text = f"nested run {branch.flow.name!r} could not begin: {type(error).__name__}: {error}"
        return self.door.clean(_failed(text, branch.key))

    async def drop(self) -> None:
        """Put on the record which branches nobody needs any more.

        Where the turn failed they are paused, for it may be tried again.
        """
        if not self.join.closed(len(self.branches), self.came_to):
            return
        stop = Stop("paused", "", "another branch failed")
        if self.join.met(self.came_to):
            stop = Stop("cancelled", "", "the other branches were enough")
        for one in self.open:
            await self._drop(one, stop)

    async def _drop(self, branch: Branch, stop: Stop, fault: Fault | None = None) -> None:
        child = self.door.below(branch.key, self.grant)
        child.fold = fold = fold_of(await self.door.environment.store.read(child.run))
        if fold.started is not None and not fold.ended:
            stop = replace(stop, state=fold.state)
            if stop.kind == "cancelled":
                await child.commit(RunEnded(stop))
            elif fold.stop is None:
                await child.commit(RunPaused(stop))
        await child.environment.sandboxes.close(child.run)  # kept open while it waited
        lost, turns = await _spent(child.environment.store, child.run, fold)
        self._settle(
            ChildEnded(
                branch.key,
                fault=fault,
                args=branch.given.args,
                cancelled=True,
                lost=lost,
                lost_turns=turns,
            )
        )

    def _settle(self, ended: ChildEnded) -> None:
        self.came_to[ended.key.ordinal] = ended
        self.door.hold(ended)


async def _spent(store: Store, run: str, fold: Fold) -> tuple[Usage, int]:
    """Return what *run* has cost and its turns, open nested runs included."""
    usage, turns = fold.spent, fold.turns + fold.lost_turns
    for begun in fold.open_children():
        below = f"{run}/{begun.key}"
        more, taken = await _spent(store, below, fold_of(await store.read(below)))
        usage, turns = usage + more, turns + taken
    return usage, turns


def _child_ended(branch: Branch, stop: Stop, door: LiveDoor, grant: Budget) -> ChildEnded:
    """Return what a nested run came to, for its parent.

    Raises:
        Parked: it waits or was paused, so its parent does too.
    """
    key, fold, args = branch.key, door.fold, branch.given.args
    if stop.kind in {"waiting", "paused"}:
        raise Parked(stop.questions)
    if stop.kind == "cancelled":  # a life before this one had dropped it
        turns = fold.turns + fold.lost_turns
        return ChildEnded(key, args=args, cancelled=True, lost=fold.spent, lost_turns=turns)
    usage, turns = fold.usage, fold.turns
    lost: dict[str, Any] = {"lost": fold.lost, "lost_turns": fold.lost_turns}
    if stop.kind in {"done", "final"}:
        ended = stop.state if stop.kind == "final" else "done"
        text = fold.said.text
        data = fold.data or None
        result = ChildResult(text, ended, stop.ok, usage, turns, data)
        return ChildEnded(key, result, usage=usage, turns=turns, args=args, **lost)
    text = f"nested run {branch.flow.name!r} stopped: {stop}"
    if stop.kind == "budget" and _is_parents(stop.which, grant, branch.flow.budget):
        fault = fault_of(Exhausted(stop.which, text), key)
        fault = replace(fault, kinds=("ChildFailed", *fault.kinds))
    else:
        fault = _failed(text, key)
    return ChildEnded(key, fault=fault, usage=usage, turns=turns, args=args, **lost)


def _failed(text: str, key: Key) -> Fault:
    """Return the fault of a nested run that came to no end of its own."""
    return Fault("ChildFailed", text, ("FaultError", "RunError", "StateflowError"), key.ordinal)


def _is_parents(which: str, grant: Budget, own: Budget) -> bool:
    """Tell whether the limit that a nested run met is its parent's, not the flow's own."""
    granted, owned = getattr(grant, which, None), getattr(own, which, None)
    return granted is not None and (owned is None or granted <= owned)
