"""Holds, statuses and their precedence in the three-way match."""

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
    columns,
    consultant,
    cra,
    frame,
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

DECEMBER = date(2026, 12, 5)


def _linked_by_person() -> dict[str, Any]:
    return {
        "vendor_id": "V1",
        "supplier_id": "S1",
        "method": "person",
        "decided_by": "Ann",
        "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
    }


def test_what_three_legs_prove_is_matched() -> None:
    """A bill of the days ordered and received is accepted in full and paid."""
    found = row(matched(world(**billed())))
    assert (found["status"], found["accepted_amount"], found["holds"]) == ("matched", 9000, [])
    assert found["action"] == "register and flag for payment"


def test_the_results_have_the_columns_of_their_tables() -> None:
    """Frames go into the tables as they are, with rows and without."""
    for facts in (world(), world(**billed(quantity=30))):
        found = matched(facts)
        assert found.matches.columns == columns("recon.po_matches")
        assert found.holds.columns == columns("recon.holds")
        assert found.consumption.columns == columns("recon.receipt_consumption")
        assert found.matches.schema.items() <= frame("recon.po_matches").schema.items()
        assert found.holds.schema.items() <= frame("recon.holds").schema.items()
        assert found.consumption.schema.items() <= frame("recon.receipt_consumption").schema.items()


def test_half_the_receipts_prove_half() -> None:
    """Where receipts alone are short, what they prove may be paid and the rest waits."""
    found = matched(world(**billed(), cra_days=worked(days=8)))
    assert (statuses(found), codes(found)) == (["partial"], ["QTY_RECEIVED"])
    assert row(found)["accepted_amount"] == 3600
    assert found.holds.row(0, named=True)["amount_at_stake"] == 5400


def test_no_receipt_waits() -> None:
    """Where nothing is received, nothing is paid and the next run looks again."""
    found = matched(world(**billed(), cras=[], cra_days=[]))
    assert (statuses(found), row(found)["accepted_amount"]) == (["pending_receipt"], 0)
    assert row(found)["received_qty"] == 0


def test_receipts_of_submitted_cras_are_a_choice() -> None:
    """A submitted CRA is a receipt only where the policy says so."""
    facts = world(**billed(), cras=[cra(status="submitted")])
    assert statuses(matched(facts)) == ["pending_receipt"]
    both = ["validated", "submitted"]
    assert statuses(matched(facts, receipts_from=both)) == ["matched"]


HELD: dict[str, tuple[dict[str, Any], str]] = {
    "price": (billed(price=455), "PRICE"),
    "free order line": (
        billed(price=1) | {"purchase_order_lines": [order_line(daily_rate=0)]},
        "PRICE",
    ),
    "no number and nothing fits": (
        billed(price=451, purchase_order_number=None, vendor_name=None),
        "PO_MISSING",
    ),
    "unknown number": (billed(purchase_order_number="PO-2026-999"), "PO_MISSING"),
    "unknown number in the text": (
        billed(purchase_order_number=None, description="Order PO-2026-999"),
        "PO_MISSING",
    ),
    "two numbers in the text": (
        billed(purchase_order_number=None, description="PO-2026-001, PO-2026-002")
        | {"purchase_orders": [order(), order("PO-2026-002")]},
        "PO_AMBIGUOUS",
    ),
    "two orders fit": (
        billed(purchase_order_number=None)
        | {
            "purchase_orders": [order(), order("PO-2026-002")],
            "purchase_order_lines": [order_line(), order_line("PO-2026-002")],
        },
        "PO_AMBIGUOUS",
    ),
    "order without lines": (billed() | {"purchase_order_lines": []}, "LINE_UNMATCHED"),
    "line total": (
        {"bills": [bill()], "bill_lines": [bill_line(amount=9000, price=449)]},
        "LINE_TOTAL",
    ),
    "total": ({"bills": [bill(amount=9100)], "bill_lines": [bill_line()]}, "TOTAL"),
    "currency": (billed(currency="USD"), "CURRENCY"),
    "before the order": (billed(invoice_date=date(2026, 10, 31)), "DATE"),
    "draft order": (billed() | {"purchase_orders": [order(status="draft")]}, "PO_STATUS"),
    "cancelled order": (billed() | {"purchase_orders": [order(status="cancelled")]}, "PO_STATUS"),
    "unknown supplier": (
        billed(vendor_name=None) | {"vendors": [vendor(name="Globex")]},
        "SUPPLIER_UNKNOWN",
    ),
    "two vendors": (billed() | {"vendors": [vendor(), vendor("V2")]}, "SUPPLIER_UNCONFIRMED"),
    "unlike vendor name": (billed(vendor_name="Globex"), "SUPPLIER_MISMATCH"),
    "numbers differ": (
        billed()
        | {
            "vendors": [vendor(tax_id="123456789")],
            "suppliers": [supplier(registration_number="999999999")],
        },
        "SUPPLIER_MISMATCH",
    ),
    "order of another supplier": (
        billed() | {"purchase_orders": [order(supplier_id="S2")]},
        "SUPPLIER_MISMATCH",
    ),
    "order names nobody": (
        billed() | {"purchase_order_lines": [order_line(consultant_id=None, consultant=None)]},
        "RECEIPT_UNKNOWN",
    ),
    "order names a stranger": (
        billed() | {"purchase_order_lines": [order_line(consultant_id=None, consultant="Max Moe")]},
        "RECEIPT_UNKNOWN",
    ),
    "denied": (billed(approval_status="Denied"), "NOT_APPROVED"),
    "bank account": (
        billed()
        | {
            "suppliers": [supplier(iban="FR76 1")],
            "ibans": pl.DataFrame({"supplier_id": ["S1"], "accepted_iban": ["FR762"]}),
        },
        "BANK_CHANGED",
    ),
}


