"""Asking the person at the terminal."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, cast

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from stateflow.agents.human import fitting
from stateflow.cli.chart import MUTED, clean, cut
from stateflow.cli.console import console, say
from stateflow.cli.form import filled, skeleton
from stateflow.conversation.effect import Question
from stateflow.diagram.look import width
from stateflow.machine.deadline import instant
from stateflow.value import Json

__all__ = ["answer_options", "ask_all", "can_ask", "chosen", "shown_options"]

_WIDEST: Final = 60
"""Widest list of options in a command, or in one line of the panel [columns]."""
_KEY: Final = "bold yellow"
_WRITE, _QUIT, _FILL = "c", "q", "f"
_STEP_S: Final = 0.2


class _Later(Exception):
    """The person leaves what is open for another time.  Never leaves this module."""


def can_ask() -> bool:
    """Tell whether somebody sits at the terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_all(
    questions: Sequence[Question], later: str, before: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return the answers by question, without those that are to be given another time.

    Args:
        questions: what is open.
        later: the command that answers another time.
        before: answers that were refused, whose fields need not be filled in again.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    answers: dict[str, str] = {}
    for number, question in enumerate(questions, 1):
        several = f" · {number} of {len(questions)} · {clean(question.id)}"
        title = f"your turn{several if len(questions) > 1 else ''}"
        try:
            answer = _asked(question, title, later, (before or {}).get(question.id, ""))
        except _Later:
            break
        if answer is not None:
            answers[question.id] = answer
    return answers


def _asked(question: Question, title: str, later: str, before: str) -> str | None:
    """Return the answer; ``None``: to this one another time.

    Raises:
        _Later: to all that are left.
    """
    out = console("stderr")
    commands = _commands(question)
    body = Text(clean(question.text).strip("\n"))
    if question.options:
        body.append("\n").append_text(_choices(question.options))
    for hint in _hints(question, commands, later):
        body.append("\n").append_text(hint)
    out.print(Panel(body, title=title, title_align="left", border_style="yellow"))
    if question.form is None:
        return _picked(question, commands, out)
    if question.default is not None and not before and not _wants_form(out):
        return ""
    answer = filled(question.form, _object(before or question.default), _line, out)
    if answer is None:
        raise _Later
    return answer


def _picked(question: Question, commands: Sequence[str], out: Console) -> str | None:
    while (line := _line()) is not None:
        if not line:
            return None if question.default is None else ""
        if line == _QUIT and _QUIT in commands:
            break
        text = _written(out) if line == _WRITE and _WRITE in commands else line
        if text is None:
            continue
        answer = chosen(question.options, text)
        if answer is not None:
            return answer
        say(out, "that is none of the options; a reason may follow one: no, because ...", "yellow")
    raise _Later


def _wants_form(out: Console) -> bool:
    """Ask whether a form with a default is to be filled in."""
    while line := _line():
        if line == _FILL:
            return True
        if line == _QUIT:
            raise _Later
        say(out, f"{_FILL}, {_QUIT}, or Enter alone", "yellow")
    if line is None:
        raise _Later
    return False


def _commands(question: Question) -> Sequence[str]:
    """Return the letters that are commands here, and no answers."""
    if question.form is not None:
        return (_FILL, _QUIT) if question.default is not None else ()
    first = {option[:1].lower() for option in question.options}
    return [letter for letter in (_WRITE, _QUIT) if letter not in first]


def _choices(options: Sequence[str]) -> Text:
    """Return *options*, each with its key: its first letter where that is its alone."""
    shown: list[Text] = []
    first = [option[:1].lower() for option in options]
    for number, option in enumerate(options, 1):
        letter = option[:1].lower()
        if letter.isalpha() and first.count(letter) == 1:
            text = Text().append(f"[{clean(option[:1])}]", _KEY).append(clean(option[1:]))
        else:
            text = Text().append(f"[{number}]", _KEY).append(f" {clean(option)}")
        shown.append(text)
    row = Text("   ").join(shown)
    return row if width(row.plain) <= _WIDEST and "\n" not in row.plain else Text("\n").join(shown)


def _hints(question: Question, commands: Sequence[str], later: str) -> list[Text]:
    """Return what else can be done, and until when."""
    words: list[str] = []
    if question.default:
        words.append(f"Enter alone: {cut(question.default, _WIDEST)}")
    elif question.default is not None:
        words.append("Enter alone: say nothing")
    words += [text for letter, text in _COMMANDS.items() if letter in commands]
    lines = [" · ".join(words)] if words else []
    way = f"[{_QUIT}]" if _QUIT in commands else "Ctrl-D"
    if question.default is None and question.form is None:
        way = f"Enter alone, or {way},"
    lines.append(f"{way} leaves it for later: {clean(later)}")
    if question.due is not None:
        lines.append(f"until {instant(question.due)}")
    return [Text(line, MUTED) for line in lines]


_COMMANDS: Final = {
    _WRITE: f"[{_WRITE}] writes a longer answer in $EDITOR",
    _FILL: f"[{_FILL}] fills it in",
}


def _line() -> str | None:
    """Return one line from the terminal; ``None`` at its end."""
    sys.stderr.write("> ")
    sys.stderr.flush()
    _wait_for_keys()
    line = sys.stdin.readline()
    return line.strip() if line else None


def _wait_for_keys() -> None:
    """Wait in short steps: a Ctrl-C on the brink of a long read is heard at the next key only."""
    try:
        keys = sys.stdin.fileno()
    except OSError:  # no file of the system's
        return
    if sys.platform != "win32" and os.isatty(keys):  # which gives a line at a time
        while not select.select([keys], [], [], _STEP_S)[0]:
            pass


def _written(out: Console) -> str | None:
    """Return what the person writes in an editor; ``None``: nothing, and why is told."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not command.strip():
        say(out, "there is no editor; name one in EDITOR, or answer in one line", "yellow")
        return None
    try:
        text = _edited(shlex.split(command))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        say(out, clean(f"the editor {command!r} gave no text: {_why(error)}"), "yellow")
        return None
    if not text.strip():
        say(out, "nothing was written", "yellow")
        return None
    return text


def _edited(command: Sequence[str]) -> str:
    """Return the text that *command* writes to a file that nobody else can read.

    The folder is private too: editors keep copies beside the file.
    """
    with tempfile.TemporaryDirectory(prefix="stateflow-") as folder:
        path = Path(folder) / "answer.md"
        path.touch(mode=0o600)
        with _deaf():
            # stdout may be a pipe that takes the result; the terminal is what stderr is
            subprocess.run([*command, str(path)], check=True, stdout=sys.__stderr__)  # noqa: S603 - the person's own
        return path.read_text("utf-8").rstrip("\n")


@contextmanager
def _deaf() -> Generator[None, None, None]:
    """Leave Ctrl-C to the program that has the terminal."""

    def ignore(number: int, frame: FrameType | None) -> None:
        """Do nothing; unlike SIG_IGN, that is not passed on to the program."""

    before = signal.signal(signal.SIGINT, ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with {error.returncode}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def chosen(options: Sequence[str], answer: str) -> str | None:
    """Return what *answer* means: the option of that number, else see :func:`fitting`.

    Example:
        >>> chosen(["accept", "reject"], "a"), chosen(["accept", "reject"], "2")
        ('accept', 'reject')
        >>> chosen(["yes", "no"], "no, too much")
        'no, too much'
    """
    numbers = {str(number): option for number, option in enumerate(options, 1)}
    if answer in numbers and answer not in options:
        return numbers[answer]
    return fitting(answer, options)


def shown_options(question: Question) -> str:
    """Return what fits *question* behind its text, as far as it says.

    Example:
        >>> shown_options(Question("approve#1.0", "Accept?", ("yes", "no")))
        '  (yes / no)'
    """
    words = [" / ".join(map(clean, question.options))] if question.options else []
    if question.form is not None:
        words.append(clean(skeleton(question.form)))
    if question.default is not None:
        words.append(f"empty: {cut(question.default, _WIDEST) or 'nothing said'}")
    if question.due is not None:
        words.append(f"until {instant(question.due)}")
    return f"  ({'; '.join(words)})" if words else ""


def answer_options(questions: Sequence[Question]) -> str:
    """Return the options of ``stateflow resume`` that answer *questions*.

    Example:
        >>> answer_options([Question("approve#1.0", "Accept?", ("yes", "no"))])
        "--answer 'yes|no' --question 'approve#1.0'"
    """
    if len(questions) == 1:
        asked = shlex.quote(clean(questions[0].id))
        return f"--answer {shlex.quote(_form(questions[0]))} --question {asked}"
    answers = json.dumps({one.id: _form(one) for one in questions}, ensure_ascii=False)
    return f"--answers {shlex.quote(answers)}"


def _form(question: Question) -> str:
    """Return what an answer looks like; given as it is, it fits no options and no form."""
    form = "TEXT"
    if question.form is not None:
        form = _short(clean(skeleton(question.form)), "JSON")
    elif len(question.options) > 1:
        form = _short(clean("|".join(question.options)), form)
    return form


def _short(text: str, otherwise: str) -> str:
    return text if 0 < len(text) <= _WIDEST and "\n" not in text else otherwise


def _object(text: str | None) -> Mapping[str, Json]:
    """Return the JSON object that *text* is, or an empty one."""
    try:
        value: object = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
