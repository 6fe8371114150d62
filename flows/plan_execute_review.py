"""AutoGen's own table of speakers, ``None`` included, with a first execution that fails.

``custom_speaker_selection`` picks the next speaker as AutoGen users write it, with the last
speaker and the chat; unlike there, it can only pick what the table allows, and ``None`` really
is done.  The agents are scripted, so the flow runs offline and always takes the same path:
planner → executor → planner → executor → reviewer.
"""

from __future__ import annotations

from stateflow import Agent, Chat, Flow, Message, Outcome, Scripted

task = "Print the sales by region."

planner = Scripted(
    "planner",
    [
        "1. Read sales.csv. 2. Add up `amount` by region. 3. Print the totals.",
        "1. Read sales.csv. 2. Take the commas out of `amount`. 3. Add up by region. 4. Print.",
    ],
    description="says what to do, step by step",
)
executor = Scripted(
    "executor",
    [
        Message("ValueError: could not convert '1,200' to a number", outcome=Outcome.exited(1)),
        Message("north 3400, south 1200", outcome=Outcome.exited(0)),
    ],
    kind="code",
    description="carries the plan out",
)
reviewer = Scripted(
    "reviewer",
    ["The totals agree with the ledger. APPROVED"],
    description="accepts the result, or asks for another plan",
)


def custom_speaker_selection(last_speaker: Agent, chat: Chat) -> Agent | None:
    """Go back to the planner after a failed execution; be done after an approval."""
    last = chat.messages[-1]
    if last_speaker is executor:
        return planner if last.outcome is not None and not last.outcome.ok else reviewer
    return None if "APPROVED" in last["content"] else planner


flow = Flow.from_table(
    "plan_execute_review",
    {planner: [executor], executor: [reviewer, planner], reviewer: [planner, None]},
    choose=custom_speaker_selection,
    accept={"SF106": "the table is the one of AutoGen, which has no row for faults"},
)
