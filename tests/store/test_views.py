"""The views that people and their tools read: each amount once, and in its own currency."""

from decimal import Decimal

import pytest

from store.warehouse import Warehouse
from tests.rows import bill, cra, one, put

AT = "2026-11-03 03:00:00+00"


def billed(warehouse: Warehouse, consultant_id: str, days: int, amount: int) -> None:
    """A line of our ledger for contract K1 and October."""
    put(
        warehouse,
        "recon.billing_ledger",
        reference="RAP-1",
        contract_id="K1",
        consultant_id=consultant_id,
        period="2026-10",
        days=days,
        amount=amount,
        currency="EUR",
    )


def hold(warehouse: Warehouse, break_id: str, code: str, **values: object) -> None:
    """A hold on a row."""
    put(warehouse, "recon.holds", break_id=break_id, code=code, **values)


def test_days_that_are_billed_are_not_unbilled(warehouse: Warehouse) -> None:
    """What the ledger has is taken off; a credit note gives it back."""
    cra(warehouse, "a")
    billed(warehouse, "a", 15, 7500)
    billed(warehouse, "a", -5, -2500)
    assert warehouse.rows("SELECT days, amount, currency FROM recon.v_unbilled_days") == [
        (Decimal(10), Decimal(5000), "EUR")
    ]


def test_more_billed_than_reported_is_not_negative(warehouse: Warehouse) -> None:
    """Days to credit are a break of their own and take nothing off what others have to come."""
    cra(warehouse, "a", declared_days=10, cra_days=10)
    billed(warehouse, "a", 15, 7500)
    assert warehouse.rows("FROM recon.v_unbilled_days") == []


def test_the_larger_side_is_unbilled(warehouse: Warehouse) -> None:
    """Of 21 days declared and 20 reported, 21 are held and one of them is disputed."""
    cra(warehouse, "a", declared_days=21, difference_days=1, outcome="over_reported")
    held = "SELECT held_days, held_amount, disputed_amount FROM recon.v_client_lines"
    assert warehouse.rows(held) == [(Decimal(21), Decimal(10500), Decimal(500))]


def test_a_name_beside_its_candidate_counts_once(warehouse: Warehouse) -> None:
    """Days of an unclear name are those of the CRA that nobody declared, not as many again."""
    unclear = {"outcome": "held", "holds": ["NAME_AMBIGUOUS"], "cra_days": None}
    cra(warehouse, "x", consultant_id="unknown", **unclear)
    hold(warehouse, "x", "NAME_AMBIGUOUS", detail="dupont jean (77), dupond jean (78)")
    cra(warehouse, "u", consultant_id="77", declared_days=None, outcome="undeclared")
    assert one(warehouse, "SELECT sum(days) FROM recon.v_unbilled_days") == 20


def test_an_unclear_name_without_such_a_cra_counts(warehouse: Warehouse) -> None:
    """An id that only contains a candidate's is somebody else."""
    unclear = {"outcome": "held", "holds": ["NAME_AMBIGUOUS"], "cra_days": None}
    cra(warehouse, "x", consultant_id="unknown", **unclear)
    hold(warehouse, "x", "NAME_AMBIGUOUS", detail="dupont jean (770)")
    cra(warehouse, "u", consultant_id="77", declared_days=None, outcome="undeclared")
    assert one(warehouse, "SELECT sum(days) FROM recon.v_unbilled_days") == 40


def test_days_without_a_rate_have_no_amount(warehouse: Warehouse) -> None:
    """An amount that cannot be told is null, never zero."""
    cra(warehouse, "a", daily_rate=None, currency=None, holds=["RATE_MISSING"])
    assert warehouse.rows("SELECT days, amount FROM recon.v_unbilled_days") == [(Decimal(20), None)]


def test_what_is_billed_without_being_compared_is_there(warehouse: Warehouse) -> None:
    """A line of the ledger whose row is gone is still billed, under its client."""
    put(warehouse, "core.clients", id="C1", reference="c", name="Alpha")
    put(warehouse, "core.contracts", id="K1", client_id="C1", reference="k")
    billed(warehouse, "gone", 5, 2500)
    lines = "SELECT client_name, billed_amount, unbilled_days FROM recon.v_client_lines"
    assert warehouse.rows(lines) == [("Alpha", Decimal(2500), Decimal(0))]


