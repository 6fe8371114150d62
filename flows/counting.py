"""Four agents count together, and arithmetic decides who counts next.

AutoGen's users asked for a finite state machine of speakers with this example: the model that
picked the speaker kept getting it wrong, and an explicit table gets it right every time.  The
engineer's number goes to the executor when three divides it, else to the critic; the critic's
goes to the planner when five divides it.  Twenty numbers, then the planner ends the chat.

Source: the example of AutoGen's blog of 2024-02-11 on FSM group chats (issue 1400).
"""

from __future__ import annotations

from stateflow import Flow, FunctionAgent, State, View, guard, says, to

task = "1"
LAST = 20


def count(view: View) -> str:
    """Say the next number; past the last one, end the chat."""
    number = int(view.last.text) + 1
    return str(number) if number <= LAST else "TERMINATE"


@guard
def three_divides(view: View) -> bool:
    """Ask whether the number just said is a multiple of three."""
    return int(view.last.text) % 3 == 0


@guard
def five_divides(view: View) -> bool:
    """Ask whether the number just said is a multiple of five."""
    return int(view.last.text) % 5 == 0


planner = FunctionAgent("Planner", count)
engineer = FunctionAgent("Engineer", count)
executor = FunctionAgent("Executor", count)
critic = FunctionAgent("Critic", count)

flow = Flow(
    "counting",
    State("plan", planner, to(None, when=says("TERMINATE", by=planner)), to("engineer")),
    State("engineer", engineer, to("execute", when=three_divides), to("criticise")),
    State("execute", executor, to("engineer")),
    State("criticise", critic, to("plan", when=five_divides), to("engineer")),
)
