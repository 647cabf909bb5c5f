"""Which months a run looks at."""

import json
from datetime import date, datetime
from typing import Any

import polars as pl

from store import findings
from store.warehouse import Warehouse

DAY = datetime.fromisoformat
FIRST, LATER = DAY("2026-11-03T03:00Z"), DAY("2026-11-04T10:00Z")


def ran(warehouse: Warehouse, run_id: str, flow: str, at: datetime, **asked: Any) -> None:
    """A run that ended well."""
    columns = warehouse.columns("ops.runs")
    parameters = json.dumps({"as_of": "2026-11-03"} | asked)
    row = dict.fromkeys(columns, 0) | {"run_id": run_id, "flow": flow, "parameters": parameters}
    state = {"started_at": at, "ended_at": at, "state": "completed"}
    _insert(warehouse, "ops.runs", row | state)


def _insert(warehouse: Warehouse, table: str, row: dict[str, Any]) -> None:
    warehouse.insert(table, pl.DataFrame([row]))


def looked_at(warehouse: Warehouse) -> list[str]:
    """The months, sorted."""
    return sorted(findings.months_to_look_at(warehouse, "nothing: billed"))


def matched(warehouse: Warehouse, period: str, action: str) -> None:
    """A matched row of a month."""
    names = ("client_id", "client_name", "consultant_id", "explanation", "run_id")
    row = dict.fromkeys(names, "x") | {"period": period, "action": action, "outcome": "matched"}
    row |= {"break_id": f"cra/{period}", "severity": "info", "cra_ids": ["x"], "holds": ["x"]}
    row["decided_at"] = FIRST
    _insert(warehouse, "recon.cra_matches", row)


def test_a_month_with_something_left_to_bill_is_looked_at(warehouse: Warehouse) -> None:
    """Days that wait for their billing date, or for a person, are no open break."""
    matched(warehouse, "2026-07", "wait for billing date")
    matched(warehouse, "2026-06", "nothing: billed")
    assert looked_at(warehouse) == ["2026-07"]


def test_a_look_at_one_month_is_no_look_at_the_others(warehouse: Warehouse) -> None:
    """What was read in between is still to be looked at."""
    ran(warehouse, "r1", "nightly", FIRST)
    ran(warehouse, "r2", "sync", LATER)
    ran(warehouse, "r3", "reconcile", DAY("2026-11-04T11:00Z"), period="2026-09")
    day = {"cra_id": "c", "line_no": 1, "date": date(2026, 7, 3), "duration": 1}
    _insert(warehouse, "core.cra_days", day | {"type_code": "production", "run_id": "r2"})
    assert looked_at(warehouse) == ["2026-07"]


def test_a_month_that_no_run_has_looked_at_is(warehouse: Warehouse) -> None:
    """Days declared for it lie there since no run fell into the month after it."""
    ran(warehouse, "r1", "nightly", FIRST)
    line = {"declaration_id": "d", "line_no": 1, "line_text": "…", "confidence": 1}
    for period in ("2026-10", "2026-03"):
        row = line | {"client": "A", "period": period, "run_id": "r1", "updated_at": FIRST}
        _insert(warehouse, "core.declaration_lines", row)
    assert looked_at(warehouse) == ["2026-10"]


def test_the_months_of_an_invoice_that_is_gone_are_looked_at(warehouse: Warehouse) -> None:
    """Those of its lines, and those by its issue date."""
    ran(warehouse, "r1", "nightly", FIRST)
    head = {"id": "i", "reference": "RAP-2026-05-X", "client_id": "C", "status": "sent"}
    head |= {"issue_date": date(2026, 9, 3), "total_excl_tax": 0, "deleted_at": LATER}
    _insert(warehouse, "core.client_invoices", head | {"run_id": "r1"})
    line = {"client_invoice_id": "i", "line_no": 1, "description": "Jean · 2026-05 · P1"}
    _insert(warehouse, "core.client_invoice_lines", line | {"total_excl_tax": 0, "run_id": "r1"})
    assert looked_at(warehouse) == ["2026-05", "2026-08", "2026-09"]
