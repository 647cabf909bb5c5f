"""A person's decision on a bill: what it does, what it cannot do, and when it stands no more."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.transforms.supplier_facts import (
    bill,
    bill_line,
    billed,
    codes,
    cra,
    matched,
    order,
    order_line,
    row,
    several,
    statuses,
    supplier,
    vendor,
    worked,
    world,
)
from transforms.overrides import OVERRIDES
from transforms.suppliers.po_matching import BillFacts, BillMatching

ON = datetime(2026, 12, 10, tzinfo=UTC)
DECEMBER = date(2026, 12, 5)


def decided(
    facts: BillFacts, *break_ids: str, decision: str = "approved", **more: Any
) -> BillFacts:
    """The facts once a person has decided on these breaks as they stand."""
    fingerprints = dict(matched(facts).inputs.select("break_id", "fingerprint").iter_rows())
    said = {"amount": None, "decided_by": "Ann", "reason": "agreed", "decided_at": ON} | more
    said["amount"] = None if said["amount"] is None else Decimal(said["amount"])
    rows = [
        {"break_id": name, "decision": decision, "fingerprint": found} | said
        for name in break_ids
        for found in [fingerprints.get(name) or fingerprints[f"{name}/1"]]
    ]
    told = pl.DataFrame(rows, schema=OVERRIDES, orient="row")
    return replace(facts, overrides=pl.concat([facts.overrides, told]))


def figures(found: BillMatching, break_id: str = "bill/B1/1") -> tuple[Any, ...]:
    """Status, accepted amount, holds and action of a row."""
    said = row(found, break_id)
    return said["status"], said["accepted_amount"], said["holds"], said["action"]


@pytest.mark.parametrize("break_id", ["bill/B1/1", "bill/B1"])
def test_an_approved_bill_is_accepted_as_invoiced(break_id: str) -> None:
    """Its hold is gone and it goes the way of one that matched."""
    found = matched(decided(world(**billed(price=500)), break_id))
    assert figures(found) == ("matched", 10000, [], "register and flag for payment")
    assert codes(found) == []
    assert found.decided.select("decision", "decided_by", "stands").rows() == [
        ("approved", "Ann", True)
    ]


def test_an_approval_counts_for_all_lines_of_the_bill() -> None:
    """A bill is paid as a whole, whichever of its lines was decided on."""
    lines = [bill_line(quantity=10), bill_line(line_no=2, quantity=10, price=900)]
    orders = [order_line(line_no=n, estimated_days=10) for n in (1, 2)]
    facts = world(bills=[bill(amount=13500)], bill_lines=lines, purchase_order_lines=orders)
    found = matched(decided(facts, "bill/B1/2"))
    assert statuses(found) == ["matched", "matched"]
    assert found.matches.get_column("accepted_amount").to_list() == [4500, 9000]


def test_an_approval_up_to_an_amount_is_partial() -> None:
    """It is registered, that amount is accepted, and nothing is flagged."""
    found = matched(decided(world(**billed(price=500)), "bill/B1", amount=9000))
    assert figures(found) == (
        "partial",
        9000,
        [],
        "register, pay what a person accepted",
    )


def test_an_amount_goes_to_the_first_lines_first() -> None:
    """Over the lines it adds up to what the person said; a credit beside counts in full."""
    lines = [
        bill_line(quantity=10, price=500),
        bill_line(line_no=2, quantity=-2),
        bill_line(line_no=3, quantity=5, price=500),
    ]
    orders = [order_line(line_no=n, consultant_id=f"C{n}") for n in (1, 2, 3)]
    facts = world(bills=[bill(amount=6600)], bill_lines=lines, purchase_order_lines=orders)
    found = matched(decided(facts, "bill/B1", amount=5000))
    assert found.matches.get_column("accepted_amount").to_list() == [5000, -900, 900]


def test_an_amount_above_the_bill_is_the_bill() -> None:
    """No more than it asks is ever accepted."""
    found = matched(decided(world(**billed(price=500)), "bill/B1", amount=99999))
    assert figures(found)[:2] == ("matched", 10000)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (billed(vendor_name=None) | {"vendors": [vendor(name="Globex")]}, "SUPPLIER_UNKNOWN"),
        (billed() | {"vendors": [vendor(), vendor("V2")]}, "SUPPLIER_UNCONFIRMED"),
        (billed(invoice_number=None), "NUMBER_MISSING"),
        ({"bills": [bill(amount=9001)]}, "LINES_MISSING"),
    ],
)
def test_a_missing_party_or_figure_is_not_overridden(facts: dict[str, Any], code: str) -> None:
    """The hold stays though it was approved."""
    found = matched(decided(world(**facts), "bill/B1"))
    assert (statuses(found), codes(found)) == (["review"], [code])


def test_a_number_is_paid_once_whoever_approves() -> None:
    """A copy under the same number stays held; it goes once its original is rejected."""
    both = several(billed(quantity=5), billed("B2", 4, invoice_number="f b1"))
    copy = decided(world(**both), "bill/B2")
    assert statuses(matched(copy)) == ["matched", "review"]
    assert statuses(matched(decided(copy, "bill/B1", decision="rejected"))) == [
        "review",
        "matched",
    ]


def test_a_bill_that_was_not_checked_is_not_approved() -> None:
    """Nothing is decided on a leg that was not read."""
    facts = decided(world(**billed(price=500)), "bill/B1")
    assert statuses(matched(replace(facts, unread=frozenset({"boond.cras"})))) == ["not_checked"]


def test_a_rejected_bill_is_closed_and_takes_nothing() -> None:
    """Nothing is accepted, held or consumed, and the next bill finds the days open."""
    facts = world(**several(billed(), billed("B2", invoice_date=DECEMBER)))
    found = matched(decided(facts, "bill/B1/1", decision="rejected"))
    assert figures(found) == ("review", 0, [], "closed by a person")
    assert figures(found, "bill/B2/1")[0] == "matched"
    assert found.consumption.get_column("bill_id").unique().to_list() == ["B2"]


def test_a_rejected_paid_bill_is_not_claimed_again() -> None:
    """Who closed it knew that it was paid."""
    facts = world(**billed(status="paid", price=900))
    assert codes(matched(decided(facts, "bill/B1", decision="rejected"))) == []


def test_a_paid_bill_approved_in_part_is_claimed_for_the_rest() -> None:
    """What the person did not accept is money to get back."""
    facts = world(**billed(status="paid", price=500))
    found = matched(decided(facts, "bill/B1", amount=9000))
    assert found.holds.select("code", "amount_at_stake").rows() == [("PAID_UNPROVEN", 1000)]


@pytest.mark.parametrize(
    "change",
    [
        {"bill_lines": [bill_line(price=510)], "bills": [bill(amount=10200)]},
        {"purchase_order_lines": [order_line(daily_rate=440)]},
        {"cra_days": worked(days=19)},
        {"bills": [bill(amount=10000, invoice_number="F-2")]},
    ],
    ids=["the bill", "the order", "the receipts", "the number"],
)
def test_a_decision_for_other_figures_is_stale(change: dict[str, Any]) -> None:
    """The hold returns and says who had decided, and when."""
    before = decided(world(**billed(price=500)), "bill/B1")
    found = matched(replace(world(**billed(price=500) | change), overrides=before.overrides))
    assert "PRICE" in codes(found)
    details = found.holds.filter(pl.col("code") == "PRICE").get_column("detail")
    assert details.to_list() == ["approved by Ann on 2026-12-10 for other figures"]
    assert found.decided.get_column("stands").to_list() == [False]


def test_a_new_hold_is_not_covered_by_an_older_approval() -> None:
    """Who approved a price has not approved days that another bill took since."""
    alone = decided(world(**billed(price=500)), "bill/B1")
    earlier = billed("B0", 5, invoice_date=date(2026, 11, 2))
    found = matched(
        replace(world(**several(billed(price=500), earlier)), overrides=alone.overrides)
    )
    assert row(found)["holds"] == ["PRICE", "QTY_ORDERED", "QTY_RECEIVED"]
    assert row(found)["accepted_amount"] == 0


def test_a_hold_that_went_away_leaves_the_approval() -> None:
    """What was approved in part stays so when the days have become free."""
    earlier = billed("B0", 5, invoice_date=date(2026, 11, 2))
    late = decided(world(**several(earlier, billed())), "bill/B1", amount=6000)
    alone = replace(world(**billed()), overrides=late.overrides)
    assert figures(matched(alone))[:2] == ("partial", 6000)


def test_two_approvals_at_once_both_stand() -> None:
    """The days that the first one takes do not make the second one's figures others."""
    facts = world(
        **several(
            billed(),
            billed("B2", 5, invoice_date=DECEMBER),
            billed("B3", 6, invoice_date=DECEMBER),
        )
    )
    found = matched(decided(decided(facts, "bill/B2"), "bill/B3"))
    assert statuses(found) == ["matched", "matched", "matched"]
    assert found.consumption.get_column("quantity").sum() == 20


