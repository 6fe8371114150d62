"""Find papers by a program, and sum them up only once the program has worked.

The coder writes a program, the executor runs it in a sandbox, and the exit code decides: a failed
run goes back to the coder, three times at most, a good one on to the scientist, whose table ends
the chat.  In the example that this is made after the same decision reads the executor's text for
``exitcode: 1`` alone, which its executor never says, so a program that failed went on to the
scientist as if it had found something; an outcome cannot be misread like that.

The four agents keep the names of the example; the program has its papers with it, because a
sandbox reaches no network.

Source: the research flow of AutoGen's blog of 2024-02-29 and of its notebook on StateFlow.
"""

from __future__ import annotations

from collections.abc import Sequence

from stateflow import CodeRunner, Final, Flow, FunctionAgent, Scripted, State, exhausted, failed, to

task = "Topic: what language models are used for. Two papers, from different fields."

PROGRAM = """```python
papers = [
    ("A tutor that asks back", "teaching"),
    ("Reading a thousand leases", "law"),
]
for title, field in papers:
    print(field + ": " + title)
```"""
BROKEN = PROGRAM.replace("in papers", "in paper")
"""The same with a slip that ends it with exit code 1."""
TABLE = """| field | paper |
| --- | --- |
| teaching | A tutor that asks back |
| law | Reading a thousand leases |"""


def team(name: str, programs: Sequence[str]) -> Flow:
    """Return the flow called *name*, in which the coder writes *programs*, one a visit."""
    initializer = FunctionAgent("Init", lambda view: view.transcript[0].text)
    coder = Scripted("Retrieve_Action_1", programs)
    executor = CodeRunner("Retrieve_Action_2")
    scientist = Scripted("Research_Action_1", [TABLE])
    return Flow(
        name,
        State("init", initializer, to("write")),
        State("write", coder, to("run"), visits=4),
        State(
            "run",
            executor,
            to("gave_up", when=exhausted),
            to("write", when=failed),
            to("research"),
        ),
        State("research", scientist, to(None)),
        Final("gave_up", ok=False),
    )


flow = team("research", [PROGRAM])
