"""Four chats in a row, each told what the earlier ones came to.

In each chat ``Number`` repeats numbers and another agent reckons with them, twice.  The first
chat is given a number; the later ones are given the results of all before them, under
``Context:``, and reckon with each of those.

Source: AutoGen's tutorial on conversation patterns, sequential chats.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stateflow import Flow, FunctionAgent, Leg, View, in_sequence, two_agents

task = "14"


def numbers(text: str) -> list[float]:
    """Return the numbers in *text*."""
    return [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", text)]


def listed(found: list[float]) -> str:
    """Return numbers as a text."""
    return ", ".join(f"{one:g}" for one in found)


def reckons(name: str, reckon: Callable[[float], float]) -> FunctionAgent:
    """Return the agent that does *reckon* with each number it is told."""
    return FunctionAgent(
        name, lambda view: listed([reckon(one) for one in numbers(view.last.text)])
    )


def repeat(view: View) -> str:
    """Say the numbers again."""
    return listed(numbers(view.last.text))


number = FunctionAgent("Number", repeat)


def chat(name: str, partner: FunctionAgent) -> Flow:
    """Return the chat of *partner* with ``Number``."""
    return two_agents(name, number, partner, rounds=2)


MINE = "These are my numbers."

flow = in_sequence(
    "arithmetic_sequence",
    [
        chat("add", reckons("Adder", lambda one: one + 1)),
        Leg(chat("multiply", reckons("Multiplier", lambda one: one * 2)), input=MINE),
        Leg(chat("subtract", reckons("Subtracter", lambda one: one - 1)), input=MINE),
        Leg(chat("divide", reckons("Divider", lambda one: one / 2)), input=MINE),
    ],
    accept={"SF106": "plain Python reckons here; there is no model that could be down"},
)