@pytest.mark.parametrize(("facts", "code"), HELD.values(), ids=HELD.keys())
def test_one_thing_wrong_is_one_hold(facts: dict[str, Any], code: str) -> None:
    """The bill goes to a person with that hold alone, and nothing of it is accepted."""
    since = date(2026, 10, 1)
    found = matched(world(**facts), since=since)
    assert (codes(found), statuses(found)) == ([code], ["review"])
    assert row(found)["accepted_amount"] == 0
    assert found.consumption.is_empty()
    assert found.holds.row(0, named=True)["amount_at_stake"] is not None


def test_a_bill_of_the_first_day_of_its_order_is_in_time() -> None:
    """Only a date before it is held."""
    assert "DATE" not in codes(matched(world(**billed(invoice_date=date(2026, 11, 1)))))


@pytest.mark.parametrize(("amount", "found"), [("9000.01", []), ("9000.02", ["TOTAL"])])
def test_a_total_at_the_limit_passes(amount: str, found: list[str]) -> None:
    """One cent a line is let pass; what is beyond it is held."""
    assert codes(matched(world(**billed(amount=amount)))) == found


def test_two_suppliers_may_use_one_number() -> None:
    """A number is its supplier's own."""
    theirs = billed("B2", 10, invoice_number="F-B1", vendor_id="V2", vendor_name="Globex")
    both = {"vendors": [vendor(), vendor("V2", "Globex")]}
    both |= {"suppliers": [supplier(), supplier("S2", "Globex")]}
    assert "DUPLICATE" not in codes(matched(world(**several(billed(quantity=10), theirs), **both)))


def test_errors_are_told_from_warnings() -> None:
    """What smells of fraud is an error, a price is a warning."""
    found = matched(world(**billed(price=500, vendor_name="Globex")))
    severities = dict(found.holds.select("code", "severity").iter_rows())
    assert severities == {
        "PRICE": "warning",
        "SUPPLIER_MISMATCH": "error",
    }


def test_all_holds_are_reported() -> None:
    """A bill with four faults says four."""
    facts = world(**billed(quantity=30, price=500, currency="USD"))
    assert codes(matched(facts)) == ["CURRENCY", "PRICE", "QTY_ORDERED", "QTY_RECEIVED"]


@pytest.mark.parametrize(("price", "status"), [("454.50", "matched"), ("454.51", "review")])
def test_a_price_at_the_limit_passes(price: str, status: str) -> None:
    """One percent above the order is accepted, a cent more is not; the invoice's price is paid."""
    found = matched(world(**billed(price=price)))
    assert statuses(found) == [status]


