"""``stateflow bound``, called as a function: what it writes, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stateflow import Flow, Scripted, State, run_sync, to
from stateflow.cli.bound import bound
from stateflow.cli.trouble import BadInput, Misused
from tests.cli.made import HEAD

LOOP = (
    HEAD
    + """
flow = Flow(
    "loop_|",
    State("a", Scripted("x", ["y"]), to("a")),
    budget=Budget(turns=UNLIMITED),
)
"""
)


@pytest.fixture
def loop(folder: Path) -> str:
    """Return the file of a flow that nothing stops."""
    (folder / "loop.py").write_text(LOOP, "utf-8")
    return "loop.py"


def test_figures_are_told_with_what_bounds_them_and_the_way(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = bound("done.py")

    out = capsys.readouterr().out
    assert code == 0
    assert "tagline  2 states · 3 transitions" in out
    assert "turns       8" in out
    assert "visits=4 of 'write'" in out
    assert "(write → review)×4" in out
    assert "\x1b" not in out


def test_what_has_no_bound_is_named_and_fails(
    loop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = bound(loop)

    assert code == 1
    assert "unbounded  nothing stops the cycle a → a: write visits= on 'a'" in (
        capsys.readouterr().out
    )


def test_json_holds_every_figure(loop: str, capsys: pytest.CaptureFixture[str]) -> None:
    bound(loop, format="json")

    told = json.loads(capsys.readouterr().out)
    assert [one["figure"] for one in told["figures"]] == [
        "turns",
        "calls",
        "tools",
        "code",
        "tokens",
        "usd",
    ]
    assert told["figures"][0]["most"] is None
    assert told["figures"][1] == {
        "figure": "calls",
        "most": 0,
        "tight": True,
        "why": "",
        "path": [],
    }


def test_page_escapes_what_names_hold(loop: str, capsys: pytest.CaptureFixture[str]) -> None:
    bound(loop, format="md")

    out = capsys.readouterr().out
    assert out.startswith("# What a run of loop\\_\\| can take\n")
    assert all(line.count(" | ") == 2 for line in out.splitlines() if line.startswith("| "))


@pytest.mark.parametrize("given", ["store", "runs", "all"])
@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_recorded_runs_tell_what_is_usual(
    folder: Path, capsys: pytest.CaptureFixture[str], given: str, form: str
) -> None:
    from stateflow.cli.find import find_flow

    store = folder / "kept.db"
    name = run_sync(find_flow("done.py").flow, "go", store=str(store)).run

    if given == "store":
        bound("done.py", store=store, format=form)  # type: ignore[arg-type]
    else:
        runs = [name if given == "runs" else "all"]
        bound("done.py", store=store, runs=runs, format=form)  # type: ignore[arg-type]

    out = capsys.readouterr().out
    if form == "json":
        assert json.loads(out)["expected"]["turns"] == 4.0
    else:
        assert "of 1 run" in out
        assert "100.0%" in out


def test_runs_of_another_flow_are_refused(folder: Path) -> None:
    other = Flow("other", State("a", Scripted("x", ["y"]), to(None)))
    store = folder / "kept.db"
    name = run_sync(other, "go", store=str(store)).run

    with pytest.raises(BadInput, match="is one of flow 'other', not of 'tagline'"):
        bound("done.py", store=store, runs=[name])
    with pytest.raises(BadInput, match="no run of flow 'tagline' is recorded"):
        bound("done.py", store=store)


def test_store_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="there is no store"):
        bound("done.py", store=folder / "none.db")


def test_task_of_less_than_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(Misused, match="less than none"):
        bound("done.py", task_tokens=-1)


def test_runs_that_name_none_are_refused(folder: Path) -> None:
    with pytest.raises(Misused, match="--runs names no run"):
        bound("done.py", runs=[])


def test_flows_nested_too_deep_to_be_run_are_bounded_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deep.py").write_text(
        f"{HEAD}flow = Flow('f', State('s', Scripted('x', ['y']), to(None)))\n"
        "for n in range(60):\n"
        "    flow = Flow(f'f{n}', Nested('s', flow, to(None)), budget=Budget(depth=99))\n",
        "utf-8",
    )

    code = bound("deep.py")

    assert code == 0
    assert "turns       at most 61" in capsys.readouterr().out
