"""A chat that is over, and goes on days later with something else.

A marketer drafts, the chief marketing officer says ``TERMINATE`` when it is good, and a person is
asked whether there is anything else.  Nothing, or ``exit``, ends the run; anything else goes on
with it, in whatever process has the answer:

    stateflow run flows/resume_chat.py
    stateflow resume last --answer "Now a line for the newsletter."

AutoGen has to strip the old ``TERMINATE`` from the messages that it resumes with, or the chat ends
at once.  Guards here read the turn they follow, so what somebody said last week ends nothing.

Source: AutoGen's topic on resuming a group chat.
"""

from __future__ import annotations

from stateflow import FunctionAgent, View, round_robin, says

task = "A line for a budget app that students can afford."
TURNS = 8
"""Three topics."""


def draft(view: View) -> str:
    """Draft what was asked for last."""
    return f"Draft for {view.last.speaker!r}: {view.last.text}"


def accept(view: View) -> str:
    """Accept what was drafted."""
    return f"Good. ({len(view.last.text)} characters) TERMINATE"


marketer = FunctionAgent("Digital_Marketer", draft)
officer = FunctionAgent("Chief_Marketing_Officer", accept)

flow = round_robin(
    "resume_chat",
    [marketer, officer],
    stop=says("TERMINATE", by=officer),
    human="on_stop",
    turns=TURNS,
)
