"""Notebooks show a flow as its drawing, and where there is none, as Mermaid."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from stateflow.diagram.notebook import bundle
from stateflow.diagram.table import to_text
from stateflow.machine.flow import Flow
from tests.diagram.flows import write_run_review

drawn_by_dot = pytest.mark.skipif(
    shutil.which("dot") is None and not os.environ.get("CI"),
    reason="Graphviz is not installed: apt-get install graphviz, or brew install graphviz",
)


@drawn_by_dot
def test_a_flow_is_its_drawing_and_its_table() -> None:
    shown = bundle(write_run_review())

    assert list(shown) == ["image/svg+xml", "text/plain"]
    assert shown["image/svg+xml"].startswith("<svg")
    assert shown["text/plain"] == to_text(write_run_review())


def test_without_graphviz_it_is_mermaid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    shown = bundle(write_run_review())

    assert list(shown) == ["text/markdown", "text/plain"]
    assert shown["text/markdown"].startswith("```mermaid\nstateDiagram-v2\n")


def test_what_is_plugged_in_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def display(flow: Flow) -> dict[str, str]:
        return {"text/plain": flow.name}

    monkeypatch.setattr(Flow, "display", display)

    shown = write_run_review()._repr_mimebundle_(include=None, exclude=None)  # pyright: ignore[reportPrivateUsage] - the name that notebooks call

    assert shown == {"text/plain": "write_run_review"}


def test_whoever_imports_the_package_sees_drawings() -> None:
    """The package root plugs them in."""
    import stateflow

    flow = write_run_review()

    assert isinstance(flow, stateflow.Flow)
    assert flow._repr_mimebundle_() == bundle(flow)  # pyright: ignore[reportPrivateUsage] - the name that notebooks call
