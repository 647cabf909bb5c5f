"""The records of BoondManager: columns of core tables, and where each stands in a served object.

The paths are those of the dialect `v3` (boond.md, "Shapes"). The other dialect composes the same
objects out of what it is served, so one model a table is enough.
"""

import datetime as dt
from typing import Any

from sources.streams import Days, Instant, Money, Record, wire


class Consultant(Record):
    """A resource: an employee or an external consultant."""

    table = "consultants"
    id: str = wire("id")
    type_resource: str = wire("typeResource")
    first_name: str = wire("firstName")
    last_name: str = wire("lastName")
    email: str | None = wire("email", None)
    phone: str | None = wire("phone", None)
    profile: str | None = wire("profile", None)
    supplier_id: str | None = wire("supplier.id", None)
    manager_id: str | None = wire("manager.id", None)
    manager_email: str | None = wire("manager.email", None)
    main_contract_id: str | None = wire("mainContract.id", None)
    main_contract_start_date: dt.date | None = wire("mainContract.startDate", None)
    main_contract_end_date: dt.date | None = wire("mainContract.endDate", None)
    main_contract_status: str | None = wire("mainContract.status", None)
    skills: list[Any] | None = wire("skills", None, "json")
    availability: str | None = wire("availability", None)
    updated_at: Instant | None = wire("updatedAt", None)


class Client(Record):
    """A client that is billed by the day."""

    table = "clients"
    id: str = wire("id")
    reference: str = wire("reference")
    name: str = wire("name")
    billing_address: dict[str, Any] | None = wire("billingAddress", None, "json")
    billing_country: str | None = wire("billingAddress.country", None)
    contacts: list[Any] | None = wire("contacts", None, "json")
    vat_number: str | None = wire("vatNumber", None)
    updated_at: Instant | None = wire("updatedAt", None)


class ContractRate(Record):
    """A daily rate of a contract."""

    table = "contract_rates"
    profile: str | None = wire("profile", None)
    daily_rate: Money = wire("dailyRate")
    currency: str | None = wire("currency", None)
    consultant_id: str | None = wire("consultant.id", None)
    start_date: dt.date | None = wire("startDate", None)
    end_date: dt.date | None = wire("endDate", None)


class Contract(Record):
    """A contract under which a client is billed."""

    table = "contracts"
    id: str = wire("id")
    client_id: str = wire("client.id")
    reference: str = wire("reference")
    start_date: dt.date = wire("startDate")
    end_date: dt.date | None = wire("endDate", None)
    status: str | None = wire("status", None)
    billing_frequency: str | None = wire("billingFrequency", None)
    billing_deadline: dt.date | None = wire("billingDeadline", None)
    payment_terms: str | None = wire("paymentTerms", None)
    tax_rate: Days | None = wire("taxRate", None)
    rates: list[ContractRate] | None = wire("rates", None)
    updated_at: Instant | None = wire("updatedAt", None)


class CraDay(Record):
    """A line of an activity report."""

    table = "cra_days"
    date: dt.date = wire("date")
    duration: Days = wire("duration")
    type_code: str = wire("typeCode")
    comment: str | None = wire("comment", None)
    contract_id: str | None = wire("contract.id", None)


class Cra(Record):
    """An activity report."""

    table = "cras"
    id: str = wire("id")
    consultant_id: str = wire("consultant.id")
    consultant_first_name: str | None = wire("consultant.firstName", None)
    consultant_last_name: str | None = wire("consultant.lastName", None)
    resource_id: str | None = wire("resource.id", None)
    resource_label: str | None = wire("resource.label", None)
    client_id: str | None = wire("client.id", None)
    contract_id: str | None = wire("contract.id", None)
    purchase_order_id: str | None = wire("purchaseOrder.id", None)
    period_start_date: dt.date = wire("period.startDate")
    period_end_date: dt.date = wire("period.endDate")
    due_date: dt.date | None = wire("dueDate", None)
    total_days: Days = wire("totalDays")
    status: str = wire("status")
    validation_date: Instant | None = wire("validationDate", None)
    validator: str | None = wire("validator", None)
    activities: list[CraDay] | None = wire("activities", None)
    updated_at: Instant | None = wire("updatedAt", None)


