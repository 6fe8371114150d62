"""``stateflow resume --plan``: what resuming a run would do, in words and as JSON."""

from __future__ import annotations

import json as json_module
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from stateflow.cli.changed import changes
from stateflow.cli.chart import clean, folded
from stateflow.cli.console import console, say
from stateflow.cli.human import shown_options
from stateflow.cli.moment import limits_left
from stateflow.cli.reading import labelled
from stateflow.diagram.words import counted
from stateflow.engine.planning import Next, Plan
from stateflow.journal.event import Journal
from stateflow.journal.redact import Redactor
from stateflow.machine.flow import Flow

__all__ = ["tell_plan"]


def tell_plan(flow: Flow, plan: Plan, journal: Journal, *, json: bool) -> int:
    """Say on stdout what *plan* holds; return the exit code."""
    now: Mapping[str, Any] = Redactor.from_environment(os.environ).json(flow.table())
    changed = changes(journal.started.table, now)
    if json:
        told = json_module.dumps(_json(plan, changed), ensure_ascii=False, indent=2)
        sys.stdout.write(f"{told}\n")
    else:
        _tell(console("stdout"), plan, changed)
    return 0 if plan else 1


def _tell(out: Console, plan: Plan, changed: list[str]) -> None:
    verdict = "would be refused" if not plan else "is over" if plan.over else "can go on"
    say(out, f"{clean(plan.flow)}: run {clean(plan.run)} {verdict}", "" if plan else "bold red")
    for number, change in enumerate(changed or ["nothing"]):
        labelled(out, "" if number else "changed", clean(change))
    labelled(out, "path", _path(plan))
    if plan.divergence is not None:
        for row in str(plan.divergence).splitlines():
            labelled(out, "", clean(row))
        return
    stop = "cut off, or still running" if plan.stop is None else str(plan.stop)
    labelled(out, "stands", f"at {clean(plan.state) or 'its end'}: {clean(stop)}")
    if not plan.over:
        _tell_ahead(out, plan)


def _tell_ahead(out: Console, plan: Plan) -> None:
    """Say what resuming would begin with."""
    for question in plan.questions:
        labelled(out, "asks", clean(f"{question.id}: {question.text}") + shown_options(question))
    if plan.made:
        labelled(out, "kept", f"{clean(', '.join(plan.made))}: not made again")
    if plan.begun:
        labelled(out, "begun", f"{clean(', '.join(plan.begun))}: gone on with, or asked about")
    if plan.used_up:
        labelled(out, "next", f"nobody: no {plan.used_up} are left; give another --budget")
    elif plan.next is not None:
        _tell_next(out, plan.next)
    elif plan.made:
        labelled(out, "next", f"{clean(plan.state)}: its guards are tried again; nobody speaks")
    left = limits_left(plan.left)
    labelled(out, "left", " · ".join(f"{value} {name}" for name, value in left.items()))


def _path(plan: Plan) -> str:
    if plan:
        return f"{counted(plan.turns, 'turn')}, all taken again as recorded"
    return f"{counted(plan.kept, 'turn')} of {plan.turns} taken again as recorded, then:"


def _tell_next(out: Console, one: Next) -> None:
    words = [one.agent, one.kind, one.model]
    labelled(out, "next", clean(f"{one.state}: {' · '.join(word for word in words if word)}"))
    if one.tools:
        labelled(out, "tools", clean(", ".join(one.tools)))
    for number, row in enumerate(folded(clean(one.prompt), out.width - 10) if one.prompt else ()):
        labelled(out, "" if number else "prompt", row.rstrip())


def _json(plan: Plan, changed: list[str]) -> dict[str, Any]:
    follows = plan.next
    return {
        "run": plan.run,
        "flow": plan.flow,
        "allowed": bool(plan),
        "over": plan.over,
        "changed": changed,
        "turns": plan.turns,
        "kept": plan.kept,
        "divergence": None if plan.divergence is None else str(plan.divergence),
        "rename": dict(plan.rename),
        "state": plan.state,
        "stop": None if plan.stop is None else str(plan.stop),
        "questions": [{"id": one.id, "text": one.text} for one in plan.questions],
        "made": list(plan.made),
        "begun": list(plan.begun),
        "next": None if follows is None else {n: getattr(follows, n) for n in Next.__slots__},
        "used_up": plan.used_up,
        "left": limits_left(plan.left),
    }
