"""Letters in both languages, whatever vendors wrote into names (reconciliation.md 1.4 and 3)."""

from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.messages.letters import address, one_line, phone, short, written
from transforms.words.languages import Language

PAST = {"run_id": "r0", "flow": "sync", "started_at": "s", "ended_at": "e", "why": "N"}
LINE = {"name": "N", "period": "2026-08", "days": Decimal("20.5"), "rate": Decimal(500)}
HOLD = {"title": "T", "code": "C", "next_step": "S", "count": 2, "currency": "EUR"}
OWED: dict[str, Any] = {
    "period": "2026-10",
    "risk": "critical",
    "days_left": -1,
    "due_date": date(2026, 11, 4),
    "cra_status": None,
    "reminded": True,
    "manager_told": True,
    "first_name": "N",
    "name": "N",
    "blocked_amount": Decimal("1234.5"),
    "currency": "EUR",
}
FACTS: dict[str, dict[str, Any]] = {
    "invalidated": {
        "first_name": "N",
        "period": "2026-10",
        "rows": [
            {"client": "N", "cra_days": Decimal(20), "declared_days": Decimal(19), "cause": "N"}
        ],
    },
    "reminder": OWED,
    "manager": OWED,
    "billing": {
        "client": "N",
        "period": "2026-10",
        "reference": "R",
        "currency": "EUR",
        "due_date": date(2026, 12, 3),
        "lines": [LINE | {"amount": Decimal(10250)}],
        "total_excl_tax": Decimal(10250),
        "total_tax": Decimal(2050),
        "total_incl_tax": Decimal(12300),
    },
    "operations": {
        "today": date(2026, 11, 3),
        "holds": [HOLD | {"amount": Decimal(5)}],
    },
    "alarm": {
        "today": date(2026, 11, 3),
        "run_id": "r1",
        "flow": "nightly",
        "failures": ["N"],
        "stopped": ["N"],
        "defect": "N",
        "unknown": ["c1"],
        "quarantined": [("boond.cras", 2)],
        "crashed": [PAST],
        "failed": [PAST] * 3,
    },
}
LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.seen.append(tag)


def _tags(html: str) -> list[str]:
    parser = _Tags()
    parser.feed(html)
    return parser.seen


def _named(facts: Any, name: str) -> Any:
    """The facts with a vendor's text in the place of each `N`."""
    if isinstance(facts, dict):
        return {key: _named(value, name) for key, value in facts.items()}
    if isinstance(facts, list):
        return [_named(value, name) for value in facts]
    return name if facts == "N" else facts


@given(
    letter=st.sampled_from(list(FACTS)),
    language=st.sampled_from(LANGUAGES),
    name=st.text(min_size=1, max_size=40).filter(one_line),
)
def test_no_name_adds_a_line_or_markup(letter: str, language: Language, name: str) -> None:
    """Subject, lines and tags are those of the template, for any text of a vendor."""
    plain = written(letter, language, FACTS[letter])
    told = written(letter, language, _named(FACTS[letter], name))
    assert len(told.subject.splitlines()) == 1
    assert len(told.text.splitlines()) == len(plain.text.splitlines())
    assert _tags(told.html) == _tags(plain.html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("risk", ["low", "medium", "high", "critical"])
@pytest.mark.parametrize("days_left", [-1, 0, 1, 5])
def test_a_reminder_is_said_for_each_risk(language: Language, risk: str, days_left: int) -> None:
    """It names the month and the day, and fits a phone."""
    facts = OWED | {"risk": risk, "days_left": days_left}
    text = written("reminder", language, facts).text
    assert "2026" in text
    assert "  " not in text
    assert len(short("reminder", language, facts)) <= 160


@pytest.mark.parametrize(
    ("period", "said"), [("2026-10", "d'octobre"), ("2026-08", "d'août"), ("2026-03", "de mars")]
)
def test_french_months_are_elided(period: str, said: str) -> None:
    """`d'octobre`, not `de octobre`."""
    assert said in written("reminder", "fr", OWED | {"period": period}).subject


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+33 6 00 01 02 03", "+33600010203"),
        ("+33 (0)6.00.01.02.03", "+33600010203"),
        ("06 00 01 02 03", "0600010203"),
        ("12", None),
        ("call me", None),
        (None, None),
    ],
)
def test_a_phone_is_digits(text: str | None, number: str | None) -> None:
    """Marks between digits are dropped, anything else is no number."""
    assert phone(text) == number


def test_an_address_is_one_address() -> None:
    """Spaces around it do not matter."""
    assert address(" a.b+c@d.example ") == "a.b+c@d.example"
    assert address("a@b@c") is None


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    """No control character, no direction mark, no line break of any kind."""
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_said_to_be_told_who_cannot_be(language: Language) -> None:
    """A manager without address is not said to know, nor a consultant to be reminded."""
    late = OWED | {"risk": "critical", "days_left": -1}
    for letter, known in (("reminder", "manager_told"), ("manager", "reminded")):
        texts = {written(letter, language, late | {known: said}).text for said in (True, False)}
        assert len(texts) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_due_date_is_not_today(language: Language) -> None:
    """A statement without due date names none."""
    text = written("billing", language, FACTS["billing"] | {"due_date": None}).text
    assert "chéance" not in text
    assert "Payment due" not in text
