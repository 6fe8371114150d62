"""Write a slogan, check it by code, repair it until it passes, or give up.

The writer and the fixer are a model of 135 million parameters that runs in this process; the
checker is plain Python, and its verdict, not the model's opinion, picks the next state.  A draft
that fails goes to ``repair``, which sees what the checker said and nothing else, with another
seed at each visit; after seven repairs the run ends in ``gave_up``.

Of thirty shops, thirteen got a slogan that passed at once and twenty-six got one within the cap,
which ``python -m benchmarks.slogan`` counts anew.  Passing means what the checker checks: length,
one line, the wanted word.  It does not mean that the slogan is good.
"""

from __future__ import annotations

import re

from stateflow import (
    Assistant,
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Message,
    Model,
    Outcome,
    Settings,
    State,
    View,
    exhausted,
    last,
    succeeded,
    to,
)

task = 'Write a slogan for a coffee bar with the word "coffee".'
SHORTEST, LONGEST = 3, 12
PROMPT = (
    "You write slogans for shops. Answer with the slogan only: "
    "one line of 3 to 10 words, no quotation marks."
)  # two words less than what passes: the model is no good at counting

stand_in = {"writer": "scripted:Good drinks", "fixer": "scripted:Black|Coffee and a quiet table"}
"""Scripted models that take the same path without the embedded one."""


def wrong_with(draft: str, word: str) -> str | None:
    """Return what is wrong with *draft*, or ``None`` if it passes."""
    text = draft.strip()
    words = len(text.split())
    if "\n" in text:
        return "it has more than one line"
    if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
        return f'the word "{word}" is missing'
    if not SHORTEST <= words <= LONGEST:
        return f"it has {words} words"
    if re.search(r"slogan|word|failed|missing|write", text, re.IGNORECASE):
        return "it talks about the task"
    return None


def check(view: View) -> Message:
    """Hold the last draft against the task."""
    wanted = view.transcript[0].text
    quoted = re.search(r'"([^"]+)"', wanted)
    if quoted is None:
        raise ValueError('the task names no word in quotes; end it with: with the word "coffee"')
    why = wrong_with(view.last.text, quoted[1])
    if why is None:
        return Message(view.last.text.strip().strip('"'), outcome=Outcome.passed())
    return Message(f"{wanted} The last one failed, because {why}.", outcome=Outcome.failed(why))


writer = Assistant(
    "writer",
    model=Model("llama:smollm2", Settings(temperature=0.0, top_p=0.95, seed=1, max_tokens=40)),
    prompt=PROMPT,
)
fixer = Assistant(
    "fixer",
    model=Model("llama:smollm2", Settings(temperature=0.8, top_p=0.95, seed=0, max_tokens=40)),
    prompt=PROMPT,
    vary_seed=True,
)
checker = FunctionAgent("check", check, kind="code")

flow = Flow(
    "slogan",
    State("write", writer, to("check")),
    State(
        "check",
        checker,
        to(None, when=succeeded),
        to("gave_up", when=exhausted),
        to("repair"),
    ),
    State("repair", fixer, to("check"), visits=7, sees=last(1)),
    Final("gave_up", ok=False),
    budget=Budget(turns=20, calls=10, tokens=5000),
    accept={"SF106": "the model runs in this process; a run that failed is resumed by hand"},
)
