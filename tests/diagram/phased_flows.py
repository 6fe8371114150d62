"""A flow in phases, and what its runs left behind."""

from __future__ import annotations

from stateflow.agents.scripted import Scripted
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guards import exhausted, says
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import to

__all__ = ["inner", "phased"]


def inner() -> Flow:
    """Return a flow of one state that runs in another."""
    return Flow("inner", State("look", Scripted("looker", ["seen"] * 9), to(None)))


def phased(*lines: str) -> Flow:
    """Return a flow whose phases are not written in one piece; the judge says *lines*."""
    return Flow(
        "phased",
        State("ask", Scripted("asker", ["go"] * 9), to("sort"), phase="first"),
        State("write", Scripted("writer", ["text"] * 9), to("judge"), phase="second", visits=3),
        Junction("sort", to("done", when=says("no")), to("write"), phase="first"),
        State(
            "judge",
            Scripted("judge", lines or ["again", "OK"]),
            to("check", when=says("OK")),
            to("gave_up", when=exhausted),
            to("write"),
            phase="second",
        ),
        Nested("check", inner(), to("done")),
        Final("done"),
        Final("gave_up", ok=False),
        budget=Budget(turns=20),
        on_error="gave_up",
    )
