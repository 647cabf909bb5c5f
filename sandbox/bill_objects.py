"""What BILL's live dialect says of the books: bills, vendors, payments, credits, receivables.

Whole objects, as the vendor's own request collection names their fields (bill.md, "Dialect
live"); what is not known is left out. A bill with a negative amount is a vendor credit here.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.domain import Bill, BillLine, Books, ClientInvoice, Payment, Vendor, cents
from sandbox.wire import told, utc

ZERO = Decimal(0)
DOLLARS = Decimal("1.08")
"""Of a unit of the vendor's currency: what a bill's funding is told in."""

Object = dict[str, Any]


def bills(books: Books, only: str | None = None) -> list[Object]:
    """Returns all bills, archived ones too, or the one of an id."""
    paid, credited = _paid(books), _credited(books)
    return [
        _bill(books, bill, paid[bill.id], credited[bill.id])
        for bill in books.bills.values()
        if only in {None, bill.id} and not _is_credit(bill)
    ]


def vendor_credits(books: Books, only: str | None = None) -> list[Object]:
    """Returns the suppliers' credit notes, each with the bill that it is about."""
    paid = _paid(books)
    return [
        _credit(books, bill, -paid[bill.id])
        for bill in books.bills.values()
        if only in {None, bill.id} and _is_credit(bill)
    ]


def vendors(books: Books, only: str | None = None) -> list[Object]:
    """Returns all vendors, archived ones too, or the one of an id."""
    currencies = _currencies(books)
    return [
        _vendor(vendor, currencies.get(vendor.id))
        for vendor in books.vendors.values()
        if only in {None, vendor.id}
    ]


def payments(books: Books, only: str | None = None) -> list[Object]:
    """Returns payments: what one vendor was paid in one day is one payment of several bills."""
    batches: dict[tuple[str, date], list[Payment]] = defaultdict(list)
    for payment in books.payments.values():
        bill = books.bills.get(payment.bill_id)
        if bill and not _is_credit(bill):
            batches[bill.vendor_id, payment.dated].append(payment)
    paid = [_payment(books, vendor_id, batch) for (vendor_id, _), batch in batches.items()]
    return [payment for payment in paid if only in {None, payment["id"]}]


def invoices(books: Books, only: str | None = None) -> list[Object]:
    """Returns receivables, which no supplier ever sent."""
    told_of = [_receivable(invoice) for invoice in books.client_invoices.values()]
    return [invoice for invoice in told_of if only in {None, invoice["id"]}]


OBJECTS: Mapping[str, Callable[[Books, str | None], list[Object]]] = {
    "bills": bills,
    "vendors": vendors,
    "payments": payments,
    "vendor-credits": vendor_credits,
    "invoices": invoices,
}


def _is_credit(bill: Bill) -> bool:
    return bill.amount < 0


def _paid(books: Books) -> defaultdict[str, Decimal]:
    paid: defaultdict[str, Decimal] = defaultdict(Decimal)
    for payment in books.payments.values():
        paid[payment.bill_id] += payment.amount
    return paid


def _credited(books: Books) -> defaultdict[str, Decimal]:
    """Returns what credit notes have taken off each bill."""
    paid, credited = _paid(books), defaultdict[str, Decimal](Decimal)
    for note in books.bills.values():
        about = _credited_bill(books, note) if _is_credit(note) else None
        if about:
            credited[about.id] -= paid[note.id]
    return credited


def _credited_bill(books: Books, note: Bill) -> Bill | None:
    """Returns the earliest bill of a credit note's order."""
    same = [
        bill
        for bill in books.bills.values()
        if note.order_number and bill.order_number == note.order_number and not _is_credit(bill)
    ]
    return min(same, key=lambda bill: (bill.dated, bill.created_at, bill.id), default=None)


def _currencies(books: Books) -> dict[str, str]:
    """Returns the currency of each vendor that has bills in one."""
    currencies: dict[str, str] = {}
    for bill in books.bills.values():
        if bill.currency:
            currencies.setdefault(bill.vendor_id, bill.currency)
    return currencies


def _times(created_at: datetime, updated_at: datetime) -> Object:
    return {"createdTime": utc(created_at), "updatedTime": utc(updated_at)}


