"""Suppliers' invoices: /provider-invoices, and the payments of which their states are made.

A list row has no instant of its last change and no payments, so its version is told by what it
says and by the payments under its reference (boond-live.md 3).
"""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from sources.boond_live.access import Access
from sources.boond_live.composing import Pages, Told, composed, currency, day, instant, put, whole
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.invoices import credited, tax
from sources.boond_live.jsonapi import Item, objects
from sources.boond_live.streams import Reader
from sources.boond_live.versions import Tally, confirmed
from sources.errors import SourceError
from sources.exchange import path_segment
from sources.streams import Page

log = logging.getLogger("rapproche.boond")

STREAM = "supplier_invoices"
PATH = "/provider-invoices"
PAYMENTS = "/payments"
_NO_LIST = (403, 404, 405)
_UNTOLD = "/payments does not tell what changed (%s): every invoice is read"
_PAID = 2
_OPEN = (0, 1)
RELEASED = frozenset({"confirmed", "settled"})
"""States of a payment that somebody has released, or made."""

_TABLE = (
    Told("id", "invoice", "id"),
    Told("supplier.id", "invoice", ">providerCompany"),
    Told("reference", "invoice", "reference"),
    Told("issueDate", "invoice", "invoiceDate", day),
    Told("dueDate", "invoice", "dueDate", day),
    Told("totalExclTax", "invoice", "amountExcludingTax"),
    Told("totalInclTax", "invoice", "amountIncludingTax"),
    Told("currency", "invoice", "currency", currency),
    Told("updatedAt", "invoice", "updateDate", instant),
)
_AMOUNTS = ("totalExclTax", "totalTax", "totalInclTax")


def profile(id_: str) -> str:
    """The path of one invoice."""
    return f"{PATH}/{path_segment(id_)}"


async def _pages(
    access: Access,
    since: datetime | None,  # noqa: ARG001 - the list cannot be asked for what changed
) -> AsyncGenerator[Page, None]:
    """All invoices, without payments."""
    tallies = await _tallies(access)
    told = Pages()
    async with aclosing(access.listed(PATH)) as parts:
        async for part in parts:
            yield told.of([_thin(access, row, tallies) for row in part.rows], part)


async def _one(access: Access, id_: str) -> Mapping[str, Any] | None:
    """A whole invoice; None where BoondManager has none."""
    served = await access.item(profile(id_), id_=id_)
    if served is None:
        return None
    version = confirmed(access.version(STREAM, id_), len(payments(served)))
    found = provider_invoice(served, access.dictionary)
    return whole(found, {"invoice": served}, version=version)


READER = Reader(_pages, _one)


def _thin(access: Access, row: Item, tallies: Mapping[str, Tally] | None) -> dict[str, Any]:
    found = None if tallies is None else tallies.get(str(row.at("reference")), Tally())
    words = access.dictionary.signature("providerinvoice", "payment")
    version = "" if found is None else found.version([row.data, words])
    access.remember(STREAM, row.id, version)
    return {"id": row.id, "version": version}


async def _tallies(access: Access) -> Mapping[str, Tally] | None:
    """What the payments under each reference come to.

    Returns:
        A tally a reference; None where the list cannot tell, and all invoices must be read.
    """
    found: dict[str, Tally] = {}
    try:
        async with aclosing(access.listed(PAYMENTS)) as parts:
            async for part in parts:
                if part.missing:
                    log.warning(_UNTOLD, "it ends short")
                    return None
                for row in part.rows:
                    found.setdefault(str(row.at("number")), Tally()).add(_content(row))
    except SourceError as error:
        if error.status not in _NO_LIST:
            raise
        log.warning(_UNTOLD, error.code)
        return None
    return found


def _content(row: Item) -> list[Any]:
    return [row.id, row.at("state"), row.at("amountExcludingTax"), row.related("purchase")]


def provider_invoice(served: Item, words: Dictionary) -> dict[str, Any]:
    """The canonical supplier invoice; every amount of a credit note is negative."""
    found = composed(_TABLE, {"invoice": served}, words)
    paid = payments(served)
    purchases = {str(one) for payment in paid if (one := target(payment, "purchase"))}
    if len(purchases) == 1:
        put(found, "purchaseOrder.id", *purchases)
    found["lines"] = [_line(payment) for payment in paid]
    put(found, "totalTax", tax(found))
    put(found, "status", _status(served, paid, words))
    return credited(found, _AMOUNTS) if served.at("isCreditNote") else found


def payments(served: Item) -> Sequence[Mapping[str, Any]]:
    """The payments of an invoice; one that is no object says nothing."""
    return objects(served.at("payments"))


def target(payment: Mapping[str, Any], *names: str) -> Any:
    """The id of what a payment is for, such as its `purchase`; None where it names none."""
    found: Any = payment
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
        found = found.get("data", found) if isinstance(found, Mapping) else None
    return found.get("id") if isinstance(found, Mapping) else None


def _line(payment: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    put(found, "totalExclTax", payment.get("amountExcludingTax"))
    return found


def _status(served: Item, paid: Sequence[Mapping[str, Any]], words: Dictionary) -> str | None:
    """Cancelled by the invoice's own state, paid as its payments add up, else as they stand."""
    own = words.state("providerinvoice", served.at("state"))
    settled = served.at("paymentState")
    if own not in {None, "registered"}:
        return own
    if settled == _PAID:
        return "paid"
    if settled is not None and settled not in _OPEN:
        return f"unknown paymentState {settled}"
    states = {words.state("payment", payment.get("state")) for payment in paid}
    return "flagged_for_payment" if states and states <= RELEASED else "registered"
