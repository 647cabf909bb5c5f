"""What the live API lets callers change (boond-live.md 4): validations, invoices, payments.

Writes answer 200 with the object. There is no idempotency and no uniqueness on `reference`:
posting twice makes two.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx

from sandbox import boond_live_decisions as decisions
from sandbox import boond_live_dictionary as words
from sandbox.boond_live_bodies import (
    Schema,
    Sent,
    Shape,
    are_numbers,
    attribute,
    is_id,
    is_number,
    is_record_type,
    is_text,
)
from sandbox.boond_live_deliveries import client_order, delivery_of
from sandbox.boond_live_invoices import (
    invoice_document,
    payment_document,
    payment_id_of,
    provider_invoice_document,
)
from sandbox.boond_live_shapes import project
from sandbox.boond_live_wire import (
    Handler,
    Json,
    Route,
    Tenant,
    absent,
    document,
    incomplete,
    wrong,
)
from sandbox.domain import ClientInvoice, Contract, InvoiceLine, SupplierInvoice, cents
from sandbox.months import bounds
from sandbox.trading import next_id
from sandbox.world import World

Match = re.Match[str]

DUE_AFTER = timedelta(days=30)
TAX = Decimal(20)
PERCENT = 100
PRO_FORMA = 10
INVOICE_STATUSES = {
    words.INVOICE_DRAFT: "draft",
    PRO_FORMA: "draft",
    words.INVOICE_SENT: "sent",
    words.INVOICE_UNPAID: "sent",
    words.INVOICE_REMINDED: "sent",
    words.INVOICE_PAID_IN_PART: "sent",
    words.INVOICE_PAID: "paid",
    words.INVOICE_CREDITED: "cancelled",
    words.INVOICE_CANCELLED: "cancelled",
}
PAYMENT_STATUSES = {
    words.PAYMENT_PLANNED: "registered",
    words.PAYMENT_CONFIRMED: "flagged_for_payment",
    words.PAYMENT_SETTLED: "paid",
}
INVOICE = Schema(
    "invoice",
    frozenset(
        {
            *("date", "startDate", "endDate", "expectedPaymentDate"),
            *("reference", "state", "invoiceRecords"),
        }
    ),
    frozenset({"order", "schedule"}),
)
PROVIDER_INVOICE = Schema(
    "providerinvoice",
    frozenset(
        {
            *("reference", "invoiceDate", "startDate", "endDate", "payments"),
            *("amountExcludingTax", "amountIncludingTax"),
            *("currency", "currencyAgency", "exchangeRate", "exchangeRateAgency"),
        }
    ),
    frozenset({"resource", "providerCompany", "providerContact"}),
)
STATE_OF_PAYMENT = Schema("payment", frozenset({"state", "performedDate"}))
RECORD = Shape(
    required={"description": is_text, "amountExcludingTax": is_number, "quantity": is_number},
    optional={
        "invoiceRecordType": is_record_type,
        "taxRates": are_numbers,
        "taxes": are_numbers,
    },
)
PAYMENT = Shape(
    required={"amountExcludingTax": is_number, "deliveryId": is_id},
    optional={"state": lambda value: is_number(value) and value in PAYMENT_STATUSES},
)


# Invoices to clients


def create_invoice(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Creates an invoice on a client's order; it is due in 30 days unless told.

    Raises:
        LiveRefusal: 422, 1017 without an order, 1002 for what cannot stand.
    """
    del match
    sent = INVOICE.sent(request)
    ordered = client_order(tenant.world, sent.relation("order", "order"))
    if ordered is None:
        raise wrong("/data/relationships/order")
    issued = sent.day("date") or tenant.world.now().date()
    invoice = _blank(tenant.world, ordered.contract, issued)
    _write_invoice(tenant, invoice, sent)
    tenant.world.client_invoices[invoice.id] = invoice
    tenant.world.wrote("boond", "client_invoices.create", invoice)
    return invoice_document(tenant, invoice)


