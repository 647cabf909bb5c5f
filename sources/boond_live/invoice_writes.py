"""Creating invoices to clients (boond-live.md 4).

An invoice of BoondManager hangs on an order of the client, which our invoices know nothing of: it
is the one order of the contract that covers the months billed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sources import mapping
from sources.boond_live.access import PROJECTS, Access
from sources.boond_live.amounts import cents, number
from sources.boond_live.dictionary import Dictionary
from sources.boond_live.invoices import PATH, STREAM, information, invoice
from sources.boond_live.jsonapi import Item
from sources.boond_live.reports import last_day
from sources.boond_live.unsendable import unknown, unsendable
from sources.boond_records import ClientInvoice
from sources.errors import OutcomeUnknown, SourceError
from sources.exchange import path_segment
from sources.streams import PARIS

_POST = f"POST {PATH}"
_NO_DEFAULT = (403, 404, 405)
_USUAL_RECORD = 1
_PRO_FORMA = re.compile(r"pro.?forma", re.IGNORECASE)
_MONTH = re.compile(r" · (\d{4})-(0[1-9]|1[0-2]) · ")
_BEFORE = timedelta(days=2)
_PERCENT_DECIMALS = (Decimal(1), Decimal("0.1"), Decimal("0.01"))


@dataclass(frozen=True)
class Months:
    """First and last day of the months that an invoice bills."""

    first: date
    last: date

    def within(self, dates: Item) -> "Months":
        """What of them lies within the dates of a project; all of them where nothing does."""
        starts, ends = _days_of(dates)
        first, last = max(self.first, starts), min(self.last, ends)
        return Months(first, last) if first <= last else self

    def covered_by(self, dates: Item) -> bool:
        """Whether the dates of an order cover them; a date that is not told is open."""
        starts, ends = _days_of(dates)
        return starts <= self.first and self.last <= ends


def _days_of(dates: Item) -> tuple[date, date]:
    return (
        _day(dates.at("startDate")) or date.min,
        _day(dates.at("endDate")) or date.max,
    )


def _day(said: Any) -> date | None:
    try:
        return date.fromisoformat(str(said)[:10])
    except ValueError:
        return None


async def create(access: Access, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Creates an invoice; what BoondManager could not hold is refused before.

    Raises:
        Validation: it cannot hold the amounts or the currency, or no one order fits.
    """
    body = await _body(access, payload)
    served = await access.write("POST", PATH, body)
    if not served.id:
        message = "the answer holds no id."
        raise OutcomeUnknown("boond", _POST, "envelope", message)
    return _held(served, access.dictionary)