def test_a_lower_price_is_no_hold() -> None:
    """Cheaper than ordered is accepted at what is invoiced."""
    assert row(matched(world(**billed(price=400))))["accepted_amount"] == 8000


def test_either_limit_of_a_price_holds() -> None:
    """An amount limit of 1 holds what one percent would let pass."""
    assert codes(matched(world(**billed(price=452)), {"price_amount": 1})) == ["PRICE"]
    assert codes(matched(world(**billed(price=452)), {"price_amount": 2})) == []


def test_off_is_not_checked_and_said() -> None:
    """With the price off any price passes, and the row says that it was not checked."""
    found = matched(world(**billed(price=900)), {"price_percent": "off"})
    assert statuses(found) == ["matched"]
    assert found.remarks.get_column("off").to_list() == [["price"]]


def test_tolerances_go_from_default_to_supplier_to_order() -> None:
    """Key by key, the order's limit wins over the supplier's, and that over the default."""
    facts = world(**billed(price=500))
    by_supplier = {"price_percent": 0, "supplier": {"S1": {"price_percent": 20}}}
    by_order = by_supplier | {"po": {"PO-2026-001": {"price_percent": 5}}}
    by_other_key = by_supplier | {"po": {"id-PO-2026-001": {"quantity_days": 5}}}
    found = [codes(matched(facts, t)) for t in (by_supplier, by_order, by_other_key)]
    assert found == [[], ["PRICE"], []]


def test_a_decision_keeps_its_tolerances() -> None:
    """The limits of each row are told as they were applied."""
    found = matched(world(**billed()), {"quantity_days": "off"}).tolerances
    assert found.row(0, named=True)["policy"].startswith('{"price_percent": "1"')
    assert '"quantity_days": "off"' in found.row(0, named=True)["policy"]


def test_a_quantity_tolerance_counts_once_an_order_line() -> None:
    """One day over passes once; the next bill finds nothing left of the tolerance."""
    facts = world(**several(billed(quantity=21), billed("B2", 1)))
    assert statuses(matched(facts, {"quantity_days": 1})) == ["matched", "review"]


def test_a_bill_in_review_leaves_its_days_to_the_next() -> None:
    """What is held takes nothing."""
    facts = world(**several(billed(price=900), billed("B2")))
    assert statuses(matched(facts)) == ["review", "matched"]


def test_the_worst_line_is_the_bill() -> None:
    """Each row says the worst status; the holds are the line's own and nothing is accepted."""
    lines = [bill_line(quantity=10), bill_line(line_no=2, quantity=10, price=900)]
    orders = [order_line(line_no=n, estimated_days=10) for n in (1, 2)]
    found = matched(
        world(bills=[bill(amount=13500)], bill_lines=lines, purchase_order_lines=orders)
    )
    assert statuses(found) == ["review", "review"]
    assert [list(h) for h in found.matches.get_column("holds")] == [[], ["PRICE"]]
    assert found.matches.get_column("accepted_amount").sum() == 0


def test_a_line_short_of_receipts_makes_the_bill_partial() -> None:
    """The matched line is accepted as invoiced, the short one as proven."""
    lines = [bill_line(quantity=10), bill_line(line_no=2, quantity=10, price=500)]
    orders = [order_line(), order_line(line_no=2, consultant_id="C2", daily_rate=500)]
    found = matched(
        world(
            bills=[bill(amount=9500)],
            bill_lines=lines,
            purchase_order_lines=orders,
            cras=[cra(), cra("R2", "C2")],
            cra_days=worked() + worked("R2", 4),
        )
    )
    assert statuses(found) == ["partial", "partial"]
    assert found.matches.get_column("accepted_amount").to_list() == [4500, 2000]


def test_bills_are_taken_by_date_then_creation_then_id() -> None:
    """The earlier invoice gets the days, however the rows come."""
    late = billed("A", invoice_date=DECEMBER)
    found = matched(world(**several(late, billed("B"))))
    assert dict(found.matches.select("bill_id", "status").iter_rows()) == {
        "A": "review",
        "B": "matched",
    }


