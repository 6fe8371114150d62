"""The person at the terminal: what is shown, what is read, and what it comes to."""

from __future__ import annotations

import re
import signal
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from stateflow.cli.human import answer_options, ask_all, chosen, shown_options
from stateflow.conversation.effect import Question
from stateflow.stores.sqlite import SqliteStore
from tests.cli.made import HEAD, Call
from tests.cli.terminal import LATER, Sit, sittings, typed

BOTH = ("yes", "no")
NOON = 1795424400.0  # 2026-11-23 09:00 UTC

TALK = (
    HEAD
    + """
from stateflow.agents.human import Human

guest = Human("guest", "Why?\\x1b[2J", default="no reason")
boss = Human("boss", "Accept?", options=["accept", "reject"])
flow = Flow(
    "talk",
    State("why", guest, to("ok")),
    State("ok", boss, to(None, when=answered("accept")), to("why")),
)
"""
)

SEVERAL = (
    HEAD
    + """
class Two:
    name = "two"
    kind = "human"
    composed = True

    async def reply(self, turn):
        calls = [Call("human.ask", {"text": text}) for text in ("First?", "Second?")]
        return " ".join([one.unwrap() for one in await turn.perform(*calls)])

flow = Flow("several", State("ask", Two(), to(None)))
"""
)


LATE = (
    HEAD
    + """
from stateflow.agents.human import Human

boss = Human("boss", "Accept?", options=["accept", "reject"])
flow = Flow(
    "late",
    State("ok", boss, to("gave_up", after=hours(24)), to(None)),
    Final("gave_up", ok=False),
)
"""
)


@pytest.fixture
def sit(folder: Path) -> Iterator[Sit]:
    """Return a function that begins a command at a terminal."""
    for name, text in {"talk.py": TALK, "several.py": SEVERAL}.items():
        (folder / name).write_text(text, "utf-8")
    with sittings(folder) as begin:
        yield begin


def test_one_key_answers_and_enter_takes_the_default(sit: Sit) -> None:
    """The panel says so; nothing of the question can move the cursor."""
    at = sit("run", "talk.py")
    shown = at.until("\n> ")
    assert "your turn" in shown
    assert "Why?[2J" in shown
    assert "Enter alone: no reason · [c] writes a longer answer in $EDITOR" in shown
    assert re.search(r"\[q\] leaves it for later: stateflow resume \w+ --answer", shown)
    at.type("\n")
    shown = at.until("\n> ")
    assert "[a]ccept   [r]eject" in shown
    at.type("2\n")
    at.until("Why?")
    at.until("\n> ")
    at.type("because it is late\n")
    at.until("\n> ")
    at.type("perhaps\n")
    at.until("none of the options")
    at.type("a\n")
    code, out = at.end()

    assert (code, out.splitlines()[0]) == (0, "done at 'ok': answered('accept')")


@pytest.mark.parametrize("keys", ["q\n", "\x04", "\x03"], ids=["q", "Ctrl-D", "Ctrl-C"])
def test_who_leaves_is_told_how_to_go_on(sit: Sit, sf: Call, keys: str) -> None:
    at = sit("run", "talk.py")
    at.until("\n> ")
    if keys == "\x03":
        at.process.send_signal(signal.SIGINT)  # the terminal is not the one that controls it
    else:
        at.type(keys)
    code, out = at.end()

    assert code == 4
    assert re.search(r"stateflow resume \w+ --answer TEXT --question", out)
    assert sf("resume", "last", "--answer", "", "--no-input").code == 4
    assert "no reason" in sf("show", "last", "--messages").out


def test_enter_alone_leaves_one_question_and_goes_to_the_next(sit: Sit, sf: Call) -> None:
    at = sit("run", "several.py")
    assert "your turn · 1 of 2 · ask#1.0" in at.until("\n> ")
    at.type("\n")
    assert "your turn · 2 of 2 · ask#1.1" in at.until("\n> ")
    at.type("two\n")
    code, out = at.end()

    assert code == 4
    assert re.search(r"stateflow resume \w+ --answer TEXT", out)
    assert "First?" in out
    assert sf("resume", "last", "--answer", "one").code == 0
    assert "one two" in sf("show", "last", "--messages").out


