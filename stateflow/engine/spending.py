"""What a run may still use up: limits, reservations, and the refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.errors import Exhausted
from stateflow.journal.fold import Fold
from stateflow.machine.budget import Budget
from stateflow.value import Json

__all__ = ["budget_from", "budget_json", "granted", "left", "over", "refusal", "shared", "tighter"]

_NAMES = tuple(field.name for field in fields(Budget))


def budget_json(budget: Budget) -> dict[str, Json]:
    """Return the limits of *budget* that are set; ``"inf"`` is none, spelt out."""
    limits: dict[str, Json] = {}
    for name in _NAMES:
        limit = getattr(budget, name)
        if limit is not None and limit is not False:
            limits[name] = "inf" if limit == math.inf else limit
    return limits


def budget_from(limits: Mapping[str, Any]) -> Budget:
    """Return the budget that :func:`budget_json` wrote."""
    values: dict[str, Any] = {n: math.inf if v == "inf" else v for n, v in limits.items()}
    return Budget(**values)


def over(budget: Budget, fold: Fold) -> str:
    """Return the limit that does not allow another turn, or ``""``."""
    if fold.turns + fold.lost_turns >= budget.turns:
        return "turns"
    if budget.seconds is not None and fold.elapsed_s >= budget.seconds:
        return "seconds"
    return ""


def refusal(budget: Budget, spent: Usage, reserved: Usage, ceiling: Usage) -> Exhausted | None:
    """Return why a call that can cost *ceiling* is not made, or ``None``.

    Args:
        budget: the limits.
        spent: by the run so far.
        reserved: by calls that are under way beside it.
        ceiling: the most this call can cost.
    """
    if ceiling is NO_USAGE or ceiling == NO_USAGE:
        return None
    after = spent + reserved + ceiling
    for which, limit, total in (
        ("calls", budget.calls, after.calls),
        ("tokens", budget.tokens, after.tokens),
        ("usd", budget.usd, after.usd),
    ):
        if limit is None or limit == math.inf:
            continue
        if total is None and budget.unpriced:
            continue  # as the user chose
        if total is None:
            return Exhausted(
                which, "the price of this model is not known, so a budget in USD cannot hold it"
            )
        if total > limit:
            return Exhausted(
                which, f"this call could bring {which} to {total:g}; the budget allows {limit:g}"
            )
    return None


def left(budget: Budget, fold: Fold) -> Budget:
    """Return what *fold* has left of *budget*, to grant to a nested run."""
    spent = fold.spent
    usd = budget.usd
    if usd is not None:  # nobody can say what an unknown cost leaves
        known = usd if spent.usd is None and budget.unpriced else 0.0
        usd = known if spent.usd is None else max(0.0, usd - spent.usd)
    return replace(
        budget,
        turns=max(0, budget.turns - fold.turns - fold.lost_turns),
        calls=None if budget.calls is None else max(0, budget.calls - spent.calls),
        tokens=None if budget.tokens is None else max(0, budget.tokens - spent.tokens),
        usd=usd,
        seconds=None if budget.seconds is None else max(0.0, budget.seconds - fold.elapsed_s),
    )


def granted(budget: Budget, fold: Fold, first: int, branches: int) -> Budget:
    """Return what each of so many *branches* is granted, that begin at ordinal *first*.

    One alone is granted what is left; several share what was left before the turn.
    """
    alone = branches == 1
    grant = left(budget, fold if alone else fold.before(first))
    grant = replace(grant, turns=max(0, grant.turns - 1))  # the turn that they are part of
    return grant if alone else shared(grant, branches)


def shared(budget: Budget, branches: int) -> Budget:
    """Return the share of *budget* that each of so many *branches* gets.

    Time is not shared out: they run at once.
    """

    def part(limit: float | None) -> Any:  # noqa: ANN401 - whole numbers stay whole
        return None if limit is None else limit if limit == math.inf else limit // branches

    usd = budget.usd if budget.usd is None or budget.usd == math.inf else budget.usd / branches
    return replace(
        budget,
        turns=part(budget.turns),
        calls=part(budget.calls),
        tokens=part(budget.tokens),
        usd=usd,
    )


def tighter(one: Budget, other: Budget) -> Budget:
    """Return the smaller of each limit; what is unknown is taken as *one* takes it."""

    def least(name: str) -> float | None:
        both = (getattr(one, name), getattr(other, name))
        return min((limit for limit in both if limit is not None), default=None)

    limits = {name: least(name) for name in _NAMES if name != "unpriced"}
    return Budget(**limits, unpriced=one.unpriced)  # type: ignore[arg-type]  # depth stays int
