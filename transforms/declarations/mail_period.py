"""Which month a mail speaks of (reconciliation.md 1.3)."""

import calendar
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from babel import Locale

_LAST_DAYS = 5
_DAYS_LONGEST = 31
_LONG_AGO = timedelta(days=186)
# babel has no "fév" without its r, and CLDR writes "Sept" in one of the Englishes only
_MORE = {"fev": 2, "juill": 7, "sep": 9, "sept": 9}
# months that are other words too count alone only where a month is announced
_OTHER_WORDS = "may|march|mar|jan"


def folded(text: str) -> str:
    """The text without case and accents; as long in words, not in letters."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(one for one in apart if not unicodedata.combining(one)).lower()


def _names() -> dict[str, int]:
    names = dict(_MORE)
    for language in ("fr", "en"):
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for at, name in months[context][width].items():
                    names[folded(name).strip(".")] = at
    return names


MONTHS = _names()
_WORDS = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_ANY_NAME = rf"(?P<month>{_WORDS})\b\.?"
_NAMED = re.compile(
    rf"(?<!\w)(?:(?P<day>\d{{1,2}})\s?(?:er|st|nd|rd|th)?[\s.\-/]*(?:of\s+)?)?{_ANY_NAME}"
    rf"(?:\s?(?P<after>\d{{1,2}})(?:st|nd|rd|th)?(?!\d),?)?"
    r"(?:[\s,.\-/_']*(?:de\s+|of\s+)?(?P<year>20\d\d)(?!\d))?"
)
_ANNOUNCED = re.compile(
    rf"(?:\b(?:in|for|of|de|en|pour|mois|month|jours|days|timesheet|cra|period)\b|[:(|\-]|^)"
    rf"\W{{0,3}}(?:{_OTHER_WORDS})\b\.?\W*$"
)
_NUMERIC = re.compile(r"(?<![\d/.\-])(0?[1-9]|1[0-2])\s?[/\-]\s?(20\d\d)(?![\d/])")
_ISO = re.compile(r"(?<![\d/.\-])(20\d\d)[-/](0[1-9]|1[0-2])(?![\d/\-])")
_WHOLE_IN_FIGURES = re.compile(
    r"(?<!\d)0?1\s?([/.\-])\s?(\d{1,2})(?:\s?[/.\-]\s?(?:20)?\d\d)?\s*(?:au|to|a|-|–|—|until)\s*"
    r"(?:28|29|30|31)\s?\1\s?0?(\d{1,2})\s?\1\s?((?:20)?\d\d)(?!\d)"
)
_WHOLE_IN_WORDS = re.compile(
    r"(?<!\d)0?1(?:er|st)?\s*(?:au|to|-|–|—|until)\s*(?:28|29|30|31)(?:st|th)?\s+(?=[a-z])"
)
_FULL_DATE = re.compile(
    r"(?<!\d)\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?(?:20)?\d\d(?!\d)|20\d\d-\d\d-\d\d\S*"
)

_DATED = re.compile(
    r"(?<!\d)\d{1,2}\s?[/.\-]\s?(?P<month>0?[1-9]|1[0-2])\s?[/.\-]\s?(?P<year>(?:20)?\d\d)(?!\d)"
    r"|(?P<iso>20\d\d-\d\d)-\d\d"
)


@dataclass(frozen=True)
class Mentions:
    """The months that a text names: with their year (`YYYY-MM`), or by the name alone (1 to 12)."""

    told: frozenset[str]
    alone: frozenset[int]


def mentions(text: str) -> Mentions:
    """The months of a text; a whole date names no month, its days from first to last do."""
    plain = _WHOLE_IN_FIGURES.sub(_whole, folded(text))
    plain = _FULL_DATE.sub(" ", _WHOLE_IN_WORDS.sub("", plain))
    told = {f"{year}-{int(month):02d}" for month, year in _NUMERIC.findall(plain)}
    told |= {f"{year}-{month}" for year, month in _ISO.findall(plain)}
    alone = set()
    for found in _NAMED.finditer(plain):
        if _is_a_day(found):
            continue
        number = MONTHS[found["month"]]
        if found["year"]:
            told.add(f"{found['year']}-{number:02d}")
        elif not re.fullmatch(_OTHER_WORDS, found["month"]) or _is_announced(plain, found):
            alone.add(number)
    return Mentions(frozenset(told), frozenset(alone))


def months_of_dates(text: str) -> list[str]:
    """The month of each whole date in figures, `YYYY-MM`, the day before the month."""
    return [
        f"20{found['year'][-2:]}-{int(found['month']):02d}" if found["year"] else found["iso"]
        for found in _DATED.finditer(text)
    ]


def _whole(found: re.Match[str]) -> str:
    first, last, year = int(found[2]), int(found[3]), f"20{found[4][-2:]}"
    return (
        f" {year}-{last:02d} "
        if first == last and 1 <= last <= len(calendar.month_name) - 1
        else " "
    )


def _is_a_day(found: re.Match[str]) -> bool:
    figures = [int(found[name]) for name in ("day", "after") if found[name]]
    return any(1 <= figure <= _DAYS_LONGEST for figure in figures)


def _is_announced(text: str, found: re.Match[str]) -> bool:
    line = text[: found.end()].rsplit("\n", 1)[-1]
    ends = not text[found.end() :].strip() or text[found.end()] in "\n:,.)|-"
    return ends and bool(_ANNOUNCED.search(line))


def month_meant(subject: str, body: Sequence[str], mailed_on: date | None) -> str | None:
    """The month `YYYY-MM` that a mail is about; None where it cannot be told.

    A month with its year, in subject or body; else a month's name alone: the latest such month that
    has ended before the mail's date, or the current one in its last five days. Two different
    months, or a subject that names another than the body, tell none.

    Args:
        subject: of the mail.
        body: its own lines that are no declarations.
        mailed_on: the day on the sender's clock; None where it cannot be believed.
    """
    above, below = mentions(subject), mentions("\n".join(body))
    told, alone = above.told | below.told, above.alone | below.alone
    if told:
        other = above.alone - {int(month[5:]) for month in told}
        return min(told) if len(told) == 1 and not other else None
    return month_alone(min(alone), mailed_on) if len(alone) == 1 else None


def month_alone(number: int, mailed_on: date | None) -> str | None:
    """The month that its name alone means in a mail of that day (reconciliation.md 1.3)."""
    if mailed_on is None:
        return None
    last = calendar.monthrange(mailed_on.year, mailed_on.month)[1]
    current = number == mailed_on.month and mailed_on.day > last - _LAST_DAYS
    year = mailed_on.year if current or number < mailed_on.month else mailed_on.year - 1
    return f"{year:04d}-{number:02d}"


def is_long_ago(period: str, mailed_on: date) -> bool:
    """Whether a month began more than half a year before the mail."""
    return mailed_on - date.fromisoformat(f"{period}-01") > _LONG_AGO
