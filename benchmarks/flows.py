"""The flow that the benchmarks run: three speakers in a ring, until somebody says stop."""

from __future__ import annotations

from stateflow import Flow, FunctionAgent, State, guard, to
from stateflow.conversation.view import View

__all__ = ["relay"]


@guard
def over(view: View) -> bool:
    """Hold when the last message ends the chat."""
    return view.last.text == "STOP"


@guard
def further(view: View) -> bool:
    """Hold when it does not."""
    return view.last.text != "STOP"


def relay(turns: int) -> Flow:
    """Return a flow that is done after so many turns; each reads two guards."""

    def speak(view: View) -> str:
        return "STOP" if view.turns == turns - 1 else "carry on"

    ring = ("write", "test", "review")
    return Flow(
        "relay",
        *(
            State(
                name, FunctionAgent(name, speak), to(None, when=over), to(following, when=further)
            )
            for name, following in zip(ring, (*ring[1:], ring[0]), strict=True)
        ),
    )
