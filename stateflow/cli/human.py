"""Asking the person at the terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence

from rich.panel import Panel
from rich.text import Text

from stateflow.cli.chart import clean
from stateflow.cli.console import console, say
from stateflow.conversation.effect import Question

__all__ = ["answer_options", "ask_all", "can_ask", "chosen"]


def can_ask() -> bool:
    """Tell whether somebody sits at the terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_all(questions: Sequence[Question], later: str) -> Mapping[str, str] | None:
    """Return the answers by question; ``None`` if they are to be given another time.

    Args:
        questions: what is open.
        later: the command that answers another time.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    answers: dict[str, str] = {}
    for question in questions:
        answer = _ask(question, later)
        if answer is None:
            return None
        answers[question.id] = answer
    return answers


def _ask(question: Question, later: str) -> str | None:
    out = console("stderr")
    body = Text(clean(question.text).strip("\n"))
    for number, option in enumerate(question.options, 1):
        body.append(f"\n[{number}] ", "bold yellow").append(clean(option))
    body.append(f"\nEnter alone leaves it for later: {later}", "bright_black")
    out.print(Panel(body, title="your turn", title_align="left", border_style="yellow"))
    refused = ""
    while True:
        answer = _line()
        if answer is None or not answer:
            return None
        picked = chosen(question.options, answer)
        if picked is not None or answer == refused:
            return picked if picked is not None else answer
        refused = answer
        say(
            out, "that is none of the options; say it once more to answer it all the same", "yellow"
        )


def _line() -> str | None:
    """Return one line from the terminal; ``None`` at its end."""
    sys.stderr.write("> ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.strip() if line else None


def chosen(options: Sequence[str], answer: str) -> str | None:
    """Return the option that *answer* means: its number, itself, or its beginning.

    Where there are no options, every answer will do.

    Example:
        >>> chosen(["accept", "reject"], "a"), chosen(["accept", "reject"], "2")
        ('accept', 'reject')
    """
    if not options or answer in options:
        return answer
    if answer.isdecimal() and 1 <= int(answer) <= len(options):
        return options[int(answer) - 1]
    meant = [option for option in options if option.lower().startswith(answer.lower())]
    return meant[0] if len(meant) == 1 else None


def answer_options(questions: Sequence[Question]) -> str:
    """Return the options of ``stateflow resume`` that answer *questions*.

    Example:
        >>> answer_options([Question("approve#1.0", "Accept?")])
        '--answer TEXT'
    """
    if len(questions) <= 1:
        return "--answer TEXT"
    answers = json.dumps({question.id: "TEXT" for question in questions}, ensure_ascii=False)
    return f"--answers {shlex.quote(answers)}"
