"""A flow as notebooks show it: its drawing, or what comes nearest, and its table as text."""

from __future__ import annotations

from stateflow.diagram.mermaid import fitting
from stateflow.diagram.picture import picture
from stateflow.diagram.svg import draw
from stateflow.diagram.table import to_text
from stateflow.errors import StateflowError
from stateflow.machine.flow import Flow

__all__ = ["bundle"]


def bundle(flow: Flow) -> dict[str, str]:
    """Return *flow* by media type: SVG, or else Markdown with Mermaid in it, and plain text.

    Not both: notebooks that know both take the Markdown, and not all of them draw Mermaid.
    """
    drawn = picture(flow)
    try:
        best = {"image/svg+xml": draw(drawn)}
    except StateflowError:
        best = {"text/markdown": f"```mermaid\n{fitting(drawn)}```\n"}
    return {**best, "text/plain": to_text(flow)}
