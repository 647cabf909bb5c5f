"""Figures as a person reads them, in French or English."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Literal

import polars as pl

from transforms.words.figures import money_figure, plain_figure

Language = Literal["fr", "en"]

DAY_UNIT: dict[Language, str] = {"fr": "j", "en": "d"}
_FRIDAY, _LISTED = 4, 2
_LOCALES: dict[Language, str] = {"fr": "fr_FR", "en": "en_GB"}


def days_said(days: Decimal, language: Language) -> str:
    """Days with their unit: `20,5 j`, `20.5 d`."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - what only lists need not wait

    figure = format_decimal(days, "#,##0.####", locale=_LOCALES[language])
    return f"{figure} {DAY_UNIT[language]}"


def money_said(amount: Decimal, currency: str | None, language: Language) -> str:
    """Money with two places, more only where they say something: `1 234,50 EUR`."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - likewise

    figure = format_decimal(amount, "#,##0.00##", locale=_LOCALES[language])
    return f"{figure} {currency}" if currency else figure


@cache
def day_said(day: date, language: Language) -> str:
    """A day in words: `3 novembre 2026`, `3 November 2026`; the first is `1er` in French."""
    from babel.dates import format_date  # noqa: PLC0415 - likewise

    words = format_date(day, "d MMMM y", locale=_LOCALES[language])
    return f"1er{words[1:]}" if language == "fr" and day.day == 1 else words


@cache
def month_said(period: str, language: Language) -> str:
    """A month `YYYY-MM` in words: `octobre 2026`, `October 2026`."""
    from babel.dates import format_date  # noqa: PLC0415 - likewise

    return format_date(date.fromisoformat(f"{period}-01"), "MMMM y", locale=_LOCALES[language])


def days_words(days: pl.Expr, language: Language) -> pl.Expr:
    """A column of days as `days_said` says one; null stays null."""
    return _written(plain_figure(days), language) + pl.lit(f" {DAY_UNIT[language]}")


def money_words(amount: pl.Expr, currency: pl.Expr, language: Language) -> pl.Expr:
    """A column of money as `money_said` says one; null stays null."""
    figure = _written(money_figure(amount), language)
    return figure + pl.coalesce(pl.lit(" ") + currency, pl.lit(""))


def _written(figure: pl.Expr, language: Language) -> pl.Expr:
    """Groups of thousands and the decimal sign, as the language writes them."""
    group = {"fr": "\u202f", "en": ","}[language]
    said = figure.str.replace(".", "," if language == "fr" else ".", literal=True)
    for _ in range(4):
        said = said.str.replace(r"^(-?\d+)(\d{3})($|\D)", f"${{1}}{group}${{2}}${{3}}")
    return said


def dates_said(dates: Sequence[date], language: Language) -> str:
    """Days in words, runs of days as one: `du 5 au 9 octobre 2026`, `3 et 11 novembre 2026`.

    Weekends do not end a run; two days are a list.
    """
    runs: list[list[date]] = []
    for day in sorted(dates):
        if runs and (day - runs[-1][-1]).days <= _gap_after(runs[-1][-1]):
            runs[-1].append(day)
        else:
            runs.append([day])
    said = [text for run in runs for text in _run_said(run, language)]
    return _listed(said, language)


def _gap_after(day: date) -> int:
    return 3 if day.weekday() == _FRIDAY else 1


def _run_said(run: Sequence[date], language: Language) -> list[str]:
    if len(run) <= _LISTED:
        return [day_said(day, language) for day in run]
    last = day_said(run[-1], language)
    first = _shortened(day_said(run[0], language), last)
    return [f"du {first} au {last}" if language == "fr" else f"{first} to {last}"]


def _listed(said: Sequence[str], language: Language) -> str:
    """The texts with commas; month and year stand only where they change."""
    short = [_shortened(text, after) for text, after in pairwise(said)] + list(said[-1:])
    *most, last = short or [""]
    link = " et " if language == "fr" else " and "
    return f"{', '.join(most)}{link}{last}" if most else last


def _shortened(text: str, after: str) -> str:
    """The text without month and year where the one after it has the same."""
    month = " " + " ".join(text.split(" ")[-2:])
    return text.removesuffix(month) if after.endswith(month) else text
