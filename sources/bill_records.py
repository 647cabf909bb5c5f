"""The record models of Bill.com: the columns that each dialect of it fills (bill.md)."""

import datetime as dt
from typing import Any

from sources.streams import Days, Instant, Money, Record, wire


class BillLine(Record):
    """A line of a bill."""

    table = "bill_lines"
    description: str | None = wire("description", None)
    quantity: Days | None = wire("quantity", None)
    unit_price: Money | None = wire("unitPrice", None)
    amount: Money = wire("amount")


class Bill(Record):
    """A supplier's invoice."""

    table = "bills"
    id: str = wire("id")
    invoice_number: str | None = wire("invoiceNumber", None)
    vendor_id: str = wire("vendorId")
    vendor_name: str | None = wire("vendorName", None)
    invoice_date: dt.date = wire("invoiceDate")
    due_date: dt.date | None = wire("dueDate", None)
    amount: Money = wire("amount")
    currency: str | None = wire("currency", None)
    status: str = wire("status")
    description: str | None = wire("description", None)
    purchase_order_number: str | None = wire("purchaseOrderNumber", None)
    lines: list[BillLine] | None = wire("lineItems", None)
    approval_status: str | None = wire("approvalStatus", None)
    approved_by: str | None = wire("approvedBy", None)
    created_time: Instant | None = wire("createdTime", None)
    remaining_balance: Money | None = wire("remainingBalance", None)
    updated_at: Instant | None = wire("updatedTime", None)


class Vendor(Record):
    """A supplier as Bill.com has it."""

    table = "vendors"
    id: str = wire("id")
    name: str = wire("name")
    email: str | None = wire("email", None)
    phone: str | None = wire("phone", None)
    address: Any = wire("address", None)
    tax_id: str | None = wire("taxId", None)
    is_active: bool | None = wire("isActive", None)
    created_time: Instant | None = wire("createdTime", None)
    updated_at: Instant | None = wire("updatedTime", None)


class Payment(Record):
    """A payment of a bill, listed under it."""

    table = "payments"
    id: str = wire("id")
    bill_id: str | None = wire("billId", None, "parent")
    amount: Money = wire("amount")
    date: dt.date | None = wire("date", None)
    status: str | None = wire("status", None)
    method: str | None = wire("method", None)
    recorded_by: str | None = wire("recordedBy", None)


class ListedPayment(Payment):
    """A payment of a bill, listed by itself: it names its bill and says when it changed."""

    bill_id: str | None = wire("billId", None)
    updated_at: Instant | None = wire("updatedTime", None)