def test_drafts_and_future_bills_are_left_out() -> None:
    """A draft, a cancelled bill and one of tomorrow have no row."""
    facts = world(
        **several(
            billed("B1", status="draft"),
            billed("B2", status="Void"),
            billed("B3", invoice_date=date(2026, 12, 16)),
        ),
    )
    assert statuses(matched(facts)) == []


def test_bills_before_the_first_date_consume_and_are_not_shown() -> None:
    """An older bill takes its days without a row or a hold."""
    old = billed("A", invoice_date=date(2026, 11, 10))
    found = matched(world(**several(old, billed("B"))), since=date(2026, 11, 20))
    assert (statuses(found), codes(found)) == (["review"], ["QTY_ORDERED", "QTY_RECEIVED"])


def test_a_paid_bill_that_matches_is_registered_only() -> None:
    """It is matched, and its action flags nothing."""
    found = row(matched(world(**billed(status="paid"))))
    assert (found["status"], found["action"]) == ("matched", "register, it is paid already")


def test_a_paid_bill_that_is_not_proven_is_claimed() -> None:
    """The euros to claim are those that order and receipts do not prove."""
    found = matched(world(**billed(status="paid"), cra_days=worked(days=8)))
    assert statuses(found) == ["review"]
    claim = found.holds.row(by_predicate=pl.col("code") == "PAID_UNPROVEN", named=True)
    assert (claim["amount_at_stake"], claim["severity"]) == (5400, "error")


def test_a_paid_bill_of_a_stranger_is_claimed_whole() -> None:
    """Days prove nothing for a vendor that is not the supplier."""
    found = matched(world(**billed(status="paid", vendor_name="Globex")))
    claim = found.holds.row(by_predicate=pl.col("code") == "PAID_UNPROVEN", named=True)
    assert claim["amount_at_stake"] == 9000


def test_a_credit_note_frees_what_it_credits() -> None:
    """It is registered with its own negative amount, and the next bill finds the days open."""
    credit = billed("B2", -5, invoice_date=date(2026, 12, 1))
    again = billed("B3", 5, invoice_date=date(2026, 12, 2))
    found = matched(world(**several(billed(), credit, again)))
    assert statuses(found) == ["matched", "matched", "matched"]
    noted = row(found, "bill/B2/1")
    assert (noted["accepted_amount"], noted["action"]) == (-2250, "register the credit note")
    assert found.consumption.get_column("quantity").sum() == 20


def test_the_same_number_is_a_duplicate_whatever_the_date() -> None:
    """The first is judged normally, the second held; case and punctuation tell nothing apart."""
    facts = world(
        **several(
            billed(quantity=5, invoice_number="F-1"),
            billed("B2", 4, invoice_number="f1", invoice_date=DECEMBER),
        )
    )
    found = matched(facts)
    assert (statuses(found), codes(found)) == (["matched", "review"], ["DUPLICATE"])


def test_the_same_amount_and_date_is_a_duplicate() -> None:
    """Another number does not make another invoice."""
    found = matched(world(**several(billed(quantity=5), billed("B2", 5))))
    assert (statuses(found), codes(found)) == (["matched", "review"], ["DUPLICATE"])


def test_two_partial_invoices_are_no_duplicates() -> None:
    """The same amount on another date is another invoice."""
    found = matched(world(**several(billed(quantity=5), billed("B2", 5, invoice_date=DECEMBER))))
    assert statuses(found) == ["matched", "matched"]


@pytest.mark.parametrize(("ordered", "code"), [(20, []), (1, ["DUPLICATE", "QTY_ORDERED"])])
def test_an_order_of_its_own_with_room_is_no_duplicate(ordered: int, code: list[str]) -> None:
    """Like invoices that each name an order are two, as long as the order has room."""
    facts = world(
        **several(billed(quantity=5), billed("B2", 5, purchase_order_number="PO-2026-002")),
        purchase_orders=[order(), order("PO-2026-002")],
        purchase_order_lines=[
            order_line(),
            order_line("PO-2026-002", consultant_id="C2", estimated_days=ordered),
        ],
        cras=[cra(), cra("R2", "C2")],
        cra_days=worked() + worked("R2"),
    )
    assert codes(matched(facts)) == code


