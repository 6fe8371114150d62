"""Nested and parallel states on the command line: paths, what came of them, and deadlines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stateflow.cli.chart import Chart
from stateflow.journal.event import RunStarted
from tests.cli.made import HEAD, Call
from tests.cli.served import calling, saying, served
from tests.cli.test_progress import at_terminal, shown

BOOK = (
    HEAD
    + """
deep = Flow("deep", State("think", Scripted("thinker", ["thought"]), to(None)))
drafter = Scripted("drafter", ["a draft", "final"])
outline = Flow(
    "outline",
    State("draft", drafter, to("draft", when=says("draft")), to("dig")),
    Nested("dig", deep, to("no")),
    Final("no", ok=False),
)
flow = Flow(
    "book",
    Nested("write", outline, to("check", restart=last_message)),
    State("check", Scripted("critic", ["good"]), to(None)),
)
"""
)

TEAM = (
    HEAD
    + """
async def hang(view):
    await asyncio.Event().wait()

def fail(view):
    raise ValueError("boom")

quick = Flow("quick", State("a", Scripted("one", ["said"]), to(None)))
hangs = Flow("hangs", State("h", FunctionAgent("two", hang), to(None)))
bad = Flow("bad", State("f", FunctionAgent("three", fail), to(None)))
flow = Flow("team", Parallel("read", {"x": quick, "z": hangs}, to(None), join="any"))
keeps = Flow(
    "keeps", Parallel("read", {"x": quick, "y": bad}, to(None), join="any", others="keep")
)
fails = Flow("fails", Parallel("read", {"x": hangs, "y": bad}, to(None)))
poor = Flow("poor", Parallel("read", {"x": quick, "y": quick}, to(None)), budget=Budget(turns=1))
again = Flow("again", Nested("n", quick, to("n", when=~visited("n", at_least=2)), to(None)))
both = Flow("both", State("s", steps(Scripted("w", ["hi"]), quick.as_agent("guest")), to(None)))
says_words = {n: Assistant(n, model=f"scripted:many {n} words") for n in "pq"}
words = {n: Flow("words", State("a", one, to(None))) for n, one in says_words.items()}
streams = Flow("streams", Parallel("read", words, to(None)))
"""
)

ASKING = (
    HEAD
    + """
from stateflow.agents.human import Human

boss = Human("boss", ask="Accept?", options=["yes", "no"])
ask = Flow("ask", State("approve", boss, to("late", after=hours(1)), to(None)), Final("late"))
flow = Flow("asking", Parallel("read", {"x": ask, "y": ask}, to(None)))
too_late = Flow("late", State("approve", boss, to("late", after=1e-9), to(None)), Final("late"))
"""
)

HELPED = (
    HEAD
    + """
import os