def editor(folder: Path, body: str) -> str:
    """Return the command of an editor that does *body* to the file."""
    script = folder / "my editor.py"
    lines = f"import os, sys, pathlib\nfile = pathlib.Path(sys.argv[-1])\n{body}\n"
    script.write_text(lines, "utf-8")
    return f"{sys.executable} '{script}' --wait"


def test_a_longer_answer_is_written_in_an_editor(sit: Sit, folder: Path, sf: Call) -> None:
    """In a file that only this person can read, and that is gone afterwards."""
    body = """
modes = [f"{one.stat().st_mode:o}" for one in (file, file.parent)]
pathlib.Path("seen.txt").write_text(" ".join([str(file), *modes]))
print("on the terminal")
file.write_text("one\\n\\ntwo\\n\\n")"""
    at = sit("run", "talk.py", VISUAL=editor(folder, body), EDITOR="false")
    at.until("\n> ")
    at.type("c\n")
    at.until("on the terminal")
    at.until("\n> ")
    at.type("c\n")
    shown = at.until("\n> ")
    assert "that is none of the options" in shown
    at.type("a\n")
    assert at.end()[0] == 0

    assert "    one\n\n    two\n" in sf("show", "last", "--messages").out
    path, mode, above = (folder / "seen.txt").read_text("utf-8").split()
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert stat.S_IMODE(int(above, 8)) == 0o700
    assert not Path(path).parent.exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("", "there is no editor; name one in EDITOR, or answer in one line"),
        ("no-such-editor --wait", "'no-such-editor --wait' gave no text: No such file"),
        ("false", "the editor 'false' gave no text: it ended with 1"),
        ("'vi", "gave no text: No closing quotation"),
        ("true", "nothing was written"),
        ("cp /bin/true", "gave no text: it is not UTF-8"),
    ],
)
def test_an_editor_that_fails_is_told_of_and_the_question_stays(
    sit: Sit, command: str, told: str
) -> None:
    at = sit("run", "talk.py", VISUAL="", EDITOR=command)
    at.until("\n> ")
    at.type("c\n")
    shown = at.until("\n> ")
    assert told in shown
    assert "Traceback" not in shown
    at.type("q\n")
    assert at.end()[0] == 4


@pytest.mark.parametrize(
    ("asked", "lines", "answer"),
    [
        (Question("a#1.0", "?", BOTH), ["y"], "yes"),
        (Question("a#1.0", "?", BOTH), ["no, too much"], "no, too much"),
        (Question("a#1.0", "?", BOTH), [""], None),
        (Question("a#1.0", "?", BOTH, default="no"), [""], ""),
        (Question("a#1.0", "?", BOTH, default=""), [""], ""),
        (Question("a#1.0", "?", ("quit", "cancel")), ["q"], "quit"),
        (Question("a#1.0", "?", ("quit", "cancel")), ["c"], "cancel"),
        (Question("a#1.0", "?", ("quit", "cancel")), [None], None),
        (Question("a#1.0", "?", ("2 days", "1 day")), ["2"], "1 day"),
        (Question("a#1.0", "?"), ["9" * 5000], "9" * 5000),
        (Question("a#1.0", "?"), ["Q"], "Q"),
        (Question("a#1.0", "?"), ["q"], None),
    ],
)
def test_what_is_typed_is_an_answer_or_a_command(
    monkeypatch: pytest.MonkeyPatch,
    asked: Question,
    lines: Sequence[str | None],
    answer: str | None,
) -> None:
    typed(monkeypatch, *lines)

    assert ask_all([asked], LATER) == ({} if answer is None else {"a#1.0": answer})


