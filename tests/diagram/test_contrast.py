"""What is written in a drawing can be read, by day and by night.

Source: https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

from __future__ import annotations

import re
from typing import get_args

import pytest

from stateflow.diagram import mermaid
from stateflow.diagram.box import Arrow, Box, Mark
from stateflow.diagram.closed import close
from stateflow.diagram.label import arrow_look, box_look, frame_look
from stateflow.diagram.look import DARK, LOOKS, PAPER, Look, Stroke
from stateflow.diagram.picture import picture
from tests.diagram.phased_flows import phased

LEAST = 4.5
BY_DAY = {day: day for day in DARK}

MARKS = pytest.mark.parametrize("mark", get_args(Mark), ids=lambda mark: mark or "plain")
THEMES = pytest.mark.parametrize("theme", [BY_DAY, DARK], ids=["day", "night"])


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    less, more = sorted((luminance(one), luminance(other)))
    return (more + 0.05) / (less + 0.05)


def inks(look: str) -> set[str]:
    """Return the colours of words in what is written about a box or an arrow."""
    return set(re.findall(r'SIZE="(?!3")\d+" COLOR="(#\w+)"', look))


def boxes(look: Look, mark: Mark) -> list[Box]:
    """Return boxes with every kind of words on them, of all heats."""
    counted = [None] if mark not in {"", "taken", "never"} else [None, 0, 1, 3]
    return [
        Box(
            key="a",
            name="a",
            id="a",
            look=look,
            tag="" if look == "phase" else "TAG",
            who="who",
            limits=("≤ 3 visits",),
            notes=("a note",),
            holds="(2 states)",
            mark=mark,
            count=count,
            heat=heat / 4,
        )
        for count in counted
        for heat in (range(5) if count else [0])
    ]


@THEMES
@MARKS
@pytest.mark.parametrize("look", [look for look in get_args(Look) if look != "start"])
def test_words_in_a_box_can_be_read(look: Look, mark: Mark, theme: dict[str, str]) -> None:
    for box in boxes(look, mark):
        drawn = box_look(box)
        (fill,) = re.findall(r'fillcolor="(#\w+)"', drawn)

        assert inks(drawn)
        assert min(contrast(theme[ink], theme[fill]) for ink in inks(drawn)) >= LEAST


@THEMES
@pytest.mark.parametrize("mark", [mark for mark in get_args(Mark) if mark != "live"])
@pytest.mark.parametrize("stroke", get_args(Stroke))
def test_words_on_an_arrow_can_be_read_on_paper_and_in_frames(
    stroke: Stroke, mark: Mark, theme: dict[str, str]
) -> None:
    arrow = Arrow(source="a", target="b", id="e", stroke=stroke, order=1, when="else", mark=mark)

    for fill in (PAPER, LOOKS["flow"].tint, LOOKS["phase"].tint):
        drawn = inks(arrow_look(arrow, "tb"))
        assert min(contrast(theme[ink], theme[fill]) for ink in drawn) >= LEAST


def test_a_frame_is_not_filled_with_heat_for_words_stand_in_it() -> None:
    frame = Box(key="a", name="a", id="a", look="flow", frame="flow", open=True, count=9, heat=1.0)

    assert f'fillcolor="{LOOKS["flow"].tint}"' in frame_look(frame)
    assert "×9" in frame_look(frame)


def test_frames_in_mermaid_let_the_paper_of_their_reader_shine_through() -> None:
    drawn = picture(phased())

    opened, closed = mermaid.write(drawn), mermaid.write(close(drawn, ["all"]))

    assert "classDef phase_frame fill:transparent,stroke:" in opened
    assert "classDef phase fill:#f7f8fa,stroke:" in closed


def test_words_are_held_off_the_line_on_the_side_where_it_passes() -> None:
    arrow = Arrow(source="a", target="b", id="e", when="succeeded")

    assert 'HEIGHT="4"' in arrow_look(arrow, "lr")
    assert 'HEIGHT="4"' not in arrow_look(arrow, "tb")
