"""Chats with a person in them, whose answers are known beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stateflow import Flow, FunctionAgent, Result, resume, run_sync
from stateflow.machine.check.check import check
from stateflow.stores.memory import MemoryStore

__all__ = ["chat", "errors", "said", "speaker", "table"]


def speaker(name: str, description: str = "") -> FunctionAgent:
    """Return an agent that says who it is, and in which turn."""
    return FunctionAgent(name, lambda view: f"{name} {view.turns + 1}", description=description)


def chat(flow: Flow, *answers: str, task: str = "go") -> Result:
    """Run *flow*, give the *answers* to what it asks, one after the other, and return the last."""
    store = MemoryStore()
    result = run_sync(flow, task, store=store)
    for answer in answers:
        result = asyncio.run(resume(flow, result.run, store=store, answer=answer))
    return result


def said(result: Result) -> str:
    """Return what was said after the task, in one line."""
    return ", ".join(message.text for message in result.messages[1:])


def table(flow: Flow) -> dict[str, list[tuple[str | None, str]]]:
    """Return each state's targets with the names of their guards."""
    return {
        state.name: [(way.target, way.guard_name) for way in state.transitions]
        for state in flow.states
    }


def errors(flow: Flow) -> Sequence[str]:
    """Return what is wrong with *flow*, warnings about faults apart."""
    return [str(one) for one in check(flow) if one.code != "SF106"]
