"""Exact days and money: the one place where rapproche rounds.

Frames carry money as `pl.Decimal(18, 4)` and days as `pl.Decimal(9, 4)`. polars rounds products
half even and to the larger scale, so every product and every rounding to cents goes through here.
"""

import polars as pl

MONEY = pl.Decimal(18, 4)
DAYS = pl.Decimal(9, 4)
RATE = pl.Decimal(9, 4)

_SCALE = 4
# made once, out of a text: a decimal as a literal is a series anew each time
_UNIT = pl.lit("0.0001").cast(pl.Decimal(38, _SCALE))


def _units(value: pl.Expr) -> pl.Expr:
    """The value in ten-thousandths, as an exact integer."""
    return value.cast(pl.Decimal(38, _SCALE)).to_physical().cast(pl.Int128)


def of_units(ten_thousandths: pl.Expr) -> pl.Expr:
    """Ten-thousandths as a decimal; exact, the multiplication only moves the point."""
    return ten_thousandths.cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, _SCALE)) * _UNIT


def _half_up(units: pl.Expr, unit: int) -> pl.Expr:
    """The integer quotient by `unit`, halves going away from zero."""
    return units.sign() * ((units.abs() + unit // 2) // unit)


def product(quantity: pl.Expr, price: pl.Expr) -> pl.Expr:
    """Quantity times price in cents, rounded half up (reconciliation.md 1.4 and 2.2).

    Args:
        quantity: days or a rate as a decimal of at most 4 places.
        price: money as a decimal of at most 4 places.

    Returns:
        Money, a multiple of 0.01; null where a factor is null.
    """
    return of_units(_half_up(_units(quantity) * _units(price), 10**6) * 100).cast(MONEY)
