"""What is drawn over a flow: counts of runs, the way of one, and how versions differ."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from stateflow import run_sync
from stateflow.agents.scripted import Scripted
from stateflow.diagram import dot, mermaid, svg, table
from stateflow.diagram.box import Mark, Picture
from stateflow.diagram.closed import close
from stateflow.diagram.heat import followed, heated
from stateflow.diagram.picture import picture
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import State, steps
from stateflow.machine.transition import to
from tests.diagram.phased_flows import inner, phased

drawn_by_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"),
    reason="Graphviz is not installed: apt-get install graphviz, or brew install graphviz",
)


def journal_of(flow: Flow) -> Journal:
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return journal


def warm(*scripts: tuple[str, ...]) -> Picture:
    """Return the picture of runs in which the judge said each of the scripts."""
    return heated(picture(phased()), [journal_of(phased(*lines)) for lines in scripts])


def counts(drawn: Picture) -> dict[str, int | None]:
    return {box.key: box.count for box in drawn.boxes}


def test_places_and_transitions_are_counted_over_all_runs() -> None:
    drawn = warm(("OK",), ("again", "OK"))

    assert counts(drawn) == {
        "/start": None,
        "/phase first": None,
        "ask": 2,
        "sort": 2,
        "/phase second": None,
        "write": 3,
        "judge": 3,
        "check": 2,
        "check//start": None,
        "check/look": 2,
        "check//done": 2,
        "done": 2,
        "gave_up": 0,
    }
    taken = {arrow.id: arrow.count for arrow in drawn.arrows if arrow.source == "judge"}
    assert list(taken.values()) == [2, 0, 1, 0]
    assert drawn.caption == "2 recorded runs · states 7/8 visited · transitions 7/9 taken"


def test_heat_is_a_part_of_the_greatest_count() -> None:
    drawn = warm(("OK",), ("again", "OK"))

    assert drawn.box("write").heat == 1.0
    assert drawn.box("ask").heat == pytest.approx(2 / 3)
    assert drawn.box("gave_up").mark == "never"


def test_counts_stand_in_every_form() -> None:
    drawn = warm(("again", "OK"))

    assert "×2" in dot.write(drawn)
    assert "never" in dot.write(drawn)
    assert 'state "write ×2<br/>' in mermaid.write(drawn)
    assert "judge --> write : (3) else ×1" in mermaid.write(drawn)
    assert "classDef llm_heat5" in mermaid.write(drawn)
    assert "write ×2" in table.write(drawn)
    assert "exhausted never" in table.write(drawn)
    assert "◎ gave_up never" in table.write(drawn)


def test_a_closed_phase_tells_the_greatest_count_in_it() -> None:
    drawn = close(warm(("again", "OK")), ["second"])

    assert drawn.box("/phase second").count == 2
    assert "second ×2" in table.write(drawn)


def test_runs_of_a_flow_that_has_changed_count_as_far_as_they_are_drawn() -> None:
    old = Flow("phased", *(place for place in phased().places.values() if place.name != "none"))
    journal = journal_of(old)
    smaller = replace(
        picture(phased()),
        arrows=tuple(arrow for arrow in picture(phased()).arrows if arrow.source != "write"),
    )

    drawn = heated(smaller, [journal])

    assert drawn.caption.endswith("2 steps not drawn")
    assert drawn.box("write").count == 2


def test_branches_are_counted_each_in_its_frame() -> None:
    branches = [inner(), phased("OK")]
    flow = Flow("wide", Parallel("both", branches, to(None)))

    drawn = heated(picture(flow), [journal_of(flow)])

    assert (drawn.box("both").count, drawn.box("both/inner").count) == (1, 1)
    assert drawn.box("both/inner/look").count == 1
    assert drawn.box("both/phased/check/look").count == 1
    assert drawn.box("both/phased/gave_up").count == 0


def test_steps_that_are_flows_are_counted_and_the_others_are_not() -> None:
    agents = steps(Scripted("first", ["x"]), inner().as_agent())
    flow = Flow("long", State("both", agents, to(None)))

    drawn = heated(picture(flow), [journal_of(flow)])

    assert drawn.box("both/first").count is None
    assert (drawn.box("both/inner").count, drawn.box("both/inner/look").count) == (1, 1)


def test_the_way_of_a_run_is_told_and_where_it_stands() -> None:
    drawn = followed(picture(phased()), journal_of(phased("again", "no", "not yet")))

    marks = {box.key: box.mark for box in drawn.boxes}
    assert marks["ask"] == marks["write"] == marks["gave_up"] == "taken"
    assert marks["check"] == "kept"
    assert drawn.caption.startswith("run ")
    assert "_" not in drawn.caption.partition(" · ")[0]
    text = table.write(drawn)
    assert "» ask" in text
    assert "» write ×3" in text
    assert "» exhausted" in text


def test_a_closed_phase_tells_whether_a_run_came_by_or_stands_in_it() -> None:
    journal = journal_of(phased("OK"))
    cut = Journal(journal.run, journal.events[:4], journal.children)

    done = close(followed(picture(phased()), journal), ["all"])
    here = close(followed(picture(phased()), cut), ["all"])
    never = close(heated(picture(phased()), []), ["all"])

    assert done.box("/phase first").mark == done.box("/phase second").mark == "taken"
    assert "live" in {here.box("/phase first").mark, here.box("/phase second").mark}
    assert never.box("/phase second").mark == "never"


def test_where_a_run_waits_has_a_ring_and_a_word() -> None:
    journal = journal_of(phased("OK"))
    cut = Journal(journal.run, journal.events[:4], journal.children)

    drawn = followed(picture(phased()), cut)

    (here,) = (box for box in drawn.boxes if box.mark == "live")
    assert here.key in {"ask", "write"}
    assert "● here" in dot.write(drawn)
    assert "#e8590c" in dot.write(drawn)
    assert "● here" in mermaid.write(drawn)
    assert f"» {here.name} ● here" in table.write(drawn)


@pytest.mark.parametrize(
    ("mark", "sign"), [("added", "+"), ("removed", "−"), ("changed", "~"), ("kept", "")]
)
def test_what_differs_has_a_sign_in_every_form(mark: Mark, sign: str) -> None:
    drawn = picture(phased())
    boxes = tuple(replace(box, mark=mark) if box.key == "ask" else box for box in drawn.boxes)
    arrows = tuple(
        replace(arrow, mark=mark) if arrow.source == "judge" else arrow for arrow in drawn.arrows
    )
    drawn = replace(drawn, boxes=boxes, arrows=arrows)

    name = f"{sign} ask".strip()
    assert f'state "{name}<br/>' in mermaid.write(drawn)
    assert f"\n{name}  " in table.write(drawn)
    assert f"{sign} says('OK')".strip() in table.write(drawn)
    assert (f"<B>{sign}</B>" in dot.write(drawn)) == bool(sign)


@drawn_by_dot
def test_every_colour_of_an_overlay_has_one_for_the_night() -> None:
    drawn = warm(("OK",), ("again", "OK"), ("again", "again"))
    marks: tuple[Mark, ...] = ("added", "removed", "changed", "kept", "live", "taken", "never")
    marked = replace(
        drawn,
        boxes=tuple(
            replace(box, mark=marks[number % len(marks)], count=None)
            for number, box in enumerate(drawn.boxes)
        ),
    )

    for one in (drawn, marked):
        text = svg.draw(one)
        root = ET.fromstring(text)  # noqa: S314 - our own drawing
        style = root.findtext("{http://www.w3.org/2000/svg}style") or ""
        used = {element.get(word) for element in root.iter() for word in ("fill", "stroke")}
        assert all(f'"{colour}"' in style for colour in used - {None, "none", "transparent"})


@drawn_by_dot
def test_the_description_tells_what_is_drawn_over() -> None:
    told = svg.draw(warm(("OK",)))

    assert (
        "write (LLM, writer, ≤ 3 visits, ×1) leads to judge (×1), then to gave_up (on error, "
        in told
    )
    assert "gave_up (never) ends not ok." in told
