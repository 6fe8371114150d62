"""``stateflow resume --plan`` and ``--map``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.made import Call

TEAM = """
from stateflow import *

flow = Flow(
    "team",
    State("write", Assistant("writer", "scripted:one|two", prompt="Write."), to("accept")),
    State("accept", Human("boss", "Accept?", options=["yes", "no"]),
          to(None, when=says("yes")), to("write")),
)
"""


@pytest.fixture
def team(folder: Path, sf: Call) -> Path:
    """Record a run that waits; return the file of its flow."""
    path = folder / "team.py"
    path.write_text(TEAM, "utf-8")
    assert sf("run", "team.py", "--no-input", "--input", "go").code == 4
    return path


def rename(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"write"', '"draft"'), "utf-8")


def test_what_would_happen_is_told_and_nothing_is_written(sf: Call, team: Path) -> None:
    assert team.exists()
    before = sf("show", "last", "--json").out

    came = sf("resume", "last", "--plan")

    assert came.code == 0
    assert "can go on" in came.out
    assert "changed  nothing" in came.out
    assert "path     1 turn, all taken again as recorded" in came.out
    assert "asks     accept#1.0: Accept?  (yes / no)" in came.out
    assert "next     accept: boss · human" in came.out
    assert "left     99 turns" in came.out
    assert sf("show", "last", "--json").out == before


def test_a_renamed_state_is_refused_with_the_map_and_goes_on_with_it(sf: Call, team: Path) -> None:
    rename(team)

    refused = sf("resume", "last", "--plan")
    plain = sf("resume", "last", "--answer", "no", "--no-input")
    planned = sf("resume", "last", "--plan", "--map", "write=draft")
    resumed = sf("resume", "last", "--map", "write=draft", "--answer", "no", "--no-input")

    assert (refused.code, plain.code, planned.code, resumed.code) == (1, 1, 0, 4)
    assert "would be refused" in refused.out
    assert "path     0 turns of 1 taken again as recorded, then:" in refused.out
    assert "if 'write' is 'draft' now: --map write=draft" in refused.out
    assert "--map write=draft" in plain.err
    assert "changed  state 'write' is now 'draft'" in planned.out
    assert "path     draft → accept → draft → accept" in resumed.out
    assert sf("show", "last", "--path").out.strip() == "draft → accept → draft"
    assert "canonical journal identical" in sf("replay", "last").out
    assert sf("resume", "last", "--answer", "yes", "--no-input").code == 0


def test_the_plan_is_there_as_json(sf: Call, team: Path) -> None:
    rename(team)

    told = json.loads(sf("resume", "last", "--plan", "--json").out)

    assert told["allowed"] is False
    assert told["rename"] == {"write": "draft"}
    assert told["changed"] == ["state 'write' is now 'draft'"]
    assert (told["turns"], told["kept"]) == (1, 0)


def test_the_progress_is_told_in_the_names_of_now(sf: Call, team: Path) -> None:
    """Guards and speakers, too, are those of the flow that it goes on with."""
    rename(team)

    came = sf("resume", "last", "--map", "write=draft", "--answer", "no", "--no-input")

    assert "● draft  writer · scripted" in came.err


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--map", "write"), "--map 'write': write OLD=NEW"),
        (("--map", "a=b", "--map", "a=c"), "says twice what 'a' is called"),
        (("--map", "a=b"), "the recording has no place 'a'; it has 'write', 'accept'"),
        (("--map", "write=write"), "the flow still has 'write'; leave the map out"),
        (("--plan", "--answer", "yes"), "--plan tells what would happen"),
    ],
)
def test_what_makes_no_sense_is_told(sf: Call, words: tuple[str, ...], told: str) -> None:
    came = sf("resume", "last", *words)

    assert came.code in {1, 2}
    assert told in came.err
