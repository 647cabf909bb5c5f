"""What BoondManager lets callers change (boond.md, "Writes").

There is no idempotency and no uniqueness on `reference`: posting twice makes two.
"""

from decimal import Decimal
from typing import Any

from sandbox.domain import ClientInvoice, Cra, InvoiceLine, SupplierInvoice
from sandbox.trading import next_id
from sandbox.wire import day_of, instant_of, invalid, number_of
from sandbox.world import World

INVALIDATES = {"submitted", "validated"}


def change_cra(world: World, cra: Cra, body: dict[str, Any]) -> None:
    """Validates or invalidates a CRA.

    Raises:
        Refusal: 400, when the status cannot follow the present one, or a key is missing.
    """
    del world
    status = body.get("status")
    if status == "validated" and cra.status == "submitted":
        at = instant_of(_text(body, "validationDate"), "validationDate")
        cra.validator, cra.validated_at = _text(body, "validator"), at
    elif status == "invalidated" and cra.status in INVALIDATES:
        cra.validator, cra.validated_at = None, None
    else:
        raise invalid(f"status {status!r} cannot follow {cra.status!r}")
    cra.status = status


def create_client_invoice(world: World, body: dict[str, Any]) -> ClientInvoice:
    """Creates a draft invoice.

    Raises:
        Refusal: 400, when the body breaks the shape or names what is not there.
    """
    contract_id = _reference(world.contracts, body, "contract")
    client_id = _reference(world.clients, body, "client")
    if world.contracts[contract_id].client_id != client_id:
        raise invalid("the contract is another client's")
    if body.get("status", "draft") != "draft":
        raise invalid("an invoice is created as draft")
    invoice = ClientInvoice(
        id=next_id(world.client_invoices, 60001),
        updated_at=world.now(),
        reference=_text(body, "reference"),
        client_id=client_id,
        contract_id=contract_id,
        issued=day_of(body.get("issueDate"), "issueDate"),
        due=day_of(body.get("dueDate"), "dueDate"),
        lines=_lines(body),
        net=number_of(body.get("totalExclTax"), "totalExclTax"),
        tax=number_of(body.get("totalTax"), "totalTax"),
        gross=number_of(body.get("totalInclTax"), "totalInclTax"),
        currency=_optional_text(body, "currency"),
        status="draft",
        paid=number_of(body.get("paidAmount", Decimal(0)), "paidAmount"),
    )
    world.client_invoices[invoice.id] = invoice
    return invoice


def register_supplier_invoice(world: World, body: dict[str, Any]) -> SupplierInvoice:
    """Registers a supplier's invoice.

    Raises:
        Refusal: 400, when the body breaks the shape or names what is not there.
    """
    order_id = _reference(world.orders, body, "purchaseOrder") if "purchaseOrder" in body else None
    if body.get("status", "registered") != "registered":
        raise invalid("a supplier invoice is created as registered")
    invoice = SupplierInvoice(
        id=next_id(world.supplier_invoices, 80001),
        updated_at=world.now(),
        supplier_id=_reference(world.suppliers, body, "supplier"),
        order_id=order_id,
        reference=_text(body, "reference"),
        issued=day_of(body.get("issueDate"), "issueDate"),
        due=day_of(body["dueDate"], "dueDate") if body.get("dueDate") else None,
        lines=_lines(body),
        net=number_of(body.get("totalExclTax"), "totalExclTax"),
        tax=_optional_number(body, "totalTax"),
        gross=_optional_number(body, "totalInclTax"),
        currency=_optional_text(body, "currency"),
        status="registered",
    )
    world.supplier_invoices[invoice.id] = invoice
    return invoice


def flag_supplier_invoice(world: World, invoice: SupplierInvoice, body: dict[str, Any]) -> None:
    """Flags a registered supplier invoice for payment.

    Raises:
        Refusal: 400, when the status cannot follow the present one.
    """
    del world
    status = body.get("status")
    if status != "flagged_for_payment" or invoice.status != "registered":
        raise invalid(f"status {status!r} cannot follow {invoice.status!r}")
    invoice.status = status


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found.strip():
        raise invalid(f"{name} is missing")
    return found


def _optional_text(body: dict[str, Any], name: str) -> str | None:
    return None if body.get(name) is None else _text(body, name)


def _optional_number(body: dict[str, Any], name: str) -> Decimal | None:
    return None if body.get(name) is None else number_of(body[name], name)


def _reference(table: dict[str, Any], body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    record_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(record_id, str) or record_id not in table:
        raise invalid(f"{name}.id names nothing: {record_id!r}")
    return record_id


def _lines(body: dict[str, Any]) -> list[InvoiceLine]:
    lines = body.get("lines")
    if not isinstance(lines, list) or not lines:
        raise invalid("lines are missing")
    return [_line(line, f"lines[{n}]") for n, line in enumerate(lines)]


def _line(line: Any, where: str) -> InvoiceLine:
    if not isinstance(line, dict):
        raise invalid(f"{where} is no object")
    return InvoiceLine(
        description=_text(line, "description"),
        quantity=number_of(line.get("quantity"), f"{where}.quantity"),
        unit_price=number_of(line.get("unitPrice"), f"{where}.unitPrice"),
        total=number_of(line.get("totalExclTax"), f"{where}.totalExclTax"),
    )
