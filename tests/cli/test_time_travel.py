"""``stateflow show --at`` and ``fork --set --reply``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stateflow.cli import call
from tests.cli.made import Call

TEAM = """
from pydantic import BaseModel
from stateflow import *

class Style(BaseModel):
    tone: str = "dry"

class Brief(BaseModel):
    words: int = 3
    note: str = ""
    ratio: float = 0.5
    style: Style = Style()

flow = Flow(
    "team",
    State("write", Scripted("writer", ["one", "two\\x1b[2J"]), to("accept"), save="note", visits=3),
    State("accept", Human("boss", "Accept?", options=["yes", "no"]),
          to(None, when=says("yes")), to("write", when=says("no")), to("write")),
    data=Brief,
    budget=Budget(turns=10),
)
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a run once, in a store that each test copies: write, no, write, yes."""
    at = tmp_path_factory.mktemp("recorded")
    (at / "team.py").write_text(TEAM, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(at)
        patch.setenv("STATEFLOW_STORE", str(at / "runs.db"))
        assert call(("run", "team.py", "--no-input", "--input", "go")) == 4
        assert call(("resume", "last", "--answer", "no", "--no-input")) == 4
        assert call(("resume", "last", "--answer", "yes", "--no-input")) == 0
    return at


@pytest.fixture
def team(folder: Path, recorded: Path) -> None:
    for name in ("team.py", "runs.db"):
        shutil.copy(recorded / name, folder / name)


@pytest.mark.usefixtures("team")
def test_the_run_is_shown_as_it_stood_after_a_turn(sf: Call) -> None:
    out = sf("show", "last", "--at", "2").out.splitlines()

    assert [row.split(" · ")[0] if row.startswith("spent") else row for row in out[1:]] == [
        "write → accept → write",
        "turn 2 of 4  accept  boss",
        "    saw 2 messages, the last of writer: one",
        "    boss: no",
        "    ✘ 1 says('yes')",
        "    ✔ 2 says('no')",
        "    – 3 else",
        "    accept → write",
        "data     words = 3",
        'data     note = "one"',
        "data     ratio = 0.5",
        'data     style = {"tone":"dry"}',
        "visits   write 2/3 · accept 1",
        "spent    2 turns",
        "left     8 turns",
        "next     write: writer",
    ]


@pytest.mark.usefixtures("team")
def test_before_the_first_turn_and_after_the_last(sf: Call) -> None:
    before, after = sf("show", "last", "--at", "0").out, sf("show", "last", "--at", "-1").out

    assert "turn 0 of 4  before the first turn" in before
    assert "next     write: writer" in before
    assert "turn 4 of 4  accept" in after
    assert "next     done at 'accept': says('yes')" in after


@pytest.mark.usefixtures("team")
def test_data_that_a_turn_changed_is_told_with_what_it_was(sf: Call) -> None:
    out = sf("show", "last", "--at", "3").out

    assert 'data     note = "one" → "two' in out
    assert "writer: two[2J" in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("team")
def test_all_of_it_is_there_as_json(sf: Call) -> None:
    told = json.loads(sf("show", "last", "--at", "2", "--json").out)

    assert told["state"] == "write"
    assert told["data"] == {"words": 3, "note": "one", "ratio": 0.5, "style": {"tone": "dry"}}
    assert told["saw"] == {"messages": 2, "last": {"speaker": "writer", "text": "one"}}
    assert told["said"]["texts"] == ["no"]
    assert [one["verdict"] for one in told["said"]["steps"][0]["tried"]] == [False, True]
    assert told["left"] == {"turns": 8}
    assert (told["turn"], told["turns"], told["states"]) == (2, 4, ["write", "accept"])


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "9"), "has no turn 9: give 0 (before the first) to 4 (the last)"),
        (("--at", "-6"), "has no turn -6"),
        (("--at", "x"), "'x' is no turn; give its number"),
        (("--at", "write#1.0/1"), "has no nested run at 'write#1.0'; there are: none"),
        (("--at", "1", "--path"), "do not go together"),
    ],
)
def test_a_turn_that_is_not_there_is_told(sf: Call, words: tuple[str, ...], told: str) -> None:
    came = sf("show", "last", *words)

    assert came.code in {1, 2}
    assert told in came.err


def test_a_turn_of_a_nested_run_is_reached_by_its_place(sf: Call) -> None:
    sf("run", "nested.py", "--no-input")
    children = sorted(
        {json.loads(row)["run"] for row in sf("show", "last", "--json").out.splitlines()} - {""}
    )

    out = sf("show", "last", "--at", f"{children[0]}/1").out

    assert f"{children[0]}/turn 1 of" in out


@pytest.mark.parametrize(
    ("flow", "then"), [("stuck.py", "then     stuck at 'a'"), ("asks.py", "then     waiting for 1")]
)
def test_how_the_run_stopped_after_its_last_turn_is_told(sf: Call, flow: str, then: str) -> None:
    sf("run", flow, "--no-input")

    assert then in sf("show", "last", "--at", "-1").out


@pytest.mark.usefixtures("team")
def test_a_fork_goes_on_with_other_data_and_a_given_message(sf: Call) -> None:
    came = sf("fork", "last", "--at", "2", "--set", "data.words=9", "--reply", "mine", "--no-input")
    shown = sf("show", "last", "--at", "2").out

    assert came.code == 4
    assert "path     write → accept → write → accept" in came.out
    assert "data     words = 3 → 9" in shown
    assert "given    the next says: mine" in shown
    assert "    writer: mine" in sf("show", "last", "--at", "3").out
    assert "canonical journal identical" in sf("replay", "last").out


def test_a_file_is_no_run_that_goes_on(sf: Call) -> None:
    told = sf("fork", "x.yaml", "--at", "1").err

    assert told.startswith("error: 'x.yaml' is a file")


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "1", "--set", "words=1"), "--set 'words=1': write data.NAME=JSON"),
        (("--at", "1", "--set", "data.x=1"), "the data has no field 'x'"),
        (("--at", "1", "--set", "data.words=many"), "does not fit Brief: words"),
        (("--at", "1", "--set", "data.ratio=NaN"), "does not fit Brief: ratio"),
        (("--at", "1", "--set", "data.style.nope=1"), "the data has no field 'style.nope'"),
        (("--at", "1", "--set", "data.words=1", "--set", "data.words=2"), "sets 'words' twice"),
        (("--at", "4", "--reply", "x"), "the run is over after turn 4"),
        (("--at", "5"), "at 5: give 0 (before its first turn) to 4 (after its last)"),
        (("--at", "1", "--reply", "perhaps"), "the answer is none of 'yes', 'no'"),
    ],
)
def test_a_change_that_makes_no_sense_is_told(sf: Call, words: tuple[str, ...], told: str) -> None:
    runs = sf("ls").out

    came = sf("fork", "last", *words, "--no-input")

    assert came.code in {1, 2}
    assert told in came.err
    assert sf("ls").out == runs
