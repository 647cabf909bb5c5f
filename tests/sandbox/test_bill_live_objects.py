"""What the sandbox's BILL says of the books (bill.md, dialect live)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from sandbox import events
from sandbox.domain import Bill
from sandbox.trading import pay
from sandbox.wire import Manners, utc
from sandbox.world import DEFAULT_AS_OF, World
from tests.sandbox.bill_live_caller import (
    BILLS,
    CREDITS,
    INVOICES,
    PAYMENTS,
    VENDORS,
    Caller,
)


@pytest.fixture
def caller() -> Caller:
    """A caller of a small clean world."""
    return Caller()


@pytest.fixture(scope="module")
def market() -> Caller:
    """A caller of a world with everything in it, which no test changes."""
    return Caller(consultants=60, mistakes=True)


@pytest.fixture
def busy(market: Caller) -> Iterator[Caller]:
    """The same, with its manners put right afterwards."""
    yield market
    market.vendor.manners, market.vendor.thin_lists = Manners(), True


def a_credit(world: World) -> tuple[Bill, Bill]:
    """A bill, and a credit note on it."""
    consultant = next(m.consultant_id for m in world.missions.values() if m.order_id)
    note = events.late_bill(world, consultant, world.scope.month, Decimal(-2))
    named = [b for b in world.bills.values() if b.order_number == note.order_number]
    return min(named, key=lambda bill: bill.dated), note


def test_a_bill(caller: Caller) -> None:
    """A bill tells numbers as numbers, no currency, and nothing that is not set."""
    bill = next(b for b in caller.world.bills.values() if b.status == "approved")
    bill.due = None
    said = caller.one(f"{BILLS}/{bill.id}")
    assert said["invoice"] == {
        "invoiceNumber": bill.number,
        "invoiceDate": bill.dated.isoformat(),
    }
    assert (said["amount"], said["dueAmount"]) == (bill.amount, bill.amount)
    assert not {"currency", "dueDate", "paidAmount", "creditAmount", "approvers"} & said.keys()
    assert (said["paymentStatus"], said["approvalStatus"]) == ("UNPAID", "APPROVED")
    assert said["updatedTime"] == utc(bill.updated_at)
    line = said["billLineItems"][0]
    assert line["quantity"] * line["price"] == line["amount"] == bill.lines[0].amount
    assert f'"amount":{bill.amount.normalize():f},' in caller.call(f"{BILLS}/{bill.id}").text


def test_what_is_paid_of_a_bill(caller: Caller) -> None:
    """A bill paid in part tells what is paid and due, one paid whole that nothing is due."""
    bill = next(b for b in caller.world.bills.values() if b.status == "sent")
    pay(caller.world, bill, DEFAULT_AS_OF)
    said = caller.one(f"{BILLS}/{bill.id}")
    assert (said["paymentStatus"], said["dueAmount"]) == ("PAID", 0)
    assert (said["paidAmount"], said["approvalStatus"]) == (bill.amount, "UNASSIGNED")
    bill.status, bill.amount = "sent", bill.amount + 5
    said = caller.one(f"{BILLS}/{bill.id}")
    assert (said["paymentStatus"], said["dueAmount"]) == ("PARTIAL", 5)


def test_lists_are_thinner(busy: Caller) -> None:
    """Every third bill lacks its lines in lists and each vendor its tax id, unless told."""
    rows = busy.rows(BILLS, max=100)
    thin = [row["id"] for row in rows if "billLineItems" not in row]
    assert len(rows) / 5 < len(thin) < len(rows) / 2
    assert any("billLineItems" in busy.one(f"{BILLS}/{id_}") for id_ in thin)
    vendors = busy.rows(VENDORS, max=100)
    assert not any({"additionalInfo", "address"} & row.keys() for row in vendors)
    assert 0 < sum("billCurrency" in row for row in vendors) < len(vendors)
    busy.vendor.thin_lists = False
    for path in (BILLS, VENDORS):
        rows = busy.rows(path, max=100)
        assert rows == [busy.one(f"{path}/{row['id']}") for row in rows]


def test_a_vendor(caller: Caller) -> None:
    """A vendor tells its tax id, its address and the currency of its bills."""
    vendor = next(iter(caller.world.vendors.values()))
    vendor.email, vendor.tax_id = None, "FR123"
    said = caller.one(f"{VENDORS}/{vendor.id}")
    assert (said["name"], said["billCurrency"], said["archived"]) == (vendor.name, "EUR", False)
    assert said["additionalInfo"] == {"taxId": "FR123"}
    assert said["address"] == {"city": vendor.town, "country": "FR"}
    assert "email" not in said
    for bill in caller.world.bills.values():
        bill.currency = None
    assert "billCurrency" not in caller.one(f"{VENDORS}/{vendor.id}")


def test_archives(caller: Caller) -> None:
    """Archived bills and vendors stay, say so, and are listed apart by the filter."""
    bill = next(iter(caller.world.bills.values()))
    vendor, gone = list(caller.world.vendors.values())[:2]
    bill.archived = vendor.archived = True
    gone.active = False
    assert caller.ids(BILLS, filters="archived:eq:true") == [bill.id]
    assert bill.id not in caller.ids(BILLS, filters="archived:ne:true")
    assert caller.ids(VENDORS, filters="archived:eq:true") == [vendor.id, gone.id]
    assert caller.one(f"{BILLS}/{bill.id}")["archived"] is True


def test_payments(caller: Caller) -> None:
    """What one vendor is paid in a day is one payment with an entry for each bill."""
    world = caller.world
    world.payments.clear()
    bills = list(world.bills.values())[:2]
    for bill in bills:
        bill.vendor_id = bills[0].vendor_id
        pay(world, bill, DEFAULT_AS_OF)
    caller.now += timedelta(hours=2)
    world.touch(bills[1])
    [said] = caller.rows(PAYMENTS)
    assert [entry["billId"] for entry in said["billPayments"]] == [bill.id for bill in bills]
    assert said["amount"] == sum(bill.amount for bill in bills)
    assert [entry["id"] for entry in said["billPayments"]] == list(world.payments)
    assert (said["status"], said["processDate"]) == ("PAID", DEFAULT_AS_OF.isoformat())
    assert said["updatedTime"] == utc(world.now())
    assert caller.one(f"{PAYMENTS}/{said['id']}") == said
    assert "billId" not in said
    pay(world, bills[1], DEFAULT_AS_OF + timedelta(days=1))
    assert caller.rows(PAYMENTS)[1]["billId"] == bills[1].id


def test_a_credit_note_is_no_bill(caller: Caller) -> None:
    """A credit note is a vendor credit with positive amounts that names the credited bill."""
    about, note = a_credit(caller.world)
    assert caller.call(f"{BILLS}/{note.id}").status_code == 404
    assert note.id not in caller.ids(BILLS)
    [said] = caller.rows(CREDITS)
    assert said == caller.one(f"{CREDITS}/{note.id}")
    assert (said["amount"], said["appliedAmount"]) == (-note.amount, 0)
    assert (said["referenceNumber"], said["status"]) == (note.number, "NOT_APPLIED")
    assert said["usage"] == [{"billId": about.id, "amount": -note.amount}]
    assert said["vendorCreditLineItems"] == [
        {"amount": -note.amount, "description": note.lines[0].description}
    ]
    note.order_number = None
    assert "usage" not in caller.one(f"{CREDITS}/{note.id}")


def test_an_applied_credit_note(caller: Caller) -> None:
    """A credit note that is settled is applied, takes off its bill, and is no payment."""
    about, note = a_credit(caller.world)
    before = len(caller.rows(PAYMENTS))
    due = caller.one(f"{BILLS}/{about.id}")["dueAmount"]
    pay(caller.world, note, DEFAULT_AS_OF)
    applied = caller.one(f"{CREDITS}/{note.id}")
    assert (applied["status"], applied["appliedAmount"]) == ("FULLY_APPLIED", -note.amount)
    said = caller.one(f"{BILLS}/{about.id}")
    assert said["creditAmount"] == due - said["dueAmount"] == -note.amount
    assert len(caller.rows(PAYMENTS)) == before
    note.amount -= 1
    assert caller.one(f"{CREDITS}/{note.id}")["status"] == "FULLY_APPLIED"
    note.status = "approved"
    assert caller.one(f"{CREDITS}/{note.id}")["status"] == "PARTIALLY_APPLIED"


def test_invoices_are_receivables(busy: Caller) -> None:
    """`/v3/invoices` holds what clients owe, and no supplier's bill."""
    rows = busy.rows(INVOICES, max=100)
    assert {row["invoiceNumber"] for row in rows} == {
        invoice.reference for invoice in busy.world.client_invoices.values()
    }
    assert not any({"vendorId", "amount"} & row.keys() for row in rows)
    assert busy.one(f"{INVOICES}/{rows[0]['id']}") == rows[0]