def update_invoice(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Changes what is told of an invoice.

    Raises:
        LiveRefusal: 404, or 422 for what cannot stand.
    """
    invoice = tenant.world.client_invoices.get(match[1])
    if invoice is None:
        raise absent(request)
    _write_invoice(tenant, invoice, INVOICE.sent(request, invoice.id))
    tenant.world.touch(invoice)
    tenant.world.wrote("boond", "client_invoices.update", invoice)
    return invoice_document(tenant, invoice)


def generate_invoices(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Lists projects; with `generateInvoices=true` it also bills their month, though it is a GET.

    Raises:
        LiveRefusal: 422 without a month.
    """
    del match
    params, world = request.url.params, tenant.world
    if not params.get("month"):
        raise incomplete("month")
    wanted = params.get("keywords", "").split()
    found = [c for c in world.contracts.values() if not wanted or f"PRJ{c.id}" in wanted]
    if params.get("generateInvoices") == "true":
        for contract in found:
            _bill_month(world, contract, params["month"])
    return document([project(world, contract) for contract in found])


def _bill_month(world: World, contract: Contract, month: str) -> None:
    lines = []
    for mission in world.missions.values():
        cra = world.cras.get(world.reports.get((mission.consultant_id, month), ""))
        days = cra.production_days(*bounds(month)) if cra else Decimal(0)
        if mission.contract_id == contract.id and days:
            who = world.consultants[mission.consultant_id].name
            lines.append(_line(f"{who} {month}", days, mission.sale_rate))
    if lines:
        invoice = _blank(world, contract, world.now().date())
        invoice.reference = f"FACT-{invoice.id}"
        _put_lines(invoice, lines, cents(sum(line.total for line in lines) * TAX / PERCENT))
        world.client_invoices[invoice.id] = invoice
        world.wrote("boond", "client_invoices.generate", invoice)


def _blank(world: World, contract: Contract, issued: date) -> ClientInvoice:
    return ClientInvoice(
        id=next_id(world.client_invoices, 60001),
        updated_at=world.now(),
        reference="",
        client_id=contract.client_id,
        contract_id=contract.id,
        issued=issued,
        due=issued + DUE_AFTER,
        lines=[],
        net=Decimal(0),
        tax=Decimal(0),
        gross=Decimal(0),
        currency="EUR",
        status="draft",
        paid=Decimal(0),
    )


def _write_invoice(tenant: Tenant, invoice: ClientInvoice, sent: Sent) -> None:
    """Puts what was sent into an invoice; all of it is read before any of it is written."""
    issued, due = sent.day("date") or invoice.issued, sent.day("expectedPaymentDate") or invoice.due
    start, end = sent.day("startDate"), sent.day("endDate")
    reference = sent.text("reference") or invoice.reference
    records = sent.items("invoiceRecords", RECORD)
    if "state" in sent.attributes:
        invoice.status = sent.choice("state", INVOICE_STATUSES, words.INVOICE_DRAFT)
    invoice.issued, invoice.due, invoice.reference = issued, due, reference
    if start and end:
        tenant.invoice_periods[invoice.id] = (start, end)
    if "invoiceRecords" in sent.attributes:
        _put_lines(invoice, [_line_of(record) for record in records], _tax_of(records))


def _put_lines(invoice: ClientInvoice, lines: list[InvoiceLine], tax: Decimal) -> None:
    invoice.lines, invoice.tax = lines, tax
    invoice.net = sum((line.total for line in lines), Decimal(0))
    invoice.gross = invoice.net + tax


def _line_of(record: Json) -> InvoiceLine:
    return _line(record["description"], record["quantity"], record["amountExcludingTax"])


def _line(description: str, quantity: Decimal, price: Decimal) -> InvoiceLine:
    return InvoiceLine(
        description=description, quantity=quantity, unit_price=price, total=cents(quantity * price)
    )


def _tax_of(records: list[Json]) -> Decimal:
    """Returns the tax of all lines: each rate on the sum of what it applies to, to the cent."""
    bases: dict[Decimal, Decimal] = {}
    for record in records:
        for rate in record.get("taxRates", []):
            bases[rate] = bases.get(rate, Decimal(0)) + _line_of(record).total
    return sum((cents(base * rate / PERCENT) for rate, base in bases.items()), Decimal(0))


# Suppliers' invoices and their payments


def create_provider_invoice(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Registers a supplier's invoice; its payment is tied to a purchase by its delivery.

    Raises:
        LiveRefusal: 422, 1017 for what is missing, 1002 for what cannot stand.
    """
    del match
    world, sent = tenant.world, PROVIDER_INVOICE.sent(request)
    supplier_id = _named(sent, "providerCompany", "company", world.suppliers)
    _named(sent, "resource", "resource", world.consultants)
    for name in ("startDate", "endDate"):
        sent.day(name)
    invoice = _registered(world, sent, supplier_id)
    world.supplier_invoices[invoice.id] = invoice
    world.wrote("boond", "supplier_invoices.create", invoice)
    return provider_invoice_document(tenant, invoice)


def _registered(world: World, sent: Sent, supplier_id: str) -> SupplierInvoice:
    net, gross = sent.amount("amountExcludingTax"), sent.amount("amountIncludingTax")
    if net is None:
        raise incomplete(attribute("amountExcludingTax"))
    reference, payment = sent.text("reference"), _payment(sent)
    return SupplierInvoice(
        id=next_id(world.supplier_invoices, 80001),
        updated_at=world.now(),
        supplier_id=supplier_id,
        order_id=_order_of(world, supplier_id, payment) if payment else None,
        reference=reference,
        issued=sent.day("invoiceDate") or world.now().date(),
        due=None,
        lines=[_line(reference, Decimal(1), payment["amountExcludingTax"])] if payment else [],
        net=net,
        tax=None if gross is None else gross - net,
        gross=gross,
        currency=_currency(sent),
        status=PAYMENT_STATUSES[int(payment.get("state", 0))] if payment else "registered",
    )


def _payment(sent: Sent) -> Json | None:
    """Returns the payment of an invoice; the books have no place for a second."""
    payments = sent.items("payments", PAYMENT)
    if len(payments) > 1:
        raise wrong(f"{attribute('payments')}/1")
    return payments[0] if payments else None


def update_payment(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Changes the state of a payment, and so that of the supplier's invoice which it settles.

    Raises:
        LiveRefusal: 404, or 422 for a state that the tenant has not, or of a cancelled invoice.
    """
    world = tenant.world
    invoice = next(
        (i for i in world.supplier_invoices.values() if payment_id_of(i) == match[1]), None
    )
    if invoice is None:
        raise absent(request)
    sent = STATE_OF_PAYMENT.sent(request, match[1])
    sent.day("performedDate")
    status = sent.choice("state", PAYMENT_STATUSES, words.PAYMENT_PLANNED)
    if invoice.status == "cancelled":
        raise wrong(attribute("state"))
    invoice.status = status
    world.touch(invoice)
    world.wrote("boond", "supplier_invoices.update", invoice)
    return payment_document(tenant, invoice)


def _named(sent: Sent, name: str, kind: str, table: dict[str, Any]) -> str:
    record_id = sent.relation(name, kind)
    if record_id not in table:
        raise wrong(f"/data/relationships/{name}")
    return record_id


def _order_of(world: World, supplier_id: str, payment: Json) -> str | None:
    """Returns the purchase that a payment is for: the delivery's, else the person's."""
    delivery = delivery_of(world, str(payment["deliveryId"]))
    if delivery is None:
        raise wrong(f"{attribute('payments')}/0/deliveryId")
    if delivery.order and delivery.order.supplier_id == supplier_id:
        return delivery.order.id
    of_supplier = [o for o in world.orders.values() if o.supplier_id == supplier_id]
    who = delivery.consultant.id if delivery.consultant else None
    found = (o for o in of_supplier if who in {line.consultant_id for line in o.lines})
    return next((order.id for order in found), None)


def _currency(sent: Sent) -> str:
    known = dict(enumerate(words.CURRENCIES))
    return sent.choice("currency", known, words.CURRENCIES.index("EUR"))


# Where all this is


def _route(method: str, path: str, handler: Handler) -> Route:
    return Route(method, re.compile(path), handler)


WRITES: tuple[Route, ...] = (
    _route("POST", r"/times-reports/([^/]+)/validate", decisions.validate),
    _route("POST", r"/times-reports/([^/]+)/unvalidate", decisions.unvalidate),
    _route("POST", r"/times-reports/([^/]+)/reject", decisions.reject),
    _route("PUT", r"/times-reports/([^/]+)", decisions.write_report),
    _route("POST", "/invoices", create_invoice),
    _route("PUT", r"/invoices/([^/]+)/information", update_invoice),
    _route("GET", "/apps/post-production/projects", generate_invoices),
    _route("POST", "/provider-invoices", create_provider_invoice),
    _route("PUT", r"/payments/([^/]+)", update_payment),
)
