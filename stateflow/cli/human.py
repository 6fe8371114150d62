"""Asking the person at the terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from rich.panel import Panel
from rich.text import Text

from stateflow.cli.chart import clean
from stateflow.cli.console import console, say
from stateflow.conversation.effect import Question
from stateflow.engine.answering import fitting

__all__ = ["answer_options", "ask_all", "can_ask", "chosen", "shown_options"]

_WIDEST: Final = 60
"""Widest list of options in a command [characters]."""


def can_ask() -> bool:
    """Tell whether somebody sits at the terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_all(questions: Sequence[Question], later: str) -> Mapping[str, str]:
    """Return the answers by question, without those that are to be given another time.

    Args:
        questions: what is open.
        later: the command that answers another time.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    answers: dict[str, str] = {}
    for number, question in enumerate(questions, 1):
        title = f"your turn · {number} of {len(questions)}" if len(questions) > 1 else "your turn"
        answer = _ask(question, title, later)
        if answer is None:
            break
        answers[question.id] = answer
    return answers


def _ask(question: Question, title: str, later: str) -> str | None:
    out = console("stderr")
    body = Text(clean(question.text).strip("\n"))
    for number, option in enumerate(question.options, 1):
        body.append(f"\n[{number}] ", "bold yellow").append(clean(option))
    body.append(f"\nEnter alone leaves it for later: {later}", "bright_black")
    out.print(Panel(body, title=title, title_align="left", border_style="yellow"))
    while answer := _line():
        picked = chosen(question.options, answer)
        if picked is not None:
            return picked
        say(out, "that is none of the options; a reason may follow one: no, because ...", "yellow")
    return None


def _line() -> str | None:
    """Return one line from the terminal; ``None`` at its end."""
    sys.stderr.write("> ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.strip() if line else None


def chosen(options: Sequence[str], answer: str) -> str | None:
    """Return what *answer* means: the option of that number, else see :func:`fitting`.

    Example:
        >>> chosen(["accept", "reject"], "a"), chosen(["accept", "reject"], "2")
        ('accept', 'reject')
        >>> chosen(["yes", "no"], "no, too much")
        'no, too much'
    """
    if answer not in options and answer.isdecimal() and 1 <= int(answer) <= len(options):
        return options[int(answer) - 1]
    return fitting(answer, options)


def shown_options(question: Question) -> str:
    """Return the options of *question* behind its text, if there are any.

    Example:
        >>> shown_options(Question("approve#1.0", "Accept?", ("yes", "no")))
        '  (yes / no)'
    """
    return f"  ({' / '.join(map(clean, question.options))})" if question.options else ""


def answer_options(questions: Sequence[Question]) -> str:
    """Return the options of ``stateflow resume`` that answer *questions*.

    Example:
        >>> answer_options([Question("approve#1.0", "Accept?", ("yes", "no"))])
        "--answer 'yes|no'"
    """
    if len(questions) == 1:
        return f"--answer {shlex.quote(_form(questions[0]))}"
    answers = json.dumps({one.id: _form(one) for one in questions}, ensure_ascii=False)
    return f"--answers {shlex.quote(answers)}"


def _form(question: Question) -> str:
    """Return what an answer looks like; given as it is, it fits no question with options."""
    form = clean("|".join(question.options))
    return form if 0 < len(form) <= _WIDEST and "\n" not in form else "TEXT"