async def find(access: Access, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The invoices under a reference; a list that ends short is an error, it proves no absence."""
    issued = date.fromisoformat(payload["issue_date"])
    since = datetime.combine(min(issued, access.terms.today()) - _BEFORE, time(), PARIS)
    found: dict[str, None] = {}
    async for part in access.listed(PATH, access.updated(since), whole=True):
        named = (row.id for row in part.rows if row.at("reference") == payload["reference"])
        found.update(dict.fromkeys(named))
    held = [await read(access, id_) for id_ in found]
    return [one for one in held if one is not None]


async def read(access: Access, id_: str) -> Mapping[str, Any] | None:
    """What BoondManager holds of an invoice, as columns; None where it has none."""
    served = await access.item(information(id_), id_=id_)
    return None if served is None else _held(served, access.dictionary)


def _held(served: Item, words: Dictionary) -> Mapping[str, Any]:
    return mapping.held_by_vendor(ClientInvoice, invoice(served, words))


async def _body(access: Access, payload: Mapping[str, Any]) -> dict[str, Any]:
    same_currency(access, _POST, payload)
    percent = _percent(payload)
    lines = list(_lines(payload))
    state = _draft(access.dictionary)
    months = months_of(payload)
    order = await _order(access, payload, months)
    kind = {"reference": await _record_type(access, order)}
    taxed = {"taxRates": [percent], "taxes": [percent]}
    attributes = {
        "date": payload["issue_date"],
        "startDate": str(months.first),
        "endDate": str(months.last),
        "reference": payload["reference"],
        "state": state,
        "invoiceRecords": [{"invoiceRecordType": kind, **line, **taxed} for line in lines],
    }
    relations = {"order": {"data": {"id": order, "type": "order"}}, "schedule": {"data": None}}
    return {"data": {"type": "invoice", "attributes": attributes, "relationships": relations}}


def same_currency(access: Access, operation: str, payload: Mapping[str, Any]) -> None:
    """Refuses another currency than the tenant's own: its rate is not ours to tell."""
    said, own = payload.get("currency"), access.terms.currency
    if said not in {None, own}:
        raise unsendable(operation, f"it is in {said}, and BOOND_CURRENCY is {own}.")


def months_of(payload: Mapping[str, Any]) -> Months:
    """The months that the lines name, else the one in which the invoice is issued."""
    named = [_MONTH.search(line["description"] or "") for line in payload["lines"]]
    firsts = [date(int(found[1]), int(found[2]), 1) for found in named if found]
    firsts = firsts or [date.fromisoformat(payload["issue_date"]).replace(day=1)]
    return Months(min(firsts), last_day(max(firsts)))


def _percent(payload: Mapping[str, Any]) -> Decimal:
    """The rate in percent that makes the tax of the total, to the cent."""
    net, tax = (number(payload[name]) for name in ("total_excl_tax", "total_tax"))
    if net is not None and tax is not None:
        exact = 100 * tax / net if net else Decimal(0)
        for decimals in _PERCENT_DECIMALS:
            percent = exact.quantize(decimals)
            if cents(net * percent / 100) == tax:
                return percent
    raise unsendable(_POST, f"no rate in percent makes a tax of {tax} of {net}.")


def _lines(payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for place, line in enumerate(payload["lines"], start=1):
        quantity, price, total = (
            number(line[name]) for name in ("quantity", "unit_price", "total_excl_tax")
        )
        if quantity is None or price is None or cents(quantity * price) != total:
            message = f"line {place}: {quantity} × {price} is not {total}."
            raise unsendable(_POST, message)
        yield {
            "description": line["description"],
            "amountExcludingTax": price,
            "quantity": quantity,
        }


def _draft(words: Dictionary) -> int:
    for state in words.numbers_of("invoice", "draft"):
        if not _PRO_FORMA.search(words.label("invoice", state) or ""):
            return state
    raise unsendable(_POST, "BoondManager's dictionary names no draft state of an invoice.")


async def _order(access: Access, payload: Mapping[str, Any], months: Months) -> str:
    """The one order of the project that covers what is billed of it."""
    project_id = str(payload["contract_id"])
    project = (await access.projects(STREAM)).get(project_id)
    if project is None:
        raise unknown(access, _POST, PROJECTS, f"project {project_id}")
    if project.related("company") != payload["client_id"]:
        client = project.related("company")
        raise unsendable(_POST, f"project {project_id} is of client {client}, not of this one.")
    orders = await _orders(access, project_id)
    billed = months.within(project)
    found = [order.id for order in orders if billed.covered_by(order)]
    if len(found) == 1:
        return found[0]
    said = "; ".join(map(_dated, orders)) or "none"
    message = (
        f"{len(found) or 'no'} orders of project {project_id} cover {billed.first} to"
        f" {billed.last}: one must. Its orders: {said}."
    )
    raise unsendable(_POST, message)


async def _orders(access: Access, project_id: str) -> list[Item]:
    """The orders of a project that are not put away, with their dates."""
    found: dict[str, None] = {}
    async for part in access.listed("/orders", {"keywords": f"PRJ{project_id}"}, whole=True):
        for row in part.rows:
            open_ = access.dictionary.state("order", row.at("state")) != "archived"
            if open_ and row.related("project") == project_id:
                found[row.id] = None
    read = [await access.item(f"/orders/{path_segment(id_)}/information", id_=id_) for id_ in found]
    return [order for order in read if order is not None]


def _dated(order: Item) -> str:
    return f"{order.id} ({order.at('startDate') or 'open'} to {order.at('endDate') or 'open'})"


async def _record_type(access: Access, order: str) -> Any:
    """The type of a new line, which the tenant sets; the usual one where it is not told."""
    try:
        served = await access.item(f"{PATH}/default", {"order": order})
    except SourceError as error:
        if error.status not in _NO_DEFAULT:
            raise
        return _USUAL_RECORD
    records = served.at("invoiceRecords") if served else None
    first = records[0] if isinstance(records, list) and records else None
    kind = first.get("invoiceRecordType") if isinstance(first, Mapping) else None
    said = kind.get("reference") if isinstance(kind, Mapping) else None
    return _USUAL_RECORD if said is None else said
