"""French working days, and what monitoring measures by them (reconciliation.md 3)."""

from datetime import date, timedelta
from functools import cache

import holidays

_LAST_DAYS = 5
_DUE_DAY = 3
_WEEKDAYS = 5
_DECEMBER = 12


def watched(as_of: date, period: str | None = None) -> list[str]:
    """The months to watch: the one asked for, else the month before, and late in it this one."""
    if period:
        return [period]
    first = as_of.replace(day=1)
    before = f"{first - timedelta(days=1):%Y-%m}"
    current = f"{as_of:%Y-%m}"
    late = as_of >= business_days(current)[-_LAST_DAYS]
    return [before, current] if late else [before]


@cache
def business_days(period: str) -> tuple[date, ...]:
    """The working days of a month in France: no weekend and no public holiday."""
    day, days = date.fromisoformat(f"{period}-01"), []
    free = holidays.country_holidays("FR", years=day.year)
    while f"{day:%Y-%m}" == period:
        if day.weekday() < _WEEKDAYS and day not in free:
            days.append(day)
        day += timedelta(days=1)
    return tuple(days)


def due_day(period: str) -> date:
    """When the CRA of a month is due unless it says itself: the third working day after it."""
    year, month = int(period[:4]), int(period[5:])
    after = f"{year + month // _DECEMBER:04}-{month % _DECEMBER + 1:02}"
    return business_days(after)[_DUE_DAY - 1]


def month_before(period: str) -> str:
    """The month before one, YYYY-MM."""
    return f"{date.fromisoformat(f'{period}-01') - timedelta(days=1):%Y-%m}"
