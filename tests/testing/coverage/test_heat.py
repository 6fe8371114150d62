"""The counts over the drawing of a flow."""

from __future__ import annotations

from pathlib import Path

from stateflow import Flow, RateLimited, Scripted, State, run_sync, to
from stateflow.diagram.box import DONE, START
from stateflow.diagram.heat import heated
from stateflow.diagram.picture import picture
from stateflow.testing.coverage.coverage import nothing_seen
from stateflow.testing.coverage.heat import heat, write_heat
from stateflow.testing.coverage.journals import coverage_of
from tests.testing.coverage.made import essay, reading


def test_a_drawing_counts_what_the_journals_of_the_same_runs_count() -> None:
    flow = essay("draft", RateLimited("busy"))
    journal = run_sync(flow).journal
    assert journal is not None

    drawn = heat(flow, coverage_of(flow, [journal]))

    again = heated(picture(flow, 0), [journal])
    assert (drawn.boxes, drawn.arrows) == (again.boxes, again.arrows)
    assert drawn.caption == "flow coverage · states 3/3 visited · transitions 2/4 taken"


def test_a_flow_that_never_ran_is_marked_so() -> None:
    flow = reading()

    drawn = heat(flow, nothing_seen([flow]))

    marks = {box.key: box.mark for box in drawn.boxes}
    assert marks == {START: "", "alone": "never", "both": "never", DONE: "never"}


def test_each_flow_has_a_drawing_and_none_overwrites_another(tmp_path: Path) -> None:
    twin = Flow("editor", State("a", Scripted("x", ["y"]), to(None)))
    flows = [reading(), twin]

    written = list(write_heat(flows, nothing_seen(flows), tmp_path / "out"))

    found = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in found] == [
        *("critic.svg", "editor-2.svg", "editor.svg", "reading.svg")
    ]
    assert set(written) == set(found)
    assert all(path.read_text("utf-8").startswith("<") for path in found)
