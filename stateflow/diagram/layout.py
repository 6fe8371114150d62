"""Graphviz, which lays drawings out.  The only module that knows it.

The program ``dot`` where it is on PATH; else the one that the extra ``graphviz`` brings along.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Literal, TypeAlias
from typing import Final as Constant

from stateflow.diagram.box import Picture
from stateflow.errors import StateflowError

__all__ = ["MOST", "Form", "laid_out"]

Form: TypeAlias = Literal["svg", "png", "pdf"]

MOST: Constant = 1_500
"""So many boxes and arrows are laid out [things]; beyond, it takes minutes, and nobody reads it."""


def laid_out(drawn: Picture, dot: str, form: Form) -> bytes:
    """Return the drawing of *drawn*, which is *dot* as text, as Graphviz makes it.

    Args:
        drawn: what it is.
        dot: the same as DOT text.
        form: what to make of it.

    Raises:
        StateflowError: it is too large, there is no Graphviz, or that could not draw it.
    """
    size = len(drawn.boxes) + len(drawn.arrows)
    if size > MOST:
        raise StateflowError(
            f"flow {drawn.name!r} is too large to be drawn as {form}: {size:,} boxes and arrows, "
            f"and at most {MOST:,} are laid out; close some with `--closed PHASE` or `--depth N`, "
            "or read it with `--format text`"
        )
    import graphviz  # pyright: ignore[reportMissingTypeStubs]  # annotated, but ships no py.typed

    try:
        drawing: bytes = graphviz.Source(dot).pipe(format=form, quiet=True)
    except graphviz.ExecutableNotFound as error:
        return _bundled(drawn, dot, form, error)
    except graphviz.CalledProcessError as error:
        raise _undrawn(drawn, form, f"Graphviz failed: {error}") from error
    return drawing


def _bundled(drawn: Picture, dot: str, form: Form, missing: Exception) -> bytes:
    """Draw with the Graphviz that a wheel carries, where it is installed."""
    if importlib.util.find_spec("pygraphviz") is None:
        raise _undrawn(
            drawn,
            form,
            "Graphviz is not installed; `pip install 'stateflow-agents[graphviz]'` brings one "
            "along, and `apt-get install graphviz` or `brew install graphviz` the program `dot`",
        ) from missing
    bundle: Any = importlib.import_module("pygraphviz")
    try:
        with bundle.AGraph(string=dot) as graph:
            drawing: bytes = graph.draw(format=form, prog="dot")
    except (OSError, ValueError) as error:
        raise _undrawn(drawn, form, f"the bundled Graphviz failed: {error}") from error
    return drawing


def _undrawn(drawn: Picture, form: Form, why: str) -> StateflowError:
    return StateflowError(
        f"flow {drawn.name!r} cannot be drawn as {form}: {why}; "
        "`--format mermaid|text|dot` always work"
    )
