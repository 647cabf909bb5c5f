"""Resources, projects and what hangs on them, as the live API tells them.

boond-live.md 3: attributes of lists, and the tabs that have more. States are numbers of
`sandbox.boond_live_dictionary`.
"""

from dataclasses import dataclass
from decimal import Decimal

from sandbox import boond_live_dictionary as words
from sandbox.boond_live_deliveries import (
    PRODUCT,
    ClientOrder,
    Delivery,
    of_order,
)
from sandbox.boond_live_wire import Json, chance, dated, on, record, related, related_many, stamped
from sandbox.domain import Consultant, Contract, PurchaseOrder
from sandbox.wire import told
from sandbox.world import World

AGENCY = "1"
DIRECTOR = "900"
# Told by the tabs that hold what must never be kept: a leak is found by looking for them.
SALARY, AVERAGE_COST, BIRTH = Decimal("98765.43"), Decimal("456.78"), "1984-02-29"


@dataclass(frozen=True, slots=True)
class Manager:
    """A person of the house who manages or validates, and is no consultant."""

    id: str
    first_name: str
    last_name: str
    email: str


# People


def managers(world: World) -> dict[str, Manager]:
    """Returns who manages somebody, and the director, by id."""
    found = {DIRECTOR: Manager(DIRECTOR, "Diane", "Recteur", "direction@esn.example")}
    emails = {c.manager_id: c.manager_email for c in world.consultants.values()}
    for manager_id, email in emails.items():
        first, _, last = email.partition("@")[0].partition(".")
        found.setdefault(manager_id, Manager(manager_id, first.title(), last.title(), email))
    return found


def resource(_: World, who: Consultant) -> Json:
    """A row of `/resources`; every third tells no e-mail there."""
    attributes = _person(who)
    if chance(who.id, 3) == 0:
        del attributes["email1"]
    return record("resource", who.id, attributes, _managed(who))


def resource_information(who: Consultant | Manager) -> Json:
    """The information tab, with what belongs to human resources."""
    attributes = _person(who) | {
        "dateOfBirth": BIRTH,
        "nationality": "France",
        "situation": "married",
        "address": "9 rue Privée",
        "administrativeComments": "confidentiel",
    }
    return record("resource", who.id, attributes, _managed(who))


def resource_profile(who: Consultant | Manager) -> Json:
    """The resource itself, which has no e-mail."""
    attributes = {k: v for k, v in _person(who).items() if k not in {"email1", "phone1"}}
    return record("resource", who.id, attributes, _managed(who))


def resource_administrative(who: Consultant | Manager) -> tuple[Json, list[Json]]:
    """The administrative tab: who employs a person, and in `included` what they earn."""
    supplier_id = who.supplier_id if isinstance(who, Consultant) else None
    employment = f"5{who.id}"
    relationships = {
        "contracts": related_many("contract", [employment]),
        "providerCompany": related("company", supplier_id, who.id),
        "providerContact": related("contact", None, who.id),
    }
    tab = record("resource", who.id, {"administrativeComments": "confidentiel"}, relationships)
    return tab, [_employment(who, employment)]


def resource_reduced(who: Consultant) -> Json:
    """What other records include of a resource."""
    attributes = {"firstName": who.first_name, "lastName": who.last_name, "title": who.profile}
    return record("resource", who.id, attributes)


def _person(who: Consultant | Manager) -> Json:
    names = {"civility": 0, "firstName": who.first_name, "lastName": who.last_name}
    if isinstance(who, Manager):
        return names | {"typeOf": words.RESOURCE_INTERNAL, "title": "", "email1": who.email}
    kind = words.RESOURCE_EXTERNAL if who.supplier_id else words.RESOURCE_INTERNAL
    return names | {
        "creationDate": on(who.employed_from) if who.employed_from else "",
        "updateDate": stamped(who.updated_at),
        "reference": f"COMP{who.id}",
        "typeOf": kind,
        "state": words.RESOURCE_WORKING,
        "title": who.profile,
        "availability": who.availability or "",
        "email1": who.email or "",
        "phone1": who.phone or ("" if chance(who.id, 2) else None),
        "currency": 0,
    }


def _managed(who: Consultant | Manager) -> Json:
    manager = who.manager_id if isinstance(who, Consultant) else DIRECTOR
    return {"mainManager": related("resource", manager), "agency": related("agency", AGENCY)}


