"""Wire text to canonical columns: exact, or named (properties.md P06, P32)."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.canonical import typed
from transforms.money import DAYS, MONEY

INSTANT = pl.Datetime("us", "UTC")
ALL = {"m": MONEY, "d": DAYS, "on": pl.Date(), "at": INSTANT, "is": pl.Boolean(), "t": pl.String()}


def _read(text: str | None, dtype: Any) -> tuple[Any, list[str]]:
    rows, findings = typed(pl.DataFrame({"x": [text]}, schema={"x": pl.String}), {"x": dtype})
    return rows.item(), findings["check_name"].to_list()


@given(st.decimals(-(10**13), 10**13, places=4, allow_nan=False))
def test_a_number_of_four_decimals_is_exact(value: Decimal) -> None:
    """An amount comes out as it was written, digit by digit."""
    assert _read(f"{value:f}", MONEY) == (value, [])


@pytest.mark.parametrize(
    "text", ["1.23456", "1e3", "NaN", "1,5", "", " 1", "0x10", "1.", "٣", "123456789012345.0"]
)
def test_what_is_no_exact_amount_is_named_and_null(text: str) -> None:
    """A fifth decimal, an exponent or a word is refused: nothing is rounded or guessed."""
    assert _read(text, MONEY) == (None, ["type Decimal(precision=18, scale=4)"])


def test_zeros_after_the_fourth_decimal_say_nothing() -> None:
    """`1.500000` is exactly 1.5."""
    assert _read("1.500000", MONEY) == (Decimal("1.5"), [])


def test_days_have_room_for_five_digits() -> None:
    """Days are DECIMAL(9,4): more digits are refused, not cut."""
    assert _read("99999.75", DAYS) == (Decimal("99999.75"), [])
    assert _read("100000", DAYS)[0] is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-03T04:00:00Z", 4),
        ("2026-11-03T04:00:00+01:00", 3),
        ("2026-11-03T04:00:00.000+0000", 4),
        ("2026-11-03T04:00:00.123456-02:00", 6),
    ],
)
def test_instants_keep_their_offset(text: str, hour: int) -> None:
    """An instant with its offset becomes UTC."""
    value, findings = _read(text, INSTANT)
    assert (value.hour, findings) == (hour, [])


@pytest.mark.parametrize("text", ["2026-11-03T04:00:00", "2026-11-03", "yesterday"])
def test_an_instant_without_an_offset_is_refused(text: str) -> None:
    """No time zone is guessed."""
    assert _read(text, INSTANT)[0] is None


def test_a_day_that_does_not_exist_is_refused() -> None:
    """30 February is named, not moved to March."""
    assert _read("2026-02-30", pl.Date()) == (None, ["type Date"])


def test_silence_is_no_finding() -> None:
    """What was not said is null and nothing is held against it."""
    for dtype in ALL.values():
        assert _read(None, dtype) == (None, [])


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=6))
def test_any_text_becomes_the_same_columns_or_a_finding(texts: list[str | None]) -> None:
    """Whatever was written, the columns have their types, and what was lost is named."""
    given_rows = pl.DataFrame(dict.fromkeys(ALL, texts), schema=dict.fromkeys(ALL, pl.String))
    rows, findings = typed(given_rows, ALL)
    assert dict(rows.schema) == ALL
    lost = sum((given_rows[n].is_not_null() & rows[n].is_null()).sum() for n in ALL)
    assert findings.height == lost


def test_a_finding_quotes_what_was_found() -> None:
    """The message names column, text and what was wanted."""
    rows = pl.DataFrame({"on": ["bientôt"]})
    _, findings = typed(rows, {"on": pl.Date()})
    assert findings["message"].to_list() == ["on: found bientôt, wanted a date YYYY-MM-DD"]
