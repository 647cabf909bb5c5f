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
from transforms.words.evidence import CAUSES
from transforms.words.explanations import explained_bills

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


def credited(days: int, **more: Any) -> BillFacts:
    """B1 was registered for 8 of its 20 days; then C1 credits some, and B2 asks for 8 days."""
    credit = billed("C1", -days, invoice_date=date(2026, 12, 3))
    return half_paid(several(billed(), credit, LATER) | more)


def test_a_credit_note_first_uses_up_what_is_not_proven() -> None:
    """The credit that we asked for ends the hold, and opens no day for another bill."""
    found = matched(credited(12))
    assert statuses(found) == ["matched", "pending_receipt", "matched"]
    assert found.matches.get_column("accepted_amount").to_list() == [9000, 0, -5400]
    assert row(found)["action"] == "register; a person pays what the credit notes leave"
    assert "bill/B1/1" not in found.holds.get_column("break_id").to_list()
    days = found.consumption.group_by("bill_id").agg(pl.col("quantity").sum())
    assert dict(days.iter_rows()) == {"B1": 8}
    [said] = explained_bills(found, pl.DataFrame(schema=CAUSES), "en").filter(
        pl.col("break_id") == "bill/B1/1"
    )["explanation"]
    assert said.startswith("8 d of 20 d invoiced are received; credit notes cover the rest")


@pytest.mark.parametrize(("days", "waits"), [(5, 7), (12, 0), (15, 0)])
def test_what_waits_shrinks_by_what_is_credited(days: int, waits: int) -> None:
    """Invoiced less accepted is what neither days nor credit notes cover."""
    found = row(matched(credited(days)))
    assert found["invoiced_amount"] - found["accepted_amount"] == waits * 450


def test_a_credit_beyond_what_is_not_proven_frees_days() -> None:
    """15 days credited, 12 of them unproven: three days are free for the next bill."""
    later = row(matched(credited(15)), "bill/B2/1")
    assert (later["status"], later["matchable_qty"]) == ("partial", 3)


def test_a_registered_credit_note_goes_on_counting() -> None:
    """The next look says the same, though the credit note is settled now."""
    first = matched(credited(5))
    facts = half_paid(several(billed(), billed("C1", -5), LATER))
    written = first.matches.filter(pl.col("bill_id") == "C1")
    taken = first.consumption.filter(pl.col("bill_id") == "C1")
    later = replace(
        facts,
        settled=pl.concat([facts.settled, written], how="vertical_relaxed"),
        consumed=pl.concat([facts.consumed, taken], how="diagonal"),
    )
    again = matched(later).matches
    assert again.equals(first.matches.filter(pl.col("bill_id") != "C1"))


def test_a_credit_note_lessens_what_is_to_be_claimed_back() -> None:
    """A paid bill of 20 days, 8 of them proven: a credit of 10 leaves 2 days to claim."""
    credit = billed("C1", -10, invoice_date=date(2026, 12, 3))
    paid = world(**several(billed(status="paid"), credit), cra_days=worked(days=8))
    claimed = matched(paid).holds.filter(pl.col("code") == "PAID_UNPROVEN")
    assert claimed.get_column("amount_at_stake").to_list() == [900]
    whole = world(
        **several(billed(status="paid"), credit | billed("C1", -12)), cra_days=worked(days=8)
    )
    assert statuses(matched(whole)) == ["matched", "matched"]


def test_days_that_come_after_a_credit_note_flag_the_bill() -> None:
    """Proven by its own days it goes out, and what was credited is free for the next bill."""
    found = matched(credited(12, cra_days=worked(days=20)))
    assert row(found)["action"] == "register and flag for payment"
    assert row(found, "bill/B2/1")["status"] == "matched"


def test_a_paid_credit_note_that_is_held_frees_nothing() -> None:
    """It is not registered while a person decides, so the days that it credits stay taken."""
    held = billed("C1", -8, price=500, status="paid", invoice_date=date(2026, 12, 3))
    found = matched(half_paid(several(billed(quantity=8), held, LATER)))
    assert statuses(found) == ["matched", "pending_receipt", "review"]


def settled(quantity: int, days: int, **more: Any) -> BillFacts:
    """B1 was flagged for some days of 20 received; now there are others."""
    first = matched(world(**billed(quantity=quantity)))
    rows = billed(quantity=quantity) | {"cra_days": worked(days=days)} | more
    return world(**rows, settled=first.matches, consumed=first.consumption)


def test_receipts_below_what_was_settled_are_told_by_order_line() -> None:
    """15 days paid, 12 left of 20: three are to be claimed, and none while the days suffice."""
    [told] = matched(settled(15, 12)).reduced.to_dicts()
    assert (told["was"], told["now"], told["unproven"], told["po_price"]) == (20, 12, 3, 450)
    assert matched(settled(15, 15)).reduced.is_empty()


def test_a_credit_note_ends_what_is_to_be_claimed() -> None:
    """The supplier credits the three days that were taken back."""
    first = matched(world(**several(billed(quantity=15), billed("C1", -3))))
    less = settled(15, 12)
    both = replace(less, settled=first.matches, consumed=first.consumption)
    assert matched(both).reduced.is_empty()
