"""Mermaid itself draws what is written for it, in both of its present major versions."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from stateflow.diagram import mermaid
from stateflow.diagram.closed import close
from stateflow.diagram.heat import heated
from stateflow.diagram.picture import picture
from tests.diagram.flows import NASTY_NAME, of_everything, of_nasty_names, write_run_review
from tests.diagram.hostile_flows import NAMES, named
from tests.diagram.nested_flows import MADE, of_nasty_nested_names
from tests.diagram.phased_flows import phased
from tests.support.node import MODULES, needs_node

pytestmark = pytest.mark.timeout(300)  # [s]: two real libraries draw forty texts each
SCRIPT = Path(__file__).with_name("mermaid.cjs")

VERSIONS = pytest.mark.parametrize("version", ["mermaid11", "mermaid12"])


def texts() -> dict[str, str]:
    """Return everything that is drawn, by a name."""
    makes = [write_run_review, of_everything, of_nasty_names, of_nasty_nested_names, *MADE]
    drawn = {make.__name__: mermaid.to_mermaid(make()) for make in makes}
    drawn |= {name: mermaid.to_mermaid(named(text)) for name, text in NAMES.items()}
    drawn["phased"] = mermaid.to_mermaid(phased())
    drawn["closed"] = mermaid.write(close(picture(phased()), ["second"]))
    drawn["all closed"] = mermaid.write(close(picture(phased()), ["all"]))
    drawn["never run"] = mermaid.write(heated(picture(phased()), []))
    return drawn


@cache
def drawn_by(version: str) -> dict[str, str]:
    """Return the SVG that this version draws of each text."""
    came = subprocess.run(
        ["node", str(SCRIPT), str(MODULES / version / "dist" / "mermaid.min.js")],
        input=json.dumps(texts()),
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )
    found: dict[str, str] = json.loads(came.stdout)
    return found


@needs_node
@VERSIONS
def test_it_draws_every_flow(version: str) -> None:
    failed = {name: svg for name, svg in drawn_by(version).items() if not svg.startswith("<svg")}

    assert failed == {}


@needs_node
@VERSIONS
def test_hostile_names_are_only_text(version: str) -> None:
    for key, name in {"of_nasty_names": NASTY_NAME, **NAMES}.items():
        svg = drawn_by(version)[key]

        title = re.search(r"<title[^>]*>(.*?)</title>", svg)
        assert title is not None
        assert unescape(title[1]) == name
        assert not {"<b>", "<img", "<script"} & set(re.findall(r"<\w+>?", svg))


@needs_node
@VERSIONS
def test_every_place_is_in_the_drawing(version: str) -> None:
    svg = drawn_by(version)["phased"]

    for name in ("first", "second", "ask", "write", "judge", "check", "done", "gave_up"):
        assert f">{name}" in svg