def test_an_invoice_registered_by_a_person_is_adopted() -> None:
    """It is not held, and the row says that it is there already."""
    registered = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}
    found = matched(world(**billed(), supplier_invoices=[registered]))
    assert statuses(found) == ["matched"]
    assert found.remarks.get_column("registered").to_list() == [True]


def test_a_closed_order_with_days_left_is_no_hold() -> None:
    """Only a closed order with nothing open holds."""
    closed = {"purchase_orders": [order(status="closed")]}
    first, second = billed(), billed("B2", 5)
    assert codes(matched(world(**first, **closed))) == []
    assert "PO_STATUS" in codes(matched(world(**several(first, second), **closed)))


@pytest.mark.parametrize("stream", ["bill.invoices", "boond.cras", "boond.purchase_orders"])
def test_a_leg_that_was_not_read_leaves_all_unchecked(stream: str) -> None:
    """Nothing is decided nor held on a stream that was not read."""
    found = matched(world(**billed(price=900), unread=frozenset({stream})))
    assert (statuses(found), codes(found)) == (["not_checked"], [])
    assert found.consumption.is_empty()


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("bill", "B1"),
        ("vendor", "V1"),
        ("supplier", "S1"),
        ("purchase_order", "id-PO-2026-001"),
        ("consultant", "C1"),
        ("cra", "R1"),
    ],
)
def test_a_quarantined_object_leaves_its_bills_unchecked(kind: str, id_: str) -> None:
    """A bill that touches what a quarantined row names is not checked, another is."""
    rows = [{"stream": "any", "kind": kind, "id": id_}]
    assert statuses(matched(world(**billed(), quarantined=rows))) == ["not_checked"]
    others = [{"stream": "any", "kind": kind, "id": "other"}]
    assert statuses(matched(world(**billed(), quarantined=others))) == ["matched"]


def test_a_fuzzy_supplier_is_paid_once_a_person_links_it() -> None:
    """A like name holds until the vendor is linked."""
    named = {
        "vendors": [vendor(name="Dupont Conseil Informatique")],
        "suppliers": [supplier(name="Dupont Conseils Informatique")],
    }
    facts = billed(vendor_name=None) | named
    assert codes(matched(world(**facts))) == ["SUPPLIER_UNCONFIRMED"]
    assert codes(matched(world(**facts, party_links=[_linked_by_person()]))) == []


def test_what_was_settled_comes_first_and_keeps_its_days() -> None:
    """A bill that arrives later is judged after it, however it is dated."""
    first = matched(world(**billed()))
    facts = world(
        **several(billed(), billed("B0", 5, invoice_date=date(2026, 11, 2))),
        settled=first.matches,
        consumed=first.consumption,
    )
    found = matched(facts)
    assert found.matches.get_column("bill_id").to_list() == ["B0"]
    assert (row(found, "bill/B0/1")["already_matched_qty"], statuses(found)) == (20, ["review"])


def test_a_settled_bill_that_is_cancelled_frees_its_days() -> None:
    """Cancelled ones count not at all."""
    first = matched(world(**billed()))
    facts = world(
        **several(billed(status="cancelled"), billed("B2")),
        settled=first.matches,
        consumed=first.consumption,
    )
    assert statuses(matched(facts)) == ["matched"]


def test_a_waiting_bill_is_looked_at_again_and_comes_first() -> None:
    """What was registered in part gets the receipts that come later."""
    first = matched(world(**billed(), cra_days=worked(days=8)))
    facts = world(
        **several(billed(), billed("B0", 5, invoice_date=date(2026, 11, 2))),
        settled=first.matches,
        consumed=first.consumption,
        waiting=frozenset({"B1"}),
    )
    assert dict(matched(facts).matches.select("bill_id", "status").iter_rows()) == {
        "B1": "matched",
        "B0": "review",
    }


