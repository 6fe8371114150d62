"""A group that turns one number into another: somebody picks who reckons next.

Here the picks are those of a model, as they were recorded; for a live one write
``choose=by_model("openai:gpt-5-mini")``, or ``selector(...)``.  Whoever picks, picks from the
table.  Six messages with the task, then the chat is over.

Source: AutoGen's tutorial on conversation patterns, group chat.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stateflow import Chat, FunctionAgent, View, group_chat

task = "My number is 3, and I want it to become 13."
TURNS = 5
PICKED = ("Adder", "Multiplier", "Subtracter", "Number")
"""Who was picked after each turn."""


def number_of(view: View) -> float:
    """Return the number that was said last; the task says it first."""
    said = view.last.text
    return float(re.findall(r"-?\d+(?:\.\d+)?", said)[0])


def reckons(name: str, reckon: Callable[[float], float], does: str) -> FunctionAgent:
    """Return the agent that does *reckon* with the number said last."""
    return FunctionAgent(name, lambda view: f"{reckon(number_of(view)):g}", description=does)


number = reckons("Number", lambda one: one, "says the number again")
adder = reckons("Adder", lambda one: one + 1, "adds 1")
multiplier = reckons("Multiplier", lambda one: one * 2, "multiplies by 2")
subtracter = reckons("Subtracter", lambda one: one - 1, "subtracts 1")
divider = reckons("Divider", lambda one: one / 2, "divides by 2")


def picked(last_speaker: object, chat: Chat) -> str:
    """Say who is next, as it was recorded; AutoGen's own kind of function."""
    del last_speaker
    return PICKED[chat.view.turns]


flow = group_chat(
    "arithmetic_group",
    [number, adder, multiplier, subtracter, divider],
    choose=picked,
    first=multiplier,
    turns=TURNS,
)
