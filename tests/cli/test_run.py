"""``stateflow run``, ``resume``, ``fork``: what is told, and with which exit code."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from stateflow.cli import find
from stateflow.cli.human import chosen
from stateflow.cli.options import budget_over
from stateflow.machine.budget import Budget
from tests.cli.made import Call


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["done.py"], 0),
        (["fails.py"], 1),
        (["gives_up.py"], 1),
        (["done.py", "--budget", "turns=1"], 3),
        (["asks.py", "--no-input"], 4),
        (["stuck.py"], 5),
    ],
)
def test_the_exit_code_tells_the_stop(sf: Call, words: list[str], code: int) -> None:
    assert sf("run", *words).code == code


def test_progress_goes_to_stderr_and_the_result_to_stdout(sf: Call) -> None:
    came = sf("run", "done.py", "--input", "a tagline")
    assert "tagline  2 states · 3 transitions · run " in came.err
    assert "  1 ● write  writer" in came.err
    assert "       draft [bold][31mone" in came.err
    assert "     │ 2 else" in came.err
    assert "  3 ● write  writer  visit 2/4" in came.err
    assert came.out.startswith("done at 'review': says('APPROVED')")
    assert "write → review → write → review" in came.out
    assert "4 turns" in came.out
    assert "stateflow replay " in came.out
    assert "\x1b" not in came.out + came.err


def test_verbose_lists_every_verdict(sf: Call) -> None:
    err = sf("run", "done.py", "-v").err
    assert "│ 1 says('APPROVED'): no" in err
    assert "│ 2 else: yes" in err


def test_json_is_a_journal_that_can_be_replayed(sf: Call, folder: Path) -> None:
    came = sf("run", "nested.py", "--json")
    lines = [json.loads(line) for line in came.out.splitlines()]
    assert lines[0]["kind"] == "RunStarted"
    assert lines[0]["source"] == "nested.py"
    assert {line["run"] for line in lines} == {"", "p#1.0"}
    (folder / "x.jsonl").write_text(came.out, "utf-8")
    assert sf("replay", "x.jsonl").code == 0
    assert "go on: stateflow resume" in sf("run", "asks.py", "--json").err


def test_nested_runs_are_indented(sf: Call) -> None:
    err = sf("run", "nested.py").err
    assert re.search(r"^ +└ p/child  FLOW child  1 state ", err, re.MULTILINE)
    assert "\n      1 ● p/child/c  kid" in err
    assert "\n  1 ● p  parent" in err


def test_a_waiting_run_is_answered(sf: Call) -> None:
    came = sf("run", "asks.py")
    assert came.code == 4
    assert "approve#1.0 Accept it?  (accept / reject)" in came.out
    assert re.search(r"stateflow resume \w+ --answer 'accept\|reject'", came.out)
    for answer in ("maybe", "accept|reject", ""):
        refused = sf("resume", "last", "--answer", answer)
        assert refused.code == 1
        assert "'approve#1.0' is none of its options ('accept', 'reject')" in refused.err
    assert sf("resume", "last", "--answers", '{"approve#1.0": "reject"}').code == 4
    again = sf("resume", "last", "--answer", "accept")
    assert again.code == 0
    assert "goes on · run" in again.err
    assert sf("replay", "last").code == 0


def test_a_larger_budget_is_no_way_on_where_visits_are_used_up(sf: Call, folder: Path) -> None:
    text = (folder / "done.py").read_text("utf-8")
    flow = text.replace("visits=4", "visits=1").replace('    on_error="gave_up",\n', "")
    (folder / "done.py").write_text(flow, "utf-8")
    came = sf("run", "done.py")
    assert came.code == 3
    assert "allow it more in the flow, or give 'review' a transition when=exhausted" in came.out
    assert "--budget" not in came.out
    assert sf("resume", "last").code == 3
    (folder / "done.py").write_text(flow.replace("visits=1", "visits=2"), "utf-8")
    assert sf("resume", "last").code == 0


def test_what_has_changed_in_the_flow_is_told_when_a_run_goes_on(sf: Call, folder: Path) -> None:
    assert "has changed" not in sf("run", "done.py", "--budget", "turns=1").err
    assert "has changed" not in sf("resume", "last", "--budget", "turns=2").err
    text = (folder / "done.py").read_text("utf-8")
    (folder / "done.py").write_text(text.replace('prompt="Write."', 'prompt="Sing."'), "utf-8")
    came = sf("resume", "last", "--budget", "turns=9")
    assert came.code == 0
    told = (
        "the flow has changed since the run began (state 'write': prompt); replay will tell of it"
    )
    assert came.err.splitlines()[0] == told
    assert "has changed" in sf("fork", "last", "--at", "1").err


def test_a_cache_that_is_none_is_refused_before_the_run_begins(sf: Call, folder: Path) -> None:
    (folder / "README.md").write_text("# Mine\n" * 200, "utf-8")
    came = sf("run", "model.py", "--cache", "README.md")
    assert (came.code, came.out) == (1, "")
    assert came.err == (
        "error: 'README.md' is no cache of replies, or is damaged; give another path\n"
    )
    assert json.loads(sf("ls", "--json").out) == []
    assert sf("run", "model.py", "--cache", "new.db").code == 0


@pytest.mark.parametrize("said", ["yes", "True", "1", "no", "FALSE", "0"])
def test_unpriced_is_yes_or_no(said: str) -> None:
    budget = budget_over(Budget(), f"unpriced={said}")
    assert budget is not None
    assert budget.unpriced is (said.lower() in {"yes", "true", "1"})


def test_a_larger_budget_takes_a_run_further(sf: Call) -> None:
    assert sf("run", "done.py", "--budget", "turns=1").code == 3
    assert sf("resume", "last", "--budget", "turns=inf").code == 0


def test_a_fork_shares_the_first_turns(sf: Call) -> None:
    sf("run", "done.py")
    came = sf("fork", "last", "--at", "2")
    assert came.code == 0
    assert "  3 ● write" in came.err
    assert "  2 ● review" not in came.err
    assert len(json.loads(sf("ls", "--json").out)) == 2


def test_input_comes_from_a_file_or_stdin(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "task.md").write_text("from a file", "utf-8")
    sf("run", "done.py", "--input", "@task.md")
    assert "from a file" in sf("show", "last", "--messages").out
    monkeypatch.setattr(sys, "stdin", io.StringIO("from stdin"))
    assert sf("run", "done.py", "--input", "-").code == 0
    assert "from stdin" in sf("show", "last", "--messages").out


def test_models_data_and_record(sf: Call, folder: Path) -> None:
    came = sf(
        "run",
        "model.py",
        "--model",
        "writer=scripted:Bye.",
        "--data",
        '{"topic": "x"}',
        "--record",
        "runs/a.jsonl",
    )
    assert came.code == 0
    assert "Bye." in came.err
    assert " and runs/a.jsonl" in came.out
    assert "writer · scripted" in came.err
    assert (folder / "runs/a.jsonl").is_file()
    assert sf("replay", "runs/a.jsonl").code == 0
    assert " in runs/a.jsonl" in sf("show", "runs/a.jsonl").out


def test_a_person_at_the_terminal_is_asked(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdin", Terminal("maybe\na\n"))
    monkeypatch.setattr(sys, "stderr", err)
    assert sf("run", "asks.py").code == 0
    shown = err.getvalue()
    assert "your turn" in shown
    assert "none of the options" in shown
    assert shown.count("\x1b[1mapproval") == 1
    assert "\x1b[" in shown
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert sf("run", "asks.py").code == 4


def test_ctrl_c_at_the_question_leaves_the_run_waiting(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stateflow.cli.human._line", press)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert sf("run", "asks.py").code == 4
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert sf("resume", "last", "--answer", "accept").code == 0


def test_deltas_are_streamed_to_a_terminal_only(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", err)
    words = " ".join(f"word{n}" for n in range(200))
    text = f"Hello\x1b[2J there\nnew {words}"
    assert sf("run", "model.py", "--model", f"writer=scripted:{text}").code == 0
    shown = err.getvalue()
    assert "Hello[2J there" in shown
    assert "…" in shown
    assert "word199" not in shown
    assert "\x1b[2J" not in shown
    assert "A\r" in shown
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()[1:])) <= 60


def test_no_color_gives_plain_lines(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", err)
    assert sf("run", "model.py").code == 0
    assert "\x1b" not in err.getvalue()
    assert "Hello there" in err.getvalue()


def test_an_answer_at_the_terminal_may_be_a_number() -> None:
    assert chosen(["yes", "no"], "2") == "no"
    assert chosen(["yes", "no"], "3") is None
    assert chosen(["2", "1"], "2") == "2"
    assert chosen(["yes", "no"], "y") == "yes"
    assert chosen([], "2") == "2"


def test_several_questions_are_answered_by_id() -> None:
    from stateflow.cli.human import answer_options
    from stateflow.conversation.effect import Question

    asked = [Question("a#1.0", "A?"), Question("a#1.1", "B?", ("yes", "no"))]
    assert answer_options(asked) == """--answers '{"a#1.0": "TEXT", "a#1.1": "yes|no"}'"""
    assert (
        answer_options([Question("a#1.0", "A?", ("x" * 61,))]) == "--answer TEXT --question 'a#1.0'"
    )
    assert find.store_option(Path("a b.db")) == " --store 'a b.db'"


def test_silence_faults_long_texts_and_ways_out_are_shown(sf: Call) -> None:
    came = sf("run", "odd.py")
    assert came.code == 1
    assert "(passed)" in came.err
    assert "       one:\n       xxx" in came.err
    assert "more lines)" in came.err
    assert "\u202e" not in came.err
    assert "RateLimited: slow down" in came.err
    assert "│ ! on_error → gave_up" in came.err
    assert came.out.startswith("final 'gave_up': on_error")
    assert "more lines)" not in sf("run", "odd.py", "-v").err


def test_without_a_store_runs_lie_in_the_users_data_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stateflow.cli.find import store_path

    assert store_path(None) == folder / "runs.db"
    assert store_path(Path("x.db")) == Path("x.db")
    monkeypatch.delenv("STATEFLOW_STORE")
    assert store_path(None).name == "runs.db"
    assert store_path(None).parent.name == "stateflow"
