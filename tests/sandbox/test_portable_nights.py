"""Nights over a portable world: billed and paid like any other, and read alike in every dialect."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox import events
from tests.flows.house import House

pytestmark = pytest.mark.nights

CANONICAL = (
    *("consultants", "clients", "contracts", "contract_rates", "cras", "cra_days", "suppliers"),
    *("client_invoices", "client_invoice_lines", "supplier_invoices", "supplier_invoice_lines"),
    *("purchase_orders", "purchase_order_lines", "vendors", "bills", "bill_lines", "payments"),
)
UNTOLD = {
    "bills": ", vendor_name, incomplete_fields",
    "payments": ", updated_at",
    "supplier_invoice_lines": ", description, quantity, unit_price",
}
"""Where dialects differ: a credit tells no vendor's name, a payment of the gateway no change, and
a live registration no more of its lines than an amount."""


def test_a_night_bills_and_pays_the_truth_of_a_portable_world(tmp_path: Path) -> None:
    """Invoices and payments are those of the truth, and what a CRA validated tonight released."""
    house = House(tmp_path, vendors={"portable": True})
    house.nightly(apply=True)
    world = house.vendors
    made = {i.reference: i.net for i in world.client_invoices.values() if i.status == "draft"}
    assert made == {i.reference: i.total_excl_tax for i in world.expected_invoices}
    waiting = {
        said.cra_id: said.bill_id for said in world.planted if said.code == "PENDING_RECEIPT"
    }
    released = {bill for cra, bill in waiting.items() if world.cras[str(cra)].status == "validated"}
    numbers = {world.bills[str(bill_id)].number for bill_id in released}
    numbers |= {bill.invoice_number for bill in world.expected_paid_bills}
    flagged = {
        i.reference for i in world.supplier_invoices.values() if i.status == "flagged_for_payment"
    }
    assert flagged == numbers
    assert house.rows("SELECT * FROM ops.quarantine") == []


def test_both_pairs_of_dialects_store_the_same_tables(tmp_path: Path) -> None:
    """Night after night a portable world reads alike, whoever tells it."""
    stored = []
    for boond, bill in (("v3", "gateway"), ("live", "live")):
        house = House(tmp_path / boond, vendors={"portable": True}, speaking=(boond, bill))
        house.nightly()
        house.vendors.advance(3)
        events.late_bill(house.vendors, "10003", "2026-10", Decimal(-1))
        events.report_again(house.vendors, "10004", "2026-10", Decimal("3.5"))
        events.next_month(house.vendors)
        house.nightly(as_of=house.vendors.now().date())
        stored.append({table: rows_of(house, table) for table in CANONICAL})
        assert house.rows("SELECT * FROM ops.quarantine") == []
    usual, live = stored
    assert [table for table in CANONICAL if usual[table] != live[table]] == []


def rows_of(house: House, table: str) -> list[tuple[Any, ...]]:
    """A table as the live dialects could tell it, in the order of its rows."""
    left_out = f"run_id{UNTOLD.get(table, '')}"
    return house.rows(f"SELECT * EXCLUDE ({left_out}) FROM core.{table} ORDER BY ALL")
