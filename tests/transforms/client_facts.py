"""Builders of typed frames for the client side; each takes only what a test is about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from transforms.clients.billing import Billing, propose_invoices
from transforms.clients.cra_matching import INVALIDATED, CraFacts, CraMatching, match_cras
from transforms.overrides import OVERRIDES, nobody_decided
from transforms.policy import Policy

OCTOBER = "2026-10"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"

Row = dict[str, Any]


@cache
def _schemas() -> dict[str, pl.Schema]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone='UTC'")
        for name in ("0001_core", "0002_recon", "0005_mails", "0011_lines_and_dates"):
            con.execute((MIGRATIONS / f"{name}.sql").read_text())
        tables = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()")
        names = [name for (name,) in tables.fetchall()]
        return {name: con.sql(f"SELECT * FROM {name} LIMIT 0").pl().schema for name in names}


def schema(table: str) -> pl.Schema:
    """Columns and polars types of a table of the warehouse."""
    return _schemas()[table]


def frame(table: str, rows: Sequence[Row] = ()) -> pl.DataFrame:
    """Rows as that table has them; what is not told is null."""
    return pl.DataFrame(list(rows), schema=dict(schema(table)), orient="row")


def client(id: str = "C1", name: str = "Acme", **more: Any) -> Row:  # noqa: A002
    """A client, C1 Acme unless told."""
    return {"id": id, "name": name, "reference": f"REF-{id}"} | more


def person(id: str = "P1", name: str = "Jean Dupont", **more: Any) -> Row:  # noqa: A002
    """A consultant, P1 Jean Dupont unless told."""
    first, last = name.split(" ", 1)
    return {"id": id, "first_name": first, "last_name": last, "type_resource": "employee"} | more


def contract(id: str = "CT1", client: str = "C1", **more: Any) -> Row:  # noqa: A002
    """A monthly contract of client C1 from January 2026 on."""
    dates = {"start_date": date(2026, 1, 1), "billing_frequency": "monthly"}
    return {"id": id, "client_id": client, "reference": f"R-{id}"} | dates | more


def rate(price: str = "500", contract: str = "CT1", **more: Any) -> Row:
    """A rate of contract CT1 that names nobody."""
    return {"contract_id": contract, "daily_rate": Decimal(price), "currency": "EUR"} | more


def line(days: str | None, who: str = "Jean Dupont", client: str = "Acme", **more: Any) -> Row:
    """A declared line; `file` names its declaration, `sent` the day of November it was sent on."""
    return {"days": days and Decimal(days), "consultant": who, "client": client} | more


def cra(days: str, who: str = "P1", client: str | None = "C1", **more: Any) -> Row:
    """A CRA with production days from its start on; `absent` adds that many days of absence."""
    return {"days": Decimal(days), "consultant_id": who, "client_id": client} | more


def report(who: str = "P1", **on: str) -> Row:
    """A CRA whose lines name contracts (`_`: none), with so many days on each."""
    days = sum(map(Decimal, on.values()), Decimal(0))
    return cra(str(days), who, None, on=[(name.strip("_") or None, on[name]) for name in on])


def invoice(id: str, reference: str, *lines: Row, **more: Any) -> Row:  # noqa: A002
    """An invoice of the vendor on contract CT1, sent on 2 November."""
    return {"id": id, "reference": reference, "lines": lines, "client_id": "C1"} | more


def invoice_line(text: str, days: str | None = None, amount: str = "0") -> Row:
    """A line of such an invoice."""
    quantity = days and Decimal(days)
    return {"description": text, "quantity": quantity, "total_excl_tax": Decimal(amount)}


def billed(days: str, amount: str, reference: str = "RAP-2026-10-R-CT1", **more: Any) -> Row:
    """A row of the billing ledger for Jean Dupont in October."""
    keys = {"contract_id": "CT1", "consultant_id": "P1", "period": OCTOBER, "currency": "EUR"}
    figures = {"days": Decimal(days), "amount": Decimal(amount), "billed_at": NOON}
    return keys | figures | {"reference": reference} | more


def _declarations(lines: Sequence[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    files: dict[str, Row] = {}
    rows = []
    for number, told in enumerate(lines, start=1):
        row = {"period": OCTOBER, "confidence": Decimal(1), "line_text": "…", "line_no": number}
        row |= told
        file, sent = row.pop("file", "a.csv"), row.pop("sent", 1)
        at = datetime(2026, 11, sent, tzinfo=UTC)
        files[file] = {"id": f"sha-{file}", "file_name": file, "file_time": at, "status": "read"}
        rows.append(row | {"declaration_id": f"sha-{file}"})
    return frame("core.declarations", list(files.values())), frame("core.declaration_lines", rows)


def _spent(cra_id: str, start: date, row: Row) -> list[Row]:
    """One production line a started day, the last one holding the rest, then the absences."""
    whole, spent = row.pop("days"), []
    for contract_id, given in row.pop("on", [(None, whole)]):
        days = Decimal(given)
        while days > 0:
            spent.append(("production", min(days, Decimal(1)), contract_id))
            days -= 1
    spent += [("absence", Decimal(1), None)] * row.pop("absent", 0)
    return [
        {
            "cra_id": cra_id,
            "line_no": number + 1,
            "date": start + timedelta(days=number),
            "type_code": kind,
            "duration": duration,
            "contract_id": contract_id,
        }
        for number, (kind, duration, contract_id) in enumerate(spent)
    ]


def _cras(told: Sequence[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows, days = [], []
    for number, given in enumerate(told, start=1):
        row = {"id": f"cra{number}", "status": "submitted", "updated_at": NOON} | given
        start = row.setdefault("period_start_date", date(2026, 10, 1))
        row.setdefault("period_end_date", date(2026, 10, 31))
        row.setdefault("total_days", row["days"])
        days += _spent(row["id"], start, row)
        rows.append(row)
    return frame("core.cras", rows), frame("core.cra_days", days)


def _invoices(told: Sequence[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    heads, lines = [], []
    for given in told:
        row = {"contract_id": "CT1", "issue_date": date(2026, 11, 2), "status": "sent"} | given
        own = [
            {"client_invoice_id": row["id"], "line_no": number} | told_line
            for number, told_line in enumerate(row.pop("lines"), start=1)
        ]
        row.setdefault("total_excl_tax", sum((each["total_excl_tax"] for each in own), Decimal(0)))
        heads.append(row)
        lines += own
    return frame("core.client_invoices", heads), frame("core.client_invoice_lines", lines)


def facts(
    lines: Sequence[Row] = (),
    cras: Sequence[Row] = (),
    invoices: Sequence[Row] = (),
    **told: Any,
) -> CraFacts:
    """The facts of a small firm: client Acme (C1), Jean Dupont (P1), contract CT1 at 500 EUR."""
    declarations, declaration_lines = _declarations(lines)
    reports, days = _cras(cras)
    heads, invoice_lines = _invoices(invoices)
    tables = {
        "clients": frame("core.clients", told.get("clients", [client()])),
        "consultants": frame("core.consultants", told.get("people", [person()])),
        "contracts": frame("core.contracts", told.get("contracts", [contract()])),
        "contract_rates": frame(
            "core.contract_rates",
            [{"line_no": at} | row for at, row in enumerate(told.get("rates", [rate()]), start=1)],
        ),
        "person_links": frame("core.person_links", told.get("links", ())),
        "billed": frame("recon.billing_ledger", told.get("billed", ())),
        "in_flight": frame("recon.billing_ledger", told.get("in_flight", ())),
        "invalidated": pl.DataFrame(
            told.get("invalidated", []),
            schema=INVALIDATED,
            orient="row",
        ),
        "quarantined": pl.DataFrame(
            told.get("quarantined", []),
            schema={"stream": pl.String, "kind": pl.String, "id": pl.String},
            orient="row",
        ),
    }
    return CraFacts(
        declarations=declarations,
        declaration_lines=declaration_lines,
        cras=reports,
        cra_days=days,
        client_invoices=heads,
        client_invoice_lines=invoice_lines,
        overrides=told.get("overrides", nobody_decided()),
        unread=frozenset(told.get("unread", ())),
        **tables,
    )


def policy(**billing: Any) -> Policy:
    """The policy as shipped, but for these keys of `[billing]`."""
    return Policy.model_validate({"billing": billing})


def matched(given: CraFacts, *periods: str, policy: Policy | None = None) -> CraMatching:
    """What the comparison says of October, or of these months."""
    return match_cras(given, periods=periods or (OCTOBER,), policy=policy or Policy())


def proposed(
    given: CraFacts, *periods: str, policy: Policy | None = None, as_of: date = date(2026, 11, 2)
) -> Billing:
    """What billing proposes for October, or for these months, on 2 November."""
    rules = policy or Policy()
    return propose_invoices(
        given,
        matched(given, *periods, policy=rules),
        periods=periods or (OCTOBER,),
        policy=rules,
        as_of=as_of,
        tax_rate=Decimal("0.20"),
        currency="EUR",
    )


def word(found: Billing, decision: str = "approved", *breaks: str) -> pl.DataFrame:
    """What Anne said on 3 November of every break of a look, or of these."""
    on = pl.col("break_id").is_in(breaks) if breaks else pl.lit(value=True)
    return found.inputs.filter(on).select(
        "break_id",
        decision=pl.lit(decision),
        amount=pl.lit(None, OVERRIDES["amount"]),
        fingerprint="fingerprint",
        decided_by=pl.lit("Anne"),
        reason=pl.lit("agreed by phone"),
        decided_at=pl.lit(datetime(2026, 11, 3, tzinfo=UTC), OVERRIDES["decided_at"]),
    )


def only(rows: pl.DataFrame, *columns: str) -> Any:
    """The values of the one row there is; one value alone when one column is asked for."""
    row = rows.select(columns).rows()
    assert len(row) == 1, rows
    return row[0] if len(columns) > 1 else row[0][0]
