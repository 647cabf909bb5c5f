"""Invoices of both directions, and payments, as the live API tells them (boond-live.md 3)."""

import re
from datetime import date
from decimal import Decimal

from sandbox import boond_live_dictionary as words
from sandbox.boond_live_companies import company_reduced
from sandbox.boond_live_deliveries import ClientOrder, of_order, order_id_of
from sandbox.boond_live_shapes import DIRECTOR, order, project_reduced
from sandbox.boond_live_wire import (
    Json,
    Tenant,
    chance,
    dated,
    document,
    on,
    record,
    related,
    stamped,
)
from sandbox.domain import ClientInvoice, PurchaseOrder, SupplierInvoice
from sandbox.months import bounds
from sandbox.wire import told
from sandbox.world import World

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])(?!\d)")
PERCENT = 100
OVERDUE = (words.INVOICE_UNPAID, words.INVOICE_REMINDED)


# Invoices to clients


def invoice(tenant: Tenant, found: ClientInvoice) -> Json:
    """A row of `/invoices`."""
    start, end = _period(tenant, found)
    turned = -1 if found.net < 0 and chance(found.id, 2) else 1
    paid = found.status == "paid"
    attributes = {
        "creationDate": on(found.issued),
        "updateDate": stamped(found.updated_at),
        "date": found.issued.isoformat(),
        "expectedPaymentDate": dated(found.due, found.id),
        "performedPaymentDate": dated(found.due if paid else None, found.id),
        "startDate": start.isoformat(),
        "endDate": end.isoformat(),
        "reference": found.reference,
        "state": _invoice_state(tenant.world, found),
        "isCreditNote": found.net < 0,
        "closed": paid,
        "turnoverInvoicedExcludingTax": turned * found.net,
        "turnoverInvoicedIncludingTax": turned * found.gross,
        "totalPayableIncludingTax": turned * found.gross,
        **told(currency=words.currency_number(found.currency)),
    }
    contract = tenant.world.contracts[found.contract_id]
    relationships = {
        "order": related("order", order_id_of(contract)),
        "schedule": related("schedule", None, found.id),
    }
    return record("invoice", found.id, attributes, relationships)


def invoice_information(tenant: Tenant, found: ClientInvoice) -> Json:
    """The information tab of an invoice: its lines, and what was paid."""
    body = invoice(tenant, found)
    percent = round(PERCENT * found.tax / found.net, 2) if found.net else Decimal(0)
    body["attributes"] |= {
        "invoiceRecords": [
            {
                "invoiceRecordType": {"reference": 1},
                "description": line.description,
                "amountExcludingTax": line.unit_price,
                "quantity": line.quantity,
                "taxRates": [percent],
                "taxes": [percent],
            }
            for line in found.lines
        ],
        "invoicePayments": _received(found),
    }
    return body


def invoice_document(tenant: Tenant, found: ClientInvoice) -> Json:
    """The body of `/invoices/{id}/information`."""
    return document(invoice_information(tenant, found), invoice_included(tenant.world, found))


def invoice_included(world: World, found: ClientInvoice) -> list[Json]:
    """What an invoice refers to: its order, that one's project, that one's company."""
    contract = world.contracts[found.contract_id]
    ordered = ClientOrder(id=order_id_of(contract), contract=contract, former=False)
    client = world.clients.get(contract.client_id)
    return [
        order(world, ordered),
        project_reduced(contract, with_company=True),
        *([company_reduced(world, client)] if client else []),
    ]


def invoice_default(world: World, ordered: ClientOrder) -> Json:
    """The body of `/invoices/default?order=`: what a new invoice starts from."""
    now = world.now().date().isoformat()
    line = {
        "invoiceRecordType": {"reference": 1},
        "description": "",
        "amountExcludingTax": Decimal(0),
        "quantity": Decimal(1),
        "taxRates": [Decimal(20)],
        "taxes": [Decimal(20)],
    }
    attributes = {"date": now, "state": words.INVOICE_DRAFT, "invoiceRecords": [line]}
    relationships = {"order": related("order", ordered.id)}
    return document({"type": "invoice", "attributes": attributes, "relationships": relationships})


def _invoice_state(world: World, found: ClientInvoice) -> int:
    """The tenant's number of a status: what is sent may be unpaid, reminded or paid in part."""
    if found.status == "cancelled":
        return words.INVOICE_CREDITED if chance(found.id, 2) else words.INVOICE_CANCELLED
    if found.status == "sent" and found.paid:
        return words.INVOICE_PAID_IN_PART
    if found.status == "sent" and found.due < world.now().date():
        return OVERDUE[chance(found.id, 2)]
    return {
        "draft": words.INVOICE_DRAFT,
        "sent": words.INVOICE_SENT,
        "paid": words.INVOICE_PAID,
    }[found.status]


def _period(tenant: Tenant, found: ClientInvoice) -> tuple[date, date]:
    """The month that an invoice bills: as written, else as its first line names it."""
    if found.id in tenant.invoice_periods:
        return tenant.invoice_periods[found.id]
    named = MONTH.search(found.lines[0].description) if found.lines else None
    return bounds(named[0] if named else f"{found.issued:%Y-%m}")


