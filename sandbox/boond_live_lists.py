"""The live API's lists: what stands in them, what they are filtered by, and their pages.

boond-live.md 2. Filters that are not documented for a list are ignored without a word.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import httpx

from sandbox import boond_live_companies as parties
from sandbox import boond_live_deliveries as sold
from sandbox import boond_live_invoices as invoices
from sandbox import boond_live_reports as reports
from sandbox import boond_live_shapes as shapes
from sandbox.boond_live_reports import Report
from sandbox.boond_live_wire import Handler, Json, Route, Tenant, document, incomplete, wrong
from sandbox.domain import ClientInvoice, PurchaseOrder, SupplierInvoice
from sandbox.wire import PARIS
from sandbox.world import World

PAGE, LARGEST_PAGE = 30, 500
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
ALWAYS = (date.min, date.max)
ARRAYS = {"companies[]": "CSOC", "resources[]": "COMP"}

BROKEN: dict[str, Json] = {
    "consultants": {"lastName": None},
    "clients": {"name": None},
    "suppliers": {"name": None},
    "contracts": {"averageDailyPriceExcludingTax": "voir avenant"},
    "cras": {"workUnitRate": "vingt"},
    "client_invoices": {"turnoverInvoicedExcludingTax": "n/a"},
    "purchase_orders": {"amountExcludingTax": "n/a"},
    "supplier_invoices": {"amountExcludingTax": "n/a"},
}
"""What the attributes of a malformed record hold, by stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list: its rows, how one is told, and what it is filtered by.

    Attributes:
        rows: all that stands in it.
        shape: how a row is told.
        stream: which stream a row is of, as `Manners.broken_stream` names it; none if "".
        included: what a row refers to.
        handles: what `keywords` finds a row by, and `companies[]`, `resources[]`.
        periods: kind of `period` → the day of a row that it is about.
        arrays: which array filters are documented here.
        newest_first: whether what changed last comes first.
    """

    rows: Callable[[Tenant], Iterable[Any]]
    shape: Callable[[Tenant, Any], Json]
    handles: Callable[[World, Any], set[str]]
    stream: Callable[[Any], str] = lambda _: ""
    included: Callable[[Tenant, Any], list[Json]] = lambda *_: []
    periods: Mapping[str, Callable[[Any], date]] = field(default_factory=dict)
    arrays: tuple[str, ...] = ()
    newest_first: bool = False


def _updated(found: Any) -> date:
    day: date = found.updated_at.astimezone(PARIS).date()
    return day


UPDATED = {"updated": _updated}


def _of_world(shape: Callable[[World, Any], Json]) -> Callable[[Tenant, Any], Json]:
    return lambda tenant, found: shape(tenant.world, found)


def _contacts(tenant: Tenant) -> Iterable[parties.LiveContact]:
    for client in tenant.world.clients.values():
        yield from parties.contacts_of(client)


def _delivery_handles(_: World, found: sold.Delivery) -> set[str]:
    who = found.consultant
    named = {f"COMP{who.id}"} if who else set()
    contract = found.contract
    return named | {f"MIS{found.id}", f"PRJ{contract.id}", f"CSOC{contract.client_id}"}


def _invoice_handles(_: World, found: ClientInvoice) -> set[str]:
    about = {f"PRJ{found.contract_id}", f"CSOC{found.client_id}", f"BDC8{found.contract_id}"}
    return about | {f"FACT{found.id}", found.reference}


def _purchase_handles(world: World, found: PurchaseOrder) -> set[str]:
    delivery = sold.of_order(world, found)
    about = {f"PRJ{delivery.contract.id}", f"MIS{delivery.id}"} if delivery else set()
    return about | {f"ACH{found.id}", f"CSOC{found.supplier_id}", found.reference}


def _provider_invoice_handles(world: World, found: SupplierInvoice) -> set[str]:
    order = world.orders.get(found.order_id or "")
    people = {f"COMP{line.consultant_id}" for line in order.lines} if order else set()
    return people | {f"PROINV{found.id}", f"CSOC{found.supplier_id}", found.reference}


LISTS: dict[str, Listing] = {
    "/resources": Listing(
        rows=lambda t: t.world.consultants.values(),
        shape=_of_world(shapes.resource),
        handles=lambda _, r: {f"COMP{r.id}"},
        stream=lambda _: "consultants",
        periods=UPDATED,
        newest_first=True,
    ),
    "/companies": Listing(
        rows=lambda t: parties.companies(t.world),
        shape=_of_world(parties.company),
        handles=lambda _, r: {f"CSOC{r.id}", r.name},
        stream=parties.company_stream,
        periods=UPDATED,
        newest_first=True,
    ),
    "/contacts": Listing(
        rows=_contacts,
        shape=_of_world(parties.contact),
        handles=lambda _, r: {f"CCON{r.id}", f"CSOC{r.client.id}"},
        periods=UPDATED,
    ),
    "/projects": Listing(
        rows=lambda t: t.world.contracts.values(),
        shape=_of_world(shapes.project),
        handles=lambda _, r: {f"PRJ{r.id}", f"CSOC{r.client_id}", r.reference},
        periods=UPDATED,
        arrays=("companies[]",),
    ),
    "/deliveries-groupments": Listing(
        rows=lambda t: sold.deliveries(t.world),
        shape=_of_world(shapes.delivery),
        handles=_delivery_handles,
        included=lambda _, r: shapes.delivery_included(r),
        stream=lambda _: "contracts",
        periods=UPDATED,
        arrays=("companies[]",),
    ),
    "/orders": Listing(
        rows=lambda t: sold.client_orders(t.world),
        shape=_of_world(shapes.order),
        handles=lambda _, r: {
            f"BDC{r.id}",
            f"PRJ{r.contract.id}",
            f"CSOC{r.contract.client_id}",
        },
        included=lambda _, r: [shapes.project_reduced(r.contract, with_company=True)],
        periods=UPDATED,
        arrays=("companies[]",),
    ),
    "/purchases": Listing(
        rows=lambda t: t.world.orders.values(),
        shape=_of_world(shapes.purchase),
        handles=_purchase_handles,
        stream=lambda _: "purchase_orders",
        periods=UPDATED,
    ),
    "/invoices": Listing(
        rows=lambda t: t.world.client_invoices.values(),
        shape=invoices.invoice,
        handles=_invoice_handles,
        stream=lambda _: "client_invoices",
        included=lambda t, r: invoices.invoice_included(t.world, r),
        periods=UPDATED,
        arrays=("companies[]",),
    ),
    "/payments": Listing(
        rows=lambda t: t.world.supplier_invoices.values(),
        shape=_of_world(invoices.payment),
        handles=lambda _, r: {f"PMT7{r.id}", f"ACH{r.order_id}", r.reference},
        periods=UPDATED,
    ),
    "/provider-invoices": Listing(
        rows=lambda t: t.world.supplier_invoices.values(),
        shape=_of_world(invoices.provider_invoice),
        handles=_provider_invoice_handles,
        stream=lambda _: "supplier_invoices",
        periods={"invoiceDate": lambda r: r.issued},
        arrays=("companies[]", "resources[]"),
    ),
}


# Lists


def _rows_of(
    listing: Listing, tenant: Tenant, match: re.Match[str], request: httpx.Request
) -> Json:
    del match
    return page(listing, tenant, listing.rows(tenant), request.url.params)


def page(listing: Listing, tenant: Tenant, rows: Iterable[Any], params: httpx.QueryParams) -> Json:
    """Returns the page of a list that is asked for, filtered and in its order."""
    kept = _filtered(listing, tenant, rows, params)
    if listing.newest_first:
        kept.sort(key=lambda row: (row.updated_at, row.id), reverse=True)
    return _cut(
        tenant,
        kept,
        params,
        lambda row: broken(tenant, listing.stream(row), row, listing.shape(tenant, row)),
        partial(listing.included, tenant),
    )


def _cut(
    tenant: Tenant,
    rows: list[Any],
    params: httpx.QueryParams,
    shape: Callable[[Any], Json],
    included: Callable[[Any], list[Json]],
) -> Json:
    """One page of rows, with what they refer to."""
    size, number = _whole(params, "maxResults", PAGE), _whole(params, "page", 1)
    size = PAGE if size > LARGEST_PAGE else size
    # A row that came in at the top after the first page pushes all others down by one.
    pushed = 1 if tenant.manners.moving_pages and number > 1 else 0
    first = (number - 1) * size - pushed
    shown = rows[first : first + size]
    meta = {"totals": {"rows": len(rows) + pushed}}
    return document(
        [shape(row) for row in shown], (also for row in shown for also in included(row)), meta
    )


def _filtered(
    listing: Listing, tenant: Tenant, rows: Iterable[Any], params: httpx.QueryParams
) -> list[Any]:
    if tenant.manners.ignores_filters:
        return list(rows)
    day_of = listing.periods.get(params.get("period", ""))
    if day_of:
        first, last = _days(params, "startDate", "endDate")
        rows = [row for row in rows if first <= day_of(row) <= last]
    for wanted in params.get("keywords", "").split():
        rows = [row for row in rows if _answers(listing, tenant, row, {wanted})]
    for name in listing.arrays:
        named = {f"{ARRAYS[name]}{value}" for value in params.get_list(name)}
        if named:
            rows = [row for row in rows if _answers(listing, tenant, row, named)]
    return list(rows)


def _answers(listing: Listing, tenant: Tenant, row: Any, wanted: set[str]) -> bool:
    return bool(wanted & listing.handles(tenant.world, row))


def _whole(params: httpx.QueryParams, name: str, default: int) -> int:
    """Reads a whole number from 1; what is none is ignored without a word."""
    text = params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) else default


def _days(params: httpx.QueryParams, *names: str) -> tuple[date, date]:
    """Reads the first and the last day; days that are not told bound nothing."""
    told: list[date] = []
    for name, default in zip(names, ALWAYS, strict=True):
        try:
            told.append(date.fromisoformat(params[name]) if name in params else default)
        except ValueError as error:
            raise wrong(name) from error
    return told[0], told[1]


def broken(tenant: Tenant, stream: str, found: Any, body: Json) -> Json:
    """Returns a record as told, malformed where the tenant's manners want it."""
    if stream and tenant.manners.breaks(stream, found):
        body["attributes"] |= {
            key: value for key, value in BROKEN[stream].items() if key in body["attributes"]
        }
    return body


