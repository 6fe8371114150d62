"""``stateflow coverage``: what recorded runs have come by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stateflow import Journal, run_sync
from stateflow.engine.finding import find_flow
from stateflow.stores.file import write_file
from stateflow.testing.cassette.cassette import write_cassette
from tests.cli.made import HEAD, Call

TABLE = [
    "flow     states  transitions  guards  stops  tools  taken",
    "tagline     2/3          3/4     1/1    1/3      –   75 %",
]


OUTER = """
inner = Flow("inner", State("a", Scripted("x", ["y"]), to(None)))
flow = Flow("outer", Nested("work", inner, to(None)))
"""


def journal_of(path: str) -> Journal:
    """Return the journal of a run of the flow at *path*."""
    journal = run_sync(find_flow(path).flow).journal
    assert journal is not None
    return journal


def test_all_runs_of_the_store_are_counted(sf: Call) -> None:
    sf("run", "done.py")
    sf("run", "done.py")

    came = sf("coverage", "done.py")

    assert came.code == 0
    lines = came.out.splitlines()
    assert lines[:3] == ["flow coverage of 2 recorded runs", *TABLE]
    assert lines[3:5] == ["never taken:", "  done.py:7  any → gave_up [on_error]"]


def test_runs_and_cassettes_that_are_named_are_counted(sf: Call, folder: Path) -> None:
    sf("run", "done.py")
    write_file(journal_of("done.py"), folder / "run.jsonl")
    write_cassette(journal_of("done.py"), folder / "run.yaml")

    for name in ("last", "run.jsonl", "run.yaml"):
        assert sf("coverage", "done.py", name).out.splitlines()[1:3] == TABLE
    both = sf("coverage", "done.py", "run.yaml", "last").out
    assert both.startswith("flow coverage of 2 recorded runs\n")


def test_runs_alone_say_which_flow_it_is(sf: Call, folder: Path) -> None:
    sf("run", "done.py")

    came = sf("coverage", "last")

    assert came.out.splitlines()[1:3] == TABLE
    assert sf("coverage", "gone").err.startswith("error: 'gone' is neither a flow")


def test_nested_flows_are_told_too(sf: Call, folder: Path) -> None:
    (folder / "outer.py").write_text(HEAD + OUTER, "utf-8")
    sf("run", "outer.py")

    lines = sf("coverage", "outer.py", "last").out.splitlines()

    assert [line.split()[0] for line in lines[2:5]] == ["inner", "outer", "all"]
    assert [line.split()[-2] for line in lines[2:5]] == ["100", "100", "100"]


def test_too_few_exit_with_1(sf: Call) -> None:
    sf("run", "done.py")

    came = sf("coverage", "done.py", "--fail-under", "95")

    assert came.code == 1
    assert came.err == (
        "error: flow coverage is 75 % (3 of 4 transitions), less than the 95 % asked for\n"
    )
    assert sf("coverage", "done.py", "--fail-under", "75").code == 0


def test_reasons_are_read_from_the_project(sf: Call, folder: Path) -> None:
    sf("run", "done.py")
    (folder / "pyproject.toml").write_text(
        '[tool.stateflow.coverage.exempt.tagline]\n"any -> gave_up" = "nobody fails"\n', "utf-8"
    )

    out = sf("coverage", "done.py").out

    assert "exempt:\n  done.py:7  any → gave_up [on_error]  nobody fails\n" in out


def test_figures_are_json(sf: Call) -> None:
    sf("run", "done.py")

    told = json.loads(sf("coverage", "done.py", "--format", "json").out)

    assert told["percent"] == 75.0
    assert told["flows"][0]["stops"] == [
        {"stop": "budget", "seen": 0},
        {"stop": "done", "seen": 1},
        {"stop": "final", "final": "gave_up", "seen": 0},
    ]


def test_the_counts_are_drawn(sf: Call, folder: Path) -> None:
    sf("run", "done.py")

    came = sf("coverage", "done.py", "--out", "heat.svg")

    assert came.out.endswith("heat.svg\n")
    assert "flow coverage" in (folder / "heat.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["gone.py"], 1, "there is no file 'gone.py'"),
        (["done.py"], 1, "no run of flow 'tagline' is recorded"),
        (["done.py", "gone.yaml"], 1, "gone.yaml"),
        (["done.py", "--fail-under", "101"], 2, "--fail-under 101 is no percentage"),
        (["done.py", "--fail-under", "nan"], 2, "--fail-under nan is no percentage"),
        (["done.py", "--out", "heat.png"], 2, "--out heat.png: the drawing is an svg"),
        (["done.py", "--format", "json", "--out", "a.svg"], 2, "say one of them"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    sf: Call, words: list[str], code: int, told: str
) -> None:
    came = sf("coverage", *words)

    assert came.code == code
    assert told in came.err
    assert came.err.count("\n") == 1


def test_a_cassette_of_another_flow_is_refused(sf: Call, folder: Path) -> None:
    write_cassette(journal_of("stuck.py"), folder / "other.yaml")

    came = sf("coverage", "done.py", "other.yaml")

    assert came.code == 1
    assert "run 'other' is one of flow" in came.err


def test_a_malformed_table_of_reasons_is_told(sf: Call, folder: Path) -> None:
    sf("run", "done.py")
    (folder / "pyproject.toml").write_text("[tool.stateflow.coverage]\nexempt = 1\n", "utf-8")

    came = sf("coverage", "done.py")

    assert came.code == 1
    assert "[tool.stateflow.coverage.exempt] is 1, not a table" in came.err
