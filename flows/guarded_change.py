"""A change to a running system: nothing is executed before a person approved it, whoever says so.

The planner writes the command, the owner of the system approves it, code carries it out, and code
verifies what came of it.  A verification that fails leads to another plan, which must be approved
anew.  Some day somebody will add a short cut; the rules say what none may do: execute what was not
approved, execute one approval twice, be done without verifying what was executed last.
``stateflow check`` proves that the table keeps them, and a run of a table that does not stops
before it breaks one.

    stateflow check flows/guarded_change.py
    stateflow run flows/guarded_change.py
    stateflow resume last --answer approve
    stateflow rules flows/guarded_change.py last

Source: the separation of duties of change management, as in NIST SP 800-53, control CM-3.
"""

from __future__ import annotations

from stateflow import (
    Budget,
    CodeRunner,
    Final,
    Flow,
    Human,
    Junction,
    Scripted,
    State,
    always,
    answered,
    at_most,
    failed,
    never,
    to,
)

task = "The cache of the shop holds 10 entries. Give it room for 50."

PLANS = [
    "```python\nroom = 5\nprint('the cache has room for', room)\n```",
    "```python\nroom = 50\nprint('the cache has room for', room)\n```",
]
CHECK = "```python\nassert {room} >= 50, 'the cache has too little room'\nprint('enough')\n```"

planner = Scripted("planner", PLANS)
owner = Human("owner", "Shall this be executed?", options=["approve", "reject", "give up"])
executor = CodeRunner("executor", of=planner)
tester = Scripted(
    "tester", [lambda view: CHECK.format(room=view.last.text.split()[-1]) for _ in PLANS]
)
verifier = CodeRunner("verifier")

flow = Flow(
    "guarded_change",
    State("plan", planner, to("approve"), visits=5),
    State(
        "approve",
        owner,
        to("approved", when=answered("approve")),
        to("given_up", when=answered("give up")),
        to("plan"),
    ),
    Junction("approved", to("execute")),
    State("execute", executor, to("plan", when=failed), to("test")),
    State("test", tester, to("verify")),
    State("verify", verifier, to("plan", when=failed), to(None)),
    Final("given_up", ok=False),
    budget=Budget(turns=30),
    on_error="given_up",
    rules=[
        never("execute").before("approved"),
        at_most("execute", 1).between("approved", "approved"),
        always("verify").between("execute", "done"),
    ],
)
