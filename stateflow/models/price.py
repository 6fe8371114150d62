"""What tokens cost.

A price that is not known is ``None``, never ``FREE``: a budget in USD must not take a model it
knows nothing about for one that costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FREE", "Price"]

_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """A price [USD per 10^6 tokens].

    Example:
        >>> Price(input=2.0, output=8.0).cost(500_000, 250_000)
        3.0
    """

    input: float
    output: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return what so many tokens cost [USD]."""
        return (self.input * input_tokens + self.output * output_tokens) / _PER


FREE: Final = Price(0.0, 0.0)
"""The price of a model that runs on this machine, or in a test."""
