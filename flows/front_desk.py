"""A front desk: a customer is sent on, and nobody pays without being allowed to.

Each assistant has one typed tool.  The clerk's says who can help, and hands over along the table;
the cashier's pays money back, which a person must allow each time, and is never done twice, also
after a crash.  The run waits for that person, for days if need be, and goes on with the answer:

    stateflow run flows/front_desk.py
    stateflow resume last --answer yes

``required`` makes a model call its tool before it answers.  The clerk's turn ends with the
handover, and the cashier's with what the tool gave: so even the embedded model, which never stops
calling tools, serves here.  What it fills in is its own affair, which is why a person is asked.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stateflow import (
    Assistant,
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Model,
    Settings,
    State,
    ToolReply,
    View,
    handed_to,
    succeeded,
    to,
    tool,
)

task = "I paid 12 EUR for a cup, and it came broken. I want my 12 EUR back."

stand_in = {
    "clerk": 'scripted:send({"to": "refund"})',
    "cashier": 'scripted:pay_back({"item": "cup", "amount": 12})',
    "helper": "scripted:We are open from nine to five.",
}
"""Scripted models that call the same tools without the embedded one."""


@tool
def send(to: Literal["refund", "help"]) -> ToolReply:
    """Send the customer on: to refund, who wants money back; to help, who asks something else."""
    return ToolReply(f"Please go to {to}.", handoff=to)


@tool(approve=True, repeat=False)
def pay_back(
    item: Annotated[str, Field(max_length=30)], amount: Annotated[int, Field(ge=1, le=50)]
) -> str:
    """Pay a customer money back.

    Args:
        item: what it is for.
        amount: how much [EUR].
    """
    return f"{amount} EUR for: {item}"


def write_receipt(view: View) -> str:
    """Say what was paid, as the tool told it."""
    return f"Paid back {view.last.text}."


MODEL = Model("llama:smollm2", Settings(temperature=0.0, seed=1, max_tokens=60))
clerk = Assistant("clerk", MODEL, "Send the customer on.", tools=[send], tool_choice="required")
cashier = Assistant(
    "cashier",
    MODEL,
    "Pay the customer the money back.",
    tools=[pay_back],
    tool_choice="required",
    reflect=False,
)
helper = Assistant("helper", MODEL, "You work in a shop. Answer in one sentence.")

flow = Flow(
    "front_desk",
    State("desk", clerk, to("refund", when=handed_to("refund")), to("help")),
    State("refund", cashier, to("receipt", when=succeeded), to("declined")),
    State("receipt", FunctionAgent("printer", write_receipt, kind="code"), to(None)),
    State("help", helper, to(None)),
    Final("declined"),
    budget=Budget(turns=6, calls=8, tokens=5000),
    accept={"SF106": "a run that failed is kept, so that no payment is begun anew"},
)
