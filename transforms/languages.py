"""Figures as a person reads them, in French or English."""

from datetime import date
from decimal import Decimal
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_decimal

Language = Literal["fr", "en"]

DAY_UNIT: dict[Language, str] = {"fr": "j", "en": "d"}
_LOCALES: dict[Language, str] = {"fr": "fr_FR", "en": "en_GB"}


def days_said(days: Decimal, language: Language) -> str:
    """Days with their unit: `20,5 j`, `20.5 d`."""
    figure = format_decimal(days, "#,##0.####", locale=_LOCALES[language])
    return f"{figure} {DAY_UNIT[language]}"


def money_said(amount: Decimal, currency: str | None, language: Language) -> str:
    """Money with two places, more only where they say something: `1 234,50 EUR`."""
    figure = format_decimal(amount, "#,##0.00##", locale=_LOCALES[language])
    return f"{figure} {currency}" if currency else figure


def day_said(day: date, language: Language) -> str:
    """A day in words: `3 novembre 2026`, `3 November 2026`."""
    return format_date(day, "d MMMM y", locale=_LOCALES[language])


def month_said(period: str, language: Language) -> str:
    """A month `YYYY-MM` in words: `octobre 2026`, `October 2026`."""
    return format_date(date.fromisoformat(f"{period}-01"), "MMMM y", locale=_LOCALES[language])
