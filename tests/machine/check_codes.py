"""What the tests of single codes share: agents, and the findings of one code."""

from __future__ import annotations

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.machine.check.check import Finding, check
from stateflow.machine.flow import Flow

__all__ = ["BOSS", "CODER", "RUNNER", "WRITER", "of_code"]

CODER = Assistant("coder", "scripted:Done.")
WRITER = Assistant("writer", "scripted:Done.")
RUNNER = CodeRunner("runner")
BOSS = Human("boss", "Accept it?", options=["yes", "no"])


def of_code(code: str, flow: Flow, *declared: object) -> list[Finding]:
    """Return the findings of *code*, notes included."""
    return [one for one in check(flow, declared, notes=True) if one.code == code]
