"""Names, labels and prompts that try to be syntax stay text in every form."""

from __future__ import annotations

import os
import shutil
from xml.etree import ElementTree as ET

import pytest

from stateflow.diagram.dot import to_dot
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import picture
from stateflow.diagram.svg import draw, paper
from stateflow.diagram.table import to_page
from stateflow.machine.flow import Flow
from tests.diagram.hostile_flows import NAMES, named

SVG = "{http://www.w3.org/2000/svg}"
ALL = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)

drawn_by_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"),
    reason="Graphviz is not installed: apt-get install graphviz, or brew install graphviz",
)


def plain() -> Flow:
    return named("plain")


@ALL
def test_text_has_as_many_lines_as_with_a_plain_name(name: str) -> None:
    for write in (to_dot, to_mermaid, to_page):
        assert write(named(name)).count("\n") == write(plain()).count("\n")


@ALL
def test_mermaid_reads_no_syntax_in_a_name(name: str) -> None:
    text = to_mermaid(named(name))

    assert text.count(" --> ") == to_mermaid(plain()).count(" --> ")
    assert text.count('"') == to_mermaid(plain()).count('"')
    assert text.count("{") == to_mermaid(plain()).count("{")
    assert not {"%", "`", "$", "\\"} & {*text}
    assert "<" not in text.replace("<br/>", "")


@ALL
def test_markdown_has_as_many_cells_as_with_a_plain_name(name: str) -> None:
    def cells(flow: Flow) -> list[int]:
        page = to_page(flow).replace("\\\\", "").replace("\\|", "")
        return [row.count("|") for row in page.splitlines() if row.startswith("|")]

    assert cells(named(name)) == cells(plain())


@drawn_by_dot
@ALL
def test_graphviz_shows_the_name_as_it_is(name: str) -> None:
    root = ET.fromstring(draw(picture(named(name))))  # noqa: S314 - our own drawing

    assert root.findtext(f"{SVG}title") == name
    shown = {(element.text or "").replace("\xa0", " ") for element in root.iter(f"{SVG}text")}
    assert name in {" ".join(text.split()) for text in shown}
    assert len(list(root.iter(f"{SVG}g"))) == 1 + len(picture(plain()).boxes) + len(
        picture(plain()).arrows
    )


@drawn_by_dot
@ALL
def test_pdf_is_drawn_whatever_the_name(name: str) -> None:
    assert paper(picture(named(name))).startswith(b"%PDF")
