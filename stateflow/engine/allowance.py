"""Allowances: what a replayed run may still spend, where that is less than when it was recorded.

Nothing is made on replay, so no ceiling is reckoned.  What was spent is on the record: a call that
a limit of now would refuse whatever its ceiling was, is named.  Limits that are as they were, or
wider, are not looked at: the recorded run kept to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from stateflow.conversation.effect import Call
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.engine.spending import budget_from, granted, tighter
from stateflow.journal.event import Journal, RunResumed, RunStarted
from stateflow.journal.fold import Fold
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow

__all__ = ["Allowance"]

_LIMITS: Final = ("turns", "calls", "tokens", "usd")
_LEAST: Final = Usage(calls=1, output_tokens=1)
"""What a call costs at the least whose ceiling is not reckoned."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of one run as they are now."""

    budget: Budget
    lowered: frozenset[str] = frozenset()
    """Names of limits that were higher, or none, when the run was recorded."""

    @classmethod
    def of(cls, flow: Flow, journal: Journal, grant: Allowance | None = None) -> Allowance:
        """Return what *flow* allows the run of *journal* now.

        Limits that a person gave a run are on its record, and replace the flow's.  Those of a
        nested run come from around it, too: *grant* is what is left there now.
        """
        given: Any = None
        for recorded in journal.events:
            event = recorded.event
            if isinstance(event, RunStarted | RunResumed) and event.budget is not None:
                given = event.budget
        limits: Any = journal.started.table.get("budget") if given is None else given
        before = flow.budget if limits is None else budget_from(limits)
        now = flow.budget if given is None else before
        if grant is not None:
            now = tighter(before, flow.budget)
            lower = {name: getattr(grant.budget, name) for name in sorted(grant.lowered)}
            now = tighter(now, replace(now, **lower))
        return cls(now, frozenset(n for n in _LIMITS if _is_lower(now, before, n)))

    def grant(self, fold: Fold, first: int, branches: int) -> Allowance:
        """Return what is left for *branches* that begin at ordinal *first* of the open turn."""
        if not self.lowered:
            return self
        return Allowance(granted(self.budget, fold, first, branches), self.lowered)

    def refusal(self, call: Call, spent: Usage, asked: int) -> tuple[str, str]:
        """Return the limit that refuses *call* and why, or two empty texts.

        Args:
            call: what is asked for.
            spent: by the run so far.
            asked: calls that were let pass just before, in the same batch.
        """
        least = _LEAST if callable(call.ceiling) else call.ceiling
        if least == NO_USAGE:
            return "", ""
        calls = spent.calls + asked
        if self._passes("calls", calls + least.calls):
            return "calls", f"{calls:,} were made before"
        if self._passes("tokens", spent.tokens + least.tokens):
            return "tokens", f"{spent.tokens:,} were spent before"
        if spent.usd is not None and self._passes("usd", spent.usd):
            return "usd", f"{spent.usd:g} were spent before"
        return "", ""

    def _passes(self, name: str, total: float) -> bool:
        return name in self.lowered and total > getattr(self.budget, name)


def _is_lower(now: Budget, before: Budget, name: str) -> bool:
    limit, was = getattr(now, name), getattr(before, name)
    return limit is not None and (was is None or limit < was)
