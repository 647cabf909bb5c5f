"""When an invoice is due, read from the contract's payment terms (reconciliation.md 1.4)."""

from datetime import date

import polars as pl

from transforms.names import plain

DEFAULT_DAYS = 30

_TERMS = (
    r"^(?:net )?(?P<days>\d{1,3}) ?(?:days?|jours?|j|d)?(?: net)?(?: date of invoice)?"
    r"(?: (?P<month_end>end of (?:the )?month|fin de mois|fdm|eom))?$"
)


def _part(terms: pl.Expr, name: str) -> pl.Expr:
    words = plain(terms).str.strip_chars(" .,")
    return words.str.extract_groups(_TERMS).struct.field(name)


def terms_readable(terms: pl.Expr) -> pl.Expr:
    """Whether the terms say days, alone or with the end of the month; nothing else is guessed."""
    return _part(terms, "days").is_not_null()


def due_date(terms: pl.Expr, issue_date: date) -> pl.Expr:
    """The due date: so many days later, then the end of that month where the terms say so.

    Args:
        terms: payment terms as worded (`30 days`, `45 days end of month`, `45 jours fin de mois`).
        issue_date: date of the invoice.

    Returns:
        A date; 30 days after the invoice where `terms_readable` is false.
    """
    days = _part(terms, "days").cast(pl.Int64).fill_null(DEFAULT_DAYS)
    due = pl.lit(issue_date) + pl.duration(days=days)
    return pl.when(_part(terms, "month_end").is_not_null()).then(due.dt.month_end()).otherwise(due)
