"""What is told of tools, retries and streams, on a terminal and without one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from stateflow import Assistant, Flow, Runner, Scripted, State, to
from stateflow.cli.progress import Progress
from stateflow.cli.watch import WatchedStore
from stateflow.engine.door import Delta
from stateflow.journal.event import Event, Recorded, RunStarted, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.stores.memory import MemoryStore
from tests.cli.made import HEAD, Call
from tests.cli.served import broken, calling, saying, served
from tests.cli.test_run import Terminal

SUMS = [("add", '{"a": 1, "b": 2}'), ("fail", '{"why": "b\\u001b[2Joom"}')]
DELETE = ("delete", '{"path": "/a"}')


def at_terminal(monkeypatch: pytest.MonkeyPatch, typed: str = "") -> Terminal:
    """Return the terminal that stderr is from now on, with what a person types there."""
    err = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", err)
    return err


def shown(terminal: Terminal) -> list[str]:
    """Return what a person sees: every line as it is when all is written."""
    lines = [""]
    row = 0
    for part in re.split(
        r"(\x1b\[\d+[AB]\r|\n)", re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue())
    ):
        moved = re.fullmatch(r"\x1b\[(\d+)([AB])\r", part)
        if moved is not None:
            row += int(moved[1]) * (-1 if moved[2] == "A" else 1)
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part:
            assert not lines[row] or lines[row].startswith(part.split("  ")[0])
            lines[row] = part
    return [line.rstrip() for line in lines]


def test_tool_calls_are_told_below_the_line_of_the_turn(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bytes | int] = [429, calling("Hm.", *SUMS), calling("", DELETE), saying("Done.")]
    with served(*answers) as server:
        monkeypatch.setenv("MODEL", server.url)
        waiting = sf("run", "tools.py")
        done = sf("resume", "last", "--answer", "no, too much", "--record", "x.jsonl")
    assert waiting.code == 4
    assert "write#1.4 Allow delete with" in waiting.out
    for err in (waiting.err, done.err):
        assert re.search(r"\n       waited 0\.0\d+ s: RateLimited: openai\+http", err)
        assert '\n       add({"a": 1, "b": 2}) ok: 3\n' in err
        assert "\n       fail(" in err
        assert "failed: ValueError: b[2Joom\n" in err
        assert "\x1b" not in err
    assert done.code == 0
    assert 'delete({"path": "/a"}) failed: A person refused this call: no, too much\n' in done.err
    assert done.err.endswith("       Done.\n")
    assert sf("replay", "x.jsonl").code == 0


def test_long_results_are_cut_unless_all_is_asked_for(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(calling("", DELETE), saying("Done.")) as server:
        monkeypatch.setenv("MODEL", server.url)
        sf("run", "tools.py")
        short = sf("resume", "last", "--answer", "yes").err
        server.answers[:] = [calling("", DELETE), saying("Done.")]
        sf("run", "tools.py")
        whole = sf("resume", "last", "--answer", "yes", "-v").err
    assert re.search(r'delete\(\{"path": "/a"\}\) ok: /a is\[31m gone x+…\n', short)
    assert whole.count("x") > short.count("x") + 150
    assert "…" not in whole
    messages = sf("show", "last", "--messages").out
    assert 'writer\n    delete({"path": "/a"}) ok: /a is[31m gone\n' in messages
    assert sum(map(len, re.findall("x+", messages))) == 300
    assert messages.endswith("    Done.\n")


def test_an_opaque_agents_calls_and_files_are_told(sf: Call) -> None:
    err = sf("run", "opaque.py").err
    assert "       look({}) failed: so many\n       seen\n       with b[2Jill.pdf\n" in err
    messages = sf("show", "last", "--messages").out
    assert messages == "eye\n    look({}) failed: so many\n    seen\n    with b[2Jill.pdf\n"


def test_the_model_that_answered_instead_is_named(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(429) as server:
        monkeypatch.setenv("MODEL", server.url)
        flow = (
            f"{HEAD}import os\n"
            "first = Model(os.environ['MODEL'], retry=NO_RETRY)\n"
            "one = Assistant('one', model=FallbackModel(first, 'scripted:instead'))\n"
            "flow = Flow('falls', State('a', one, to(None)))\n"
        )
        (folder / "falls.py").write_text(flow, "utf-8")
        err = sf("run", "falls.py").err
    url = re.escape(server.url)
    assert re.search(
        rf"\n       {url}: RateLimited: .*\n       answered by scripted:instead\n", err
    )
    assert "answered by scripted:instead" in sf("show", "last", "--messages").out


def test_a_later_attempt_takes_back_what_streamed(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    with served(broken("It is ", "gone, I "), saying("It is ", "all ", "here.")) as server:
        monkeypatch.setenv("MODEL", server.url)
        assert sf("run", "tools.py").code == 0
    head, *lines = shown(terminal)[1:]
    assert re.fullmatch(r"  1 ● write  writer · m +\d+ tok  cost unknown  \d\.\d s", head)
    assert lines[:3] == ["       It is gone, I", "       asked again:", "       It is all here."]
    assert re.match(r"       waited 0\.0\d+ s: Overloaded: ", lines[3])
    assert lines[4:] == [""]


def test_a_turn_with_tools_is_told_as_it_goes(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_terminal(monkeypatch, "yes\nno, too much\n")
    with served(
        calling("Let me add.", *SUMS[:1]), calling("", DELETE, DELETE), saying("All ", "done.")
    ) as server:
        monkeypatch.setenv("MODEL", server.url)
        assert sf("run", "tools.py").code == 0
    lines = shown(terminal)
    add = '       add({"a": 1, "b": 2}) ok: 3'
    assert lines[1].endswith("waits for an answer")
    assert lines[2:4] == ["       Let me add.", add]
    assert "your turn · 1 of 2" in lines[4]
    assert "your turn · 2 of 2" in terminal.getvalue()
    last = next(n for n in range(len(lines) - 1, 0, -1) if "1 ● write" in lines[n])
    assert re.search(r" tok  cost unknown  \d\.\d s$", lines[last])
    assert lines[last + 1] == add
    told = sorted(lines[last + 2 : last + 4])
    assert told[0].endswith("failed: A person refused this call: no, too much")
    assert told[1].startswith('       delete({"path": "/a"}) ok: /a is[31m gone x')
    assert lines[last + 4 :] == ["       All done.", ""]


def test_an_answer_left_for_later_keeps_the_others(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch, "yes\n\n")
    with served(calling("", DELETE, DELETE), saying("Done.")) as server:
        monkeypatch.setenv("MODEL", server.url)
        came = sf("run", "tools.py")
        assert came.code == 4
        assert "waiting for 1 answer(s)" in came.out
        assert "--answer 'yes|no'" in came.out
        assert terminal.getvalue().count("your turn") == 2
        assert sf("resume", "last", "--answer", "yes", "--no-input").code == 0


def test_a_rejected_answer_and_a_choice_do_not_pass_for_the_text(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text streams, is refused, and comes again; then a model picks who is next."""
    terminal = at_terminal(monkeypatch)
    flow = (
        f"{HEAD}from pydantic import BaseModel\n"
        "class Said(BaseModel):\n    n: int\n"
        "one = Assistant('one', model='scripted:no|{\"n\": 1}', reply=Said)\n"
        "two = Assistant('two', model='scripted:two', prompt='x')\n"
        "flow = Flow('asks', State('a', one, to('b')),\n"
        "    State('b', two, to('c'), to('d'), choose=by_model('scripted:c')),\n"
        "    State('c', steps(Scripted('x', ['x']), two), to(None)),\n"
        "    State('d', two, to(None)))\n"
    )
    (folder / "again.py").write_text(flow, "utf-8")
    assert sf("run", "again.py").code == 0
    lines = [line for line in shown(terminal) if line.startswith("       ")]
    assert lines[:4] == ["       no", "       asked again:", '       {"n": 1}', "       two"]
    assert lines[-2:] == ["       x: x", "       two: two"]


