"""Rows put straight into a warehouse: what a test does not tell is filled in by type."""

from typing import Any

from store.warehouse import Warehouse

_FILLERS = {
    "VARCHAR": "''",
    "VARCHAR[]": "[]",
    "JSON": "'{}'",
    "DATE": "DATE '2026-10-01'",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '2026-11-03 03:00:00+00'",
    "BOOLEAN": "false",
}


def put(warehouse: Warehouse, table: str, **values: Any) -> None:
    """Puts one row; columns that must not be null and are not told get something of their type."""
    described = warehouse.rows(f'SELECT column_name, column_type, "null" FROM (DESCRIBE {table})')
    wanted = {
        name: _FILLERS.get(dtype, "0")
        for name, dtype, null in described
        if null == "NO" and name not in values
    }
    names = [*values, *wanted]
    said = [*("?" for _ in values), *wanted.values()]
    warehouse.execute(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(said)})",
        list(values.values()),
    )


def cra(warehouse: Warehouse, break_id: str, **values: Any) -> None:
    """A row of `cra_matches`: 20 days at 500 EUR that match, unless told otherwise."""
    fits: dict[str, Any] = {
        "period": "2026-10",
        "client_id": "C1",
        "client_name": "Alpha",
        "contract_id": "K1",
        "consultant_id": break_id,
        "consultant_name": f"Person {break_id}",
        "declared_days": 20,
        "cra_days": 20,
        "difference_days": 0,
        "daily_rate": 500,
        "currency": "EUR",
        "outcome": "matched",
        "severity": "info",
        "holds": [],
        "action": "bill",
    }
    put(warehouse, "recon.cra_matches", break_id=break_id, **(fits | values))


def bill(warehouse: Warehouse, break_id: str, **values: Any) -> None:
    """A row of `po_matches`: one line of 1,000 EUR that matches, unless told otherwise."""
    fits: dict[str, Any] = {
        "period": "2026-10",
        "bill_id": break_id,
        "bill_line": 1,
        "invoice_number": f"F-{break_id}",
        "vendor_id": "V1",
        "invoiced_qty": 2,
        "invoiced_amount": 1000,
        "accepted_amount": 1000,
        "currency": "EUR",
        "status": "matched",
        "holds": [],
    }
    put(warehouse, "recon.po_matches", break_id=break_id, **(fits | values))


def one(warehouse: Warehouse, sql: str) -> Any:
    """The only value of a query."""
    [[value]] = warehouse.rows(sql)
    return value
