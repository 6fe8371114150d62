"""The algebra of guards: what follows from what, and a view to show where it does not.

Guards are combined of a few dozen built-in questions, and for these much is certain: who says
``ALL DONE`` says ``DONE``; three visits are at least two; code that ended with 0 did not fail.  A
proof uses that and nothing else.  A witness is a small view on which the guards themselves were
asked.  Where neither is had, nothing is known: a Python function is a question of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stateflow.conversation.view import View
from stateflow.machine.algebra.atom import formula, negated
from stateflow.machine.algebra.search import Found, search
from stateflow.machine.algebra.setting import ANYWHERE, Setting
from stateflow.machine.algebra.trait import Lack
from stateflow.machine.guard import Guard

__all__ = ["Answer", "contradictory", "disjoint", "exhaustive", "implies"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Proved, or shown to be wrong, or neither."""

    proved: bool
    witness: View | None = None
    """A view for which it is not so; the guards themselves have said that."""
    strained: bool = False
    """The witness needs data or counts that no usual way leaves behind."""

    @property
    def known(self) -> bool:
        """It is proved, or there is a witness."""
        return self.proved or self.witness is not None


def implies(guard: Guard, other: Guard, setting: Setting = ANYWHERE) -> Answer:
    """Ask whether *other* holds wherever *guard* does.

    Example:
        >>> from stateflow import says, visited
        >>> implies(says("DONE", by="coder"), says("DONE")).proved
        True
        >>> implies(visited("run", at_least=2), visited("run", at_least=3)).witness.visits
        {'run': 2}
    """
    formulas = [formula(guard), negated(formula(other))]
    return _answer(search(formulas, setting, lambda view: guard(view) and not other(view)))


def contradictory(guard: Guard, setting: Setting = ANYWHERE) -> Answer:
    """Ask whether *guard* holds nowhere; the witness is a view for which it does.

    Example:
        >>> from stateflow import equals, says
        >>> contradictory(equals("yes") & ~says("yes")).proved
        True
    """
    return _answer(search([formula(guard)], setting, guard))


def disjoint(guard: Guard, other: Guard, setting: Setting = ANYWHERE) -> Answer:
    """Ask whether two guards never hold at once; the witness is a view for which both do.

    Example:
        >>> from stateflow import failed, succeeded
        >>> disjoint(failed, succeeded & ~failed).proved
        True
    """
    formulas = [formula(guard), formula(other)]
    return _answer(search(formulas, setting, lambda view: guard(view) and other(view)))


def exhaustive(guards: Sequence[Guard | None], setting: Setting = ANYWHERE) -> Answer:
    """Ask whether one of *guards* holds whatever was said; ``None`` always does.

    Example:
        >>> from stateflow import visited
        >>> often = visited("write", at_least=4)
        >>> exhaustive([often, ~often]).proved
        True
    """
    asked = [guard for guard in guards if guard is not None]
    if len(asked) < len(guards):
        return Answer(proved=True)
    formulas = [negated(formula(guard)) for guard in asked]
    return _answer(search(formulas, setting, lambda view: not any(guard(view) for guard in asked)))


def _answer(found: Found | Lack) -> Answer:
    if isinstance(found, Found):
        return Answer(proved=False, witness=found.view, strained=found.strained)
    return Answer(proved=found is Lack.NEVER)
