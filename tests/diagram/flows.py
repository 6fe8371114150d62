"""Flows that the tests of drawings share."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from stateflow.conversation.agent import Turn
from stateflow.conversation.view import View
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guard import guard
from stateflow.machine.guards import answered, exhausted, failed, raised, says, succeeded
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.transition import to

NASTY = "é日\" <b>&amp; `x` |\\ ]] */ ;:#{} %% --> $x$ </svg> _a_ 'q'"
"""Something of every syntax; a name must not hold a slash, so those lose theirs."""
NASTY_NAME = NASTY.replace("/", "")


@dataclass(frozen=True)
class Speaker:
    """An agent that is only drawn."""

    name: str
    kind: str = "llm"
    model: str | None = None

    async def reply(self, turn: Turn, /) -> str:
        """Say nothing of interest."""
        return "x"


class Brief(BaseModel):
    """Data of a flow."""

    plan: str = ""


def add_comment(view: View) -> None:
    """Stand in for an action."""


def write_run_review() -> Flow:
    """Return the example of the design."""
    reviewer = Speaker("reviewer", model="anthropic:claude-opus-5")
    return Flow(
        "write_run_review",
        State("write", Speaker("coder", model="openai:gpt-5"), to("run"), visits=4),
        State("run", Speaker("runner", "code"), to("write", when=failed), to("review")),
        State("review", reviewer, to(None, when=says("APPROVED", by=reviewer)), to("write")),
        Final("gave_up", ok=False),
        budget=Budget(turns=20, usd=2.00),
        on_error="gave_up",
    )


def of_everything() -> Flow:
    """Return a flow with every element of the grammar, of more than six states."""
    return Flow(
        "of_everything",
        State("plan", Speaker("planner"), to("search"), save="plan"),
        State(
            "search",
            Speaker("finder", "tool"),
            to("plan", when=raised("TimedOut", "RateLimited")),
            to("plan", when=raised()),
            to("write"),
        ),
        State("write", Speaker("coder"), to("gave_up", when=exhausted), to("check"), visits=1),
        State("check", Speaker("runner", "code"), to("route"), timeout_s=60),
        Junction("route", to("review", when=succeeded), to("write")),
        State(
            "review",
            steps(Speaker("critic"), Speaker("base", "code")),
            to("approve", when=says("LGTM") & ~failed),
            to("write", do=add_comment),
        ),
        State("approve", Speaker("person", "human"), to("ship", when=answered("yes")), to(None)),
        State("ship", Speaker("git", "no such kind"), to("shipped")),
        Final("shipped"),
        Final("gave_up", ok=False),
        on_error="gave_up",
        data=Brief,
    )


def of_nasty_names() -> Flow:
    """Return a flow whose every name tries to be syntax."""

    @guard(name=NASTY + "\n```\n# heading")
    def nasty(view: View) -> bool:
        return True

    return Flow(
        NASTY_NAME,
        State(NASTY_NAME, Speaker(NASTY_NAME, model="a:" + NASTY), to("end", when=nasty), to(None)),
        State("end", Speaker("note\\"), to(NASTY_NAME), to("x\\", when=failed)),
        Final("x\\"),
        description=f"- {NASTY}\n# still text\n\n1. two",
    )
