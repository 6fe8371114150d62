"""The text of a test that replays a cassette."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.message import Fault
from stateflow.journal.stop import Stop
from stateflow.testing.path import assert_path
from stateflow.testing.record import (
    cassette_name,
    file_with,
    function_name,
    function_text,
    path_pattern,
)

DONE = Stop("done", "review", "else", ok=True)
LONG = [f"state_number_{number}" for number in range(12)]
FUNCTION = function_text("test_x", "x.yaml", ["write"], DONE)


def formatted(text: str, width: int) -> str:
    came = subprocess.run(
        [sys.executable, "-m", "ruff", "format", f"--line-length={width}", "--isolated", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return came.stdout


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        pytest.param(["a"], "a", id="one"),
        pytest.param(["a", "a"], "a{2}", id="the-same-again"),
        pytest.param(["a", "b", "a", "b", "c"], "(a → b){2} → c", id="loop"),
        pytest.param(["p", *"wcwcwc", "r"], "p → (w → c){3} → r", id="loop-inside"),
        pytest.param(["a", "b", "a"], "a → b → a", id="there-and-back"),
        pytest.param(["my state", "b"], '"my state" → b', id="a-name-in-quotes"),
        pytest.param(["write-", "b"], '"write-" → b', id="a-name-that-ends-like-an-arrow"),
    ],
)
def test_loops_are_counted(path: Sequence[str], pattern: str) -> None:
    assert path_pattern(path) == pattern


@given(st.lists(st.sampled_from(["a", "b", "c", "d e"]), min_size=1, max_size=200))
def test_a_path_follows_its_own_pattern(path: list[str]) -> None:
    assert_path(path, path_pattern(path))


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=20), st.data())
def test_a_pattern_without_a_star_is_of_one_path_only(path: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(path) - 1))
    other = [*path[:at], "z", *path[at + 1 :]]

    with pytest.raises(AssertionError):
        assert_path(other, path_pattern(path))


@pytest.mark.parametrize("width", [88, 100])
@pytest.mark.parametrize(
    ("path", "command"),
    [
        pytest.param(["write", "review"], "", id="short"),
        pytest.param(["write"], "stateflow record f.py --to x.yaml", id="short-command"),
        pytest.param(
            LONG, f"stateflow record flows/x.py --input '{'word ' * 12}' --to x.yaml", id="long"
        ),
        pytest.param(LONG[:6], "", id="too-long-for-one-of-them"),
        pytest.param([f"{one} of" for one in LONG], "", id="long-in-quotes"),
        pytest.param(['say "hi"', "it's"], "", id="quotes"),
        pytest.param([], "", id="nobody-spoke"),
        pytest.param(["write"], r"stateflow record f.py --input 'C:\new\x' --to x.yaml", id="raw"),
    ],
)
def test_the_formatter_leaves_it_as_it_is(path: list[str], command: str, width: int) -> None:
    text = file_with("", function_text("test_x", "x.yaml", path, DONE, command))

    assert formatted(text, width) == text


@pytest.mark.parametrize("command", ['say """', "two\nlines"])
def test_a_command_that_fits_no_docstring_is_left_out(command: str) -> None:
    assert '"""' not in function_text("test_x", "x.yaml", ["a"], DONE, command)


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        pytest.param(DONE, ['stop.kind == "done"'], id="done"),
        pytest.param(Stop("final", "gave_up", "else"), ['stop.state == "gave_up"'], id="final"),
        pytest.param(Stop("budget", "a", "", which="turns"), ['stop.which == "turns"'], id="limit"),
        pytest.param(Stop("waiting", "a", ""), ['stop.kind == "waiting"'], id="waiting"),
        pytest.param(
            Stop("failed", "a", "", fault=Fault("RateLimited", "no")),
            ['stop.kind == "failed"', 'stop.fault.name == "RateLimited"'],
            id="failed",
        ),
    ],
)
def test_it_says_how_the_run_ended(stop: Stop, said: list[str]) -> None:
    text = function_text("test_x", "x.yaml", ["a"], stop)

    assert [one for one in said if one not in text] == []
    compile(text, "test", "exec")