async def test_a_text_that_is_interrupted_is_shown_whole_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = at_terminal(monkeypatch)
    progress = Progress(verbose=False)
    store = WatchedStore(MemoryStore())
    store.listener = progress

    def heard(what: Recorded | Delta) -> None:
        progress.heard(what)
        if isinstance(what, Delta) and what.text == "two ":
            progress.note("pausing")

    agent = Assistant("one", model="scripted:one two three four")
    async with Runner(store=store) as runner:
        live = runner.start(Flow("f", State("a", agent, to(None))))
        live.door.control.publish = heard
        await live
    lines = shown(terminal)
    assert lines[2].startswith("       one two")
    assert "pausing" in lines[3]
    assert lines[4].startswith("  1 ● a  one · scripted  ")
    assert lines[5:] == ["       one two three four", ""]


async def test_a_turn_beside_a_text_that_streams_is_told_whole_and_so_is_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = at_terminal(monkeypatch)
    progress = Progress(verbose=False)
    store = WatchedStore(MemoryStore())
    store.listener = progress
    side = Flow("side", State("s", Scripted("quiet", []), to(None)))

    def heard(what: Recorded | Delta) -> None:
        progress.heard(what)
        if isinstance(what, Delta) and what.text == "two ":
            fold = Fold()
            events: tuple[Event, ...] = (
                RunStarted("side", side.table(), side.fingerprint()),
                TurnTaken("s", 1),
            )
            for seq, event in enumerate(events, 1):
                recorded = Recorded(seq, 0.0, event)
                progress.event(f"{what.run}/a#1.1", fold, recorded)
                fold.apply(recorded)

    agent = Assistant("one", model="scripted:one two three four")
    async with Runner(store=store) as runner:
        live = runner.start(Flow("f", State("a", agent, to(None))))
        live.door.control.publish = heard
        await live
    lines = shown(terminal)
    assert lines[2].startswith("       one two")
    assert lines[3].startswith("    └ a/side  FLOW side  1 state")
    assert lines[4].startswith("      1 ● a/side/s  quiet  ")
    assert lines[5] == "           (passed)"
    assert lines[6].startswith("  1 ● a  one · scripted  ")
    assert lines[7:] == ["       one two three four", ""]


