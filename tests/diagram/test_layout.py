"""Graphviz: the program, the bundled one, none at all, and what is too large for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from stateflow.diagram.picture import picture
from stateflow.diagram.svg import draw, paper, pixels
from stateflow.errors import StateflowError
from stateflow.machine.flow import Flow
from stateflow.machine.state import State
from stateflow.machine.transition import to
from tests.diagram.flows import NASTY_NAME, Speaker, of_nasty_names, write_run_review
from tests.diagram.nested_flows import with_nested

needs_bundle = pytest.mark.skipif(
    importlib.util.find_spec("pygraphviz") is None and not os.environ.get("CI"),
    reason="no bundled Graphviz: pip install 'stateflow-agents[graphviz]'",
)
drawn_by_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"),
    reason="Graphviz is not installed: apt-get install graphviz, or brew install graphviz",
)
FORMS: list[tuple[Callable[..., str | bytes], str]] = [
    (draw, "<svg"),
    (pixels, "\x89PNG"),
    (paper, "%PDF"),
]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no program to be found."""
    monkeypatch.setenv("PATH", str(tmp_path))


@drawn_by_dot
@pytest.mark.parametrize(("write", "begins"), FORMS)
def test_each_form_is_one(write: Callable[..., str | bytes], begins: str) -> None:
    came = write(picture(write_run_review()))

    text = came if isinstance(came, str) else came.decode("latin-1")
    assert text.startswith(begins)


@drawn_by_dot
@pytest.mark.parametrize("write", [pixels, paper])
def test_night_is_another_picture(write: Callable[..., bytes]) -> None:
    drawn = picture(write_run_review())

    assert write(drawn, theme="dark") != write(drawn, theme="light")


@needs_bundle
@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(("write", "begins"), FORMS)
def test_without_the_program_the_bundled_one_draws(
    write: Callable[..., str | bytes], begins: str
) -> None:
    came = write(picture(with_nested()))

    text = came if isinstance(came, str) else came.decode("latin-1")
    assert text.startswith(begins)


@needs_bundle
@pytest.mark.usefixtures("no_dot")
def test_the_bundled_one_draws_hostile_names_as_they_are() -> None:
    root = ET.fromstring(draw(picture(of_nasty_names())))  # noqa: S314 - our own drawing

    assert root.findtext(f"{SVG}title") == NASTY_NAME
    texts = "".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert "<b>&amp; `x` |\\ ]]" in texts.replace("\xa0", " ")
    ids = {group.get("id") for group in root.iter(f"{SVG}g")}
    assert {box.id for box in picture(of_nasty_names()).boxes} <= ids


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(("write", "form"), [(draw, "svg"), (pixels, "png"), (paper, "pdf")])
def test_without_any_one_sentence_names_both_cures(
    write: Callable[..., object], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    with pytest.raises(StateflowError) as caught:
        write(picture(write_run_review()))

    told = str(caught.value)
    assert f"cannot be drawn as {form}: Graphviz is not installed" in told
    assert "pip install 'stateflow-agents[graphviz]'" in told
    assert "apt-get install graphviz" in told
    assert "`--format mermaid|text|dot` always work" in told


def test_what_is_too_large_is_refused_with_what_to_do() -> None:
    speaker = Speaker("a")
    places = [State(f"s{n}", speaker, to(f"s{n + 1}")) for n in range(800)]
    flow = Flow("large", *places, State("s800", speaker, to(None)))

    with pytest.raises(
        StateflowError, match=r"too large to be drawn as svg: 1,605 boxes"
    ) as caught:
        draw(picture(flow))

    assert "--closed" in str(caught.value)
    assert "--depth" in str(caught.value)
    assert "--format text" in str(caught.value)
