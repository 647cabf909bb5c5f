"""BoondManager's `v3` shapes: a record of the world as its JSON object (boond.md, "Shapes")."""

from typing import Any

from sandbox.domain import (
    Client,
    ClientInvoice,
    Consultant,
    Contract,
    Cra,
    InvoiceLine,
    PurchaseOrder,
    Supplier,
    SupplierInvoice,
)
from sandbox.wire import iso, zoned
from sandbox.world import World

# One key of each stream, and the nonsense that a malformed row holds there.
BROKEN: dict[str, dict[str, Any]] = {
    "consultants": {"lastName": None},
    "clients": {"name": None},
    "contracts": {"rates": "voir avenant"},
    "cras": {"totalDays": "vingt"},
    "client_invoices": {"totalExclTax": "n/a"},
    "suppliers": {"name": None},
    "purchase_orders": {"startDate": "bientôt"},
    "supplier_invoices": {"totalExclTax": "n/a"},
}


def _told(**pairs: Any) -> dict[str, Any]:
    """Leaves out what is absent: a missing optional key, never zero."""
    return {key: value for key, value in pairs.items() if value is not None}


def _ref(record_id: str | None) -> dict[str, str] | None:
    return {"id": record_id} if record_id else None


def consultant(_: World, record: Consultant) -> dict[str, Any]:
    """A consultant; its main contract is one of employment, not one of a client."""
    return {
        "id": record.id,
        "typeResource": "external" if record.supplier_id else "employee",
        "firstName": record.first_name,
        "lastName": record.last_name,
        **_told(
            email=record.email,
            phone=record.phone,
            profile=record.profile,
            supplier=_ref(record.supplier_id),
            manager={"id": record.manager_id, "email": record.manager_email},
            mainContract=_employment(record),
            availability=record.availability,
        ),
        "updatedAt": zoned(record.updated_at),
    }


def _employment(record: Consultant) -> dict[str, Any] | None:
    if record.employed_from is None:
        return None
    start = iso(record.employed_from)
    return {"id": f"EMP-{record.id}", "startDate": start, "status": "active"}


def client(_: World, record: Client) -> dict[str, Any]:
    """A client."""
    return {
        "id": record.id,
        "reference": record.reference,
        "name": record.name,
        "billingAddress": {
            "street": record.street,
            "postcode": record.postcode,
            "city": record.town,
            "country": record.country,
        },
        "contacts": [_told(name=c.name, email=c.email, role=c.role) for c in record.contacts],
        **_told(vatNumber=record.vat_number),
        "updatedAt": zoned(record.updated_at),
    }


def contract(_: World, record: Contract) -> dict[str, Any]:
    """A client's contract."""
    return {
        "id": record.id,
        "client": {"id": record.client_id},
        "reference": record.reference,
        "startDate": iso(record.start),
        "endDate": iso(record.end),
        "status": record.status,
        "rates": [
            {
                "profile": rate.profile,
                "dailyRate": rate.daily_rate,
                "currency": rate.currency,
                **_told(
                    consultant=_ref(rate.consultant_id),
                    startDate=iso(rate.start),
                    endDate=iso(rate.end),
                ),
            }
            for rate in record.rates
        ],
        **_told(
            billingFrequency=record.frequency,
            billingDeadline=iso(record.deadline),
            paymentTerms=record.terms,
            taxRate=record.tax_rate,
        ),
        "updatedAt": zoned(record.updated_at),
    }


def cra(world: World, record: Cra) -> dict[str, Any]:
    """A CRA with its lines."""
    who = world.consultants[record.consultant_id]
    return {
        "id": record.id,
        "consultant": {"id": who.id, "firstName": who.first_name, "lastName": who.last_name},
        "resource": {"id": record.mission_id, "label": record.mission},
        **_told(
            client=_ref(record.client_id),
            contract=_ref(record.contract_id),
            purchaseOrder=_ref(record.order_id),
        ),
        "period": {"startDate": iso(record.start), "endDate": iso(record.end)},
        **_told(dueDate=iso(record.due)),
        "activities": [
            {
                "date": iso(a.day),
                "duration": a.duration,
                "typeCode": a.kind,
                **_told(comment=a.comment),
            }
            for a in record.activities
        ],
        "totalDays": record.total_days,
        "status": record.status,
        "validationDate": zoned(record.validated_at),
        "validator": record.validator,
        "updatedAt": zoned(record.updated_at),
    }


def _lines(lines: list[InvoiceLine]) -> list[dict[str, Any]]:
    return [
        {
            "description": line.description,
            "quantity": line.quantity,
            "unitPrice": line.unit_price,
            "totalExclTax": line.total,
        }
        for line in lines
    ]


def client_invoice(_: World, record: ClientInvoice) -> dict[str, Any]:
    """An invoice to a client."""
    return {
        "id": record.id,
        "reference": record.reference,
        "client": {"id": record.client_id},
        "contract": {"id": record.contract_id},
        "issueDate": iso(record.issued),
        "dueDate": iso(record.due),
        "lines": _lines(record.lines),
        "totalExclTax": record.net,
        "totalTax": record.tax,
        "totalInclTax": record.gross,
        **_told(currency=record.currency),
        "status": record.status,
        "paidAmount": record.paid,
        "updatedAt": zoned(record.updated_at),
    }


def supplier(_: World, record: Supplier) -> dict[str, Any]:
    """A supplier."""
    return {
        "id": record.id,
        "name": record.name,
        **_told(
            vatNumber=record.vat_number,
            registrationNumber=record.registration_number,
            email=record.email,
            iban=record.iban,
        ),
        "updatedAt": zoned(record.updated_at),
    }


def purchase_order(_: World, record: PurchaseOrder) -> dict[str, Any]:
    """A purchase order with its lines."""
    return {
        "id": record.id,
        "reference": record.reference,
        "supplier": {"id": record.supplier_id},
        "startDate": iso(record.start),
        "endDate": iso(record.end),
        "lines": [
            {
                **_told(id=line.id),
                "consultant": line.consultant_name,
                **_told(consultantId=line.consultant_id),
                "dailyRate": line.daily_rate,
                "estimatedDays": line.days,
            }
            for line in record.lines
        ],
        "totalAmount": record.total,
        **_told(currency=record.currency),
        "status": record.status,
        "updatedAt": zoned(record.updated_at),
    }


def supplier_invoice(_: World, record: SupplierInvoice) -> dict[str, Any]:
    """A supplier's invoice, registered."""
    return {
        "id": record.id,
        "supplier": {"id": record.supplier_id},
        **_told(purchaseOrder=_ref(record.order_id)),
        "reference": record.reference,
        "issueDate": iso(record.issued),
        **_told(dueDate=iso(record.due)),
        "lines": _lines(record.lines),
        "totalExclTax": record.net,
        **_told(totalTax=record.tax, totalInclTax=record.gross, currency=record.currency),
        "status": record.status,
        "updatedAt": zoned(record.updated_at),
    }
