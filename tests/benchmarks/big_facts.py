"""Large facts for both comparisons, made in SQL: the same rows in every process.

50,000 consultants over 20 months: one CRA of 5 production lines a month, one declared line a month,
and 12,500 purchase orders of 4 people that are invoiced month by month.
"""

from dataclasses import fields
from typing import Any

import duckdb
import polars as pl

from tests.transforms.client_facts import frame, schema
from transforms.clients.cra_matching import CraFacts
from transforms.suppliers.po_facts import BillFacts

PEOPLE = 50_000
MONTHS = 20
PERIODS = [f"{2025 + (at + 2) // 12}-{(at + 2) % 12 + 1:02}" for at in range(MONTHS)]

_CONSULTANTS = f"""
SELECT 'P' || n AS id, 'external' AS type_resource, 'Zoé' AS first_name,
    'Du' || translate(n::VARCHAR, '0123456789', 'abcdefghij') AS last_name
FROM range({PEOPLE}) t(n)
"""
_PEOPLE_MONTHS = f"""
(SELECT n, m, 'P' || n AS who, (n * 7 + m * 13) % 100 AS lot,
    (DATE '2025-03-01' + to_months(m::INTEGER))::DATE AS start
FROM range({PEOPLE}) p(n), range({MONTHS}) t(m))
"""
_CRA_DAYS = f"""
SELECT 'R' || (n * {MONTHS} + m) AS cra_id, (d + 1)::INTEGER AS line_no,
    (start + d::INTEGER)::DATE AS date, 'production' AS type_code,
    CASE WHEN d = 4 THEN 0.5 ELSE 1 END AS duration
FROM {_PEOPLE_MONTHS}, range(5) t(d)
"""
_CLIENT_SIDE = {
    "consultants": _CONSULTANTS,
    "clients": "SELECT 'C' || n AS id, 'CLI-' || n AS reference, 'Société ' || n AS name"
    " FROM range(500) t(n)",
    "contracts": "SELECT 'CT' || n AS id, 'C' || n AS client_id, 'R-' || n AS reference,"
    " DATE '2025-01-01' AS start_date, 'monthly' AS billing_frequency FROM range(500) t(n)",
    "contract_rates": "SELECT 'CT' || n AS contract_id, 1 AS line_no, 'EUR' AS currency,"
    " 400 + n % 200 + 0.35 AS daily_rate FROM range(500) t(n)",
    "cras": f"""
SELECT 'R' || (n * {MONTHS} + m) AS id, who AS consultant_id, 'C' || (n % 500) AS client_id,
    start AS period_start_date, last_day(start) AS period_end_date, 4.5 AS total_days,
    'submitted' AS status, TIMESTAMPTZ '2026-11-01 12:00:00Z' AS updated_at
FROM {_PEOPLE_MONTHS} WHERE lot <> 7""",
    "cra_days": _CRA_DAYS + " WHERE lot <> 7",
    "declarations": f"""
SELECT 'D' || c || '-' || m AS id, 'd' || c || '-' || m || '.csv' AS file_name,
    'csv' AS format, 'read' AS status, TIMESTAMPTZ '2026-11-01 08:00:00Z' AS file_time
FROM range(500) t(c), range({MONTHS + 1}) u(m)""",
    "declaration_lines": f"""
SELECT 'D' || (n % 500) || '-' || m AS declaration_id, (n // 500 + 1)::INTEGER AS line_no,
    'CLI-' || (n % 500) AS client, strftime(start, '%Y-%m') AS period,
    CASE WHEN n % 2 = 0 THEN upper(name) || ' Zoé' ELSE 'Zoe ' || name END AS consultant,
    CASE WHEN lot < 5 THEN 5 WHEN lot > 94 THEN 4 ELSE 4.5 END AS days, 1 AS confidence,
    '…' AS line_text, TIMESTAMPTZ '2026-11-01 08:00:00Z' AS sent_at
FROM (SELECT *, 'Du' || translate(n::VARCHAR, '0123456789', 'abcdefghij') AS name
    FROM {_PEOPLE_MONTHS})
UNION ALL
SELECT 'D' || (n % 500) || '-{MONTHS}', (n // 500 + 1)::INTEGER, 'CLI-' || (n % 500),
    '{PERIODS[-1]}', 'Zoé Du' || translate(n::VARCHAR, '0123456789', 'abcdefghij'), 3.5, 1, '…',
    TIMESTAMPTZ '2026-11-02 08:00:00Z'
FROM range({PEOPLE}) t(n) WHERE n % 500 < 10""",
}
_BILL_LINES = f"""
(SELECT *, 400 + 10 * (n % 4) + (n // 4) % 50 + 0.35 AS price,
    CASE WHEN lot % 50 = 1 THEN 6 ELSE 4.5 END AS asked,
    CASE WHEN lot = 3 THEN 50 ELSE 0 END AS dearer
FROM {_PEOPLE_MONTHS})
"""
_SUPPLIER_SIDE = {
    "consultants": _CONSULTANTS,
    "suppliers": "SELECT 'S' || n AS id, 'Fournisseur ' || n AS name,"
    " 'FR00' || (100000000 + n) AS vat_number FROM range(1000) t(n)",
    "vendors": "SELECT 'V' || n AS id, 'FOURNISSEUR ' || n || ' SARL' AS name,"
    " 'FR00' || (100000000 + n) AS tax_id, []::VARCHAR[] AS incomplete_fields"
    " FROM range(1000) t(n)",
    "purchase_orders": f"""
SELECT 'PO' || n AS id, 'PO-2025-' || lpad(n::VARCHAR, 6, '0') AS reference,
    'S' || (n % 1000) AS supplier_id, DATE '2025-03-01' AS start_date,
    DATE '2026-10-31' AS end_date, 'EUR' AS currency, 'approved' AS status
FROM range({PEOPLE // 4}) t(n)""",
    "purchase_order_lines": f"""
SELECT 'PO' || (n // 4) AS purchase_order_id, (n % 4 + 1)::INTEGER AS line_no,
    'P' || n AS consultant_id, 400 + 10 * (n % 4) + (n // 4) % 50 + 0.35 AS daily_rate,
    200 AS estimated_days
FROM range({PEOPLE}) t(n)""",
    "cras": f"""
SELECT 'R' || (n * {MONTHS} + m) AS id, who AS consultant_id, start AS period_start_date,
    last_day(start) AS period_end_date, 4.5 AS total_days, 'validated' AS status,
    CASE WHEN n % 2 = 1 THEN 'PO' || (n // 4) END AS purchase_order_id
FROM {_PEOPLE_MONTHS}""",
    "cra_days": _CRA_DAYS,
    "bills": f"""
SELECT 'B' || (n // 4) || '-' || m AS id,
    'F-' || (n // 4) || '-' || lpad(m::VARCHAR, 2, '0') AS invoice_number,
    'V' || (n // 4 % 1000) AS vendor_id,
    'FOURNISSEUR ' || (n // 4 % 1000) || ' SARL' AS vendor_name,
    last_day(min(start)) AS invoice_date, sum((asked * (price + dearer))::DECIMAL(18,2)) AS amount,
    'EUR' AS currency, 'approved' AS status, []::VARCHAR[] AS incomplete_fields,
    'po 2025 ' || lpad((n // 4)::VARCHAR, 6, '0') AS purchase_order_number,
    TIMESTAMPTZ '2026-11-01 08:00:00Z' AS created_time
FROM {_BILL_LINES} GROUP BY n // 4, m""",
    "bill_lines": f"""
SELECT 'B' || (n // 4) || '-' || m AS bill_id, (n % 4 + 1)::INTEGER AS line_no,
    'Zoé Du' || translate(n::VARCHAR, '0123456789', 'abcdefghij') || ', prestations' AS description,
    asked AS quantity, price + dearer AS unit_price,
    (asked * (price + dearer))::DECIMAL(18,2) AS amount
FROM {_BILL_LINES}""",
}
_QUARANTINED = pl.DataFrame(schema={"stream": pl.String, "kind": pl.String, "id": pl.String})


