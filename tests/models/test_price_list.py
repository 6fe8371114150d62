"""The price list, held against the package that it comes from."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from genai_prices import Usage as Counted
from genai_prices import calc_price
from genai_prices.data import providers

from stateflow.conversation.message import Usage
from stateflow.models.price import FREE
from stateflow.models.price_list import list_date, price_of

VENDORS = ("anthropic", "azure", "openai")


def _printed(code: str) -> list[str]:
    """Return the words that *code* prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("read", "written", "cached", "thought"),
    [
        pytest.param(1_000, 500, 0, 0, id="plain"),
        pytest.param(90_000, 500, 70_000, 0, id="cached"),
        pytest.param(900_000, 5_000, 0, 4_000, id="long-and-thought"),
        pytest.param(900_000, 500, 400_000, 0, id="long-and-cached"),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("openai:gpt-5", id="openai"),
        pytest.param("openai:gpt-5.4", id="openai-tiers"),
        pytest.param("openai:gpt-4o-2024-08-06", id="openai-dated"),
        pytest.param("azure:gpt-5", id="azure"),
        pytest.param("anthropic:claude-opus-5", id="anthropic"),
        pytest.param("anthropic:claude-sonnet-4-5", id="anthropic-tiers"),
    ],
)
def test_a_call_costs_what_the_list_says(
    name: str, read: int, written: int, cached: int, thought: int
) -> None:
    """With cached input, long inputs and reasoning."""
    price = price_of(name)
    vendor, _, model = name.partition(":")
    counted = Counted(
        input_tokens=read,
        output_tokens=written,
        cache_read_tokens=cached,
        output_reasoning_tokens=thought,
    )
    listed = calc_price(counted, model, provider_id=vendor)

    assert price is not None
    assert price.listed == list_date()
    cost = price.cost(Usage(1, read, written, cached, thought))
    assert cost == pytest.approx(float(listed.total_price))


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_listed_model_has_a_sound_price_or_none(vendor: str) -> None:
    """Sound: writing costs something, and a longer input is not cheaper."""
    models = next(one for one in providers if one.id == vendor).models
    prices = [price_of(f"{vendor}:{model.id}") for model in models]
    known = [price for price in prices if price is not None]

    assert len(known) > 10
    assert all(price.output > 0 for price in known)
    for price in known:
        tiers = [price, *(dearer for _, dearer in price.above)]
        assert [tier.input for tier in tiers] == sorted(tier.input for tier in tiers)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ollama:qwen3:8b", id="ollama"),
        pytest.param("llama:smollm2", id="embedded"),
        pytest.param("scripted:one|two", id="scripted"),
    ],
)
def test_what_runs_here_is_free(name: str) -> None:
    """And needs no list."""
    assert price_of(name) is FREE


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("openai:gpt-of-tomorrow", id="unknown-model"),
        pytest.param("azure:our-deployment", id="own-deployment"),
        pytest.param("openai+http://localhost:8000/v1#gpt-5", id="another-server"),
        pytest.param("openai:text-embedding-3-large", id="writes-nothing"),
        pytest.param("azure:deepseek-chat", id="changes-by-the-hour"),
        pytest.param("ollama:gpt-oss:120b-cloud", id="not-run-here"),
        pytest.param("mistral:mistral-large", id="unknown-prefix"),
        pytest.param("openai:", id="no-model"),
        pytest.param("gpt-5", id="no-prefix"),
    ],
)
def test_what_nobody_knows_is_not_free(name: str) -> None:
    """A budget in USD stops at such a model."""
    assert price_of(name) is None


def test_the_list_tells_when_it_was_checked() -> None:
    """A day, and one that has been."""
    assert date(2026, 10, 1) <= date.fromisoformat(list_date()) <= datetime.now(tz=UTC).date()


def test_without_the_package_prices_are_unknown() -> None:
    """What runs here is free all the same."""
    code = (
        "import sys\n"
        "sys.modules['genai_prices'] = None\n"
        "from stateflow.models.price_list import list_date, price_of\n"
        "print(price_of('openai:gpt-5'), price_of('scripted:x').input, repr(list_date()))\n"
    )
    assert _printed(code) == ["None", "0.0", "''"]


def test_the_list_is_read_only_when_a_price_is_asked_for() -> None:
    """It takes a tenth of a second; a model that costs nothing does not need it."""
    code = (
        "import sys, stateflow, stateflow.models.openai\n"
        "from stateflow.models.price_list import price_of\n"
        "price_of('llama:smollm2')\n"
        "print('genai_prices' in sys.modules)\n"
        "price_of('openai:gpt-5')\n"
        "print('genai_prices' in sys.modules)\n"
    )
    assert _printed(code) == ["False", "True"]


def test_a_price_needs_no_network() -> None:
    """No socket is opened."""
    code = (
        "import sys\n"
        "from stateflow.models.price_list import list_date, price_of\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, _: opened.append(event) if event[:7] == 'socket.' else 0)\n"
        "assert price_of('openai:gpt-5') and list_date()\n"
        "print(opened)\n"
    )
    assert _printed(code) == ["[]"]