def _employment(who: Consultant | Manager, contract_id: str) -> Json:
    start = who.employed_from if isinstance(who, Consultant) else None
    attributes = {
        "startDate": dated(start, who.id),
        "endDate": "",
        "typeOf": 0,
        "monthlySalary": SALARY,
        "contractAverageDailyCost": AVERAGE_COST,
    }
    return record("contract", contract_id, attributes)


# Projects and what is sold and bought on them


def project(_: World, found: Contract) -> Json:
    """A row of `/projects`: a contract with a client."""
    ended = found.status == "ended"
    attributes = {
        "updateDate": stamped(found.updated_at),
        "reference": found.reference,
        "startDate": found.start.isoformat(),
        "endDate": dated(found.end, found.id),
        "typeOf": 1,
        "mode": 1,
        "state": words.PROJECT_ARCHIVED if ended else words.PROJECT_RUNNING,
        **_currency(found.rates[0].currency if found.rates else "EUR"),
    }
    relationships = {
        "company": related("company", found.client_id),
        "mainManager": related("resource", DIRECTOR),
    }
    return record("project", found.id, attributes, relationships)


def project_reduced(found: Contract, *, with_company: bool = False) -> Json:
    """What other records include of a project."""
    client = {"company": related("company", found.client_id)} if with_company else None
    return record("project", found.id, {"reference": found.reference}, client)


def delivery(_: World, found: Delivery) -> Json:
    """A row of `/deliveries-groupments`; a delivery without a price tells none, or zero."""
    who, seed = found.consultant, found.id
    no_price = Decimal(0) if chance(seed, 2) else None
    depends_on = related("resource", who.id) if who else related("product", PRODUCT)
    attributes = {
        "updateDate": stamped(found.updated_at),
        "title": found.title,
        "startDate": found.start.isoformat(),
        "endDate": dated(found.end, seed),
        "state": words.DELIVERY_SIGNED,
        "averageDailyPriceExcludingTax": found.price if found.price is not None else no_price,
        "averageDailyCost": found.cost or Decimal(0),
        "numberOfDaysInvoicedOrQuantity": Decimal(20),
    }
    relationships = {
        "project": related("project", found.contract.id),
        "dependsOn": depends_on,
        "purchase": related("purchase", found.order.id if found.order else None, seed),
    }
    return record("delivery", found.id, attributes, relationships)


def delivery_included(found: Delivery) -> list[Json]:
    """What a delivery refers to: its person, its project."""
    person = [resource_reduced(found.consultant)] if found.consultant else []
    return [*person, project_reduced(found.contract)]


def order(_: World, found: ClientOrder) -> Json:
    """A row of `/orders`, which never tells when it changed."""
    contract = found.contract
    attributes = {
        "date": contract.start.isoformat(),
        "number": f"BDC-{contract.reference}{'-OLD' if found.former else ''}",
        "reference": "",
        "customerAgreement": True,
        "turnoverInvoicedExcludingTax": Decimal(0),
        "turnoverOrderedExcludingTax": Decimal(0),
        "state": words.ORDER_ARCHIVED if found.former else words.ORDER_RUNNING,
    }
    relationships = {
        "project": related("project", contract.id),
        "mainManager": related("resource", DIRECTOR),
    }
    return record("order", found.id, attributes, relationships)


def order_information(world: World, found: ClientOrder) -> Json:
    """The information tab of an order: its dates."""
    body, contract = order(world, found), found.contract
    end = contract.start if found.former else contract.end
    body["attributes"] |= {
        "startDate": contract.start.isoformat(),
        "endDate": dated(end, found.id),
    }
    body["relationships"]["schedules"] = {"data": []}
    return body


def purchase(world: World, found: PurchaseOrder) -> Json:
    """A purchase: its amount without tax is the price of one day."""
    line, delivery = found.lines[0], of_order(world, found)
    contract_id = delivery.contract.id if delivery else None
    attributes = {
        "creationDate": on(found.start),
        "updateDate": stamped(found.updated_at),
        "date": found.start.isoformat(),
        "title": f"Prestation {line.consultant_name}",
        "reference": found.reference,
        "state": words.PURCHASE_STATES[found.status],
        "typeOf": 1,
        "subscription": 0,
        "amountExcludingTax": line.daily_rate,
        "quantity": line.days,
        "totalAmountExcludingTax": found.total,
        **_currency(found.currency),
    }
    relationships = {
        "company": related("company", found.supplier_id),
        "contact": related("contact", None, found.id),
        "project": related("project", contract_id, found.id),
        "delivery": related("delivery", delivery.id if delivery else None, found.id),
    }
    return record("purchase", found.id, attributes, relationships)


def _currency(code: str | None) -> Json:
    return told(currency=words.currency_number(code))
