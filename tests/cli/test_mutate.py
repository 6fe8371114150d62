"""``stateflow mutate``: what it tells, where it stops, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stateflow.cli import mutate as command
from stateflow.testing.mutate import session
from stateflow.testing.mutate.mutants import OPERATORS
from stateflow.testing.mutate.session import Tried
from tests.cli.made import Call

_TEST = """
from stateflow import run_sync
from done import flow

def test_it_is_done():
    assert run_sync(flow, "task").path == ("write", "review", "write", "review")
"""

_ONCE = """
from pathlib import Path
from stateflow import run_sync
from done import flow

def test_red():
    run_sync(flow, "task")
    Path("once").mkdir()
"""


@pytest.fixture
def tests(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the tests of ``done.py``; pytest begins fast."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_done.py").write_text(_TEST, "utf-8")
    return folder / "tests"


def test_survivors_are_told_with_line_change_and_tests(sf: Call, tests: Path) -> None:
    table = '[tool.stateflow.mutate.accept]\n"drop-on-error at tagline" = "Nothing\\nraises."\n'
    stale = '"end-here at tagline/write.1" = "once it did"\n'
    (tests.parent / "pyproject.toml").write_text(table + stale, "utf-8")

    came = sf("mutate", "done.py", "--jobs", "2", "--fail-under", "50")

    assert came.code == 0, came.err
    assert "survived   drop-cap at tagline/write  done.py:9\n" in came.out
    assert "- State('write', visits=4)\n           + State('write', no visits=)\n" in came.out
    assert "not noticed by tests/test_done.py::test_it_is_done\n" in came.out
    assert "accepted   drop-on-error at tagline: Nothing raises." in came.out
    assert "end-here at tagline/write.1 does not survive; take it out" in came.out
    assert "equivalent flip-ok" not in came.out
    assert "tagline  16 mutants: 12 killed · 3 survived · 1 accepted · score 75 %" in came.out
    assert "--stateflow-mutant='done.py::drop-cap" in came.err
    assert "stateflow explore done.py --to tests/test_done_paths.py" in came.err


def test_too_few_killed_exits_with_one_and_json_holds_all(sf: Call, tests: Path) -> None:
    words = ("--only", "drop-transition", "--only", "drop-cap", "--format", "json")

    came = sf("mutate", "done.py", *words, "--fail-under", "90", "--", "-k", "done")

    told: dict[str, Any] = json.loads(came.out)
    assert came.code == 1
    assert (told["flow"], told["score"], told["whole"]) == ("tagline", 75.0, True)
    assert told["counts"]["killed"] == 3
    first = told["mutants"][0]
    assert first["id"] == "drop-transition at tagline/write.1"
    assert first["killer"] == "tests/test_done.py::test_it_is_done"
    assert (Path(first["file"]).name, first["line"]) == ("done.py", 9)


def test_a_list_runs_no_test(sf: Call) -> None:
    came = sf("mutate", "done.py", "--list", "--limit", "3")

    assert came.code == 0
    assert came.out.startswith("drop-transition at tagline/write.1  done.py:9\n")
    assert came.err == "3 mutants\n"
    rows = json.loads(sf("mutate", "done.py", "--list", "--format", "json").out)["mutants"]
    assert len(rows) == 16


def test_an_interrupt_tells_what_is_known(
    sf: Call, tests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session.tried

    def interrupted(*args: Any, **given: Any) -> Iterator[Tried]:  # noqa: ANN401 - passed on
        yield next(real(*args, **given))
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "tried", interrupted)

    came = sf("mutate", "done.py")

    assert came.code == 130
    assert "· stopped, 15 not tried" in came.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("gone.py",), 1, "gone.py"),
        (("done.py", "--tests", "nowhere"), 1, "there are no tests at 'nowhere'"),
        (("done.py", "--only", "drop"), 2, "'drop' is no operator; there are: negate-guard"),
        (("done.py", "--limit", "0"), 2, "--limit 0 is less than one"),
        (("done.py", "--", "--such-a-word"), 1, "pytest did not come to its end"),
        (("flow.json",), 1, "'flow.json' is not in Python"),
        (("asks.py",), 1, "no test of tests runs flow 'approval' of 'asks.py'"),
        (("done.py", "--fail-under", "101"), 2, "--fail-under 101 is no percentage"),
        (("done.py", "--fail-under", "nan"), 2, "--fail-under nan is no percentage"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    words: tuple[str, ...], code: int, told: str, sf: Call, tests: Path
) -> None:
    assert sf("export", "done.py", "--out", "flow.json").code == 0

    came = sf("mutate", *words)

    assert came.code == code
    assert told in came.err
    assert came.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def test_red(): assert 0", "red without a mutant: tests/test_red.py::test_red; mend"),
        ("import os\ndef test_red(): os._exit(0)", "pytest did not come to its end"),
        ("import pytest\ndef test_red(): pytest.exit('no more')", "no more"),
        (
            _ONCE,
            "'tests/test_red.py::test_red' was green, and fails when it is run again without",
        ),
    ],
)
def test_tests_that_are_red_or_end_the_process_are_refused(
    text: str, told: str, sf: Call, tests: Path
) -> None:
    (tests / "test_red.py").write_text(text, "utf-8")

    came = sf("mutate", "done.py")

    assert came.code == 1
    assert told in came.err


def test_without_pytest_it_says_what_to_install(
    sf: Call, tests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_found(_name: str) -> None:
        return None

    monkeypatch.setattr(command, "find_spec", none_found)

    came = sf("mutate", "done.py")

    assert came.code == 1
    assert "pip install 'stateflow-agents[test]'" in came.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.stateflow.mutate.accept]\na = ''\n", "lists 'a' and does not say why"),
        ("[tool.stateflow.mutate]\naccept = 3\n", "is 3, not a table; write rows"),
        ("[tool", "is no TOML"),
    ],
)
def test_acceptances_without_reasons_are_refused(
    text: str, told: str, sf: Call, tests: Path
) -> None:
    (tests.parent / "pyproject.toml").write_text(text, "utf-8")

    came = sf("mutate", "done.py")

    assert came.code == 1
    assert told in came.err


def test_each_operator_is_told_on_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mutate.md").read_text("utf-8")

    assert [name for name in OPERATORS if f"`{name}`" not in page] == []
