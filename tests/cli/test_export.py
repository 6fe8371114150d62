"""``stateflow export``, and flows that are read from JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stateflow.exchange.schema import flow_schema
from tests.cli.made import Call


def test_a_flow_is_written_to_stdout_as_json(sf: Call) -> None:
    came = sf("export", "done.py")

    assert came.code == 0
    assert json.loads(came.out)["flow"] == "tagline"
    assert came.err == ""


@pytest.mark.parametrize(
    ("form", "begin"),
    [
        ("json", '{\n  "stateflow": 1,'),
        ("python", '"""A flow, written by stateflow export."""\n'),
        ("scxml", '<?xml version="1.0"'),
        ("xstate", "{"),
    ],
)
def test_every_form_is_written(sf: Call, form: str, begin: str) -> None:
    came = sf("export", "done.py", "--format", form)

    assert came.code == 0, came.err
    assert came.out.startswith(begin)


def test_the_file_says_in_which_form(sf: Call, folder: Path) -> None:
    came = sf("export", "done.py", "--out", "copy.py")

    assert came.out == "copy.py\n"
    assert sf("run", "copy.py", "--input", "Go.").code == 0
    assert (folder / "copy.py").read_text("utf-8").startswith('"""A flow')


def test_a_file_that_is_there_stays_unless_forced(sf: Call, folder: Path) -> None:
    (folder / "copy.json").write_text("mine", "utf-8")

    came = sf("export", "done.py", "--out", "copy.json")

    assert came.code == 1
    assert came.err == "error: 'copy.json' is there already; add --force to write over it\n"
    assert (folder / "copy.json").read_text("utf-8") == "mine"
    assert sf("export", "done.py", "--out", "copy.json", "--force").code == 0
    assert (folder / "copy.json").read_text("utf-8") != "mine"


def test_a_place_that_cannot_be_written_is_told(sf: Call) -> None:
    came = sf("export", "done.py", "--out", "done.py/copy.json")

    assert came.code == 1
    assert "'done.py/copy.json' cannot be written (" in came.err


def test_the_folder_that_a_file_lies_in_is_made(folder: Path, sf: Call) -> None:
    assert sf("export", "done.py", "--out", "new/copy.json").code == 0
    assert (folder / "new/copy.json").is_file()


def test_functions_are_refused(sf: Call) -> None:
    came = sf("export", "opaque.py")

    assert came.code == 1
    assert "cannot be written as JSON, for it holds what is no plain data" in came.err
    assert came.out == ""


def test_the_schema_is_printed(sf: Call) -> None:
    assert sf("export", "--schema").out == flow_schema()


@pytest.mark.parametrize(
    "words", [(), ("done.py", "--schema"), ("--schema", "--format", "json")], ids=" ".join
)
def test_words_that_make_no_sense_are_told(sf: Call, words: tuple[str, ...]) -> None:
    came = sf("export", *words)

    assert came.code == 2
    assert "export takes a FLOW and perhaps --format, or --schema by itself" in came.err


def test_a_flow_in_json_is_run_checked_drawn_and_gone_on_with(sf: Call) -> None:
    sf("export", "asks.py", "--out", "x.json")
    sf("export", "done.py", "--out", "flow.json")

    assert sf("run", "flow.json", "--input", "Go.").code == 0
    assert sf("check", "flow.json").code == sf("check", "done.py").code
    drawn = sf("render", "flow.json", "--format", "dot").out
    assert drawn == sf("render", "done.py", "--format", "dot").out


def test_a_paused_run_finds_its_json_again(sf: Call, folder: Path) -> None:
    (folder / "ask.py").write_text(
        "from stateflow import *\n"
        'flow = Flow("ask", State("ask", Human("boss", "Well?"), to(None)))\n',
        "utf-8",
    )
    sf("export", "ask.py", "--out", "ask.json")

    assert sf("run", "ask.json", "--input", "Go.", "--no-input").code == 4
    assert sf("resume", "last", "--answer", "yes").code == 0


def test_a_machine_of_xstate_is_read(sf: Call) -> None:
    sf("export", "done.py", "--format", "xstate", "--out", "machine.json")

    drawn = sf("render", "machine.json", "--format", "dot").out
    assert drawn == sf("render", "done.py", "--format", "dot").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "'bad.json': this is no JSON"),
        ("{}", "'bad.json': this JSON is no flow of ours"),
        ('{"stateflow": 9}', "'bad.json': this flow is written in form 9"),
        ("[" * 5000 + "]" * 5000, "'bad.json': this JSON is more than 240 levels deep"),
    ],
)
def test_what_is_no_flow_is_told(sf: Call, folder: Path, text: str, told: str) -> None:
    (folder / "bad.json").write_text(text, "utf-8")

    came = sf("check", "bad.json")

    assert came.code == 1
    assert came.err.startswith(f"error: {told}")


def test_a_json_has_no_attributes(sf: Call) -> None:
    sf("export", "done.py", "--out", "flow.json")

    came = sf("check", "flow.json:other")

    assert came.code == 1
    assert "'flow.json' holds one flow, and none called 'other'" in came.err


def test_a_json_that_is_not_there_is_told(sf: Call) -> None:
    came = sf("check", "none.json")

    assert "there is no file 'none.json'; check the path" in came.err
