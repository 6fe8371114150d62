"""Answer a what-if question with code that runs only after it was called safe.

The commander is a flow of its own: it asks the writer for code, shows it to the safeguard, has it
run, and has the writer say what came of it.  There is no way to ``run`` but through ``judge``, and
its guard asks for the one word SAFE: at DANGER, or anything else, the code is written anew, and
after the third try the question is refused.  The user sees the question and the answer.

Source: AutoGen's notebook on OptiGuide with nested chats, where a flag on an agent is the gate.
"""

from __future__ import annotations

from collections.abc import Sequence

from stateflow import (
    Budget,
    CodeRunner,
    Final,
    Flow,
    FunctionAgent,
    Message,
    Nested,
    Scripted,
    State,
    View,
    ended,
    equals,
    exhausted,
    raised,
    succeeded,
    to,
)

task = "What does it cost to supply all cafes if the demand of the first one grows by 13 %?"

CODE = """\
```python
demand = {"first": 20, "second": 30, "third": 40}
cost = {"first": 5, "second": 4, "third": 6}
demand["first"] *= 1.13
print(round(sum(demand[cafe] * cost[cafe] for cafe in demand), 2))
```"""


def ask_for_code(view: View) -> str:
    """Pass the question on to the writer."""
    return f"Write a Python block that answers this: {view.transcript[0].text}"


def show_code(view: View) -> str:
    """Pass the code on to the safeguard."""
    return f"Is this safe to run? Answer SAFE or DANGER.\n\n{view.last.text}"


def last_code(view: View) -> str:
    """Return what the writer wrote last, which is what the safeguard was shown."""
    return [said.text for said in view.transcript if said.speaker == "writer"][-1]


def printed(said: Sequence[Message]) -> str:
    """Return what the code printed."""
    return "\n".join(one.stdout.strip() for one in said[-1].executions) or said[-1].text


def explain(view: View) -> str:
    """Say what that means."""
    return f"All in all it costs {view.last.text} EUR."


writer = Scripted("writer", [CODE, explain])
safeguard = Scripted("safeguard", ["SAFE"])
user = Scripted("user", ["Thank you."])

execution = Flow(
    "execution",
    State(
        "run",
        CodeRunner("runner"),
        to(None, when=succeeded),
        to("failed", when=raised("NoCode")),
        to("failed"),
    ),
    Final("failed", ok=False),
    budget=Budget(turns=1),
)

answer = Flow(
    "answer",
    State("ask", FunctionAgent("commander", ask_for_code), to("write"), visits=3),
    State("write", writer, to("show")),
    State("show", FunctionAgent("commander", show_code), to("judge")),
    State(
        "judge",
        safeguard,
        to("run", when=equals("SAFE", by=safeguard)),
        to("refused", when=exhausted),
        to("ask"),
    ),
    Nested(
        "run",
        execution.as_agent("commander", input=last_code, summary=printed),
        to("refused", when=exhausted),
        to("ask", when=ended("failed")),
        to("explain"),
    ),
    State("explain", writer, to(None)),
    Final("refused", ok=False),
    budget=Budget(turns=20),
)

flow = Flow(
    "optiguide",
    Nested(
        "commander", answer.as_agent("commander"), to("refused", when=ended("refused")), to("user")
    ),
    State("user", user, to(None)),
    Final("refused", ok=False),
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
