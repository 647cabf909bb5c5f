"""What explains that a bill is not received, or dearer than ordered: one cause a test."""

from datetime import date
from typing import Any

import pytest

from tests.transforms.supplier_facts import (
    billed,
    cra,
    frame,
    matched,
    order,
    order_line,
    several,
    worked,
    world,
)
from transforms.suppliers.po_matching import BillFacts
from transforms.words.receipt_causes import find_bill_causes

DRAFT = [cra("R2", status="draft")]


def causes(facts: BillFacts) -> list[tuple[Any, ...]]:
    """Cause, names and ids of each line that is explained, by break id."""
    found = matched(facts)
    told = find_bill_causes(found.matches, facts, found.consumption, ["validated"])
    return told.select("cause", "others", "ids").rows()


def test_days_of_a_cra_that_is_not_validated() -> None:
    """The eight days that are missing stand in a draft."""
    days = worked(days=12) + worked("R2", 8, date(2026, 11, 13))
    facts = world(**billed(), cras=[cra(), *DRAFT], cra_days=days)
    assert causes(facts) == [("receipt_not_validated", [], ["R2"])]


def test_absences_make_up_what_is_short() -> None:
    """Eight days of leave are the eight that are missing."""
    leave = [day | {"type_code": "absence"} for day in worked("R1", 8, date(2026, 11, 13))]
    assert causes(world(**billed(), cra_days=worked(days=12) + leave)) == [("absence", [], [])]


def test_days_that_another_bill_has_used() -> None:
    """The order has room for both, the receipts only for one."""
    facts = world(
        **several(billed(), billed("B2", quantity=18)),
        purchase_order_lines=[order_line(estimated_days=40)],
    )
    assert causes(facts) == [("receipt_used", ["F-B1"], ["B1"])]


def test_days_outside_the_dates_of_the_order() -> None:
    """The order begins on the 11th, the days on the first."""
    facts = world(**billed(), purchase_orders=[order(start_date=date(2026, 11, 11))])
    assert causes(facts) == [("outside_order_dates", [], ["R1"])]


def test_no_cra_at_all() -> None:
    """Nobody has entered anything."""
    assert causes(world(**billed(), cras=[], cra_days=[])) == [("receipt_missing", [], [])]


def test_days_that_nothing_explains() -> None:
    """Eight days that no CRA has."""
    assert causes(world(**billed(), cra_days=worked(days=12))) == [("none_found", [], [])]


def test_the_price_of_another_order() -> None:
    """The supplier has an order at the invoiced price."""
    facts = world(
        **billed(price=480),
        purchase_orders=[order(), order("PO-2026-002")],
        purchase_order_lines=[order_line(), order_line("PO-2026-002", daily_rate=480)],
    )
    assert causes(facts)[0] == ("other_order_price", ["PO-2026-002"], ["id-PO-2026-002"])


def test_a_price_that_was_invoiced_before() -> None:
    """A settled bill of the order had it."""
    before = {
        "break_id": "bill/B0/1",
        "bill_id": "B0",
        "bill_line": 1,
        "invoice_number": "F-B0",
        "vendor_id": "V1",
        "supplier_id": "S1",
        "po_id": "id-PO-2026-001",
        "po_line": 1,
        "invoiced_qty": 1,
        "invoiced_price": 480,
        "status": "matched",
        "holds": [],
    }
    facts = world(**billed(quantity=10, price=480), settled=frame("recon.po_matches", [before]))
    assert causes(facts)[0] == ("earlier_bill_price", ["F-B0"], ["B0"])


@pytest.mark.parametrize("facts", [world(), world(**billed())])
def test_what_is_not_held_has_no_cause(facts: BillFacts) -> None:
    """Only days that are short and prices that are too high are explained."""
    assert causes(facts) == []
