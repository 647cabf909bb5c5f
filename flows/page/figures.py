"""Numbers of the page as a person reads them, in French or English."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup, escape

from flows.engine.run import PARIS
from flows.page.annexes import Figure
from transforms.words.languages import Language, days_said

_LOCALES: dict[Language, str] = {"fr": "fr_FR", "en": "en_GB"}
_MONEY: dict[Language, str] = {"fr": "#,##0.00 ¤", "en": "¤#,##0.00"}
_ROUND_MONEY: dict[Language, str] = {"fr": "#,##0 ¤", "en": "¤#,##0"}
_DATES: dict[Language, str] = {"fr": "dd/MM/y", "en": "d MMM y"}
_ADDRESS = re.compile(r"([^\s@<>()«»,;:|]+@[^\s@<>()«»,;:|]+|\+\d[\d .]{6,}\d)")
_DAYS = ("_days", "_qty")


@cache
def money(amount: Decimal, currency: str | None, language: Language) -> str:
    """Money with two places: `1 234,50 €`; without a currency the bare number."""
    if currency is None:
        return format_decimal(amount, "#,##0.00", locale=_LOCALES[language])
    return format_currency(amount, currency, _MONEY[language], locale=_LOCALES[language])


@cache
def round_money(amount: Decimal, currency: str, language: Language) -> str:
    """Money in whole units, for what is read at a glance: `1 235 €`."""
    whole = amount.quantize(Decimal(1), ROUND_HALF_UP)
    return format_currency(
        whole, currency, _ROUND_MONEY[language], locale=_LOCALES[language], currency_digits=False
    )


def figure(said: Figure, language: Language, *, short: bool = False) -> str:
    """A figure with its unit; a dash where it cannot be told."""
    if said.value is None:
        return "–"
    if said.currency:
        make = round_money if short else money
        return make(Decimal(said.value), said.currency, language)
    if said.name.endswith(_DAYS):
        return days_said(Decimal(said.value), language)
    if said.name.endswith("_rate"):
        return f"{said.value} %" if language == "fr" else f"{said.value}%"
    return format_decimal(said.value, locale=_LOCALES[language])


def change(said: Figure, language: Language) -> str:
    """How a figure moved from the month before, with its sign."""
    if said.value is None or said.before is None:
        return ""
    moved = Decimal(said.value) - Decimal(said.before)
    shown = figure(
        Figure(said.annex, said.name, abs(moved), said.currency),
        language,
        short=bool(said.currency),
    )
    sign = "+" if moved > 0 else "−" if moved < 0 else "±"
    return f"{sign}\N{NO-BREAK SPACE}{shown}"


def cell(name: str, value: Any, currency: str | None, language: Language) -> str:
    """A value of a row by the name of its column; nothing for null, nor for 0 of no currency."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        if name.endswith(_DAYS):
            return days_said(value, language)
        return money(value, currency, language) if currency or value else ""
    if isinstance(value, datetime):
        return moment(value, language)
    if isinstance(value, date):
        return format_date(value, _DATES[language], locale=_LOCALES[language])
    return str(value)


def addressed(text: str) -> Markup:
    """A text in which mail addresses and telephone numbers are marked: paper leaves them out."""
    parts = (
        Markup('<span class="address">{}</span>').format(part) if number % 2 else escape(part)
        for number, part in enumerate(_ADDRESS.split(text))
    )
    return Markup("").join(parts)


def moment(at: datetime, language: Language) -> str:
    """A minute in Paris."""
    return format_datetime(
        at.astimezone(PARIS), f"{_DATES[language]} HH:mm", locale=_LOCALES[language]
    )


def thousands(said: Figure, language: Language) -> str:
    """Money over a column, in thousands: `1 234 k`."""
    amount = (Decimal(said.value or 0) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{format_decimal(amount, '#,##0.#', locale=_LOCALES[language])} k"


def month_short(period: str, language: Language) -> str:
    """A month under its column: `10/26`, `Oct 26`."""
    form = "MM/yy" if language == "fr" else "MMM yy"
    return format_date(date.fromisoformat(f"{period}-01"), form, locale=_LOCALES[language])
