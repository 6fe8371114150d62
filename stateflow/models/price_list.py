"""What the vendors charge, from the list that comes with ``genai-prices``.

The list is data in an installed package.  Nothing is fetched, and it is read when a price is first
asked for, not when this module is imported.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from stateflow.models.price import FREE, Price

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

__all__ = ["list_date", "price_of"]

_HERE: Final = frozenset({"llama", "ollama", "scripted"})
"""Prefixes of models that run on this machine."""
_ELSEWHERE: Final = re.compile(r":(?:.*-)?cloud$")
"""How Ollama tags the models that it only passes on."""
_VENDORS: Final = ("anthropic", "azure", "openai")
"""Prefixes that are also the list's names for the vendors."""
_CHECKED: Final = re.compile(r"(?:checked|updated|verified)(?: on)? (\d{4}-\d\d-\d\d)")


def price_of(name: str) -> Price | None:
    """Return what the model called *name* costs now; ``None`` where that is not known.

    It is the vendor's own price per token: another server under the same name, a service tier, or
    searches may cost something else.  A deployment at Azure is known if it is called like its
    model.

    Example:
        >>> price_of("scripted:hello"), price_of("openai+http://localhost:8000/v1#gpt-5")
        (Price(input=0.0, output=0.0, cached=None, above=(), written=None, listed=''), None)
    """
    vendor, _, model = name.partition(":")
    if vendor in _HERE and model:
        return None if vendor == "ollama" and _ELSEWHERE.search(name) else FREE
    vendor = vendor.removesuffix("-responses")  # another way to the same models
    return _listed(vendor, model) if vendor in _VENDORS and model else None


@cache
def list_date() -> str:
    """Return the last day on which the list says it was checked; ``""`` if it is not installed.

    The list has no date of its own, but notes when somebody last compared a vendor's prices.
    """
    prices = _snapshot()
    if prices is None:
        return ""
    vendors = [one for one in prices.providers if one.id in _VENDORS]
    notes = [one.price_comments for one in vendors]
    notes += [model.price_comments for one in vendors for model in one.models]
    return max((day for note in notes if note for day in _CHECKED.findall(note)), default="")


@cache
def _snapshot() -> DataSnapshot | None:
    """Return the bundled list, whatever the program around us has told the package to use."""
    try:
        from genai_prices.data import providers
        from genai_prices.data_snapshot import DataSnapshot
    except ImportError:
        return None
    return DataSnapshot(providers=providers, from_auto_update=False)


def _listed(vendor: str, model: str) -> Price | None:
    prices = _snapshot()
    if prices is None:
        return None
    try:
        _, found = prices.find_provider_model(model, None, vendor, None)
    except LookupError:
        return None
    return None if _changes_by_the_hour(found) else _price(found.get_prices(datetime.now(tz=UTC)))


def _changes_by_the_hour(model: ModelInfo) -> bool:
    """Tell whether there is no one price to count with."""
    from genai_prices.types import TimeOfDateConstraint

    prices = model.prices if isinstance(model.prices, list) else []
    return any(isinstance(price.constraint, TimeOfDateConstraint) for price in prices)


def _price(prices: ModelPrice) -> Price | None:
    from genai_prices.types import TieredPrices

    read, written, cached = prices.input_mtok, prices.output_mtok, prices.cache_read_mtok
    if read is None or written is None:
        return None

    kept = prices.cache_write_mtok

    def at(tokens: int) -> Price:
        hit = None if cached is None else _rate(cached, tokens)
        put = None if kept is None else _rate(kept, tokens)
        return Price(_rate(read, tokens), _rate(written, tokens), hit, written=put)

    tiered = [price for price in (read, written, cached, kept) if isinstance(price, TieredPrices)]
    starts = sorted({tier.start for price in tiered for tier in price.tiers})
    above = tuple((start, at(start)) for start in starts)
    return replace(at(-1), above=above, listed=list_date())


def _rate(price: Decimal | TieredPrices, tokens: int) -> float:
    """Return *price* where a call has more input than *tokens*."""
    from genai_prices.types import TieredPrices

    if not isinstance(price, TieredPrices):
        return float(price)
    return float(next((t.price for t in reversed(price.tiers) if tokens >= t.start), price.base))
