"""Record models and the columns that the store reads."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import (
    bill_gateway,
    bill_live_records,
    bill_records,
    boond_records,
    boond_v3,
    json_text,
)
from sources.streams import Record, Stream

STREAMS = [
    *boond_v3.STREAMS.values(),
    *bill_gateway.STREAMS.values(),
    *bill_live_records.STREAMS.values(),
]
MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"
CORE = MIGRATIONS / "0001_core.sql"
LATER = MIGRATIONS / "0011_lines_and_dates.sql"
OF_THE_STORE = {"deleted_at", "run_id", "incomplete_fields", "updated_at", "line_no"}


def core_columns(table: str) -> set[str]:
    """The columns of a core table, as the migrations leave it."""
    found = re.search(rf"CREATE TABLE core\.{table} \((.*?)\n\);", CORE.read_text(), re.DOTALL)
    assert found is not None
    added = re.findall(rf"ALTER TABLE core\.{table} ADD COLUMN (\w+) ", LATER.read_text())
    return {*re.findall(r"^    (\w+) ", found.group(1), re.MULTILINE), *added} - {"PRIMARY"}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_columns_are_those_of_the_core_tables(stream: Stream) -> None:
    """Each core column is read from the wire or made by the store, and none is invented."""
    columns = stream.columns
    assert {c.name for c in columns.columns} - OF_THE_STORE == (
        core_columns(stream.table) - OF_THE_STORE
    )
    for child in columns.children:
        names = {c.name for c in child.columns} | {child.parent_column}
        assert names == core_columns(child.table) - OF_THE_STORE


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_only_tables_with_incomplete_fields_name_gaps(stream: Stream) -> None:
    """`incomplete` is said exactly for the tables that have the column."""
    named = "incomplete_fields" in core_columns(stream.table)
    assert bool(stream.columns.incomplete) == named


def test_paths_are_said_as_the_store_reads_them() -> None:
    """A nested key, a structure, a list and the parent's id each have their form."""
    cras = boond_v3.STREAMS["cras"].columns
    by_name = {column.name: column for column in cras.columns}
    assert by_name["consultant_id"].path == "$.consultant.id"
    assert cras.children[0].parent_column == "cra_id"
    assert (cras.children[0].table, cras.children[0].path) == ("cra_days", "$.activities")
    consultants = boond_v3.STREAMS["consultants"].columns
    assert {c.name for c in consultants.columns if c.kind == "json"} == {"skills"}
    payments = bill_gateway.STREAMS["payments"].columns
    assert [c.name for c in payments.columns if c.kind == "parent"] == ["bill_id"]
    bills = bill_gateway.STREAMS["invoices"].columns
    assert {c.path for c in bills.incomplete} >= {"$.dueDate", "$.lineItems", "$.currency"}


AMOUNT = st.decimals(-(10**13), 10**13, places=4, allow_nan=False)
TEXT = st.text(max_size=8)
ID = st.text(min_size=1, max_size=8)


def maybe(strategy: Any) -> Any:
    """A value or null."""
    return st.none() | strategy


LINE = st.fixed_dictionaries(
    {"totalExclTax": AMOUNT},
    optional={"description": maybe(TEXT), "unitPrice": maybe(AMOUNT), "other": TEXT},
)
INVOICE = st.fixed_dictionaries(
    {
        "id": ID,
        "reference": TEXT,
        "client": st.fixed_dictionaries({"id": ID}),
        "issueDate": st.dates().map(dt.date.isoformat),
        "totalExclTax": AMOUNT,
        "status": TEXT,
    },
    optional={
        "contract": maybe(st.fixed_dictionaries({}, optional={"id": ID})),
        "lines": maybe(st.lists(LINE, max_size=3)),
        "totalTax": maybe(AMOUNT),
        "currency": maybe(TEXT),
        "unknown": TEXT,
    },
)


@given(served=INVOICE)
@settings(max_examples=50, deadline=None)
def test_columns_and_model_read_the_same(served: dict[str, Any]) -> None:
    """What the model accepts is what the columns give, to the last digit."""
    body, _ = json_text.parse(json_text.encode(served))
    record = boond_v3.ClientInvoice.model_validate_json(body)
    stream = boond_v3.STREAMS["client_invoices"]
    connection = duckdb.connect()
    for column in stream.columns.columns:
        [(found,)] = connection.execute(
            "SELECT json_extract_string(?::JSON, ?)", [body.decode(), column.path]
        ).fetchall()
        assert _as_text(getattr(record, column.name)) == _normal(found, column.name), column
    lengths = connection.execute(
        "SELECT json_array_length(?::JSON, '$.lines')", [body.decode()]
    ).fetchall()
    assert lengths[0][0] == (None if "lines" not in served else len(record.lines or []))
    connection.close()


def _as_text(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return None if value is None else str(value)


def _normal(text: str | None, name: str) -> str | None:
    amounts = {"total_excl_tax", "total_tax", "total_incl_tax", "paid_amount"}
    if text is None or name not in amounts:
        return text
    return format(Decimal(text).normalize(), "f")


REFUSED = [
    ("CraDay", {"date": 20261101, "duration": 1, "typeCode": "production"}),
    ("CraDay", {"date": "2026-11-01", "duration": 0.12345, "typeCode": "production"}),
    ("CraDay", {"date": "2026-11-01", "duration": True, "typeCode": "production"}),
    ("CraDay", {"date": "2026-11-01", "duration": 1}),
    ("Supplier", {"id": 7, "name": "x"}),
    ("Supplier", {"id": "7", "name": "x", "updatedAt": "2026-11-01T00:00:00"}),
]


@pytest.mark.parametrize(("model", "served"), REFUSED)
def test_models_refuse_other_types(model: str, served: dict[str, Any]) -> None:
    """A number is no date, a fifth decimal is too many, an instant has an offset."""
    record: type[Record] = getattr(boond_records, model)
    with pytest.raises(ValueError, match="validation error"):
        record.model_validate_json(json.dumps(served))


def test_absent_is_null_and_never_zero() -> None:
    """A missing optional amount is None."""
    vendor = bill_records.Vendor.model_validate_json('{"id": "v", "name": "n"}')
    assert (vendor.tax_id, vendor.is_active, vendor.created_time) == (None, None, None)