def test_the_same_facts_give_the_same_answer() -> None:
    """Looking twice decides the same."""
    facts = world(**several(billed(quantity=12), billed("B2", 9), billed("B3", 3)))
    one, two = matched(facts), matched(facts)
    assert one.matches.equals(two.matches)
    assert one.consumption.equals(two.consumption)
    assert one.holds.equals(two.holds)


def test_a_bill_without_currency_is_in_that_of_the_organization() -> None:
    """No currency said is the caller's; the order's own is compared with it."""
    assert row(matched(world(**billed(currency=None))))["currency"] == "EUR"


def test_money_stays_decimal() -> None:
    """Amounts and days are exact decimals."""
    found = row(matched(world(**billed(quantity="12.25", price="450.10"))))
    assert found["accepted_amount"] == Decimal("5513.7250")


def test_the_names_of_an_order_line_resolve() -> None:
    """A consultant written the other way round is the same person."""
    facts = world(
        **billed(),
        purchase_order_lines=[order_line(consultant_id=None, consultant="DUPONT Jean")],
        consultants=[consultant(), consultant("C2", "Marie", "Curie")],
    )
    assert row(matched(facts))["consultant_id"] == "C1"


def _in_boond(**more: Any) -> dict[str, Any]:
    held = {"id": "X", "supplier_id": "S1", "reference": "F-B1", "status": "registered"}
    sum_ = {"total_excl_tax": 9000, "currency": "EUR", "issue_date": date(2026, 11, 30)}
    return {"supplier_invoices": [held | sum_ | more]}


@pytest.mark.parametrize("unlike", [{"total_excl_tax": 12000}, {"currency": "USD"}])
def test_a_registration_of_another_sum_is_not_adopted(unlike: dict[str, Any]) -> None:
    """Flagging it would pay what the bill does not ask for."""
    assert codes(matched(world(**billed(), **_in_boond()))) == []
    assert codes(matched(world(**billed(), **_in_boond(**unlike)))) == ["DUPLICATE"]


def test_what_was_registered_by_hand_under_another_number_is_a_duplicate() -> None:
    """The same supplier, amount and date, though Bill.com never had the other."""
    by_hand = _in_boond(reference="PAPER-7", status="paid")
    assert codes(matched(world(**billed(), **by_hand))) == ["DUPLICATE"]
    of_its_own = _in_boond(reference="PAPER-7", purchase_order_id="id-PO-2026-002")
    assert codes(matched(world(**billed(), **of_its_own))) == []


def test_a_copy_dated_before_what_was_paid_is_the_duplicate() -> None:
    """The paid bill is the original, however the copy is dated."""
    copy = billed("B2", invoice_number="F-1", invoice_date=date(2026, 11, 29))
    found = matched(world(**several(copy, billed(invoice_number="f 1", status="paid"))))
    assert statuses(found) == ["matched", "review"]
    assert codes(found) == ["DUPLICATE"]


def test_twins_that_name_their_orders_are_two_in_a_later_run_as_well() -> None:
    """What is no duplicate in one run is none when the first was settled in between."""
    orders: dict[str, Any] = {
        "purchase_orders": [order(), order("PO-2026-002")],
        "purchase_order_lines": [order_line(), order_line("PO-2026-002", consultant_id="C2")],
        "cras": [cra(), cra("R2", "C2")],
        "cra_days": worked() + worked("R2"),
    }
    first = matched(world(**billed(), **orders))
    both = several(billed(), billed("B2", purchase_order_number="PO-2026-002"))
    later = world(**both, **orders, settled=first.matches, consumed=first.consumption)
    assert statuses(matched(later)) == ["matched"]


@pytest.mark.parametrize(
    "paid",
    [
        billed(status="paid", price=460),
        billed(status="paid", quantity=25),
        billed(price=460, remaining_balance=1),
        billed(price=460) | _in_boond(status="flagged_for_payment", total_excl_tax=9200),
    ],
    ids=["too-dear", "too-many-days", "all-but-one-euro", "flagged-by-a-person"],
)
def test_days_that_money_went_out_on_are_not_paid_again(paid: dict[str, Any]) -> None:
    """A bill in review that was paid keeps its proven days from the next one."""
    again = billed("B2", invoice_date=DECEMBER)
    found = matched(world(**(paid | several(paid, again))))
    assert row(found, "bill/B2/1")["holds"] == ["QTY_ORDERED", "QTY_RECEIVED"]
    assert found.consumption.get_column("bill_id").unique().to_list() == ["B1"]