helper = Flow("helper", State("h", Scripted("hand", ["helped"]), to(None)), description="Help.")
asker = Assistant("asker", model=Model(os.environ["MODEL"]), tools=[helper.as_tool()])
flow = Flow("helped", State("ask", asker, to(None)))
"""
)

UNTIL = r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC"


@pytest.fixture(autouse=True)
def _flows(folder: Path) -> None:
    texts = {"book": BOOK, "team": TEAM, "asking": ASKING, "helped": HELPED}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, "utf-8")


def lines_of(err: str) -> list[str]:
    """Return what was told, without figures."""
    return [re.sub(r"  (\d+ tok  )?\d+\.\d s$", "", line) for line in err.splitlines()]


def test_lines_of_nested_runs_name_their_place_by_path(sf: Call) -> None:
    assert lines_of(sf("run", "book.py").err)[1:] == [
        "    └ write  FLOW outline  2 states · 3 transitions",
        "      1 ● write/draft  drafter",
        "           a draft",
        "         │ 1 says('draft')",
        "      2 ● write/draft  drafter  visit 2",
        "           final",
        "         │ 2 else",
        "        └ write/dig  FLOW deep  1 state · 1 transition",
        "          1 ● write/dig/think  thinker",
        "               thought",
        "      3 ● write/dig  deep",
        "           FLOW deep: done in 1 turn",
        "           thought",
        "  1 ● write  outline",
        "       FLOW outline: final 'no' in 4 turns, not ok",
        "       thought",
        "       transcript restarted with: thought",
        "  2 ● check  critic",
        "       good",
    ]


def test_branches_say_who_they_are_and_what_came_of_them(sf: Call) -> None:
    assert lines_of(sf("run", "team.py", "--no-input").err)[1:] == [
        "    └ read/x  FLOW quick  1 state · 1 transition",
        "    └ read/z  FLOW hangs  1 state · 1 transition",
        "      1 ● read/x/a  one",
        "           said",
        "  1 ● read  x | z · join any",
        "       FLOW x: done in 1 turn",
        "       FLOW z: cancelled after 0 turns",
        "       said",
    ]


def test_a_branch_that_failed_is_told_where_the_others_were_enough(sf: Call) -> None:
    came = sf("run", "team.py:keeps")
    assert came.code == 0
    assert "\n      1 ● read/y/f  three  " in came.err
    assert "\n       FLOW x: done in 1 turn\n       FLOW y: failed after 0 turns\n" in came.err


def test_why_a_branch_failed_is_told_once(sf: Call) -> None:
    came = sf("run", "team.py:fails")
    assert came.code == 1
    assert lines_of(came.err)[-4:] == [
        "  1 ● read  x | y",
        "       FLOW x: cancelled after 0 turns",
        "       FLOW y: failed after 0 turns",
        "       ChildFailed: nested run 'bad' stopped: failed at 'f': ValueError: boom",
    ]


def test_why_a_branch_was_refused_is_told(sf: Call) -> None:
    came = sf("run", "team.py:poor")
    assert came.code == 3
    refused = "Exhausted: 2 branches share what is left, which gives none a turn"
    assert f"       FLOW x: {refused}" in came.err


def test_a_flow_among_several_speakers_is_named_in_the_path(sf: Call) -> None:
    err = sf("run", "team.py:both").err
    assert "    └ s/guest  FLOW quick  1 state" in err
    assert "\n       FLOW guest: done in 1 turn\n       w: hi\n       guest: said\n" in err


def test_a_flow_as_a_tool_is_told_as_call_and_as_nested_run(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(calling("Wait.", ("helper", '{"task": "do it"}')), saying("Done.")) as server:
        monkeypatch.setenv("MODEL", server.url)
        err = sf("run", "helped.py").err
    assert "\n      1 ● ask/helper/h  hand" in err
    assert "\n       FLOW helper: done in 1 turn\n" in err
    assert '\n       helper({"task": "do it"}) ok: helped\n       Done.\n' in err
    messages = sf("show", "last", "--messages").out
    assert "    hand  ask/helper/h\n        helped\n" in messages


def test_questions_of_branches_are_listed_by_path_with_their_deadline(sf: Call) -> None:
    came = sf("run", "asking.py", "--input", "go")
    assert came.code == 4
    for branch, name in enumerate("xy"):
        question = rf"^read#1\.{branch}/approve#1\.0 Accept\?  \(yes / no; {UNTIL}\)$"
        assert re.search(question, came.out, re.MULTILINE)
        waits = rf"^      1 ● read/{name}/approve  boss  waits for an answer {UNTIL}$"
        assert re.search(waits, came.err, re.MULTILINE)
    shown_later = sf("show", "last").out
    assert re.search(rf"^read#1\.1/approve#1\.0 .*{UNTIL}", shown_later, re.MULTILINE)
    assert "nested   read/x: approve · waiting for 1 answer(s) at 'approve'\n" in shown_later
    given = json.dumps({"read#1.0/approve#1.0": "yes", "read#1.1/approve#1.0": "no"})
    done = sf("resume", "last", "--answers", given)
    assert done.code == 0
    assert "\n           read/x/approve > yes\n" in done.err
    assert "\n           read/y/approve > no\n" in done.err


def test_a_deadline_that_passed_is_one_line(sf: Call) -> None:
    came = sf("run", "asking.py:too_late")
    assert came.err.count("DeadlinePassed") == 1
    assert re.search(r"\n       DeadlinePassed: .*approve.*\n     │ 1 after 1e-09 s\n", came.err)


def test_a_head_does_not_break_into_a_text_that_streams(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)
    assert sf("run", "team.py:streams").code == 0
    head, turn, text, other_head, other_turn, other_text = shown(terminal)[1:7]
    assert head == "    └ read/p  FLOW words  1 state · 1 transition"
    assert re.fullmatch(r"      1 ● read/p/a  p · scripted +\d+ tok  \d\.\d s", turn)
    assert text == "           many p words"
    assert other_head == "    └ read/q  FLOW words  1 state · 1 transition"
    assert re.fullmatch(r"      1 ● read/q/a  q · scripted +\d+ tok  \d\.\d s", other_turn)
    assert other_text == "           many q words"


def test_a_nested_state_is_indigo(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_terminal(monkeypatch)
    sf("run", "book.py")
    assert "\x1b[1;38;5;99mwrite\x1b[0m" in terminal.getvalue()
    assert "\x1b[1;38;5;99mdig\x1b[0m" in terminal.getvalue()


def test_show_tells_nested_runs_with_what_came_of_them(sf: Call) -> None:
    sf("run", "book.py", "--record", "book.jsonl")
    nested = (
        "nested   write: draft → draft → dig → no · final 'no' in 4 turns, not ok\n"
        "         write/dig: think · done in 1 turn\n"
    )
    for run in ("last", "book.jsonl"):
        assert f"path     write → check\n{nested}spent " in sf("show", run).out
    path = sf("show", "last", "--path").out
    assert path.startswith("write → check\n")
    assert path.endswith("write/dig: think · done in 1 turn\n")


def test_show_tells_what_nested_runs_said_below_their_turn(sf: Call) -> None:
    sf("run", "book.py", "--input", "go")
    assert sf("show", "last", "--messages").out.splitlines()[2:] == [
        "outline",
        "    FLOW outline: final 'no' in 4 turns, not ok",
        "    thought",
        "    transcript restarted with: thought",
        "    user  write",
        "        go",
        "    drafter  write/draft",
        "        a draft",
        "    drafter  write/draft",
        "        final",
        "    deep  write/dig",
        "        FLOW deep: done in 1 turn",
        "        thought",
        "        user  write/dig",
        "            final",
        "        thinker  write/dig/think",
        "            thought",
        "critic",
        "    good",
    ]


def test_show_tells_guards_and_events_of_nested_runs(sf: Call) -> None:
    sf("run", "book.py")
    guards = sf("show", "last", "--guards").out
    assert "      1 write/draft → draft\n          1 says('draft'): yes\n" in guards
    assert "          1 write/dig/think → done\n" in guards
    lines = [json.loads(line) for line in sf("show", "last", "--json").out.splitlines()]
    assert {line["run"] for line in lines} == {"", "write#1.0", "write#1.0/dig#1.0"}


def test_show_tells_visits_apart_and_branches_that_nobody_needed(sf: Call) -> None:
    sf("run", "team.py:again")
    out = sf("show", "last").out
    assert "nested   n: a · done in 1 turn\n         n: a · visit 2 · done in 1 turn\n" in out
    sf("run", "team.py")
    assert "         read/z: cancelled after 0 turns\n" in sf("show", "last").out


def test_show_tells_nested_runs_of_a_turn_that_failed(sf: Call) -> None:
    sf("run", "team.py:fails")
    out = sf("show", "last").out
    assert "read/x: paused at 'h': another branch failed\n" in out
    assert "read/y: failed at 'f': ValueError: boom\n" in out
    assert "three  read/y/f\n        ValueError: boom\n" in sf("show", "last", "--messages").out


@pytest.mark.parametrize(
    ("branches", "need", "who"),
    [
        pytest.param(2, 2, "b0 | b1", id="all"),
        pytest.param(3, 2, "b0 | b1 | b2 · join 2 of 3", id="some"),
        pytest.param(6, 1, "b0 | b1 | b2 | b3 and 2 more · join any", id="many"),
    ],
)
def test_branches_stand_in_one_line(branches: int, need: int, who: str) -> None:
    speaks = [f"b{number}" for number in range(branches)]
    place = {"state": "p", "speaks": speaks, "join": need, "to": []}
    assert Chart(RunStarted("f", {"places": [place]}, "")).who("p") == who
