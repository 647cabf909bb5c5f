"""Single records of the live API: profiles, and the tabs that have more (boond-live.md 3)."""

import re
from collections.abc import Callable
from typing import Any

import httpx

from sandbox import boond_live_companies as parties
from sandbox import boond_live_deliveries as sold
from sandbox import boond_live_invoices as invoices
from sandbox import boond_live_reports as reports
from sandbox import boond_live_shapes as shapes
from sandbox.boond_live_dictionary import dictionary
from sandbox.boond_live_lists import LISTS, broken, page
from sandbox.boond_live_wire import Handler, Json, Route, Tenant, absent, document, incomplete
from sandbox.domain import Consultant, PurchaseOrder

Find = Callable[[Tenant, str], Any]
Person = Consultant | shapes.Manager


def _one(find: Find, tell: Callable[[Tenant, Any], Json]) -> Handler:
    """Answers for the record that a path names, or says that there is none."""

    def handle(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
        found = find(tenant, match[1])
        if found is None:
            raise absent(request)
        return tell(tenant, found)

    return handle


def _person(tenant: Tenant, person_id: str) -> Person | None:
    world = tenant.world
    return world.consultants.get(person_id) or shapes.managers(world).get(person_id)


def _company(tenant: Tenant, company_id: str) -> parties.Company | None:
    return parties.company_of(tenant.world, company_id)


def _of_person(tab: Callable[[Any], Json]) -> Handler:
    def tell(tenant: Tenant, who: Person) -> Json:
        return document(broken(tenant, "consultants", who, tab(who)))

    return _one(_person, tell)


def _administrative(_: Tenant, who: Person) -> Json:
    return document(*shapes.resource_administrative(who))


def _of_company(tab: Callable[..., Json]) -> Handler:
    def tell(tenant: Tenant, found: parties.Company) -> Json:
        return document(
            broken(tenant, parties.company_stream(found), found, tab(tenant.world, found))
        )

    return _one(_company, tell)


def _contacts(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
    found = _company(tenant, match[1])
    if found is None:
        raise absent(request)
    return page(LISTS["/contacts"], tenant, parties.contacts_of(found), request.url.params)


def _of_order(tab: Callable[..., Json]) -> Handler:
    def tell(tenant: Tenant, found: sold.ClientOrder) -> Json:
        project = shapes.project_reduced(found.contract, with_company=True)
        return document(tab(tenant.world, found), [project])

    return _one(lambda tenant, order_id: sold.client_order(tenant.world, order_id), tell)


def _delivery(tenant: Tenant, found: sold.Delivery) -> Json:
    row = broken(tenant, "contracts", found, shapes.delivery(tenant.world, found))
    return document(row, shapes.delivery_included(found))


def _purchase(tenant: Tenant, found: PurchaseOrder) -> Json:
    row = shapes.purchase(tenant.world, found)
    return document(broken(tenant, "purchase_orders", found, row))


def _whole(stream: str, tell: Callable[[Tenant, Any], Json]) -> Callable[[Tenant, Any], Json]:
    """A document whose record may be malformed."""

    def told(tenant: Tenant, found: Any) -> Json:
        body = tell(tenant, found)
        return body | {"data": broken(tenant, stream, found, body["data"])}

    return told


def _dictionary(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
    del tenant, match, request
    return dictionary()


def _new_invoice(tenant: Tenant, match: re.Match[str], request: httpx.Request) -> Json:
    del match
    order_id = request.url.params.get("order")
    if not order_id:
        raise incomplete("order")
    found = sold.client_order(tenant.world, order_id)
    if found is None:
        raise absent(request)
    return invoices.invoice_default(tenant.world, found)


TABS: dict[str, Handler] = {
    "/application/dictionary": _dictionary,
    "/resources/([^/]+)": _of_person(shapes.resource_profile),
    "/resources/([^/]+)/information": _of_person(shapes.resource_information),
    "/resources/([^/]+)/administrative": _one(_person, _administrative),
    "/companies/([^/]+)": _of_company(parties.company),
    "/companies/([^/]+)/information": _of_company(parties.company_information),
    "/companies/([^/]+)/contacts": _contacts,
    "/orders/([^/]+)": _of_order(shapes.order),
    "/orders/([^/]+)/information": _of_order(shapes.order_information),
    "/deliveries/([^/]+)": _one(lambda t, found: sold.delivery_of(t.world, found), _delivery),
    "/purchases/([^/]+)(?:/information)?": _one(lambda t, i: t.world.orders.get(i), _purchase),
    "/times-reports/([^/]+)": _one(reports.report_of, _whole("cras", reports.detail)),
    "/invoices/default": _new_invoice,
    "/invoices/([^/]+)(?:/information)?": _one(
        lambda t, i: t.world.client_invoices.get(i),
        _whole("client_invoices", invoices.invoice_document),
    ),
    "/provider-invoices/([^/]+)": _one(
        lambda t, i: t.world.supplier_invoices.get(i),
        _whole("supplier_invoices", invoices.provider_invoice_document),
    ),
    "/payments/([^/]+)": _one(
        lambda t, i: invoices.of_payment(t.world, i), invoices.payment_document
    ),
}
"""Path → what answers a GET; a path that stands earlier wins."""

ROUTES = tuple(Route("GET", re.compile(path), handler) for path, handler in TABS.items())
