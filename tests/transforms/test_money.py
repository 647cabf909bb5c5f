"""Exact rounding, in the one place that rounds."""

from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.money import DAYS, MONEY, product

DAY_COUNTS = st.decimals(-99_999, 99_999, places=4)
PRICES = st.decimals(-(10**9), 10**9, places=4)


def frame(quantity: Decimal | None, price: Decimal | None) -> pl.DataFrame:
    """One row of days and a price."""
    return pl.DataFrame(
        {"quantity": [quantity], "price": [price]}, schema={"quantity": DAYS, "price": MONEY}
    )


@given(DAY_COUNTS, PRICES)
def test_a_product_is_the_exact_one_rounded_half_up(quantity: Decimal, price: Decimal) -> None:
    """What polars would round half even at four places is exact until the cent."""
    cents = (quantity * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
    got = frame(quantity, price).select(product(pl.col("quantity"), pl.col("price"))).item()
    assert got == cents


@pytest.mark.parametrize(
    ("amount", "cents"), [("2.345", "2.35"), ("-2.345", "-2.35"), ("2.3449", "2.34"), ("0", "0")]
)
def test_halves_go_away_from_zero(amount: str, cents: str) -> None:
    """A credit of 2.345 is as large as a debit of 2.345."""
    rows = frame(Decimal(1), Decimal(amount))
    got = rows.select(product(pl.col("quantity"), pl.col("price"))).item()
    assert got == Decimal(cents)


def test_an_absent_factor_makes_an_absent_product() -> None:
    """Null is not zero."""
    assert (
        frame(None, Decimal(500)).select(product(pl.col("quantity"), pl.col("price"))).item()
        is None
    )


def test_money_stays_money() -> None:
    """The product is DECIMAL(18,4), whatever the scales of its factors."""
    rows = frame(Decimal("0.25"), Decimal("333.33"))
    assert rows.select(product(pl.col("quantity"), pl.col("price"))).dtypes == [MONEY]
