"""Findings that a flow says are meant, and acceptances that find nothing any more (SF123)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final as Constant

from stateflow.machine.check.finding import Finding
from stateflow.machine.flow import Flow

__all__ = ["Acceptance", "told"]

_AROUND: Constant = frozenset({"SF105", "SF106", "SF108", "SF115"})
"""What a nested flow is only found to be on its own, or in some flows around it and not others."""
_DECLARED: Constant = frozenset({"SF116", "SF117"})
"""What is only found where it is known what the module declares."""
_NOTES: Constant = frozenset({"SF111"})
"""What is only looked for where notes are asked for."""


class Acceptance:
    """What one flow accepts, and what of that was found."""

    def __init__(self, flow: Flow, *, nested: bool, declared: bool, notes: bool) -> None:
        """Begin with nothing found.

        Args:
            flow: whose ``accept=`` it is.
            nested: whether another flow is checked, in which it is nested.
            declared: whether it is known what its module declares.
            notes: whether notes are looked for.
        """
        self._flow = flow
        self._found: set[str] = set()
        unsure = [
            *(_AROUND if nested else ()),
            *(() if declared else _DECLARED),
            *(() if notes else _NOTES),
        ]
        self._unsure = frozenset(unsure)

    def of(self, finding: Finding, path: str) -> Finding:
        """Return *finding*, with the reason if it is accepted.

        Args:
            finding: to look up.
            path: of its place, seen from this flow.
        """
        own = "/" not in path
        for key in (f"{finding.code} at {path}", *([finding.code] if own else [])):
            if key in self._flow.accept:
                self._found.add(key)
                return replace(finding, accepted=finding.accepted or self._flow.accept[key])
        return finding

    def stale(self) -> Iterator[Finding]:
        """Find the keys that no finding was found for."""
        for key in self._flow.accept:
            code = key.partition(" ")[0]
            if key not in self._found and code not in self._unsure:
                text = f"accept= names {key!r}, and nothing of that kind is found there"
                yield Finding("SF123", "warning", "", text, "take it out of accept=")


def told(findings: Sequence[Finding], *, notes: bool, accepted: bool) -> tuple[Finding, ...]:
    """Return those of *findings* that are asked for: *notes* and *accepted* ones only if wanted."""
    return tuple(
        one
        for one in findings
        if (notes or one.severity != "note") and (accepted or not one.accepted)
    )