def test_a_nested_run_streams_below_its_own_line(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    text = (folder / "nested.py").read_text("utf-8")
    kid = "Assistant('kid', model='scripted:in ner')"
    text = text.replace('Scripted("kid", ["inner"])', kid)
    (folder / "nested.py").write_text(text, "utf-8")
    assert sf("run", "nested.py").code == 0
    lines = shown(terminal)
    assert lines[1].startswith("    └ p/child  FLOW child  1 state")
    assert lines[2].startswith("      1 ● p/child/c  kid · scripted  ")
    assert lines[3] == "           in ner"
    assert lines[4].startswith("  1 ● p  parent  ")
    assert lines[5:] == ["       FLOW child: done in 1 turn", "       in ner", ""]


def test_what_the_tools_gave_is_shown_below_them_where_it_is_the_answer(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    text = (
        (folder / "tools.py").read_text("utf-8").replace("model=patient", "patient, reflect=False")
    )
    (folder / "tools.py").write_text(text, "utf-8")
    with served(calling("Let me add.", *SUMS[:1])) as server:
        monkeypatch.setenv("MODEL", server.url)
        assert sf("run", "tools.py").code == 0
    lines = shown(terminal)
    assert lines[1].startswith("  1 ● write")
    assert lines[2:] == [
        "       Let me add.",
        '       add({"a": 1, "b": 2}) ok: 3',
        "       3",
        "",
    ]
