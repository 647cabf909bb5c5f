"""Rounding in one place, half up (reconciliation.md 1.4)."""

from decimal import ROUND_HALF_UP, Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.money import DAYS, MONEY, cents, product, to_cents

QUANTITIES = st.decimals(-99_999, 99_999, places=4, allow_nan=False)
AMOUNTS = st.decimals(-(10**8), 10**8, places=4, allow_nan=False)


def _half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@given(QUANTITIES, AMOUNTS)
def test_a_product_is_rounded_half_up_once(days: Decimal, rate: Decimal) -> None:
    """Days times rate is the exact product, rounded to cents away from zero at the half."""
    frame = pl.DataFrame({"q": [days], "p": [rate]}, schema={"q": DAYS, "p": MONEY})
    result = frame.select(product(pl.col("q"), pl.col("p")))
    assert result.item() == _half_up(days * rate)
    assert result.dtypes == [MONEY]


@given(AMOUNTS)
def test_frames_and_single_values_round_alike(amount: Decimal) -> None:
    """A column and one value come to the same cents."""
    frame = pl.DataFrame({"a": [amount]}, schema={"a": MONEY})
    assert frame.select(to_cents(pl.col("a"))).item() == cents(amount) == _half_up(amount)


def test_a_missing_factor_is_no_zero() -> None:
    """Days without a rate have no amount."""
    frame = pl.DataFrame({"q": [Decimal(2)], "p": [None]}, schema={"q": DAYS, "p": MONEY})
    assert frame.select(product(pl.col("q"), pl.col("p"))).item() is None
