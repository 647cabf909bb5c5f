"""The commands to BoondManager live: looked up, sent, read back (boond-live.md 4)."""

from collections.abc import Mapping
from typing import Any

from sources import mapping
from sources.boond_live import invoice_writes, provider_invoice_writes, report_writes
from sources.boond_live.access import Access
from sources.boond_live.amounts import number, total
from sources.boond_live.streams import STREAMS

VALIDATE = "boond.cra.validate"
INVALIDATE = "boond.cra.invalidate"
INVOICE = "boond.invoice.create"
REGISTER = "boond.supplier_invoice.register"
FLAG = "boond.supplier_invoice.flag"

_STREAM_OF = {
    VALIDATE: "cras",
    INVALIDATE: "cras",
    INVOICE: "client_invoices",
    REGISTER: "supplier_invoices",
    FLAG: "supplier_invoices",
}
_AS_WANTED = {
    VALIDATE: ("validated",),
    INVALIDATE: ("rejected", "invalidated"),
    INVOICE: ("draft", "sent", "paid"),
    REGISTER: ("registered", "flagged_for_payment", "paid"),
    FLAG: ("flagged_for_payment", "paid"),
}
_NOT_HELD = {
    VALIDATE: frozenset({"total_days"}),
    INVALIDATE: frozenset({"total_days"}),
    INVOICE: frozenset({"due_date"}),
    REGISTER: frozenset({"due_date", "lines"}),
}
"""What is not written: the days that a report is to have before, and what a create has no place for
(the vendor counts due dates itself)."""


async def find(access: Access, kind: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What stands under the natural key of a command that creates; filtered again on our side."""
    await access.login()
    finds = {INVOICE: invoice_writes.find, REGISTER: provider_invoice_writes.find}
    return await finds[kind](access, payload)


async def read(access: Access, kind: str, vendor_id: str) -> Mapping[str, Any] | None:
    """What BoondManager now holds of a command's object; None when it has none."""
    await access.login()
    reads = {
        "cras": report_writes.read,
        "client_invoices": invoice_writes.read,
        "supplier_invoices": provider_invoice_writes.read,
    }
    return await reads[_STREAM_OF[kind]](access, vendor_id)


async def send(
    access: Access, kind: str, target: str, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Carries out a command; of several calls none is made that the vendor's state makes needless.

    Args:
        access: to the tenant.
        kind: such as `boond.invoice.create`.
        target: the id of the object that is changed; a create does not use it.
        payload: columns of the core table.

    Returns:
        The vendor's object, as columns.

    Raises:
        Validation: refused, by BoondManager or here before anything was sent.
    """
    await access.login()
    if kind == INVOICE:
        return await invoice_writes.create(access, payload)
    if kind == REGISTER:
        return await provider_invoice_writes.register(access, payload)
    changes = {
        VALIDATE: report_writes.validate,
        INVALIDATE: report_writes.invalidate,
        FLAG: provider_invoice_writes.release,
    }
    return await changes[kind](access, target, payload)


def differences(kind: str, sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """What BoondManager holds otherwise than the command sent it, a phrase a column.

    A status further on is no difference, nor a report that now waits for the next validator, nor a
    currency that is not told: then it is the tenant's own, and nothing else is sent.
    """
    left_out = set(_NOT_HELD.get(kind, ()))
    stepped = kind == VALIDATE and held.get(report_writes.STEP_TAKEN)
    if held.get("status") in _AS_WANTED[kind] or stepped:
        left_out.add("status")
    if held.get("currency") is None:
        left_out.add("currency")
    told = {name: value for name, value in sent.items() if name not in left_out}
    found = mapping.differences(STREAMS[_STREAM_OF[kind]].record, told, held)
    return found + (_unlike_payments(sent, held) if kind == REGISTER else [])


def _unlike_payments(sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """What the payments of a registration come to otherwise than its amount."""
    rows = held.get("lines")
    paid = total(row["total_excl_tax"] for row in rows) if isinstance(rows, list) else None
    if paid == number(sent["total_excl_tax"]):
        return []
    return [f"payments: sent {sent['total_excl_tax']}, held {'nothing' if paid is None else paid}"]
