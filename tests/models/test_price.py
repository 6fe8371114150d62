"""What tokens cost."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.message import Usage
from stateflow.errors import DefinitionError
from stateflow.models.price import FREE, Price

MONEY = st.floats(0, 1000)
COUNT = st.integers(0, 10_000_000)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Any price, with cheaper cached input and other prices for long inputs."""

    def price(above: tuple[tuple[int, Price], ...] = ()) -> Price:
        cost = draw(MONEY)
        return Price(cost, draw(MONEY), draw(st.none() | st.floats(0, cost)), above)

    starts = sorted(draw(st.sets(COUNT, max_size=3)))
    return price(tuple((start, price()) for start in starts))


def test_a_price_is_per_million_tokens() -> None:
    """Input and output cost differently."""
    usage = Usage(calls=1, input_tokens=1_000_000, output_tokens=500_000)
    assert Price(1.0, 2.0).cost(usage) == 2.0
    assert FREE.cost(usage) == 0.0


def test_cached_input_costs_what_the_price_says() -> None:
    """Where it says nothing, it is input as any other."""
    usage = Usage(input_tokens=1_000_000, cached_tokens=500_000)
    assert Price(2.0, 8.0, cached=0.5).cost(usage) == 1.25
    assert Price(2.0, 8.0, cached=0.0).cost(usage) == 1.0
    assert Price(2.0, 8.0).cost(usage) == 2.0


def test_reasoning_is_paid_once_as_a_part_of_the_output() -> None:
    """Providers count it within what was written."""
    usage = Usage(output_tokens=1_000_000, reasoning_tokens=900_000)
    assert Price(2.0, 8.0).cost(usage) == 8.0


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [
        pytest.param(100_000, 0.1, id="on-the-edge"),
        pytest.param(200_000, 0.4, id="longer"),
        pytest.param(400_000, 1.2, id="longest"),
    ],
)
def test_a_long_input_makes_the_whole_call_dearer(tokens: int, cost: float) -> None:
    """Not only what lies above the edge."""
    price = Price(1.0, 0.0, above=((100_000, Price(2.0, 0.0)), (300_000, Price(3.0, 0.0))))
    assert price.cost(Usage(input_tokens=tokens)) == pytest.approx(cost)


def test_more_cached_than_read_is_not_paid_back() -> None:
    """Where a server counts what was cached but not what was read, the latter is estimated."""
    assert Price(2.0, 8.0, cached=0.0).cost(Usage(input_tokens=10, cached_tokens=1000)) == 0.0


@given(price=prices(), put=st.none() | st.floats(0, 1e4), read=COUNT, written=COUNT, cached=COUNT)
def test_the_ceiling_is_never_lower_than_the_bill(
    price: Price, put: float | None, read: int, written: int, cached: int
) -> None:
    """A ceiling knows the tokens, but not what will have been cached, or put into the cache."""
    price = replace(price, written=put)
    ceiling = Usage(calls=1, input_tokens=read, output_tokens=written)
    bill = replace(ceiling, cached_tokens=cached, reasoning_tokens=written // 2)
    assert 0.0 <= price.cost(bill) <= price.most(ceiling)
    kept = replace(ceiling, written_tokens=min(read, cached))
    assert 0.0 <= price.cost(kept) <= price.most(ceiling) * (1 + 1e-9)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_amount_of_money_is_no_price(wrong: float) -> None:
    """A budget that counts with it would never be met."""
    with pytest.raises(DefinitionError, match="a number of USD"):
        Price(wrong, 1.0)
    with pytest.raises(DefinitionError, match="output="):
        Price(1.0, wrong)
    with pytest.raises(DefinitionError, match="cached="):
        Price(1.0, 1.0, wrong)


def test_cached_input_that_costs_more_than_other_input_is_refused() -> None:
    """Budgets reserve the price of input that is not cached."""
    with pytest.raises(DefinitionError, match="cannot cost more"):
        Price(1.0, 1.0, cached=2.0)
