"""What becomes of the objects of BILL's own API."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import bill_live_records as records
from sources import json_text


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"paymentStatus": "PAID", "approvalStatus": "APPROVED"}, "paid"),
        ({"paymentStatus": "PAID"}, "paid"),
        ({"amount": 10, "paidAmount": Decimal("10.00"), "dueAmount": 0}, "paid"),
        ({"amount": 0, "paidAmount": 0, "dueAmount": 0}, "sent"),
        ({"amount": 10, "dueAmount": 0, "creditAmount": 10}, "sent"),
        ({"amount": 10, "paidAmount": 10}, "sent"),
        ({"paymentStatus": "UNPAID", "approvalStatus": "APPROVED"}, "approved"),
        ({"paymentStatus": "SCHEDULED", "approvalStatus": "ASSIGNED"}, "sent"),
        ({"paymentStatus": "UNDEFINED", "approvalStatus": "DENIED"}, "sent"),
        ({}, "sent"),
        ({"paymentStatus": "IN_PART", "amount": 10, "dueAmount": 4}, "sent"),
        (
            {"paymentStatus": "IN_PART", "amount": 10, "dueAmount": 10},
            "unknown paymentStatus IN_PART",
        ),
        ({"paymentStatus": 3}, "unknown paymentStatus 3"),
        ({"paymentStatus": "PAID", "approvalStatus": "VOTED"}, "unknown approvalStatus VOTED"),
        ({"paymentStatus": ["PAID"]}, "unknown paymentStatus ['PAID']"),
        ({"amount": "NaN", "dueAmount": "n/a", "paidAmount": True}, "sent"),
    ],
)
def test_a_bill_is_paid_approved_or_sent(said: dict[str, Any], status: str) -> None:
    """Words and amounts tell the status; a word that nobody knows stands there itself."""
    assert records.bill(said, None)["status"] == status


@pytest.mark.parametrize(
    ("scheduled", "left"),
    [(0, 500), (None, 500), (200, 300), (500, 0), (600, 500), ("much", 500), (-5, 500)],
)
def test_what_is_scheduled_is_not_to_be_paid_again(scheduled: Any, left: int) -> None:
    """A payment that BILL will make is taken off what is due, as far as that holds it."""
    said = {"amount": 1500, "dueAmount": 500, "scheduledAmount": scheduled}
    assert records.bill(said, None)["remainingBalance"] == left


@pytest.mark.parametrize(
    ("approvers", "who"),
    [
        (None, None),
        ([], None),
        ("APPROVED", None),
        ([{"userId": "a", "status": "WAITING"}], None),
        ([{"userId": "a", "status": "APPROVED"}, {"userId": "b", "status": "APPROVED"}], "b"),
        (
            [
                {"userId": "b", "status": "APPROVED", "approverOrder": 2},
                {"userId": "a", "status": "APPROVED", "approverOrder": 1},
                {"userId": "c", "status": "REROUTED", "approverOrder": 3},
            ],
            "b",
        ),
    ],
)
def test_who_approved_last_approved_a_bill(approvers: Any, who: str | None) -> None:
    """Only who said APPROVED counts, the last in the order of approval."""
    assert records.bill({"approvers": approvers}, None).get("approvedBy") == who


CREDIT = {
    "id": "vcr1",
    "vendorId": "0091",
    "referenceNumber": "AV-1",
    "creditDate": "2026-10-05",
    "amount": Decimal("100.10"),
    "appliedAmount": Decimal("40.05"),
    "status": "PARTIALLY_APPLIED",
    "vendorCreditLineItems": [{"description": "Avoir", "amount": Decimal("100.10")}],
    "usage": [{"paymentId": "stp1"}, {"billId": "00n7"}, {"billId": "00n8"}],
}


def test_a_vendor_credit_is_a_negative_invoice() -> None:
    """All its amounts change their sign, digit by digit, and it names the order it is about."""
    found = records.credit(CREDIT, "EUR", "PO-1")
    assert found == {
        "id": "vcr1",
        "invoiceNumber": "AV-1",
        "vendorId": "0091",
        "invoiceDate": "2026-10-05",
        "amount": Decimal("-100.10"),
        "currency": "EUR",
        "status": "approved",
        "purchaseOrderNumber": "PO-1",
        "remainingBalance": Decimal("-60.05"),
        "lineItems": [{"description": "Avoir", "amount": Decimal("-100.10")}],
    }
    assert records.credited_bill(CREDIT) == "00n7"


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"status": "FULLY_APPLIED"}, "status", "paid"),
        ({"status": "IN_PROCESS"}, "status", "approved"),
        ({"status": "REFUNDED"}, "status", "unknown status REFUNDED"),
        ({"status": None}, "status", None),
        ({"amount": "n/a"}, "amount", "n/a"),
        ({"amount": "n/a"}, "remainingBalance", "40.05 less None"),
        ({"appliedAmount": None}, "remainingBalance", None),
        ({"amount": 0}, "amount", 0),
        ({"amount": "-12345678901234.5678"}, "amount", "12345678901234.5678"),
        ({"vendorCreditLineItems": []}, "lineItems", None),
        ({"vendorCreditLineItems": "none"}, "lineItems", "none"),
        ({"vendorCreditLineItems": ["odd"]}, "lineItems", ["odd"]),
    ],
)
def test_what_a_credit_does_not_say_is_not_made_up(
    change: dict[str, Any], column: str, value: Any
) -> None:
    """What is absent stays absent, and what cannot be read stands there for the checks."""
    assert records.credit(CREDIT | change, None, None).get(column) == value


@given(st.decimals(-(10**11), 10**11, places=4, allow_nan=False))
def test_a_sign_costs_no_digit(amount: Decimal) -> None:
    """What is written of a negative amount is the amount with the other sign."""
    _, value = next(json_text.items(b'{"results":[%s]}' % str(amount).encode(), "results"))
    written = json_text.encode(records.negative(value)).decode()
    assert Decimal(written) == -amount
    assert written.lstrip("-") == format(amount, "f").lstrip("-")


def test_a_payment_of_several_bills_is_a_payment_of_each() -> None:
    """Each entry becomes a row with its own amount, and a void one keeps its word."""
    served = {
        "id": "stp1p",
        "amount": 30,
        "processDate": "2026-11-01",
        "status": "VOID",
        "disbursementType": "ACH",
        "billPayments": [
            {"id": "stp1", "billId": "00n1", "amount": 10},
            {"id": "stp2", "billId": "00n2", "amount": 20},
        ],
    }
    common = {"date": "2026-11-01", "status": "void", "method": "ach"}
    assert list(records.payments(served)) == [
        common | {"id": "stp1", "billId": "00n1", "amount": 10},
        common | {"id": "stp2", "billId": "00n2", "amount": 20},
    ]


@pytest.mark.parametrize("entries", [None, [], "none"])
def test_a_payment_without_entries_is_one_of_its_bill(entries: Any) -> None:
    """Where no entries are told, the payment itself names its bill and amount."""
    served = {"id": "stp1p", "billId": "00n1", "amount": 30, "billPayments": entries}
    assert list(records.payments(served)) == [{"id": "stp1p", "billId": "00n1", "amount": 30}]


@pytest.mark.parametrize(("archived", "active"), [(True, False), (False, True), (None, None)])
def test_an_archived_vendor_is_not_active(archived: bool | None, active: bool | None) -> None:
    """Whether a vendor is active is not said where it does not say whether it is archived."""
    served = {"id": "0091", "name": "N", "email": "", "additionalInfo": None}
    found = records.vendor(served if archived is None else served | {"archived": archived})
    assert found.get("isActive") is active
    assert "email" not in found


def test_no_bank_account_is_kept_of_a_vendor() -> None:
    """What pays a vendor is left out of what is stored, how it is paid is not."""
    way = {"payByType": "ACH", "bankAccount": {"accountNumber": "123"}, "virtualCard": {}}
    kept = records.without_banking({"id": "0091", "paymentInformation": way})
    assert kept == {"id": "0091", "paymentInformation": {"payByType": "ACH"}}


def test_versions_tell_payments_and_approvals_apart() -> None:
    """A bill of the same last change is another version when what is due of it changed."""
    bill = {"updatedTime": "2026-10-01T00:00:00Z", "dueAmount": 10, "approvalStatus": "ASSIGNED"}
    versions = {
        records.BILLS.version(bill),
        records.BILLS.version(bill | {"dueAmount": 0}),
        records.BILLS.version(bill | {"approvalStatus": "APPROVED"}),
    }
    assert len(versions) == 3
    assert records.BILLS.version({"dueAmount": 10}) == ""
