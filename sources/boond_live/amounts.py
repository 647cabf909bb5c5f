"""Exact numbers of a served object, and the sums that are made of them."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

_CENT = Decimal("0.01")


def number(value: Any) -> Decimal | None:
    """The number that was served, one of many digits as text; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def cents(amount: Decimal) -> Decimal:
    """An amount to the cent, halves away from zero; one of too many digits as it is."""
    try:
        return amount.quantize(_CENT, ROUND_HALF_UP)
    except InvalidOperation:
        return amount


def total(values: Iterable[Any]) -> Decimal | None:
    """The sum of what was served; None where a part of it is no number."""
    found = [number(value) for value in values]
    return None if None in found else sum((one for one in found if one), Decimal(0))


def negative(value: Any) -> Any:
    """A number as a negative one, whichever sign was served; anything else as it is."""
    found = number(value)
    return value if found is None else -abs(found)