class ClientInvoiceLine(Record):
    """A line of an invoice to a client."""

    table = "client_invoice_lines"
    description: str | None = wire("description", None)
    quantity: Days | None = wire("quantity", None)
    unit_price: Money | None = wire("unitPrice", None)
    total_excl_tax: Money = wire("totalExclTax")


class ClientInvoice(Record):
    """An invoice to a client."""

    table = "client_invoices"
    id: str = wire("id")
    reference: str = wire("reference")
    client_id: str = wire("client.id")
    contract_id: str | None = wire("contract.id", None)
    issue_date: dt.date = wire("issueDate")
    due_date: dt.date | None = wire("dueDate", None)
    lines: list[ClientInvoiceLine] | None = wire("lines", None)
    total_excl_tax: Money = wire("totalExclTax")
    total_tax: Money | None = wire("totalTax", None)
    total_incl_tax: Money | None = wire("totalInclTax", None)
    currency: str | None = wire("currency", None)
    status: str = wire("status")
    paid_amount: Money | None = wire("paidAmount", None)
    updated_at: Instant | None = wire("updatedAt", None)


class Supplier(Record):
    """A supplier of subcontracted days."""

    table = "suppliers"
    id: str = wire("id")
    name: str = wire("name")
    vat_number: str | None = wire("vatNumber", None)
    registration_number: str | None = wire("registrationNumber", None)
    email: str | None = wire("email", None)
    iban: str | None = wire("iban", None)
    updated_at: Instant | None = wire("updatedAt", None)


class PurchaseOrderLine(Record):
    """A line of a purchase order: a consultant, a daily rate and days."""

    table = "purchase_order_lines"
    id: str | None = wire("id", None)
    consultant: str | None = wire("consultant", None)
    consultant_id: str | None = wire("consultantId", None)
    daily_rate: Money = wire("dailyRate")
    estimated_days: Days = wire("estimatedDays")


class PurchaseOrder(Record):
    """A purchase order to a supplier."""

    table = "purchase_orders"
    id: str = wire("id")
    reference: str = wire("reference")
    supplier_id: str = wire("supplier.id")
    start_date: dt.date = wire("startDate")
    end_date: dt.date = wire("endDate")
    total_amount: Money | None = wire("totalAmount", None)
    currency: str | None = wire("currency", None)
    status: str = wire("status")
    lines: list[PurchaseOrderLine] | None = wire("lines", None)
    updated_at: Instant | None = wire("updatedAt", None)


class SupplierInvoiceLine(Record):
    """A line of a registered supplier invoice."""

    table = "supplier_invoice_lines"
    description: str | None = wire("description", None)
    quantity: Days | None = wire("quantity", None)
    unit_price: Money | None = wire("unitPrice", None)
    total_excl_tax: Money | None = wire("totalExclTax", None)


class SupplierInvoice(Record):
    """A supplier invoice registered in BoondManager."""

    table = "supplier_invoices"
    id: str = wire("id")
    supplier_id: str = wire("supplier.id")
    purchase_order_id: str | None = wire("purchaseOrder.id", None)
    reference: str = wire("reference")
    issue_date: dt.date | None = wire("issueDate", None)
    due_date: dt.date | None = wire("dueDate", None)
    lines: list[SupplierInvoiceLine] | None = wire("lines", None)
    total_excl_tax: Money | None = wire("totalExclTax", None)
    total_tax: Money | None = wire("totalTax", None)
    total_incl_tax: Money | None = wire("totalInclTax", None)
    currency: str | None = wire("currency", None)
    status: str = wire("status")
    updated_at: Instant | None = wire("updatedAt", None)
