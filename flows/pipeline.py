"""Process an order in stages, each of which can stop it.

The stages are plain Python.  Each says what it found with an outcome, and a guard reads that and
not the words; what is wrong goes to ``rejected`` at once, with the reason as the last message.

Source: the pipeline pattern of AG2's cookbook, where a flag in the context does this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from stateflow import Final, Flow, FunctionAgent, Message, Outcome, State, View, failed, to

task = '{"number": "A-17", "items": {"cup": 2, "spoon": 1}, "card": "4111 1111 1111 1111"}'

STOCK = {"cup": 5, "spoon": 3, "plate": 0}
PRICES = {"cup": 12, "spoon": 4, "plate": 9}


class Order(BaseModel):
    """What a customer sends."""

    number: str
    items: dict[str, int]
    card: str


class Desk(BaseModel):
    """What the stages hand on."""

    order: Order | None = None


def good(text: str, reply: Any = None) -> Message:  # noqa: ANN401 - any JSON value
    """Say that the order may go on."""
    return Message(text, outcome=Outcome.passed(), reply=reply)


def bad(why: str) -> Message:
    """Say why it may not."""
    return Message(f"Rejected: {why}.", outcome=Outcome.failed(why))


def enter(view: View) -> Message:
    """Read the order."""
    try:
        order = Order.model_validate(json.loads(view.last.text))
    except (json.JSONDecodeError, ValidationError):
        return bad("it is no order")
    return good(f"Order {order.number} has come in.", order.model_dump())


def validate(view: View) -> Message:
    """Refuse what nobody can deliver."""
    items: dict[str, int] = view.data.order.items
    strange = [item for item in items if item not in STOCK]
    if not items or strange:
        return bad(f"there is no {strange[0]!r}" if strange else "it is empty")
    return good("It is in order.")


def reserve(view: View) -> Message:
    """Look into the stock."""
    items: dict[str, int] = view.data.order.items
    short = [item for item, count in items.items() if count > STOCK[item]]
    return bad(f"{short[0]!r} is sold out") if short else good("All of it is there.")


def pay(view: View) -> Message:
    """Take the money."""
    order: Order = view.data.order
    if not order.card.startswith("4"):
        return bad("the card is declined")
    return good(f"{sum(PRICES[item] * n for item, n in order.items.items())} EUR are paid.")


def ship(view: View) -> Message:
    """Pack it."""
    return good(f"Order {view.data.order.number} leaves tomorrow.")


def notify(view: View) -> Message:
    """Tell the customer."""
    return good(f"Dear customer: {view.last.text}")


def keep(view: View) -> Mapping[str, Any]:
    """Keep the order that was read."""
    return {"order": view.last.reply}


def stage(name: str, work: Callable[[View], Message], following: str | None) -> State:
    """Return one stage, and what comes after it."""
    agent = FunctionAgent(name, work, kind="code")
    return State(name, agent, to("rejected", when=failed), to(following))


flow = Flow(
    "pipeline",
    State(
        "entry",
        FunctionAgent("entry", enter, kind="code"),
        to("rejected", when=failed),
        to("validation", do=keep),
    ),
    stage("validation", validate, "inventory"),
    stage("inventory", reserve, "payment"),
    stage("payment", pay, "fulfillment"),
    stage("fulfillment", ship, "notification"),
    stage("notification", notify, None),
    Final("rejected", ok=False),
    data=Desk,
)
