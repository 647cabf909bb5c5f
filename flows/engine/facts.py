"""Gathers the facts that a look decides on, as they are stored; nothing here calls a vendor."""

from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from flows.engine.rows import shape_of
from flows.engine.run import Run, month_before
from store import findings, outbox
from store.shapes import texts
from store.warehouse import Warehouse
from transforms import commands
from transforms.clients.cra_matching import CraFacts
from transforms.clients.cra_outcomes import SETTLED
from transforms.suppliers.po_matching import BillFacts

CLIENT_TABLES = (
    "clients",
    "consultants",
    "contracts",
    "contract_rates",
    "cras",
    "cra_days",
    "declarations",
    "declaration_lines",
    "person_links",
    "client_invoices",
    "client_invoice_lines",
)
SUPPLIER_TABLES = (
    "bills",
    "bill_lines",
    "vendors",
    "suppliers",
    "purchase_orders",
    "purchase_order_lines",
    "consultants",
    "cras",
    "cra_days",
    "supplier_invoices",
    "supplier_invoice_lines",
    "party_links",
)
NAMED_BY = {
    "consultant_id": "consultant",
    "client_id": "client",
    "contract_id": "contract",
    "supplier_id": "supplier",
    "vendor_id": "vendor",
    "purchase_order_id": "purchase_order",
    "bill_id": "bill",
}
KIND_OF_TABLE = {
    "consultants": "consultant",
    "clients": "client",
    "contracts": "contract",
    "suppliers": "supplier",
    "vendors": "vendor",
    "purchase_orders": "purchase_order",
    "bills": "bill",
    "cras": "cra",
}
QUARANTINED = {"stream": pl.String, "kind": pl.String, "id": pl.String}


class Gathered:
    """What one look stands on, each table and question of it read once.

    Nothing writes them while a look decides, so it may keep them; the next look reads anew.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._core: dict[str, pl.DataFrame] = {}

    def core(self, name: str) -> pl.DataFrame:
        """A table of `core`."""
        if name not in self._core:
            self._core[name] = self._warehouse.table(f"core.{name}")
        return self._core[name]

    @cached_property
    def overrides(self) -> pl.DataFrame:
        """The last decision of a person on each break."""
        return findings.overrides(self._warehouse)

    @cached_property
    def commands(self) -> pl.DataFrame:
        """The outbox as it stands before this look plans anything."""
        return outbox.commands(self._warehouse)

    @cached_property
    def settled_bills(self) -> dict[str, bool]:
        """Bills registered or flagged, and whether nothing is left to be done for them."""
        return findings.settled_bills(self._warehouse)

    @cached_property
    def quarantined(self) -> pl.DataFrame:
        """The objects that quarantined rows name."""
        return quarantined(self._run)

    @cached_property
    def clients(self) -> CraFacts:
        """All facts of the client side."""
        return gather_clients(self._run, self)

    @property
    def _warehouse(self) -> Warehouse:
        return self._run.warehouse


def gather_clients(run: Run, gathered: Gathered) -> CraFacts:
    """All facts of the client side."""
    core = {name: gathered.core(name) for name in CLIENT_TABLES}
    core["declaration_lines"] = _without_removed(run, core["declaration_lines"])
    return CraFacts(
        **core,
        billed=run.warehouse.table("recon.billing_ledger"),
        in_flight=commands.billed_by(commands.in_flight(gathered.commands)),
        quarantined=gathered.quarantined,
        unread=run.unread(),
        invalidated=findings.invalidated_cras(run.warehouse),
        overrides=gathered.overrides,
    )


def _without_removed(run: Run, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines without the unreadable ones of files that are there no more: nobody can mend them."""
    removed = findings.removed_files(run.warehouse)
    gone = pl.col("declaration_id").is_in(removed.implode()) & pl.col("problem").is_not_null()
    return lines.filter(~gone)


def gather_suppliers(run: Run, gathered: Gathered) -> BillFacts:
    """All facts of the supplier side."""
    core: dict[str, Any] = {name: gathered.core(name) for name in SUPPLIER_TABLES}
    settled = gathered.settled_bills
    return BillFacts(
        **core,
        settled=findings.rows_of_bills(run.warehouse, "recon.po_matches", settled),
        consumed=findings.rows_of_bills(run.warehouse, "recon.receipt_consumption", settled),
        waiting=frozenset(bill for bill, ended in settled.items() if not ended),
        overrides=gathered.overrides,
        ibans=accepted_ibans(run),
        order_currency=run.settings.BOOND_CURRENCY,
        quarantined=gathered.quarantined,
        unread=run.unread(),
    )


def accepted_ibans(run: Run) -> pl.DataFrame:
    """The bank account of each supplier when an invoice of theirs was last accepted."""
    boond = run.doors.get("boond")
    if boond is None:
        return pl.DataFrame(schema={"supplier_id": pl.String, "accepted_iban": pl.String})
    shape = shape_of(boond.streams["suppliers"])
    return findings.suppliers_as_accepted(run.warehouse, shape).select(
        supplier_id="id", accepted_iban="iban"
    )


def quarantined(run: Run) -> pl.DataFrame:
    """The objects that quarantined rows name, so that what they touch is not decided on."""
    named = [pl.DataFrame(schema=QUARANTINED)]
    for source, stream in findings.quarantined_streams(run.warehouse):
        door = run.doors.get(source)
        if door is None:
            continue
        shape = shape_of(door.streams[stream])
        records = texts(
            run.warehouse,
            shape,
            "(SELECT row_number() OVER () AS seq, id, payload FROM ops.quarantine"
            f" WHERE resolved_at IS NULL AND source = '{source}' AND stream = '{stream}')",
        ).records
        own = {"id": KIND_OF_TABLE.get(shape.table, "")}
        for column, kind in (NAMED_BY | own).items():
            if column in records.columns and kind:
                named.append(
                    records.select(
                        pl.lit(f"{source}.{stream}").alias("stream"),
                        pl.lit(kind).alias("kind"),
                        pl.col(column).alias("id"),
                    ).drop_nulls()
                )
    return pl.concat(named).unique().sort("stream", "kind", "id")


def periods_of(run: Run) -> list[str]:
    """Months to look at: the one asked for, or the month before and what moved earlier."""
    asked = run.parameters.get("period")
    if asked:
        return [asked]
    latest = month_before(run.as_of)
    moved = findings.months_to_look_at(run.warehouse, SETTLED, run.as_of)
    return sorted({latest, *(period for period in moved if period < latest)})


def bills_since(run: Run) -> date:
    """The first day whose bills are looked at: as shipped, of the month before the first run."""
    said = run.policy.match.since
    if isinstance(said, date):
        return said
    first = findings.first_as_of(run.warehouse) or run.as_of
    return date.fromisoformat(f"{month_before(first)}-01")