def _bill(books: Books, bill: Bill, paid: Decimal, credited: Decimal) -> Object:
    vendor = books.vendors.get(bill.vendor_id)
    return {
        "id": bill.id,
        "archived": bill.archived,
        "vendorId": bill.vendor_id,
        **told(vendorName=vendor and vendor.name),
        "amount": bill.amount,
        "fundingAmount": cents(bill.amount * DOLLARS),
        "exchangeRate": DOLLARS,
        "dueAmount": bill.amount - paid - credited,
        **told(paidAmount=paid or None, creditAmount=credited or None),
        **told(description=bill.description, dueDate=bill.due and bill.due.isoformat()),
        "invoice": {"invoiceNumber": bill.number, "invoiceDate": bill.dated.isoformat()},
        **told(billLineItems=[_line(bill, n) for n in range(len(bill.lines))] or None),
        "paymentStatus": _payment_status(bill, paid),
        "approvalStatus": (bill.approval or "UNASSIGNED").upper(),
        **told(purchaseOrderNumber=bill.order_number),
        **_times(bill.created_at, bill.updated_at),
    }


def _payment_status(bill: Bill, paid: Decimal) -> str:
    if bill.status == "paid":
        return "PAID"
    return "PARTIAL" if paid else "UNPAID"


def _line(bill: Bill, number: int) -> Object:
    line = bill.lines[number]
    return {
        "id": f"{bill.id}-{number + 1}",
        "amount": line.amount,
        **told(quantity=line.quantity, price=line.unit_price),
        "description": line.description,
    }


def _credit(books: Books, note: Bill, applied: Decimal) -> Object:
    about = _credited_bill(books, note)
    return {
        "id": note.id,
        "vendorId": note.vendor_id,
        "referenceNumber": note.number,
        "creditDate": note.dated.isoformat(),
        **told(description=note.description),
        "archived": note.archived,
        "amount": -note.amount,
        "appliedAmount": applied,
        "status": _application(note, applied),
        **told(vendorCreditLineItems=[_credit_line(line) for line in note.lines] or None),
        **told(usage=[{"billId": about.id, "amount": -note.amount}] if about else None),
        **_times(note.created_at, note.updated_at),
    }


def _credit_line(line: BillLine) -> Object:
    return {"amount": -line.amount, "description": line.description}


def _application(note: Bill, applied: Decimal) -> str:
    if note.status == "paid" or applied == -note.amount:
        return "FULLY_APPLIED"
    return "PARTIALLY_APPLIED" if applied else "NOT_APPLIED"


def _vendor(vendor: Vendor, currency: str | None) -> Object:
    return {
        "id": vendor.id,
        "archived": vendor.archived or not vendor.active,
        "name": vendor.name,
        "shortName": vendor.name.split()[0],
        "accountType": "BUSINESS",
        **told(email=vendor.email),
        "address": {"city": vendor.town, "country": "FR"},
        **told(additionalInfo={"taxId": vendor.tax_id} if vendor.tax_id else None),
        **told(billCurrency=currency),
        **_times(vendor.created_at, vendor.updated_at),
    }


def _payment(books: Books, vendor_id: str, batch: list[Payment]) -> Object:
    entries = [{"id": p.id, "billId": p.bill_id, "amount": p.amount} for p in batch]
    vendor = books.vendors.get(vendor_id)
    # A payment touches its bill: whichever of the two moved last tells when it was made.
    changed = [p.updated_at for p in batch] + [books.bills[p.bill_id].updated_at for p in batch]
    return {
        "id": f"{batch[0].id}p",
        "vendorId": vendor_id,
        **told(vendorName=vendor and vendor.name),
        **told(billId=batch[0].bill_id if len(batch) == 1 else None),
        "billPayments": entries,
        "amount": sum((p.amount for p in batch), ZERO),
        "processDate": batch[0].dated.isoformat(),
        "status": "PAID",
        "singleStatus": "CLEARED",
        "disbursementType": "ACH",
        "onlinePayment": True,
        **_times(min(changed), max(changed)),
    }


def _receivable(invoice: ClientInvoice) -> Object:
    return {
        "id": f"00e{invoice.id}",
        "archived": False,
        "invoiceNumber": invoice.reference,
        "invoiceDate": invoice.issued.isoformat(),
        "dueDate": invoice.due.isoformat(),
        "customerId": f"0cu{invoice.client_id}",
        "totalAmount": invoice.gross,
        "dueAmount": invoice.gross - invoice.paid,
        "status": "PAID_IN_FULL" if invoice.status == "paid" else "OPEN",
        "invoiceLineItems": [
            {"description": line.description, "price": line.unit_price, "quantity": line.quantity}
            for line in invoice.lines
        ],
        **_times(invoice.updated_at, invoice.updated_at),
    }
