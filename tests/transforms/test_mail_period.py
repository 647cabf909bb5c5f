"""Which month a mail speaks of."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.declarations.mail_period import month_alone, month_meant

NOVEMBER = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("subject", "month"),
    [
        ("Jours octobre 2026", "2026-10"),
        ("Timesheet October 2026", "2026-10"),
        ("CRA oct. 2026", "2026-10"),
        ("Déclaration août 2026", "2026-08"),
        ("Relevé févr. 2026", "2026-02"),
        ("CRA 10/2026", "2026-10"),
        ("CRA 2026-10", "2026-10"),
        ("du 1er au 31 octobre 2026", "2026-10"),
        ("du 01/10/2026 au 31/10/2026", "2026-10"),
        ("Jours d'octobre", "2026-10"),
        ("OCTOBRE", "2026-10"),
        ("Timesheet May", "2026-05"),
        ("Jours décembre", "2025-12"),
        ("Jours", None),
        ("le 2 octobre 2026", None),
        ("October 2, 2026", None),
        ("15/10/2026", None),
        ("septembre et octobre 2026, septembre 2026", None),
        ("septembre - octobre", None),
        ("You may bill", None),
        ("13/2026", None),
    ],
)
def test_the_month_of_a_subject(subject: str, month: str | None) -> None:
    """A month with its year, else its name alone, else nobody can tell."""
    assert month_meant(subject, [], NOVEMBER) == month


def test_a_subject_against_its_body_tells_nothing() -> None:
    """Which of the two is old a person says."""
    assert month_meant("Jours septembre", ["Voici octobre 2026"], NOVEMBER) is None
    assert month_meant("Jours octobre", ["Voici octobre 2026"], NOVEMBER) == "2026-10"


def test_a_whole_date_beside_a_month_is_no_second_month() -> None:
    """The day on which a letter was written is not what it speaks of."""
    assert month_meant("Jours octobre 2026", ["Paris, le 2 novembre 2026"], NOVEMBER) == "2026-10"


@pytest.mark.parametrize(("day", "month"), [(26, "2025-10"), (27, "2026-10"), (31, "2026-10")])
def test_the_running_month_is_meant_in_its_last_five_days(day: int, month: str) -> None:
    """Before them the name alone means the year before."""
    assert month_alone(10, date(2026, 10, day)) == month


def test_a_name_alone_needs_the_mails_date() -> None:
    """A mail whose date is not believed tells no year."""
    assert month_meant("Jours octobre", [], None) is None
    assert month_meant("Jours octobre 2026", [], None) == "2026-10"


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.integers(1, 12))
def test_a_month_alone_has_ended_or_ends_within_days(mailed_on: date, number: int) -> None:
    """The month is the named one, has ended before the mail or has at most four days left."""
    meant = date.fromisoformat(f"{month_alone(number, mailed_on)}-01")
    after = (meant + timedelta(days=31)).replace(day=1)
    assert meant.month == number
    assert after - mailed_on <= timedelta(days=5)
    assert (mailed_on - meant).days < 366 + 31
