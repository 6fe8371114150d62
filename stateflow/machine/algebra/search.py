"""The search for a view in which a formula holds, or for the proof that there is none.

A formula is taken apart into all ways in which its atoms can make it hold.  Each way is a list of
plain demands on the parts of a view, which do not depend on each other: where one part cannot
meet them, that way leads nowhere.  Work is bounded; where the bound is met, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final as Constant
from typing import TypeAlias

from stateflow.conversation.view import View
from stateflow.machine.algebra.atom import All, Atom, Formula, Is, Opaque
from stateflow.machine.algebra.setting import Setting
from stateflow.machine.algebra.trait import Lack
from stateflow.machine.algebra.variant import variants
from stateflow.machine.algebra.view import Demands, possible, view_for

__all__ = ["Found", "never", "search"]

_MOST_STEPS: Constant = 2_000
_MOST_WAYS: Constant = 100
_MOST_GUESSES: Constant = 3
"""So many ways are tried with views like the first, where a function is asked."""

_World: TypeAlias = dict[Atom, bool]


@dataclass(frozen=True, slots=True)
class Found:
    """A view in which the formula holds."""

    view: View
    strained: bool
    """It needs data or counts that no usual way to the place leaves behind."""


def search(
    formulas: Iterable[Formula], setting: Setting, accept: Callable[[View], bool]
) -> Found | Lack:
    """Return a view of *setting* in which all *formulas* hold and which *accept* agrees to.

    ``Lack.NEVER`` is a proof that there is none; ``Lack.UNKNOWN`` says nothing.  Views that need
    nothing unusual come first.
    """
    lack, strained = Lack.NEVER, None
    budget = _Budget()
    for world in _ways(tuple(formulas), budget):
        met = view_for(Demands.of(world), setting)
        if isinstance(met, Lack):
            lack = met if met is Lack.UNKNOWN else lack
            continue
        found = _accepted(met, world, budget, accept)
        if found is None:
            lack = Lack.UNKNOWN
        elif not found.strained:
            return found
        else:
            strained = strained or found
    if strained is not None:
        return strained
    return Lack.UNKNOWN if budget.over else lack


def _accepted(
    met: tuple[View, bool], world: _World, budget: _Budget, accept: Callable[[View], bool]
) -> Found | None:
    """Return the view if *accept* agrees to it, or one like it where that asks a function."""
    view, strained = met
    if _agreed(accept, view):
        return Found(view, strained)
    if budget.guesses and any(isinstance(atom, Opaque) for atom in world):
        budget.guesses -= 1
        for other, of_data in variants(view):
            if _agreed(accept, other):
                return Found(other, strained or of_data)
    return None


def never(formulas: Iterable[Formula], setting: Setting) -> bool:
    """Tell whether it is proved that no view of *setting* is one in which all *formulas* hold."""
    budget = _Budget()
    worlds = _ways(tuple(formulas), budget)
    return not any(possible(Demands.of(one), setting) for one in worlds) and not budget.over


def _agreed(accept: Callable[[View], bool], view: View) -> bool:
    """Ask *accept*; a function may raise where it meets a view that it did not expect."""
    try:
        return accept(view)
    except Exception:  # noqa: BLE001 - guards are anybody's
        return False


class _Budget:
    """How much work is left."""

    def __init__(self) -> None:
        self.steps = _MOST_STEPS
        self.ways = _MOST_WAYS
        self.guesses = _MOST_GUESSES
        self.over = False

    def step(self) -> bool:
        self.steps -= 1
        self.over = self.over or self.steps < 0
        return not self.over

    def way(self) -> None:
        self.ways -= 1
        self.over = self.over or self.ways < 0


@dataclass(slots=True)
class _Branch:
    """A way that is not yet taken to its end."""

    todo: list[Formula]
    known: _World
    either: list[tuple[Formula, ...]]
    """Of each of these, one part holds."""

    def close(self) -> bool:
        """Take apart all that leaves no choice; ``False``: it contradicts itself."""
        while True:
            while self.todo:
                formula = self.todo.pop()
                if isinstance(formula, Is):
                    if self.known.setdefault(formula.atom, formula.so) is not formula.so:
                        return False
                elif isinstance(formula, All):
                    self.todo.extend(reversed(formula.parts))
                else:
                    self.either.append(formula.parts)
            if not self._settle():
                return False
            if not self.todo:
                return True

    def _settle(self) -> bool:
        """Drop what is met already, and parts that cannot hold."""
        kept: list[tuple[Formula, ...]] = []
        for parts in self.either:
            verdicts = [self._verdict(part) for part in parts]
            if True in verdicts:
                continue
            left = tuple(p for p, v in zip(parts, verdicts, strict=True) if v is None)
            if not left:
                return False
            if len(left) == 1:
                self.todo.append(left[0])
            else:
                kept.append(left)
        self.either = kept
        return True

    def _verdict(self, part: Formula) -> bool | None:
        if isinstance(part, Is):
            held = self.known.get(part.atom)
            return None if held is None else held is part.so
        return True if isinstance(part, All) and not part.parts else None

    def split(self) -> Iterator[_Branch]:
        """Yield a branch for each part of the shortest choice, the last part first."""
        parts = min(self.either, key=len)
        self.either.remove(parts)
        for part in reversed(parts):
            yield _Branch([part], dict(self.known), list(self.either))


def _ways(formulas: tuple[Formula, ...], budget: _Budget) -> Iterator[_World]:
    """Yield each way in which all *formulas* hold."""
    ahead = [_Branch(list(reversed(formulas)), {}, [])]
    while ahead and budget.step():
        branch = ahead.pop()
        if not branch.close():
            continue
        if branch.either:
            ahead.extend(branch.split())
            continue
        budget.way()
        if budget.over:
            return
        yield branch.known
