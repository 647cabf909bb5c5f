"""The sandbox's Bill.com keeps to its wire (bill.md, dialect gateway)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.wire import Limits

Make = Callable[..., Any]


def test_sessions_last_two_hours(make: Make) -> None:
    """A session answers for two hours, then 401 until the next login."""
    caller = make()
    assert caller.bill("/v3/vendors").status_code == 200
    caller.clock.turn(hours=1, minutes=59, seconds=59)
    assert caller.bill("/v3/vendors").status_code == 200
    caller.clock.turn(seconds=1)
    assert caller.bill("/v3/vendors").status_code == 401
    caller.session = ""
    assert caller.bill("/v3/vendors").status_code == 200


def test_wrong_passwords_lock_the_account(make: Make) -> None:
    """After three wrong passwords the right one is refused too."""
    caller = make()
    assert [caller.log_in(password="no").status_code for _ in range(3)] == [401] * 3
    assert caller.log_in().json()["errors"][0]["code"] == "account_locked"


def test_a_right_password_forgives(make: Make) -> None:
    """Wrong passwords count only in a row."""
    caller = make()
    for _ in range(2):
        assert [caller.log_in(password="no").status_code for _ in range(2)] == [401] * 2
        assert caller.log_in().status_code == 200


def test_senseless_logins(make: Make) -> None:
    """A login that lacks a key answers 400, an unknown dev key 401, a GET 405."""
    caller = make()
    assert caller.http.post("/bill/connect/v3/login", json={}).status_code == 400
    assert caller.log_in(devKey="other").status_code == 401
    assert caller.http.get("/bill/connect/v3/login").status_code == 405


@pytest.mark.parametrize("size", [1, 2, 20, 45, 46, 100])
def test_pages_hold_every_bill_once(make: Make, size: int) -> None:
    """Following the tokens to their end gives every bill once."""
    caller = make(consultants=40)
    ids = [row["id"] for row in caller.bill_rows("/v3/invoices", max=size)]
    assert sorted(ids) == sorted(caller.world.bills)


def test_page_size_bounds(make: Make) -> None:
    """A page holds 20 unless told; 0, 101 and unknown tokens answer 400."""
    caller = make(consultants=40)
    assert len(caller.bill("/v3/invoices").json()["response_data"]) == 20
    size = len(caller.world.bills)
    assert "nextPage" not in caller.bill("/v3/invoices", max=size).json()
    assert "nextPage" in caller.bill("/v3/invoices", max=size - 1).json()
    for wrong in ({"max": 0}, {"max": 101}, {"page": "3"}):
        assert caller.bill("/v3/invoices", **wrong).status_code == 400


def test_filters(make: Make) -> None:
    """Dates are inclusive, status and vendor exact, the search by number exact."""
    caller = make(consultants=40)
    bills = caller.world.bills.values()
    one = next(iter(bills))
    day = one.dated
    expected = {
        "startDate": (day.isoformat(), [b for b in bills if b.dated >= day]),
        "endDate": (day.isoformat(), [b for b in bills if b.dated <= day]),
        "vendorId": (one.vendor_id, [b for b in bills if b.vendor_id == one.vendor_id]),
        "status": ("paid", [b for b in bills if b.status == "paid"]),
        "updatedSince": (
            one.updated_at.isoformat(),
            [b for b in bills if b.updated_at >= one.updated_at],
        ),
    }
    for name, (value, kept) in expected.items():
        rows = caller.bill_rows("/v3/invoices", **{name: value})
        assert [row["id"] for row in rows] == [bill.id for bill in kept], name
    found = caller.bill_rows("/v3/invoices/search", invoiceNumber=one.number)
    assert [row["id"] for row in found] == [one.id]
    assert caller.bill("/v3/invoices", status="lost").status_code == 400


def test_thin_lists_have_their_lines_in_the_detail(make: Make) -> None:
    """Some rows lack lineItems in the list; each has them in its detail, unless told otherwise."""
    caller = make(consultants=40)
    rows = caller.bill_rows("/v3/invoices")
    thin = [row["id"] for row in rows if "lineItems" not in row]
    assert 0 < len(thin) < len(rows)
    detail = caller.bill(f"/v3/invoices/{thin[0]}").json()["response_data"]
    assert detail["lineItems"]
    full = make(consultants=40, thin_lists=False).bill_rows("/v3/invoices")
    assert all("lineItems" in row for row in full)


def test_payments_come_from_the_bill_only(make: Make) -> None:
    """A paid bill has a payment of its whole amount and nothing left; another has none."""
    caller = make(consultants=40)
    paid = next(b for b in caller.world.bills.values() if b.status == "paid")
    payments = caller.bill_rows(f"/v3/invoices/{paid.id}/payments")
    assert [Decimal(p["amount"]) for p in payments] == [paid.amount]
    detail = caller.bill(f"/v3/invoices/{paid.id}").json()["response_data"]
    assert detail["remainingBalance"] == 0
    assert caller.bill_rows("/v3/invoices/bill-00001/payments") == []
    assert caller.bill("/v3/payments").status_code == 404


def test_archives_are_not_told(make: Make) -> None:
    """An archived bill is neither listed nor found, an archived vendor is not active."""
    caller = make()
    bill = next(iter(caller.world.bills.values()))
    vendor = next(iter(caller.world.vendors.values()))
    bill.archived = vendor.archived = True
    assert bill.id not in [row["id"] for row in caller.bill_rows("/v3/invoices")]
    assert caller.bill_rows("/v3/invoices/search", invoiceNumber=bill.number) == []
    assert caller.bill(f"/v3/invoices/{bill.id}").status_code == 404
    active = {row["id"]: row["isActive"] for row in caller.bill_rows("/v3/vendors")}
    assert [id_ for id_, told in active.items() if not told] == [vendor.id]


def test_unknown_paths_and_verbs(make: Make) -> None:
    """What is not there answers 404, another verb 405, no session 401."""
    caller = make()
    assert caller.bill("/v3/invoices/none").status_code == 404
    assert caller.bill("/v3/bills").status_code == 404
    assert caller.bill("/v3/invoices", method="POST").status_code == 405
    assert caller.http.get("/bill/v3/invoices").status_code == 401


def test_limits_hold_here_too(make: Make) -> None:
    """Over the limit Bill.com answers 429 with Retry-After."""
    caller = make(limits=Limits(per_minute=2, per_second=2))
    statuses = [caller.bill("/v3/vendors").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert caller.bill("/v3/vendors").headers["Retry-After"] == "60"
