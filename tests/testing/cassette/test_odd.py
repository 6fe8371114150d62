"""Odd runs are told event by event, nested ones included; what cannot be kept is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow import Budget, Flow, FunctionAgent, Nested, State, canonical, run_sync, to
from stateflow.journal.event import Journal, RunResumed
from stateflow.testing import CassetteError, read_cassette, write_cassette


def nested() -> Journal:
    """Return a run with limits of its own and another run in it."""
    inner = Flow("inner", State("say", FunctionAgent("bob", lambda _: "yes"), to(None)))
    outer = Flow("outer", Nested("ask", inner, to(None)))
    journal = run_sync(outer, "go", budget=Budget(turns=9)).journal
    assert journal is not None
    return journal


def test_an_odd_run_keeps_its_nested_runs_and_its_limits(tmp_path: Path) -> None:
    journal = nested()
    renamed = journal.events[0]._replace(event=RunResumed(rename={"old": "ask"}))
    odd = Journal("x", (journal.events[0], renamed, *journal.events[1:]), journal.children)

    write_cassette(odd, tmp_path / "x.yaml")

    again = read_cassette(tmp_path / "x.yaml")
    assert "\nevents:" in (tmp_path / "x.yaml").read_text("utf-8")
    assert again.children.keys() == journal.children.keys() != set()
    assert again.started.budget == {"turns": 9, "depth": 5}
    assert canonical(again) == canonical(journal)


def test_a_run_with_turns_behind_its_end_is_told_event_by_event(tmp_path: Path) -> None:
    journal = nested()
    odd = Journal("x", (*journal.events, *journal.events[1:]), journal.children)

    write_cassette(odd, tmp_path / "x.yaml")

    assert "\nevents:" in (tmp_path / "x.yaml").read_text("utf-8")
    assert canonical(read_cassette(tmp_path / "x.yaml")) == canonical(odd)


def test_a_name_that_is_no_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="is no name for a cassette"):
        write_cassette(nested(), tmp_path / "a\nb.yaml")


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="the cassette cannot be read"):
        read_cassette(tmp_path)


def test_a_cassette_in_another_encoding_is_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"cassette: 1\nflow: caf\xe9\n")

    with pytest.raises(CassetteError, match="line 2: this is not UTF-8"):
        read_cassette(tmp_path / "x.yaml")