def _made(con: duckdb.DuckDBPyConnection, table: str, query: str) -> pl.DataFrame:
    """The rows of a query as the core table has them; what is not told is null."""
    told = con.sql(query).pl()
    columns = schema(f"core.{table}").items()
    filled: pl.DataFrame = told.select(
        (pl.col(name) if name in told.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in columns
    )
    return filled


def _facts(kind: Any, side: dict[str, str], **more: Any) -> Any:
    """Facts of one side: a table that the side does not make is empty."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        made = {table: _made(con, table, query) for table, query in side.items()}
    tables = {
        name: frame(f"core.{name}") for name in _CORE & {field.name for field in fields(kind)}
    }
    return kind(**(tables | made | {"quarantined": _QUARANTINED, "unread": frozenset()} | more))


_CORE = {
    "party_links",
    "person_links",
    "client_invoices",
    "client_invoice_lines",
    "supplier_invoices",
    "supplier_invoice_lines",
}


def client_facts() -> CraFacts:
    """1,000,000 declared lines (and 1,000 corrected ones) beside 990,000 CRAs."""
    ledger = frame("recon.billing_ledger")
    facts: CraFacts = _facts(CraFacts, _CLIENT_SIDE, billed=ledger, in_flight=ledger)
    return facts


def supplier_facts() -> BillFacts:
    """1,000,000 lines of 250,000 bills beside 5,000,000 receipt days."""
    facts: BillFacts = _facts(
        BillFacts,
        _SUPPLIER_SIDE,
        settled=frame("recon.po_matches"),
        consumed=frame("recon.receipt_consumption"),
    )
    return facts
