"""The group that reckons, with a table of who may follow whom.

After each operation only one other may follow, or ``Number``, so 10 is reached the long way
round.  ``Number`` is picked once it is, and says it; twelve messages with the task, then the chat
is over.  What picks is a function, and a function that named somebody off the table would be
refused.

Source: AutoGen's tutorial on conversation patterns, constrained speaker selection.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stateflow import Agent, Chat, FunctionAgent, View, group_chat

task = "My number is 3, and I want it to become 10."
WANTED = 10
TURNS = 11


def number_of(text: str) -> float:
    """Return the first number in *text*."""
    return float(re.findall(r"-?\d+(?:\.\d+)?", text)[0])


def reckons(name: str, reckon: Callable[[float], float]) -> FunctionAgent:
    """Return the agent that does *reckon* with the number said last."""

    def reply(view: View) -> str:
        return f"{reckon(number_of(view.last.text)):g}"

    return FunctionAgent(name, reply)


number = reckons("Number", lambda one: one)
adder = reckons("Adder", lambda one: one + 1)
multiplier = reckons("Multiplier", lambda one: one * 2)
subtracter = reckons("Subtracter", lambda one: one - 1)
divider = reckons("Divider", lambda one: one / 2)


def until_it_is_ten(last_speaker: object, chat: Chat) -> Agent | str | None:
    """Let ``Number`` say that it is done, else whoever the table lets go on."""
    del last_speaker
    reached = number_of(chat.messages[-1].text) == WANTED
    return number if reached else chat.next_agent()


flow = group_chat(
    "arithmetic_constrained",
    [number, adder, multiplier, subtracter, divider],
    choose=until_it_is_ten,
    allowed={
        number: [adder, number],
        adder: [multiplier, number],
        multiplier: [subtracter, number],
        subtracter: [divider, number],
        divider: [adder, number],
    },
    first=adder,
    turns=TURNS,
)
