"""Write code, run it against a check that the writer does not see, mend it until it passes.

Success is the exit code of a program that was run in a sandbox, and not what somebody says of it.
(A program that ends itself before the check could still fake it; this check is for models that
err, not for those that cheat.)  The coder and the fixer are a model of 135 million parameters that
runs in this process; ``examine`` puts the check behind the code, in plain Python; ``run`` runs
both and says what came of it.  What fails, runs too long or is no code at all goes to ``fix``,
which writes it anew with another seed at each visit; it is shown the task and not what went wrong,
because a model this small repeats what it is shown.  What no model can mend, such as a sandbox that
is down, ends in ``gave_up``.

Code runs in ``monty``, which needs no set-up.  ``--sandbox docker:python:3.12-slim`` runs the same
flow in a container.
"""

from __future__ import annotations

from stateflow import (
    Assistant,
    Budget,
    CodeRunner,
    Final,
    Flow,
    FunctionAgent,
    Model,
    Settings,
    State,
    View,
    code_blocks,
    exhausted,
    only,
    raised,
    succeeded,
    to,
)

task = (
    "Write a Python function vowels(text) that returns how many of its letters are a, e, i, o or u."
)
CHECK = "assert (vowels('banana'), vowels('sky'), vowels('idea')) == (3, 0, 3), 'it counts wrong'"
PROMPT = "You write Python. Answer with one fenced block of Python code and nothing else."

stand_in = {
    "coder": "scripted:```python\ndef vowels(text):\n    return text.count('a')\n```",
    "fixer": (
        "scripted:```python\ndef vowels(text):\n    return sum(c in 'aeiou' for c in text)\n```"
    ),
}
"""Scripted models that take one repair, without the embedded one."""


def examine(view: View) -> str:
    """Put the check behind the code that was written last."""
    code = "\n".join(block.code for block in code_blocks(view.last.text)[:1])
    return f"```python\n{code}\n{CHECK}\n```" if code else "There is no code to check."


coder = Assistant(
    "coder",
    model=Model("llama:smollm2", Settings(temperature=0.7, top_p=0.95, seed=1, max_tokens=120)),
    prompt=PROMPT,
)
fixer = Assistant(
    "fixer",
    model=Model("llama:smollm2", Settings(temperature=0.7, top_p=0.95, seed=2, max_tokens=120)),
    prompt=PROMPT,
    vary_seed=True,
)
runner = CodeRunner("runner")

flow = Flow(
    "code_loop",
    State("write", coder, to("examine")),
    State("examine", FunctionAgent("examiner", examine, kind="code"), to("run")),
    State(
        "run",
        runner,
        to(None, when=succeeded),
        to("gave_up", when=exhausted),
        to("fix", when=raised("NoCode")),
        to("fix"),
    ),
    State("fix", fixer, to("examine"), visits=8, sees=only("user")),
    Final("gave_up", ok=False),
    budget=Budget(turns=40, calls=12, tokens=10_000),
    on_error="gave_up",
)
