"""BoondManager, dialect live, as data: the streams, and how one is read."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources.boond_live.access import Access
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
from sources.streams import Page, Record, Stream


@dataclass(frozen=True)
class Reader:
    """How a stream is read.

    Attributes:
        pages: its pages, from an instant on or whole.
        one: one composed record; None when BoondManager answers 404.
    """

    pages: Callable[[Access, datetime | None], AsyncGenerator[Page, None]]
    one: Callable[[Access, str], Awaitable[Mapping[str, Any] | None]]


def _stream(
    name: str,
    record: type[Record],
    path: str,
    *,
    incremental: bool = True,
    window: str | None = None,
) -> Stream:
    return Stream(
        "boond",
        name,
        record,
        path,
        one=f"{path}/{{id}}",
        incremental=incremental,
        detail="$.served",
        version="$.version",
        whole_days=True,
        window=window,
        archived="$.archived",
    )


STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        _stream("consultants", Consultant, "/resources"),
        _stream("clients", Client, "/companies"),
        _stream("contracts", Contract, "/projects", incremental=False),
        _stream("cras", Cra, "/times-reports", incremental=False, window="$.period.startDate"),
        _stream("client_invoices", ClientInvoice, "/invoices"),
        _stream("suppliers", Supplier, "/companies"),
        _stream("purchase_orders", PurchaseOrder, "/purchases", incremental=False),
        _stream("supplier_invoices", SupplierInvoice, "/provider-invoices", incremental=False),
    )
}
"""All have `served` in whole rows only: a row without it is asked for by id, once a version."""
