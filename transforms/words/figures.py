"""Days, money, limits and instants as a person reads them (`20.5 d`, `450.00 EUR`, `off`)."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from transforms.policy import Off

_PARIS = ZoneInfo("Europe/Paris")


def plain_figure(value: pl.Expr) -> pl.Expr:
    """A decimal without its trailing zeros (`20.5000` is `20.5`)."""
    return (
        value.cast(pl.Decimal(38, 4))
        .cast(pl.String)
        .str.strip_chars_end("0")
        .str.strip_chars_end(".")
    )


def money_figure(value: pl.Expr) -> pl.Expr:
    """A decimal with two places, and more only where they say something."""
    return value.cast(pl.Decimal(38, 4)).cast(pl.String).str.replace(r"(\.\d{2}\d*?)0*$", "$1")


def days_text(days: pl.Expr) -> pl.Expr:
    """Days with their unit; null stays null."""
    return plain_figure(days) + pl.lit(" d")


def money_text(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """Money with its currency, where one is known; null stays null."""
    return money_figure(amount) + pl.coalesce(pl.lit(" ") + currency, pl.lit(""))


def limit_text(limit: Decimal | Off, unit: str) -> str:
    """A limit of the policy with its unit, or `off`."""
    return "off" if limit == "off" else f"{limit.normalize():f} {unit}"


def counted(count: int, noun: str) -> str:
    """A count of things in English: `1 record`, `2 records`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def instant_text(instant: datetime) -> str:
    """An instant as the clocks in Paris show it, with their season: `2026-11-03 05:00 CET`."""
    return f"{instant.astimezone(_PARIS):%Y-%m-%d %H:%M %Z}"


def sentence(words: str, *figures: pl.Expr | str) -> pl.Expr:
    """The words with the figures in the place of each `{}`; null where a figure is null.

    Not `pl.format`: in polars 2.1 it can panic over filtered rows of several chunks.

    Args:
        words: text with a `{}` for each figure.
        figures: expressions, or names of columns.
    """
    first, *others = words.split("{}")
    said = pl.lit(first)
    for figure, word in zip(figures, others, strict=True):
        column = pl.col(figure) if isinstance(figure, str) else figure
        said = said + column.cast(pl.String) + pl.lit(word)
    return said