@pytest.mark.parametrize(
    ("stem", "text", "name"),
    [
        pytest.param("refund", "", "test_refund", id="free"),
        pytest.param("refund", "def test_refund(): ...", "test_refund_2", id="taken"),
        pytest.param(
            "refund",
            "def test_refund(): ...\nasync def test_refund_2(): ...",
            "test_refund_3",
            id="taken-twice",
        ),
        pytest.param("test_x", "", "test_x", id="has-the-prefix"),
        pytest.param("2-be or.not", "", "test_2_be_or_not", id="odd"),
        pytest.param("---", "", "test_recorded", id="nothing-left"),
    ],
)
def test_names_are_free_and_names(stem: str, text: str, name: str) -> None:
    assert function_name(stem, text) == name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('"""Doc."""\n', id="docstring"),
        pytest.param("import os\n\n\ndef test_a():\n    assert os\n", id="imports"),
        pytest.param("X = 1\n", id="no-imports"),
        pytest.param("from stateflow.testing import assert_path\n\nX = assert_path\n", id="some"),
        pytest.param(
            '"""Doc."""\n\nfrom __future__ import annotations\n\nX = 1\n', id="from-the-future"
        ),
        pytest.param("# only a comment\n", id="comment"),
    ],
)
def test_a_test_is_added_behind_what_is_there(text: str) -> None:
    text = formatted(text, 100)

    after = file_with(text, FUNCTION)

    assert after.endswith(f"\n\n\n{FUNCTION}")
    assert formatted(after, 100) == after
    assert [line for line in text.splitlines() if line not in after.splitlines()] == []
    assert {"Replay", "assert_path"} <= imported(after)


def imported(text: str) -> set[str]:
    found = [one for one in ast.parse(text).body if isinstance(one, ast.ImportFrom)]
    return {alias.name for one in found for alias in one.names}


def test_what_is_imported_already_is_not_imported_again() -> None:
    once = file_with("", FUNCTION)

    twice = file_with(once, FUNCTION.replace("test_x", "test_y"))

    assert twice.count("import") == once.count("import")
    assert twice.startswith(once)


def test_line_ends_are_those_of_the_file() -> None:
    after = file_with("X = 1\r\n", FUNCTION)

    assert after.count("\n") == after.count("\r\n")


def test_a_file_that_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        file_with("def (", FUNCTION)


@pytest.mark.parametrize(
    ("cassette", "test", "name"),
    [
        pytest.param("tests/cassettes/x.yaml", "tests/test_x.py", "x.yaml", id="cassettes"),
        pytest.param("tests/x.yaml", "tests/test_x.py", "x.yaml", id="beside"),
        pytest.param("tests/cassettes/x.yaml", "tests/api/test_x.py", "x.yaml", id="above"),
        pytest.param("tests/cassettes/a/x.yaml", "tests/test_x.py", "a/x.yaml", id="deeper"),
        pytest.param("data/x.yaml", "tests/api/test_x.py", "../../data/x.yaml", id="elsewhere"),
    ],
)
def test_the_test_names_its_cassette_as_it_is_looked_for(
    cassette: str, test: str, name: str, tmp_path: Path
) -> None:
    assert cassette_name(tmp_path / cassette, tmp_path / test, tmp_path) == name


def test_a_cassette_behind_another_of_that_name_is_named_by_its_path(tmp_path: Path) -> None:
    near = tmp_path / "tests" / "api" / "cassettes" / "x.yaml"
    near.parent.mkdir(parents=True)
    near.touch()

    name = cassette_name(
        tmp_path / "tests" / "cassettes" / "x.yaml", tmp_path / "tests/api/test_x.py", tmp_path
    )

    assert name == "../cassettes/x.yaml"
