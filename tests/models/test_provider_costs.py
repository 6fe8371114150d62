"""Of which providers it is known what they cost, for the table of ``docs/models.md``."""

from __future__ import annotations

import pytest

from stateflow.models.price import FREE
from stateflow.models.price_list import price_of


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "openai:gpt-5"),
        ("openai-responses", "openai-responses:gpt-5"),
        ("azure", "azure:gpt-5"),
        ("anthropic", "anthropic:claude-opus-5"),
    ],
)
def test_what_it_costs_is_in_the_list(provider: str, name: str) -> None:
    """With the day on which the list was checked."""
    price = price_of(name)

    assert price is not None
    assert price.output > price.input > 0
    assert price.listed


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai-compatible", "openai+https://host/v1#gpt-5"),
        ("anthropic-compatible", "anthropic+https://host#claude-opus-5"),
    ],
)
def test_what_it_costs_must_be_said(provider: str, name: str) -> None:
    """A budget in USD stops at it until then."""
    assert price_of(name) is None


@pytest.mark.parametrize(
    ("provider", "name"),
    [("ollama", "ollama:qwen3"), ("llama", "llama:smollm2"), ("scripted", "scripted:one|two")],
)
def test_what_it_costs_is_nothing(provider: str, name: str) -> None:
    """It runs on a machine of one's own."""
    assert price_of(name) is FREE
