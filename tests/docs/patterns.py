"""The pages on patterns: their blocks, and the drawing that each carries.

``python -m tests.docs.patterns`` draws them anew.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from stateflow import Flow
from stateflow.diagram.mermaid import to_mermaid

__all__ = ["INDEX", "PAGES", "blocks", "drawn", "listed"]

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "patterns.md"
PAGES = sorted((ROOT / "docs" / "patterns").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DRAWING = re.compile(r"\n```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> dict[str, str]:
    """Return the fenced blocks of *page* by language; each has one of a kind."""
    found: list[tuple[str, str]] = _BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(dict(found)) == len(found)
    return dict(found)


def listed() -> set[str]:
    """Return the pages that the index links."""
    return set(re.findall(r"\(patterns/(\w+)\.md\)", INDEX.read_text(encoding="utf-8")))


def drawn(page: Path) -> str:
    """Return *page* with the drawing of its program's ``flow`` at its end."""
    made: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(blocks(page)["python"], str(page), "exec"), made)  # noqa: S102 - our own page
    flow = made["flow"]
    assert isinstance(flow, Flow)
    text = _DRAWING.sub("", page.read_text(encoding="utf-8")).rstrip("\n")
    return f"{text}\n\n```mermaid\n{to_mermaid(flow)}```\n"


if __name__ == "__main__":
    for one in PAGES:
        one.write_text(drawn(one), encoding="utf-8")
