"""The three-way match over several looks: what was written keeps its days."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.transforms.supplier_facts import (
    bill,
    bill_line,
    billed,
    codes,
    matched,
    order,
    order_line,
    row,
    several,
    statuses,
    supplier,
    worked,
    world,
)
from transforms.suppliers.po_matching import BillFacts

DECEMBER = date(2026, 12, 5)
LATER = billed("B2", 8, invoice_date=DECEMBER)
OURS = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}


def half_paid(change: dict[str, Any], **more: Any) -> BillFacts:
    """B1 was registered for 8 of its 20 days; then something changed, and B2 asks for 8 days."""
    first = matched(world(**billed(), cra_days=worked(days=8)))
    rows: dict[str, Any] = several(billed(), LATER) | {"cra_days": worked(days=8)} | change
    return world(
        **rows,
        supplier_invoices=[OURS],
        settled=first.matches,
        consumed=first.consumption,
        waiting=frozenset({"B1"}),
        **more,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"purchase_order_lines": [order_line(daily_rate=400)]},
        {"purchase_orders": [order(currency="USD")]},
        several(billed(approval_status="denied"), LATER),
        {
            "suppliers": [supplier(iban="FR76 2")],
            "ibans": pl.DataFrame({"supplier_id": ["S1"], "accepted_iban": ["FR76 1"]}),
        },
    ],
    ids=["a price changed", "another currency", "denied since", "another account"],
)
def test_a_bill_registered_in_part_keeps_its_days_in_review(change: dict[str, Any]) -> None:
    """Its proven days may be paid already, so nobody else gets them while a person decides."""
    found = matched(half_paid(change))
    assert row(found)["status"] == "review"
    assert row(found, "bill/B2/1")["status"] != "matched"
    assert row(found, "bill/B2/1")["accepted_amount"] == 0
    assert found.consumption.get_column("bill_id").unique().to_list() == ["B1"]


def test_a_bill_registered_in_part_that_is_not_checked_keeps_its_days() -> None:
    """A quarantined row of it frees nothing."""
    quarantined = [{"stream": "bill.invoices", "kind": "bill", "id": "B1"}]
    found = matched(half_paid({}, quarantined=quarantined))
    assert statuses(found) == ["not_checked", "pending_receipt"]


def test_a_bill_registered_in_part_that_vanished_keeps_its_days() -> None:
    """BoondManager still has it; cancelled there, its days are free."""
    gone = half_paid(several(billed(status="void"), LATER))
    assert statuses(matched(gone)) == ["pending_receipt"]
    cancelled = pl.col("status").replace("registered", "cancelled")
    free = replace(gone, supplier_invoices=gone.supplier_invoices.with_columns(cancelled))
    assert statuses(matched(free)) == ["matched"]


def test_a_look_as_of_an_earlier_day_frees_nothing() -> None:
    """What is registered in part is dated after the day that is looked at, and keeps its days."""
    facts = half_paid(several(billed(invoice_date=date(2026, 12, 20)), LATER))
    assert dict(matched(facts).matches.select("bill_id", "status").iter_rows()) == {
        "B1": "partial",
        "B2": "pending_receipt",
    }


def test_late_receipts_complete_what_was_registered_in_part() -> None:
    """The first bill gets them before the second, and is flagged in full."""
    found = matched(half_paid({"cra_days": worked(days=20)}))
    assert row(found)["action"] == "register and flag for payment"
    assert row(found, "bill/B2/1")["status"] == "review"


def test_receipts_corrected_downwards_are_owed_by_what_was_paid() -> None:
    """Days that were taken back after they were paid are not there for the next bill."""
    first = matched(world(**billed(quantity=15)))
    later = billed("B2", 5, invoice_date=DECEMBER)
    settled = {"settled": first.matches, "consumed": first.consumption}
    fewer = world(**several(billed(quantity=15), later), **settled, cra_days=worked(days=12))
    found = row(matched(fewer), "bill/B2/1")
    assert (found["received_qty"], found["already_consumed_qty"]) == (12, 15)
    assert (found["status"], found["matchable_qty"]) == ("pending_receipt", 0)


def test_an_amount_changed_after_the_registration_is_held() -> None:
    """What BoondManager has under the number is another sum: a person decides."""
    registered = OURS | {"total_excl_tax": 9000, "currency": "EUR"}
    first = matched(world(**billed(), cra_days=worked(days=8)))
    facts = world(
        **billed(quantity=18),
        supplier_invoices=[registered],
        settled=first.matches,
        consumed=first.consumption,
        waiting=frozenset({"B1"}),
    )
    assert codes(matched(facts)) == ["DUPLICATE"]


def test_a_line_is_its_quantity_times_its_price_even_where_totals_are_off() -> None:
    """One day at 450.00 does not prove 9,000.00, whatever finance leaves unchecked."""
    facts = world(bills=[bill()], bill_lines=[bill_line(quantity=1, amount=9000)])
    assert codes(matched(facts, {"total_amount": "off"})) == ["LINE_TOTAL"]
    other_total = world(bills=[bill(amount=9100)], bill_lines=[bill_line()])
    assert codes(matched(other_total, {"total_amount": "off"})) == []
