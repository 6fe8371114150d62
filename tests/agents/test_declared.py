"""Assistants that are declared wrong."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow import Assistant, DefinitionError, FallbackModel, Model, tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def bare(a: int) -> int:
    """Return it."""
    return a


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": ["m1", "m2"]}, r"agent 'a': model=\['m1', 'm2'\] is not one model"),
        ({"model": None}, "model=None is not one model"),
        ({"model": ""}, "model='' names no model"),
        ({"tools": bare}, r"is no list; write tools=\[\.\.\.\]"),
        ({"tools": add}, r"is no list; write tools=\[\.\.\.\]"),
        ({"tools": "add"}, r"tools='add' is no list"),
        ({"tool_choice": "req"}, "'req' is none; give one of auto, required, none"),
    ],
)
def test_a_wrong_assistant_is_refused_with_a_sentence(given: dict[str, Any], says: str) -> None:
    """Where it is declared, and not in the middle of a run."""
    words: dict[str, Any] = {"model": "scripted:x", **given}
    with pytest.raises(DefinitionError, match=says):
        Assistant("a", **words)


@pytest.mark.parametrize("model", ["m", Model("m"), FallbackModel("m", "n")])
def test_a_model_may_be_given_in_three_ways(model: str | Model | FallbackModel) -> None:
    """Its name is enough."""
    assert Assistant("a", model).model is model