# Activity reports


def _times_reports(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
    del match
    params = request.url.params
    first, last = _months(params)
    rows = list(reports.grouped(tenant).values())
    if not tenant.manners.ignores_filters:
        rows = [r for r in rows if first <= r.term <= last and _is_wanted(r, params)]
    rows.sort(key=lambda report: report.term, reverse=True)
    return _cut(
        tenant,
        rows,
        params,
        partial(reports.row, tenant),
        lambda report: [shapes.resource_reduced(report.consultant)],
    )


def _months(params: httpx.QueryParams) -> tuple[str, str]:
    names = ("startMonth", "endMonth")
    missing = [name for name in names if not params.get(name)]
    if missing:
        raise incomplete(*missing)
    malformed = [name for name in names if not MONTH.fullmatch(params[name])]
    if malformed:
        raise wrong(*malformed)
    return params["startMonth"], params["endMonth"]


def _is_wanted(report: Report, params: httpx.QueryParams) -> bool:
    states = params.get_list("validationStates[]")
    handles = {f"TPS{report.id}", f"COMP{report.consultant.id}"}
    words = params.get("keywords", "").split()
    return (not states or report.state in states) and all(word in handles for word in words)


def _times(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
    del match
    params = request.url.params
    missing = [name for name in ("period", "startDate", "endDate") if not params.get(name)]
    if missing:
        raise incomplete(*missing)
    if params["period"] != "inProgress":
        raise wrong("period")
    first, last = (
        ALWAYS if tenant.manners.ignores_filters else _days(params, "startDate", "endDate")
    )
    rows = reports.times(tenant, first, last)
    return _cut(
        tenant, rows, params, partial(reports.time_row, reports.Telling(tenant.world)), lambda _: []
    )


READS: dict[str, Handler] = {
    **{path: partial(_rows_of, listing) for path, listing in LISTS.items()},
    "/times-reports": _times_reports,
    "/times": _times,
}
"""Path → what answers a GET."""

ROUTES = tuple(Route("GET", re.compile(path), handler) for path, handler in READS.items())
