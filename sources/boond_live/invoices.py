"""Invoices to clients: /invoices, and their lines in the information tab (boond-live.md 3)."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Any

from sources.boond_live.access import Access
from sources.boond_live.amounts import cents, negative, number, total
from sources.boond_live.composing import (
    Pages,
    Told,
    composed,
    currency,
    day,
    instant,
    put,
    state,
    whole,
)
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.jsonapi import Item, objects
from sources.boond_live.streams import Reader
from sources.boond_live.versions import text_of
from sources.exchange import path_segment
from sources.streams import Page

STREAM = "client_invoices"
PATH = "/invoices"

_TABLE = (
    Told("id", "invoice", "id"),
    Told("reference", "invoice", "reference"),
    Told("client.id", "invoice", ">order>project>company"),
    Told("contract.id", "invoice", ">order>project"),
    Told("issueDate", "invoice", "date", day),
    Told("dueDate", "invoice", "expectedPaymentDate", day),
    Told("totalExclTax", "invoice", "turnoverInvoicedExcludingTax"),
    Told("totalInclTax", "invoice", "turnoverInvoicedIncludingTax"),
    Told("currency", "invoice", "currency", currency),
    Told("status", "invoice", "state", state("invoice")),
    Told("updatedAt", "invoice", "updateDate", instant),
)
_AMOUNTS = ("totalExclTax", "totalTax", "totalInclTax", "paidAmount")


def information(id_: str) -> str:
    """The path of the tab that has the lines."""
    return f"{PATH}/{path_segment(id_)}/information"


async def _pages(access: Access, since: datetime | None) -> AsyncGenerator[Page, None]:
    """The invoices that changed, without lines."""
    told = Pages()
    async with aclosing(access.listed(PATH, access.updated(since))) as parts:
        async for part in parts:
            yield told.of([_thin(access, row) for row in part.rows], part)


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    """A whole invoice; None where BoondManager has none."""
    served = await access.item(information(id_), id_=id_)
    if served is None:
        return None
    found = invoice(served, access.dictionary)
    return whole(found, {"invoice": served}, version=access.version(STREAM, id_))


READER = Reader(_pages, _one)


def _thin(access: Access, row: Item) -> dict[str, Any]:
    version = text_of([row.data, access.dictionary.signature("invoice")])
    access.remember(STREAM, row.id, version)
    found = {"id": row.id, "version": version}
    put(found, "updatedAt", instant(row.at("updateDate")))
    return found


def invoice(served: Item, words: Dictionary) -> dict[str, Any]:
    """The canonical invoice; every amount of a credit note is negative, whichever sign it has."""
    found = composed(_TABLE, {"invoice": served}, words)
    records = served.at("invoiceRecords")
    if records is not None:
        found["lines"] = lines(records)
    put(found, "totalTax", tax(found))
    put(found, "paidAmount", _paid(found, served.at("invoicePayments")))
    return credited(found, _AMOUNTS) if served.at("isCreditNote") else found


def lines(records: Any) -> Any:
    """The lines, each with its total to the cent; what is no list stands as it was served."""
    return [_line(record) for record in records] if isinstance(records, list) else records


def _line(record: Any) -> Any:
    if not isinstance(record, Mapping):
        return record
    found: dict[str, Any] = {}
    put(found, "description", record.get("description"))
    put(found, "quantity", record.get("quantity"))
    put(found, "unitPrice", record.get("amountExcludingTax"))
    quantity, price = number(found.get("quantity")), number(found.get("unitPrice"))
    if quantity is not None and price is not None:
        found["totalExclTax"] = cents(quantity * price)
    return found


def tax(found: Mapping[str, Any]) -> Decimal | None:
    """The tax: what the total with it has more; None where one of both is not told."""
    net, gross = number(found.get("totalExclTax")), number(found.get("totalInclTax"))
    return None if net is None or gross is None else gross - net


def _paid(found: Mapping[str, Any], payments: Any) -> Any:
    """What was paid: all of it where the status says so, else the sum of what came in."""
    if found.get("status") == "paid":
        return found.get("totalInclTax")
    if not isinstance(payments, list):
        return payments
    return total(one.get("amountIncludingTax") for one in objects(payments))


def credited(found: dict[str, Any], amounts: Iterable[str]) -> dict[str, Any]:
    """A credit note, its amounts negative; a line against the others keeps to the other side."""
    turned = {name: negative(found[name]) for name in amounts if name in found}
    rows = found.get("lines")
    if isinstance(rows, list):
        turned["lines"] = _turned(rows)
    return found | turned


def _turned(rows: Sequence[Any]) -> list[Any]:
    values = [number(row.get("totalExclTax")) for row in rows if isinstance(row, Mapping)]
    if sum((value for value in values if value is not None), Decimal(0)) <= 0:
        return list(rows)
    return [_opposite(row) for row in rows]


def _opposite(row: Any) -> Any:
    """A line on the other side: price and total change their sign, the quantity none."""
    if not isinstance(row, Mapping):
        return row
    read = {name: number(row.get(name)) for name in ("unitPrice", "totalExclTax")}
    return {**row, **{name: -value for name, value in read.items() if value is not None}}