def _received(found: ClientInvoice) -> list[Json]:
    if not found.paid:
        return []
    return [{"date": dated(found.due), "amountIncludingTax": found.paid}]


# Invoices of suppliers, and their payments


def provider_invoice(world: World, found: SupplierInvoice) -> Json:
    """A row of `/provider-invoices`; every other credit note is told without its sign."""
    order = _order_of(world, found)
    delivery = of_order(world, order) if order else None
    who = delivery.consultant if delivery else None
    turned = _turned(found)
    attributes = {
        "creationDate": on(found.issued),
        "invoiceDate": found.issued.isoformat(),
        "paidDate": dated(found.due if found.status == "paid" else None, found.id),
        "dueDate": dated(found.due, found.id),
        "reference": found.reference,
        "state": _provider_invoice_state(found),
        "amountExcludingTax": turned * found.net,
        **_gross(found, turned),
        "paymentState": 2 if found.status == "paid" else 0,
        "isCreditNote": found.net < 0,
        **told(currency=words.currency_number(found.currency)),
    }
    relationships = {
        "resource": related("resource", who.id if who else None, found.id),
        "providerCompany": related("company", found.supplier_id),
        "mainManager": related("resource", DIRECTOR),
    }
    return record("providerinvoice", found.id, attributes, relationships)


def provider_invoice_profile(world: World, found: SupplierInvoice) -> Json:
    """A provider invoice itself: when it changed, its period, its payments."""
    body, order = provider_invoice(world, found), _order_of(world, found)
    delivery = of_order(world, order) if order else None
    period = delivery or order
    body["attributes"] |= {
        "updateDate": stamped(found.updated_at),
        "startDate": dated(period.start if period else None, found.id),
        "endDate": dated(period.end if period else None, found.id),
        "payments": [
            {
                "id": payment_id_of(found),
                "state": _payment_state(found),
                "number": found.reference,
                "expectedDate": dated(found.due, found.id),
                "amountExcludingTax": _turned(found) * found.net,
                "purchase": _purchase_of(world, order),
            }
        ],
    }
    return body


def provider_invoice_document(tenant: Tenant, found: SupplierInvoice) -> Json:
    """The body of `/provider-invoices/{id}`."""
    supplier = tenant.world.suppliers.get(found.supplier_id)
    included = [company_reduced(tenant.world, supplier)] if supplier else []
    return document(provider_invoice_profile(tenant.world, found), included)


def payment(world: World, found: SupplierInvoice) -> Json:
    """The payment of a provider invoice: its number is the supplier's reference."""
    turned = _turned(found)
    attributes = {
        "creationDate": on(found.issued),
        "updateDate": stamped(found.updated_at),
        "date": found.issued.isoformat(),
        "expectedDate": dated(found.due, found.id),
        "performedDate": dated(found.due if found.status == "paid" else None, found.id),
        "state": _payment_state(found),
        "number": found.reference,
        "amountExcludingTax": turned * found.net,
        **_gross(found, turned),
    }
    order = _order_of(world, found)
    relationships = {
        "purchase": related("purchase", order.id if order else None, found.id),
        "file": related("document", None, found.id),
    }
    return record("payment", payment_id_of(found), attributes, relationships)


def payment_document(tenant: Tenant, found: SupplierInvoice) -> Json:
    """The body of `/payments/{id}`."""
    return document(payment(tenant.world, found))


def payment_id_of(found: SupplierInvoice) -> str:
    """Returns the id of a provider invoice's payment."""
    return f"7{found.id}"


def of_payment(world: World, payment_id: str) -> SupplierInvoice | None:
    """Returns the provider invoice that a payment is of."""
    return world.supplier_invoices.get(payment_id[1:]) if payment_id.startswith("7") else None


def _order_of(world: World, found: SupplierInvoice) -> PurchaseOrder | None:
    return world.orders.get(found.order_id or "")


def _purchase_of(world: World, order: PurchaseOrder | None) -> Json | None:
    if order is None:
        return None
    delivery = of_order(world, order)
    return {
        "id": order.id,
        "title": order.reference,
        "project": {"id": delivery.contract.id} if delivery else None,
        "delivery": {"id": delivery.id} if delivery else None,
    }


def _turned(found: SupplierInvoice) -> int:
    """Minus one where a credit note is told without its sign."""
    return -1 if found.net < 0 and chance(found.id, 2) else 1


def _gross(found: SupplierInvoice, turned: int) -> Json:
    """The amount with tax: one that is not known is left out, or `null`."""
    if found.gross is not None:
        return {"amountIncludingTax": turned * found.gross}
    return {"amountIncludingTax": None} if chance(found.id, 2) else {}


def _provider_invoice_state(found: SupplierInvoice) -> int:
    return {
        "registered": words.PROVIDER_INVOICE_REGISTERED,
        "flagged_for_payment": words.PROVIDER_INVOICE_VALID,
        "paid": words.PROVIDER_INVOICE_VALID,
        "cancelled": words.PROVIDER_INVOICE_CANCELLED,
    }[found.status]


def _payment_state(found: SupplierInvoice) -> int:
    return {
        "flagged_for_payment": words.PAYMENT_CONFIRMED,
        "paid": words.PAYMENT_SETTLED,
    }.get(found.status, words.PAYMENT_PLANNED)
