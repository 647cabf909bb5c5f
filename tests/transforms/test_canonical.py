"""Wire text to canonical columns: exact, or named as unreadable."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.canonical import typed
from transforms.money import MONEY

INSTANT = pl.Datetime("us", "UTC")


def read(said: str | None, dtype: Any) -> tuple[Any, list[str]]:
    """One value, and the columns that findings name."""
    rows, findings = typed(pl.DataFrame({"x": [said]}, schema={"x": pl.String}), {"x": dtype})
    return rows.item(), findings["column_name"].to_list()


@pytest.mark.parametrize(
    ("said", "dtype", "value"),
    [
        ("460.6", MONEY, Decimal("460.6")),
        ("-3.50000", MONEY, Decimal("-3.5")),
        ("2026-10-31", pl.Date(), date(2026, 10, 31)),
        ("2026-10-31T23:30:00+01:00", INSTANT, datetime(2026, 10, 31, 22, 30, tzinfo=UTC)),
        ("2026-10-31T22:30:00.5Z", INSTANT, datetime(2026, 10, 31, 22, 30, 0, 500_000, tzinfo=UTC)),
        ("true", pl.Boolean(), True),
    ],
)
def test_what_is_well_said_is_read(said: str, dtype: Any, value: object) -> None:
    """A value in the vendor's form becomes ours."""
    assert read(said, dtype) == (value, [])


@pytest.mark.parametrize(
    ("said", "dtype"),
    [
        ("2.34567", MONEY),
        ("1e2", MONEY),
        ("123456789012345", MONEY),
        ("vingt", MONEY),
        ("", MONEY),
        ("2026-13-01", pl.Date()),
        ("31/10/2026", pl.Date()),
        ("2026-10-31T23:30:00", INSTANT),
        ("maybe", pl.Boolean()),
    ],
)
def test_what_cannot_be_read_is_named(said: str, dtype: Any) -> None:
    """It is null and a finding, never a guess and never rounded."""
    assert read(said, dtype) == (None, ["x"])


def test_what_is_absent_is_absent() -> None:
    """Null is no finding here; whether it may be absent is the contract's question."""
    assert read(None, MONEY) == (None, [])


@given(st.decimals(-(10**13), 10**13, places=4))
def test_every_amount_of_four_decimals_is_read_exactly(amount: Decimal) -> None:
    """All fourteen digits before the point and four behind it survive."""
    assert read(format(amount, "f"), MONEY) == (amount, [])


def test_a_finding_names_its_row_and_what_was_found() -> None:
    """A person reads it without opening the payload."""
    texts = pl.DataFrame({"x": ["1", "two", "3"]})
    _, findings = typed(texts, {"x": MONEY})
    assert findings["row"].to_list() == [1]
    assert "found two" in findings["message"].item()
