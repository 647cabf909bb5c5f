"""Builders of facts for the three-way match: a supplier, its order, its days and its bills.

`world()` is one that matches: Jean Dupont of ACME, 20 days ordered at 450.00, 20 received, and
whatever bills the test adds.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from transforms.policy import Policy
from transforms.suppliers.po_matching import BillFacts, BillMatching, match_bills

_ROOT = Path(__file__).parents[2]
NOVEMBER = date(2026, 11, 1)
AS_OF = date(2026, 12, 15)


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    con = duckdb.connect()
    for migration in ("0001_core.sql", "0002_recon.sql", "0011_lines_and_dates.sql"):
        con.execute((_ROOT / "store/migrations" / migration).read_text())
    names = con.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE schema_name IN ('core', 'recon')"
    ).fetchall()
    return {name: dict(con.sql(f"FROM {name} LIMIT 0").pl().schema) for (name,) in names}


def columns(table: str) -> list[str]:
    """Column names of a table, without what the engine adds."""
    return [c for c in _schemas()[table] if c not in {"run_id", "decided_at"}]


def frame(table: str, rows: Iterable[dict[str, Any]] = ()) -> pl.DataFrame:
    """A typed frame of a table; numbers may be given as int, str or Decimal."""
    schema = _schemas()[table]
    exact = [{k: _exact(v, schema[k]) for k, v in row.items()} for row in rows]
    return pl.DataFrame(exact, schema=schema, orient="row")


def _exact(value: Any, dtype: Any) -> Any:
    return Decimal(str(value)) if isinstance(dtype, pl.Decimal) and value is not None else value


def vendor(id_: str = "V1", name: str = "ACME", **more: Any) -> dict[str, Any]:
    """A Bill.com vendor."""
    return {"id": id_, "name": name, "incomplete_fields": []} | more


def supplier(id_: str = "S1", name: str = "ACME", **more: Any) -> dict[str, Any]:
    """A BoondManager supplier."""
    return {"id": id_, "name": name} | more


def order(id_: str = "PO-2026-001", **more: Any) -> dict[str, Any]:
    """A purchase order of November and December."""
    return {
        "id": f"id-{id_}",
        "reference": id_,
        "supplier_id": "S1",
        "start_date": NOVEMBER,
        "end_date": date(2026, 12, 31),
        "currency": "EUR",
        "status": "approved",
    } | more


def order_line(po: str = "PO-2026-001", line_no: int = 1, **more: Any) -> dict[str, Any]:
    """20 days of Jean Dupont at 450.00."""
    return {
        "purchase_order_id": f"id-{po}",
        "line_no": line_no,
        "consultant": "Jean Dupont",
        "consultant_id": "C1",
        "daily_rate": 450,
        "estimated_days": 20,
    } | more


def consultant(id_: str = "C1", first: str = "Jean", last: str = "Dupont") -> dict[str, Any]:
    """An external consultant."""
    return {"id": id_, "type_resource": "external", "first_name": first, "last_name": last}


def cra(id_: str = "R1", consultant_id: str = "C1", **more: Any) -> dict[str, Any]:
    """A validated CRA of November."""
    return {
        "id": id_,
        "consultant_id": consultant_id,
        "period_start_date": NOVEMBER,
        "period_end_date": date(2026, 11, 30),
        "total_days": 20,
        "status": "validated",
    } | more


def worked(
    cra_id: str = "R1", days: int = 20, start: date = NOVEMBER, duration: str = "1"
) -> list[dict[str, Any]]:
    """Production days in a row."""
    return [
        {
            "cra_id": cra_id,
            "line_no": i + 1,
            "date": start + timedelta(days=i),
            "duration": duration,
            "type_code": "production",
        }
        for i in range(days)
    ]


def bill(id_: str = "B1", **more: Any) -> dict[str, Any]:
    """An approved bill of 30 November over 20 days; its number is `F-` and its id."""
    return {
        "id": id_,
        "invoice_number": f"F-{id_}",
        "vendor_id": "V1",
        "vendor_name": "ACME",
        "invoice_date": date(2026, 11, 30),
        "amount": 9000,
        "currency": "EUR",
        "status": "approved",
        "purchase_order_number": "PO-2026-001",
        "created_time": datetime(2026, 11, 30, tzinfo=UTC),
        "incomplete_fields": [],
    } | more


def bill_line(
    bill_id: str = "B1", quantity: Any = 20, price: Any = 450, line_no: int = 1, **more: Any
) -> dict[str, Any]:
    """A line of a bill; its amount is quantity times price unless told."""
    return {
        "bill_id": bill_id,
        "line_no": line_no,
        "quantity": quantity,
        "unit_price": price,
        "amount": Decimal(str(quantity or 0)) * Decimal(str(price or 0)),
    } | more


def billed(id_: str = "B1", quantity: Any = 20, price: Any = 450, **more: Any) -> dict[str, Any]:
    """A bill of one line, as keywords of `world`: its amount is that of the line."""
    amount = Decimal(str(quantity)) * Decimal(str(price))
    return {
        "bills": [bill(id_, **({"amount": amount} | more))],
        "bill_lines": [bill_line(id_, quantity, price)],
    }


def several(*bills: dict[str, Any]) -> dict[str, Any]:
    """What `billed` says of several bills."""
    return {key: [row for one in bills for row in one[key]] for key in ("bills", "bill_lines")}


def world(**rows: Any) -> BillFacts:
    """Facts in which a bill of 20 days matches; a keyword replaces the rows of one table."""
    defaults: dict[str, list[dict[str, Any]]] = {
        "vendors": [vendor()],
        "suppliers": [supplier()],
        "purchase_orders": [order()],
        "purchase_order_lines": [order_line()],
        "consultants": [consultant()],
        "cras": [cra()],
        "cra_days": worked(),
    }
    core = (
        *("bills", "bill_lines", "vendors", "suppliers", "purchase_orders"),
        *("purchase_order_lines", "consultants", "cras", "cra_days", "supplier_invoices"),
        *("supplier_invoice_lines", "party_links"),
    )
    frames: dict[str, Any] = {
        name: frame(f"core.{name}", rows.pop(name, defaults.get(name, []))) for name in core
    }
    frames["settled"] = rows.pop("settled", frame("recon.po_matches"))
    frames["consumed"] = rows.pop("consumed", frame("recon.receipt_consumption"))
    quarantine = {"stream": pl.String, "kind": pl.String, "id": pl.String}
    frames["quarantined"] = pl.DataFrame(rows.pop("quarantined", []), schema=quarantine)
    plain = {"unread": frozenset()} | rows
    return BillFacts(**frames, **plain)


def matched(
    facts: BillFacts, tolerance: dict[str, Any] | None = None, since: date = NOVEMBER, **match: Any
) -> BillMatching:
    """The match of the facts on 15 December."""
    policy = Policy.model_validate({"tolerance": tolerance or {}, "match": match})
    return match_bills(facts, as_of=AS_OF, since=since, policy=policy, currency="EUR")


def statuses(matching: BillMatching) -> list[str]:
    """Statuses of the rows, by break id."""
    return matching.matches.get_column("status").to_list()


def codes(matching: BillMatching) -> list[str]:
    """Codes of all holds, sorted."""
    return sorted(matching.holds.get_column("code"))


def row(matching: BillMatching, break_id: str = "bill/B1/1") -> dict[str, Any]:
    """One row of the match."""
    return matching.matches.row(by_predicate=pl.col("break_id") == break_id, named=True)
