"""Rows that break their contract, and when a stream stops (reconciliation.md 5)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from checks.contracts import CORE, contract, dtypes, money, one_of, text
from checks.findings import (
    ContractBrokenError,
    _plainly_holds,
    broken_rows,
    must_hold,
    stops_stream,
)
from transforms.money import MONEY, RATE

NOW = datetime(2026, 11, 3, tzinfo=UTC)
PAYMENT: dict[str, Any] = {
    "id": "p1",
    "bill_id": "b1",
    "amount": Decimal("10.0000"),
    "incomplete_fields": [],
    "updated_at": NOW,
}


def _frame(table: str, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dtypes(table), orient="row")


def _found(table: str, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    findings = broken_rows(CORE[table], _frame(table, *rows))
    return findings.select("row", "column_name", "check_name").rows()


def test_a_row_as_it_must_be_has_no_finding() -> None:
    """A frame that keeps its contract has no findings."""
    assert _found("payments", PAYMENT) == []


def test_a_finding_names_row_column_and_check() -> None:
    """Only the broken row is named, with the column and what it broke."""
    assert _found("payments", PAYMENT, PAYMENT | {"amount": None}) == [(1, "amount", "required")]


def test_a_row_that_breaks_two_checks_has_two_findings() -> None:
    """All that is wrong with a row is said, not the first thing."""
    bill = {"id": "", "vendor_id": "v", "invoice_date": NOW.date(), "updated_at": NOW}
    broken = bill | {"amount": Decimal(1), "status": "lost", "incomplete_fields": []}
    found = _found("bills", broken)
    assert {(row, column) for row, column, _ in found} == {(0, "id"), (0, "status")}


def test_a_message_says_what_was_found_and_what_was_wanted() -> None:
    """People read the value and the check in one line."""
    line = {"cra_id": "c", "line_no": 1, "date": NOW.date(), "type_code": "production"}
    [message] = broken_rows(
        CORE["cra_days"], _frame("cra_days", line | {"duration": Decimal("0.3")})
    )["message"]
    assert message == "duration: found 0.3000, wanted share of a day"


@pytest.mark.parametrize("share", ["0.25", "0.5", "0.75", "1"])
def test_quarters_of_a_day_pass(share: str) -> None:
    """A CRA line is a quarter, a half, three quarters or a whole day."""
    line = {"cra_id": "c", "line_no": 1, "date": NOW.date(), "type_code": "absence"}
    assert _found("cra_days", line | {"duration": Decimal(share)}) == []


def test_a_frame_of_another_shape_is_our_own_defect() -> None:
    """A missing column is no bad row: it fails the run."""
    with pytest.raises(ContractBrokenError, match="payments"):
        broken_rows(CORE["payments"], _frame("payments", PAYMENT).drop("amount"))


def test_our_own_rows_are_never_quarantined() -> None:
    """A result that breaks its contract fails, naming table and reason; a good one passes."""
    good = _frame("payments", PAYMENT)
    assert must_hold(CORE["payments"], good) is good
    with pytest.raises(ContractBrokenError, match="payments: bill_id: found nothing"):
        must_hold(CORE["payments"], _frame("payments", PAYMENT | {"bill_id": None}))


EVERY_CHECK = contract(
    "every_check",
    name=text(required=True),
    word=one_of("a", "b", required=False),
    amount=money(positive=True),
    rate=pa.Column(RATE, [pa.Check.in_range(0, 1)], nullable=True),
)
ROWS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["x", "x", "x", "", None]),
        "word": st.sampled_from(["a", "a", "b", "c", None]),
        "amount": st.sampled_from([Decimal(0), Decimal(1), Decimal(2), Decimal(-1), None]),
        "rate": st.sampled_from([Decimal(0), Decimal(1), Decimal("1.1"), Decimal("-0.1"), None]),
    }
)


def _kept(frame: pl.DataFrame) -> bool:
    try:
        EVERY_CHECK.validate(frame, lazy=True)
    except SchemaErrors:
        return False
    return True


@settings(max_examples=40)
@given(st.lists(ROWS, max_size=2))
def test_the_short_way_says_what_pandera_says(rows: list[dict[str, Any]]) -> None:
    """One query over all columns holds exactly when every check of pandera does."""
    schema = {"name": pl.String, "word": pl.String, "amount": MONEY, "rate": RATE}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    assert _plainly_holds(EVERY_CHECK, frame) == _kept(frame)


def test_the_short_way_leaves_to_pandera_what_it_does_not_know() -> None:
    """Other types, other checks, more columns and unique ones are never said to hold."""
    frame = pl.DataFrame({"name": ["x"]})
    for unknown in (
        pa.Column(pl.String, [pa.Check.str_length(1, 9)]),
        pa.Column(pl.String, [pa.Check.str_startswith("x")]),
        pa.Column(pl.String, unique=True),
        pa.Column(pl.Int64),
    ):
        assert not _plainly_holds(contract("one", name=unknown), frame)
    assert not _plainly_holds(contract("one", name=text()), frame.with_columns(more=1))


@given(pulled=st.integers(1, 10_000), refused=st.integers(0, 10_000))
def test_more_than_a_tenth_and_more_than_three_stop_a_stream(pulled: int, refused: int) -> None:
    """A stream stops exactly when over 10 % of its rows, and over 3, are refused."""
    refused = min(refused, pulled)
    stopped = stops_stream(pulled, refused, key_missing=False)
    assert stopped == (Decimal(refused) / pulled > Decimal("0.1") and refused >= 4)


def test_a_missing_key_column_stops_a_stream() -> None:
    """No row with an id is a changed vendor, however few the rows."""
    assert stops_stream(1, 0, key_missing=True)
