"""``stateflow rules``: what the graph and the runs say of each rule."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from stateflow import Flow, Nested, Scripted, State, says, to
from stateflow.cli import rules as command
from stateflow.cli.find import Found
from stateflow.cli.trouble import BadInput
from stateflow.machine.rule.rule import always, at_most, never
from tests.cli.made import Call


def change(*, guarded: bool) -> Flow:
    """Return a flow in a flow; the inner one may go around the approval."""
    inner = Flow(
        "part",
        State("try", Scripted("x", ["go"]), to("approve", when=says("no")), to("do")),
        State("approve", Scripted("boss", ["yes"]), to("do")),
        State("do", Scripted("y", ["done"]), to(None)),
        rules=[never("do").before("approve")] if guarded else [],
    )
    kept = [always("work").before("done"), at_most("work", 1)]
    return Flow("whole", Nested("work", inner, to(None)), rules=kept)


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``nested.py`` be the flow, with its rules."""

    def found(reference: str) -> Found:
        return Found(change(guarded=True), reference)

    monkeypatch.setattr(command, "find_flow", found)


FREE = """
from tests.cli.test_rules import change
flow = change(guarded=False)
"""


def test_each_rule_is_told_with_its_verdict_on_the_graph(
    flow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of a nested flow under its name, with the shortest path."""
    del flow

    assert command.rules("nested.py") == 1
    assert capsys.readouterr().out == (
        "holds      always('work').before('done')\n"
        "holds      at_most('work', 1)\n"
        "broken     part: never('do').before('approve')  try → do\n"
    )


def test_a_run_is_held_against_rules_that_were_written_after_it(
    sf: Call, folder: object, flow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    del flow
    with open(f"{folder}/free.py", "w", encoding="utf-8") as file:  # noqa: PTH123 - of any folder
        file.write(FREE)
    assert sf("run", "free.py").code == 0

    assert command.rules("nested.py", ["last", "none of that name"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[3].startswith("run ")
    assert lines[4:] == [
        "holds      always('work').before('done')",
        "holds      at_most('work', 1)",
        "broken     work#1.0: never('do').before('approve')  at event 3: try → do",
    ]
    assert "none of that name: no one run is called" in err


def test_a_run_whose_flow_had_no_such_place_is_undecided(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A place that was renamed since is no proof that the rule was kept."""
    ask = State("draft", Scripted("x", ["go"]), to(None))
    now = Flow("renamed", ask, rules=[at_most("draft", 1)])
    then = 'from stateflow import *\nx = Scripted("x", ["go"])\nflow = Flow("renamed", '
    (folder / "then.py").write_text(f'{then}State("write", x, to(None)))\n', "utf-8")
    assert sf("run", "then.py").code == 0
    monkeypatch.setattr(command, "find_flow", partial(Found, now))

    assert command.rules("now.py", ["all"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "undecided  at_most('draft', 1)  the run's flow had no 'draft'"


def test_a_run_of_another_flow_is_refused(
    sf: Call, flow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    del flow
    sf("run", "done.py")

    assert command.rules("nested.py", ["last"]) == 1
    assert "is of flow 'tagline', not of 'whole'" in capsys.readouterr().err


def test_a_flow_without_rules_breaks_none(sf: Call, capsys: pytest.CaptureFixture[str]) -> None:
    del sf

    assert command.rules("done.py") == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "flow 'tagline' has no rules\n")


def test_a_flow_that_is_not_there_is_told(sf: Call) -> None:
    del sf

    with pytest.raises(BadInput, match=r"there is no file 'gone\.py'"):
        command.rules("gone.py")