def test_an_approval_stands_once_it_is_registered() -> None:
    """Our own registration is no new fact."""
    facts = decided(world(**billed(price=500)), "bill/B1", amount=9000)
    first = matched(facts)
    ours = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}
    held = world(**billed(price=500), supplier_invoices=[ours | {"total_excl_tax": 10000}])
    again = replace(
        held,
        overrides=facts.overrides,
        settled=first.matches,
        consumed=first.consumption,
        waiting=frozenset({"B1"}),
    )
    assert figures(matched(again))[:2] == ("partial", 9000)


def test_what_was_accepted_by_a_person_is_not_paid_again_when_its_days_come() -> None:
    """Days validated after an approval belong to the bill that was approved."""
    first = matched(decided(world(**billed(), cra_days=worked(days=8)), "bill/B1"))
    later = world(
        **several(billed(), billed("B2", 12, invoice_date=DECEMBER)),
        settled=first.matches,
        consumed=first.consumption,
    )
    assert statuses(matched(later)) == ["review"]


def test_the_new_account_of_a_supplier_is_part_of_the_decision() -> None:
    """An approved account that changes once more is held again, and told by its last signs."""
    accepted = pl.DataFrame({"supplier_id": ["S1"], "accepted_iban": ["FR76 0000 1111"]})
    facts = world(**billed(), suppliers=[supplier(iban="FR76 0000 2222")], ibans=accepted)
    (hold,) = matched(facts).holds.to_dicts()
    assert (hold["expected"], hold["actual"]) == (
        "account ending in 1111",
        "account ending in 2222",
    )
    approved = decided(facts, "bill/B1")
    assert codes(matched(approved)) == []
    third = world(**billed(), suppliers=[supplier(iban="FR76 0000 3333")], ibans=accepted)
    assert codes(matched(replace(third, overrides=approved.overrides))) == ["BANK_CHANGED"]


def test_the_last_decision_counts() -> None:
    """Who rejects after approving closes the bill."""
    facts = decided(world(**billed(price=500)), "bill/B1")
    later = decided(facts, "bill/B1/1", decision="rejected", decided_at=ON.replace(day=11))
    assert figures(matched(later))[3] == "closed by a person"


def test_an_order_that_names_nobody_is_accepted_by_a_person() -> None:
    """Without days there is nothing to consume, and the bill is accepted."""
    lines = [order_line(consultant_id=None, consultant=None)]
    facts = world(**billed(), purchase_order_lines=lines, purchase_orders=[order()], cras=[cra()])
    found = matched(decided(facts, "bill/B1"))
    assert figures(found)[:2] == ("matched", 9000)
    assert found.consumption.is_empty()
