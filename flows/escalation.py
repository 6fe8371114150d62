"""Answer a question as cheaply as will do: the next better agent is asked only where one is unsure.

Each level answers with its confidence, a number in a typed reply, and a guard reads it: below 8
the question goes up.  What the best one is not sure of ends in ``needs_a_person``, which is no
success, with its answer as the last message.

Source: the escalation pattern of AG2's cookbook.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from stateflow import Assistant, Final, Flow, Scripted, State, View, replied, to

task = "How should I play bandits whose rewards follow a hidden Markov model?"

SURE = 8
"""So confident one must be [of 10]."""


class Considered(BaseModel):
    """What every level has to answer."""

    confidence: int = Field(ge=1, le=10)
    answer: str


def level(name: str, confidence: int, answer: str) -> Assistant:
    """Return one level; what it is sure of is a matter of its model."""
    return Assistant(
        name,
        f'scripted:{{"confidence": {confidence}, "answer": "{answer}"}}',
        "Answer, and say from 1 to 10 how sure you are. Below 8, somebody better is asked.",
        reply=Considered,
    )


def pass_on(view: View) -> str:
    """Give the answer without what is beside it."""
    reply = view.last.reply
    return str(reply["answer"]) if isinstance(reply, dict) else ""


triage = Scripted("triage", ["Let us see who can answer that.", pass_on])

sure = replied("confidence", at_least=SURE)

flow = Flow(
    "escalation",
    State("ask", triage, to("basic")),
    State(
        "basic",
        level("basic", 3, "Play what won before."),
        to("answer", when=sure),
        to("intermediate"),
    ),
    State(
        "intermediate",
        level("intermediate", 7, "Use an upper bound that forgets."),
        to("answer", when=sure),
        to("advanced"),
    ),
    State(
        "advanced",
        level("advanced", 9, "Track the hidden state, and take the upper bound under it."),
        to("answer", when=sure),
        to("needs_a_person"),
    ),
    State("answer", triage, to(None)),
    Final("needs_a_person", ok=False),
    accept={"SF106": "a level that cannot be reached stops the run, which is resumed once it can"},
)
