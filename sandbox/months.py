"""Months and French working days."""

import calendar
from datetime import date, timedelta
from functools import cache

SATURDAY = 5
DECEMBER = 12
FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
AFTER_EASTER = (1, 39, 50)


def bounds(month: str) -> tuple[date, date]:
    """Returns the first and the last day of a month `YYYY-MM`."""
    first = date.fromisoformat(f"{month}-01")
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def shifted(month: str, by: int) -> str:
    """Returns the month `by` months later (earlier when negative)."""
    first, _ = bounds(month)
    index = first.year * DECEMBER + first.month - 1 + by
    return f"{index // DECEMBER:04d}-{index % DECEMBER + 1:02d}"


def month_of(day: date) -> str:
    """Returns the month `YYYY-MM` of a day."""
    return day.strftime("%Y-%m")


def easter(year: int) -> date:
    """Returns Easter Sunday of a year (the anonymous Gregorian computus)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    epact = (
        19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays(year: int) -> frozenset[date]:
    """Returns the French public holidays of a year (metropolitan France)."""
    moving = {easter(year) + timedelta(days=days) for days in AFTER_EASTER}
    return frozenset({date(year, *month_day) for month_day in FIXED_HOLIDAYS} | moving)


def is_business(day: date) -> bool:
    """Whether a day is neither at a weekend nor a French public holiday."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


@cache
def business_days(month: str) -> tuple[date, ...]:
    """Returns the business days of a month, in order."""
    first, last = bounds(month)
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(day for day in every if is_business(day))


def closed_days(month: str) -> tuple[date, ...]:
    """Returns the public holidays of a month that fall on a weekday, in order."""
    first, last = bounds(month)
    closed = sorted(day for day in holidays(first.year) if first <= day <= last)
    return tuple(day for day in closed if day.weekday() < SATURDAY)
