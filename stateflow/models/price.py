"""What tokens cost.

A price that is not known is ``None``, never ``FREE``: a budget in USD must not take a model it
knows nothing about for one that costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from stateflow.conversation.message import Usage
from stateflow.errors import DefinitionError

__all__ = ["FREE", "Price"]

_PER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """A price [USD per 10^6 tokens].

    Raises:
        DefinitionError: a figure is no amount of money, or what was cached costs more than what
            was not.

    Example:
        >>> Price(input=2.0, output=8.0).cost(Usage(input_tokens=500_000, output_tokens=250_000))
        3.0
        >>> Price(2.0, 8.0, cached=0.5).cost(Usage(input_tokens=500_000, cached_tokens=400_000))
        0.4
    """

    input: float
    output: float
    """Of everything the model writes, reasoning included."""
    cached: float | None = None
    """Of input that the provider had cached; ``None``: as any other input."""
    above: tuple[tuple[int, Price], ...] = ()
    """Prices of whole calls with more input than so many tokens, the smallest number first."""
    written: float | None = None
    """Of input that the provider put into its cache; ``None``: as any other input."""
    listed: str = ""
    """Date of the price list it was taken from; ``""`` for a price of one's own."""

    def __post_init__(self) -> None:
        """Refuse what is no price; a budget would count with it."""
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.written is None else self.written
        prices = {"input": self.input, "output": self.output, "cached": cached, "written": written}
        for name, value in prices.items():
            if not (math.isfinite(value) and value >= 0):
                raise DefinitionError(
                    f"Price({name}={value!r}): a price is a number of USD per million tokens, "
                    "0 or more; leave the price out where you do not know it"
                )
        if cached > self.input:
            raise DefinitionError(
                f"Price(input={self.input!r}, cached={cached!r}): cached input cannot cost more "
                "than other input; budgets reserve the price of the latter"
            )

    def cost(self, usage: Usage) -> float:
        """Return what the one call that *usage* tells of costs [USD]."""
        price = self
        for tokens, dearer in self.above:
            if usage.input_tokens > tokens:
                price = dearer
        off = 0.0 if price.cached is None else price.input - price.cached
        saved = off * min(usage.cached_tokens, usage.input_tokens)
        read = price.input * usage.input_tokens - saved  # in this order it never exceeds the whole
        more = 0.0 if price.written is None else price.written - price.input
        read += more * min(usage.written_tokens, usage.input_tokens)
        return (read + price.output * usage.output_tokens) / _PER

    def most(self, usage: Usage) -> float:
        """Return the most that a call of as many tokens can cost, whatever is cached [USD]."""
        plain = replace(usage, cached_tokens=0, written_tokens=0)
        all_written = replace(plain, written_tokens=usage.input_tokens)
        return max(self.cost(plain), self.cost(all_written))


FREE: Final = Price(0.0, 0.0)
"""The price of a model that runs on this machine, or in a test."""
