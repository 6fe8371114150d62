"""Typed functions that tests make tools of."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Literal

from pydantic import BaseModel, Field

from stateflow.tools.function import tool


class Colour(str, Enum):  # noqa: UP042 - the older kind of Enum is what is tried
    """Said as a text."""

    RED = "red"


class Order(BaseModel):
    """A parameter that is an object."""

    item: str
    count: int = Field(default=1, ge=1)
    after: Order | None = None


class Shop:
    """A thing whose method is a tool."""

    def __init__(self) -> None:
        """Begin empty."""
        self.sold: list[str] = []

    def sell(self, item: str) -> int:
        """Sell one."""
        self.sold.append(item)
        return len(self.sold)


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Whole ones only.

    Args:
        a: the first.
        b: the second,
            or one.

    Returns:
        The sum.
    """
    return a + b


@tool(name="pay", approve=True, repeat=False, timeout_s=30)
async def send_money(amount: Decimal, to: Literal["bob", "eve"]) -> str:
    """Pay somebody."""
    return f"{to} has {amount} more"