@pytest.mark.parametrize(
    ("status", "accepted", "held", "waiting"),
    [
        ("matched", 1000, 0, 0),
        ("partial", 600, 0, 400),
        ("pending_receipt", 0, 0, 1000),
        ("review", 0, 1000, 0),
        ("not_checked", 0, 1000, 0),
    ],
)
def test_an_invoice_is_accepted_held_or_waiting(
    warehouse: Warehouse, status: str, accepted: int, held: int, waiting: int
) -> None:
    """The three add up to what is invoiced, whatever the status."""
    bill(warehouse, "b", status=status, accepted_amount=accepted)
    exposure = "SELECT invoiced, accepted, held, waiting FROM recon.v_supplier_exposure"
    assert warehouse.rows(exposure) == [(1000, accepted, held, waiting)]


def test_two_currencies_of_a_supplier_are_two_rows(warehouse: Warehouse) -> None:
    """Euros and dollars are never summed."""
    bill(warehouse, "b")
    bill(warehouse, "c", currency="USD")
    rows = warehouse.rows("SELECT currency, invoiced FROM recon.v_supplier_exposure ORDER BY 1")
    assert rows == [("EUR", Decimal(1000)), ("USD", Decimal(1000))]


def test_a_claim_is_not_doubled_by_other_holds(warehouse: Warehouse) -> None:
    """Neither a second hold of the line nor a second line of the bill changes the sum."""
    bill(warehouse, "b", bill_id="B", status="review", accepted_amount=0)
    bill(warehouse, "c", bill_id="B", bill_line=2, status="review", accepted_amount=0)
    hold(warehouse, "b", "PAID_UNPROVEN", amount_at_stake=300)
    hold(warehouse, "b", "QTY_RECEIVED", amount_at_stake=300)
    exposure = "SELECT invoiced, to_claim FROM recon.v_supplier_exposure"
    assert warehouse.rows(exposure) == [(Decimal(2000), Decimal(300))]


def test_a_paid_bill_is_paid_once(warehouse: Warehouse) -> None:
    """Two lines of a bill of which 1,500 are paid make 1,500."""
    bill(warehouse, "b", bill_id="B")
    bill(warehouse, "c", bill_id="B", bill_line=2)
    put(warehouse, "core.bills", id="B", amount=2000, remaining_balance=500, status="approved")
    assert one(warehouse, "SELECT sum(paid) FROM recon.v_supplier_lines") == 1500


def test_matched_without_a_person_excludes_holds_and_approvals(warehouse: Warehouse) -> None:
    """Of four rows one matched by itself: the others had a gap, a hold, or a person."""
    cra(warehouse, "alone")
    cra(warehouse, "gap", outcome="over_reported")
    cra(warehouse, "held", holds=["RATE_MISSING"])
    cra(warehouse, "approved")
    put(warehouse, "recon.breaks", break_id="approved", kind="cra", status="overridden")
    rate = "SELECT rows, matched, rate FROM recon.v_auto_match_rate"
    assert warehouse.rows(rate) == [(4, 1, Decimal("0.25"))]


def test_a_break_of_a_file_names_the_file(warehouse: Warehouse) -> None:
    """People know a file by its name, not by its hash; no age is negative."""
    put(warehouse, "core.declarations", id="hash", file_name="october.csv")
    put(
        warehouse,
        "recon.breaks",
        break_id="declaration/hash",
        kind="declaration",
        subject_id="hash",
        status="open",
        first_seen_at="2026-11-03 00:01:00+00",
    )
    put(warehouse, "ops.runs", run_id="r", started_at="2026-11-02 23:59:00+00")
    assert warehouse.rows("SELECT who, age_days FROM recon.v_open_breaks") == [("october.csv", 0)]


def test_the_month_adds_up(warehouse: Warehouse) -> None:
    """Rows, days and money by side and outcome; no rate, no amount."""
    cra(warehouse, "a")
    cra(warehouse, "b", daily_rate=None, currency=None)
    bill(warehouse, "c")
    summary = "SELECT side, rows, days, amount, currency FROM recon.v_month_summary"
    assert sorted(warehouse.rows(summary), key=str) == [
        ("clients", 1, Decimal(20), Decimal(10000), "EUR"),
        ("clients", 1, Decimal(20), None, None),
        ("suppliers", 1, Decimal(2), Decimal(1000), "EUR"),
    ]
