"""A writer and a user, in whose place a critic answers: the critic's chat is nested.

The writer drafts; what the user would say to it is what a chat with the critic comes to; the
writer drafts again.  The writer never sees that chat, only the answer.  In ``flow`` the critic
has a tool that looks for harmful content and calls it before it speaks; in ``plain`` it has none.

    stateflow run flows/writer_critic.py --model critic=openai:gpt-5-mini

Source: AutoGen's notebooks on nested chats, where the critic answers in the user's place.
"""

from __future__ import annotations

from stateflow import Assistant, Budget, Flow, Scripted, State, nested, to, tool

task = "Write two sentences about a harbour at night."

HARMFUL = ("poison", "weapon")


@tool
def check_harmful_content(content: str) -> str:
    """Look for harmful content before you say what you think of a text.

    Args:
        content: the text.
    """
    found = [word for word in HARMFUL if word in content.lower()]
    return f"harmful: {', '.join(found)}" if found else "nothing harmful"


writer = Scripted(
    "writer",
    [
        "The harbour sleeps. Lamps stand on the water like pins.",
        "The harbour sleeps with one eye open. A ferry hums somewhere behind the lamps.",
    ],
)
critic = Assistant(
    "critic",
    'scripted:check_harmful_content({"content": "The harbour sleeps."})'
    "|Nothing harmful. Give it a sound, and let something move.",
    "Check the text with your tool, then say how to make it better.",
    tools=[check_harmful_content],
)
reader = Scripted("critic", ["Give it a sound, and let something move."])


def critique(name: str, agent: Assistant | Scripted) -> Flow:
    """Return the chat that the user's answer comes from."""
    return Flow(name, State("read", agent, to(None)), budget=Budget(turns=2))


flow = nested(
    "writer_critic",
    writer,
    [critique("critique", critic)],
    speaker="user",
    rounds=2,
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
plain = nested("plain", writer, [critique("opinion", reader)], speaker="user", rounds=2)
