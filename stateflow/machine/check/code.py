"""The codes of findings: what each is called, and why it matters.  ``docs/check.md`` says more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final as Constant

from stateflow.machine.check.finding import Severity

__all__ = ["CODES", "Code"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    code: str
    """``SF101`` and so on."""
    title: str
    severity: Severity
    """What it mostly is; a finding has a severity of its own."""
    why: str
    """What comes of it, in a sentence."""


_ALL: Constant = (
    Code("SF100", "flow that cannot be built", "error", "Nothing of it can be checked, or run."),
    Code("SF101", "unreachable state", "error", "The drawing shows what no run will ever see."),
    Code("SF102", "dead end and trap", "error", "A run that comes here never ends."),
    Code("SF103", "missing else", "error", "A turn for which no guard holds stops the run stuck."),
    Code("SF104", "shadowed transition", "error", "The first that holds wins; this one never."),
    Code("SF105", "cycle without any cap", "error", "Nothing stops it but the bill."),
    Code("SF106", "fault nowhere taken", "warning", "The first rate limit stops the run failed."),
    Code("SF107", "join that never fires", "error", "The state is left only by a limit."),
    Code("SF108", "branches without a turn", "error", "Branches whose share is none all fail."),
    Code("SF109", "recursion without an end", "error", "Every run runs itself again."),
    Code("SF110", "guard that never holds", "error", "The transition is drawn and never taken."),
    Code("SF111", "overlapping guards", "note", "Only their order says where a run goes."),
    Code("SF112", "text guard without a speaker", "warning", "Who quotes the words sets it off."),
    Code("SF113", "text where an outcome is typed", "warning", "Words are misread; outcomes not."),
    Code("SF114", "chooser without a fallback", "warning", "A wrong answer stops the run failed."),
    Code("SF115", "nesting without a bound", "error", "It goes as deep as the machine bears."),
    Code("SF116", "agent of no state", "warning", "It never speaks."),
    Code("SF117", "tool that nobody can call", "warning", "No model is ever offered it."),
    Code("SF118", "data that nothing writes", "warning", "The guard says the same at every turn."),
    Code("SF119", "name that nobody has", "error", "The guard never holds, and no run says why."),
    Code("SF120", "success that is only claimed", "warning", "What was not checked may be wrong."),
    Code("SF121", "secret in a text", "error", "It goes to models, journals and drawings."),
    Code("SF122", "broken rule", "error", "Some run does what the flow says must never be."),
    Code("SF123", "stale acceptance", "warning", "It would hide the next finding of that kind."),
)

CODES: Constant[Mapping[str, Code]] = {one.code: one for one in _ALL}
"""Every code, in order."""