def test_a_credit_below_the_price_of_the_order_is_held() -> None:
    """20 days credited at 1.00 do not free 20 days to be billed again at 450.00."""
    cheap = billed("B2", -20, 1, invoice_date=DECEMBER)
    found = matched(world(**several(billed(), cheap)))
    assert (codes(found), row(found, "bill/B2/1")["accepted_amount"]) == (["PRICE"], 0)


def test_a_claim_counts_the_days_at_the_price_that_was_paid() -> None:
    """Two of 20 days at 400.00 are not received, though 18 at the order's 450.00 are more."""
    found = matched(world(**billed(price=400, status="paid"), cra_days=worked(days=18)))
    claim = found.holds.row(by_predicate=pl.col("code") == "PAID_UNPROVEN", named=True)
    assert claim["amount_at_stake"] == 800


def test_no_more_is_accepted_than_was_invoiced() -> None:
    """19 days at the order's price are more than 20 at the invoice's."""
    found = row(matched(world(**billed(price=400), cra_days=worked(days=19))))
    assert (found["proven_amount"], found["accepted_amount"]) == (8550, 8000)


@pytest.mark.parametrize("number", [None, "", " - "])
def test_a_bill_without_a_number_goes_to_a_person(number: str | None) -> None:
    """Nothing can be registered under it, and two of them cannot be told apart."""
    assert codes(matched(world(**billed(invoice_number=number)))) == ["NUMBER_MISSING"]


def _settled(**more: Any) -> dict[str, Any]:
    first = matched(world(**billed()))
    return {"settled": first.matches, "consumed": first.consumption} | more


def test_a_registration_of_ours_that_a_person_cancelled_is_not_flagged() -> None:
    """A person decides whether it is to be paid after all."""
    ours = _settled(waiting=frozenset({"B1"}))
    found = matched(world(**billed(), **ours, **_in_boond(status="cancelled")))
    assert (codes(found), statuses(found)) == (["INVOICE_CANCELLED"], ["review"])


def test_a_bill_that_vanished_keeps_its_days_while_its_registration_stands() -> None:
    """BoondManager still pays it, so nobody else gets the days; cancelled there, they are free."""
    both = several(billed(status="void"), billed("B2", invoice_date=DECEMBER))
    stands = world(**both, **_settled(), **_in_boond(status="flagged_for_payment"))
    assert codes(matched(stands)) == ["QTY_ORDERED", "QTY_RECEIVED"]
    assert codes(matched(world(**both, **_settled(), **_in_boond(status="cancelled")))) == []


def test_a_bill_entered_again_takes_the_place_of_the_one_that_vanished() -> None:
    """The same number under another id is the same invoice, and is adopted."""
    both = several(billed(status="void"), billed("B2", invoice_number="F-B1"))
    found = world(**both, **_settled(), **_in_boond(status="flagged_for_payment"))
    assert codes(matched(found)) == []


def test_a_bill_that_waits_gives_no_days_back() -> None:
    """What it credits on one line is not paid to another while nothing of it is registered."""
    orders = [order_line(), order_line(line_no=2, consultant_id="C2", consultant=None)]
    mixed = [bill_line("B2", 10, line_no=1), bill_line("B2", -20, line_no=2)]
    waits = {"bills": [bill("B2", amount=-4500, invoice_date=DECEMBER)], "bill_lines": mixed}
    first, last = billed(), billed("B3", invoice_date=date(2026, 12, 6))
    for one in (first, last):
        one["bill_lines"][0]["description"] = "Marie Curie"
    facts = world(
        **several(first, waits, last),
        purchase_order_lines=orders,
        consultants=[consultant(), consultant("C2", "Marie", "Curie")],
        cras=[cra("R2", "C2")],
        cra_days=worked("R2"),
    )
    found = matched(facts)
    assert row(found, "bill/B2/1")["status"] == "pending_receipt"
    assert row(found, "bill/B3/1")["status"] == "review"
