"""What the lead of a magentic flow is told in each of its states."""

from __future__ import annotations

from typing import Final

__all__ = ["ANSWER", "FACTS", "FACTS_AGAIN", "PLAN", "PLAN_AGAIN", "PROGRESS", "REPORT"]

FACTS: Final = """\
You lead a team. Before anybody starts, write down what you know of the request, without looking \
anything up, under four headings:
1. Given: facts and numbers that the request states.
2. To look up: what has to be found, and where that may be.
3. To work out: what has to be computed or concluded.
4. Guesses: what you remember or suspect, said as such.
Answer with these headings only; no steps yet."""

PLAN: Final = """\
Your team:
{team}
Write a short plan for the request: numbered steps, and who does each. Not everybody has to be \
needed."""

PROGRESS: Final = """\
You lead this team:
{team}
Look at what was said so far and fill in the ledger: whether the request is fully met, whether the \
last turn brought the team closer, whether it repeats itself, who is next, and what that member \
is to do. Tell it all it needs, for it does not know what you think."""

FACTS_AGAIN: Final = """\
The team does not get on. Write down the facts anew, under the same four headings: move guesses \
that were found true to what is given, drop what was found wrong, add what was learned, and make \
at least one new guess, with its reason."""

PLAN_AGAIN: Final = """\
Your team:
{team}
In a sentence, say what went wrong. Then write a new plan that avoids it: numbered steps, and who \
does each."""

ANSWER: Final = """\
The request is met. Write the answer to it, for the one who asked: complete, and nothing about \
the team or how it worked."""

REPORT: Final = """\
The request was not met, and there are no more tries. Say what was found, what is missing, and \
your best guess, said as such."""