def test_an_answer_that_came_too_late_lets_the_run_go_on(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is told, and not asked again."""
    ahead = [0.0]

    def come_back() -> str:
        ahead[0] += 25 * 3600
        return "accept"

    def now(store: SqliteStore) -> float:
        return time.time() + ahead[0]

    monkeypatch.setattr(SqliteStore, "now", now)
    monkeypatch.setattr("stateflow.cli.human._line", come_back)
    monkeypatch.setattr("stateflow.cli.human.can_ask", lambda: True)
    (folder / "late.py").write_text(LATE, "utf-8")
    came = sf("run", "late.py")

    assert "comes too late: its deadline passed at" in came.err
    assert came.err.count("your turn") == 1
    assert (came.code, came.out.splitlines()[0]) == (1, "final 'gave_up': after 24 h")


def test_leaving_keeps_the_answers_before(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "one", "q")

    asked = [Question(f"a#1.{n}", "?") for n in range(3)]
    assert ask_all(asked, LATER) == {"a#1.0": "one"}


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (
            Question("a#1.0", "Well?", BOTH, default="no", due=NOON),
            [
                "Well?",
                "[y]es   [n]o",
                "Enter alone: no · [c] writes a longer answer in $EDITOR",
                f"[q] leaves it for later: {LATER}",
                "until 2026-11-23 09:00 UTC",
            ],
        ),
        (
            Question("a#1.0", "Well?", ("accept", "abort", "2 days", "quit")),
            [
                "Well?",
                "[1] accept   [2] abort   [3] 2 days   [q]uit",
                "[c] writes a longer answer in $EDITOR",
                f"Enter alone, or Ctrl-D, leaves it for later: {LATER}",
            ],
        ),
        (
            Question("a#1.0", "\x1b[2JWell?\x07", ("a" * 50, "b" * 50), default=""),
            [
                "[2JWell?",
                f"[a]{'a' * 49}",
                f"[b]{'b' * 49}",
                "Enter alone: say nothing · [c] writes a longer answer in $EDITOR",
                f"[q] leaves it for later: {LATER}",
            ],
        ),
        (
            Question("a#1.0", "Well?", form={}, default='{"a": 1}'),
            [
                "Well?",
                'Enter alone: {"a": 1} · [f] fills it in',
                f"[q] leaves it for later: {LATER}",
            ],
        ),
    ],
    ids=["choices", "keys that are taken", "long", "form"],
)
def test_the_panel_shows_what_can_be_done(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: Question,
    lines: Sequence[str],
) -> None:
    typed(monkeypatch, None)
    ask_all([asked], LATER)

    first, *body, last = capsys.readouterr().err.splitlines()
    assert first.startswith("╭─ your turn ─")
    assert [line.strip("│ ") for line in body] == list(lines)
    assert last.startswith("╰")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (Question("a#1.0", "?"), "TEXT"),
        (Question("a#1.0", "?", default="blue"), "TEXT"),
        (Question("a#1.0", "?", BOTH, default="no"), "'yes|no'"),
        (
            Question("a#1.0", "?", form={"properties": {"n": {"type": "integer"}}}),
            """'{"n": INTEGER}'""",
        ),
        (Question("a#1.0", "?", form={"properties": {"n" * 60: {"type": "integer"}}}), "JSON"),
    ],
    ids=["text", "default", "options", "form", "long-form"],
)
def test_the_command_that_answers_shows_what_fits(asked: Question, shown: str) -> None:
    """And which question it is for, so that it never lands on the next one."""
    assert answer_options([asked]) == f"--answer {shown} --question 'a#1.0'"


@pytest.mark.parametrize(
    ("options", "default"), [(("ok",), ""), (("ok",), "ok"), (BOTH, None), (BOTH, ""), (BOTH, "no")]
)
def test_what_the_command_shows_is_no_answer_as_it_is(
    options: tuple[str, ...], default: str | None
) -> None:
    """Whoever copies it unread must not have said yes."""
    shown = answer_options([Question("a#1.0", "?", options, default=default)])

    copied = shown.removeprefix("--answer ").partition(" --question")[0]
    assert chosen(options, copied.strip("'")) is None


def test_a_question_is_listed_with_what_fits() -> None:
    schema = {"properties": {"n": {"type": "integer"}}}

    assert shown_options(Question("a#1.0", "?")) == ""
    assert shown_options(Question("a#1.0", "?", BOTH, default="no", due=NOON)) == (
        "  (yes / no; empty: no; until 2026-11-23 09:00 UTC)"
    )
    asked = Question("a#1.0", "?", form=schema, default="")
    assert shown_options(asked) == '  ({"n": INTEGER}; empty: nothing said)'


def test_an_answer_to_a_question_that_is_open_no_more_is_refused_by_name(sf: Call) -> None:
    """The second of two people who answer the same does not answer the next question."""
    assert sf("run", "asks.py").code == 4
    assert sf("resume", "last", "--answer", "reject", "--question", "approve#1.0").code == 4

    late = sf("resume", "last", "--answer", "accept", "--question", "approve#1.0")

    assert late.code == 1
    assert "no open question 'approve#1.0', or it was answered already" in late.err
    assert sf("resume", "last", "--question", "approve#2.0").code == 2
