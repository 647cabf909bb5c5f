"""BoondManager, dialect v3, as data: streams and writes (boond.md, "Dialect v3")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sources.boond_records import (
    Client,
    ClientInvoice,
    Consultant,
    Contract,
    Cra,
    PurchaseOrder,
    Supplier,
    SupplierInvoice,
)
from sources.streams import Record, Stream


def _stream(name: str, record: type[Record], path: str, *, one: bool = True) -> Stream:
    return Stream("boond", name, record, path, one=f"{path}/{{id}}" if one else None)


STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        _stream("consultants", Consultant, "/resources"),
        _stream("clients", Client, "/clients"),
        _stream("contracts", Contract, "/clients/contracts", one=False),
        _stream("cras", Cra, "/crm/activities"),
        _stream("client_invoices", ClientInvoice, "/invoicing/invoices"),
        _stream("suppliers", Supplier, "/suppliers"),
        _stream("purchase_orders", PurchaseOrder, "/purchases/orders"),
        _stream("supplier_invoices", SupplierInvoice, "/purchases/invoices"),
    )
}

CONTRACTS_OF_CLIENT = "/clients/{parent}/contracts"


@dataclass(frozen=True)
class Write:
    """How one kind of command is sent and looked up.

    Attributes:
        stream: whose records it touches.
        status: what the vendor holds once it is done, the wanted one first.
        natural_key: for a create, query parameter by column; the vendor keeps neither unique.
        stamp: whether the validator and the moment are added.
        premises: columns that say what was decided on; there is no place to send them.
    """

    stream: str
    status: tuple[str, ...]
    natural_key: Mapping[str, str] = field(default_factory=dict)
    stamp: bool = False
    premises: frozenset[str] = frozenset()

    def told(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What of a payload is sent, and held afterwards."""
        return {name: value for name, value in payload.items() if name not in self.premises}


_OF_REPORT = frozenset({"total_days"})
WRITES: Mapping[str, Write] = {
    "boond.cra.validate": Write("cras", ("validated",), stamp=True, premises=_OF_REPORT),
    "boond.cra.invalidate": Write("cras", ("invalidated",), premises=_OF_REPORT),
    "boond.invoice.create": Write(
        "client_invoices", ("draft", "sent", "paid"), {"reference": "reference"}
    ),
    "boond.supplier_invoice.register": Write(
        "supplier_invoices",
        ("registered", "flagged_for_payment", "paid"),
        {"supplier_id": "supplierId", "reference": "reference"},
    ),
    "boond.supplier_invoice.flag": Write("supplier_invoices", ("flagged_for_payment", "paid")),
}
