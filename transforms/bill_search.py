"""Supplier invoices by number, vendor, amount, date or status (properties.md P15).

| asked | found |
|---|---|
| number `f-12` | numbers that contain it, without case and punctuation |
| vendor `société` | vendors whose name contains it, without case and accents, or with that id |
| amount `100-500` | from 100 to 500, both included |
| amount `>1000`, `<50` | above, below |
| amount `450` | exactly that |
| from, to | invoice dates, both included |
| status `paid` | bills with that status in Bill.com, or in the match |
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from transforms.names import plain
from transforms.suppliers.po_duplicates import plain_number

FORMS = "write 100-500, >1000, <50 or 450"
_FIGURE = r"-?[0-9]{1,14}(?:[.,][0-9]{1,4})?"
_ONE = re.compile(rf"([<>]?)\s*({_FIGURE})")
_RANGE = re.compile(rf"({_FIGURE})\s*-\s*({_FIGURE})")


@dataclass(frozen=True)
class Amounts:
    """A range of amounts; a bound that is null is open.

    Attributes:
        closed: whether the bounds themselves are in it.
    """

    low: Decimal | None
    high: Decimal | None
    closed: bool = True

    @classmethod
    def read(cls, text: str) -> "Amounts":
        """The range that a person wrote.

        Raises:
            ValueError: it has none of the forms, or ends below its beginning.
        """
        text = text.strip()
        if one := _ONE.fullmatch(text):
            sign, figure = one[1], _figure(one[2])
            low = None if sign == "<" else figure
            high = None if sign == ">" else figure
            return cls(low, high, closed=not sign)
        if two := _RANGE.fullmatch(text):
            low, high = map(_figure, two.groups())
            if low <= high:
                return cls(low, high)
            raise ValueError(f"{text!r} ends below its beginning; {FORMS}")
        raise ValueError(f"{text!r} is no amount; {FORMS}")

    def holds(self, amount: pl.Expr) -> pl.Expr:
        """Whether an amount is in the range."""
        bounds = []
        if self.low is not None:
            bounds.append(amount >= self.low if self.closed else amount > self.low)
        if self.high is not None:
            bounds.append(amount <= self.high if self.closed else amount < self.high)
        return pl.all_horizontal(bounds)


def _figure(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is asked; what is null is not asked."""

    number: str | None = None
    vendor: str | None = None
    amounts: Amounts | None = None
    first_day: date | None = None
    last_day: date | None = None
    status: str | None = None


def search(bills: pl.DataFrame, asked: Search) -> pl.DataFrame:
    """The bills that satisfy everything that is asked, the newest first.

    Args:
        bills: `bill_id`, `invoice_number`, `vendor_id`, `vendor_name`, `invoice_date`, `amount`,
            `status`, `match_status`; more columns pass.
        asked: what is asked.
    """
    wanted = [pl.lit(value=True)]
    if asked.number is not None:
        part = pl.select(plain_number(pl.lit(asked.number))).item() or ""
        wanted.append(plain_number(pl.col("invoice_number")).str.contains(part, literal=True))
    if asked.vendor is not None:
        wanted.append(_vendor(asked.vendor))
    if asked.amounts is not None:
        wanted.append(asked.amounts.holds(pl.col("amount")))
    if asked.first_day is not None:
        wanted.append(pl.col("invoice_date") >= asked.first_day)
    if asked.last_day is not None:
        wanted.append(pl.col("invoice_date") <= asked.last_day)
    if asked.status is not None:
        status = asked.status.strip().lower()
        wanted.append(_either(pl.col("status", "match_status").str.to_lowercase() == status))
    return bills.filter(pl.all_horizontal(wanted)).sort(
        "invoice_date", "bill_id", descending=[True, False]
    )


def _vendor(name: str) -> pl.Expr:
    part = pl.select(plain(pl.lit(name))).item()
    named = plain(pl.col("vendor_name")).str.contains(part, literal=True)
    return _either(named, pl.col("vendor_id") == name.strip())


def _either(*conditions: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(*(condition.fill_null(value=False) for condition in conditions))
