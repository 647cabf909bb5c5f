"""Companies and their contacts, as the live API tells them: clients and suppliers in one list.

boond-live.md 3. States are numbers of `sandbox.boond_live_dictionary`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sandbox import boond_live_dictionary as words
from sandbox.boond_live_shapes import AGENCY, DIRECTOR
from sandbox.boond_live_wire import Json, chance, record, related, stamped
from sandbox.domain import Client, Supplier
from sandbox.world import World

FUNCTIONS = {"purchasing": "Achats", "billing": "Comptabilité"}
UNTENDED = ("5", "0")
"""Last digits of companies whose state was never changed when business began: a client with
projects is still a prospect, a supplier with purchases a partner."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A company that is neither a client nor a supplier."""

    id: str
    name: str
    state: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LiveContact:
    """A person at a company."""

    id: str
    client: Client
    name: str
    email: str | None
    role: str

    @property
    def updated_at(self) -> datetime:
        """A contact changes when its company does."""
        return self.client.updated_at


Company = Client | Supplier | Stranger


def companies(world: World) -> list[Company]:
    """Returns clients, suppliers, a prospect and a partner."""
    first = min((c.updated_at for c in world.clients.values()), default=world.now())
    return [
        *world.clients.values(),
        *world.suppliers.values(),
        Stranger("90001", "Prospect Lambda SA", words.COMPANY_PROSPECT, first),
        Stranger("90002", "Partenaire Omicron SAS", words.COMPANY_PARTNER, first),
    ]


def company_of(world: World, company_id: str) -> Company | None:
    """Returns a company by id."""
    known: Company | None = world.clients.get(company_id) or world.suppliers.get(company_id)
    return known or next((c for c in companies(world)[-2:] if c.id == company_id), None)


def company(world: World, found: Company) -> Json:
    """A row of `/companies`."""
    place = (found.town, found.country) if isinstance(found, Client) else ("", "")
    attributes = {
        "creationDate": "2024-01-02T09:00:00+0100",
        "updateDate": stamped(found.updated_at),
        "name": found.name,
        "state": _state(world, found),
        "expertiseArea": "",
        "website": None,
        "phone1": "",
        "town": place[0],
        "country": place[1],
    }
    relationships = {
        "mainManager": related("resource", DIRECTOR),
        "agency": related("agency", AGENCY),
    }
    return record("company", found.id, attributes, relationships)


def company_information(world: World, found: Company) -> Json:
    """The information tab: what the list does not tell."""
    nothing = "" if chance(found.id, 2) else None
    known: Json = {"number": nothing, "registrationNumber": nothing, "vatNumber": nothing}
    known |= {"address": "", "postcode": "", "billingDetails": []}
    if isinstance(found, Client):
        known |= {"number": found.reference, "address": found.street, "postcode": found.postcode}
    if isinstance(found, Supplier):
        known["registrationNumber"] = found.registration_number or nothing
    if not isinstance(found, Stranger):
        known["vatNumber"] = found.vat_number or nothing
    body = company(world, found)
    return body | {"attributes": body["attributes"] | known}


def company_stream(found: Company) -> str:
    """Returns the stream that a company is a record of."""
    return "clients" if isinstance(found, Client) else "suppliers"


def company_reduced(world: World, found: Company) -> Json:
    """What other records include of a company."""
    return record("company", found.id, {"name": found.name, "state": _state(world, found)})


def _state(world: World, found: Company) -> int:
    """The tenant's number for what a company is; nobody tends it, as long as others name it."""
    if isinstance(found, Stranger):
        return found.state
    if found.archived:
        return words.COMPANY_ARCHIVED
    untended = found.id[-1] in UNTENDED
    if isinstance(found, Client):
        named = untended and any(c.client_id == found.id for c in world.contracts.values())
        return words.COMPANY_PROSPECT if named else words.COMPANY_CLIENT
    named = untended and any(o.supplier_id == found.id for o in world.orders.values())
    return words.COMPANY_PARTNER if named else words.COMPANY_SUPPLIER


def contacts_of(found: Company) -> Iterator[LiveContact]:
    """Yields the contacts of a company; suppliers and strangers have none."""
    if isinstance(found, Client):
        for number, contact in enumerate(found.contacts, 1):
            contact_id = f"{found.id}{number:02d}"
            yield LiveContact(contact_id, found, contact.name, contact.email, contact.role)


def contact(_: World, found: LiveContact) -> Json:
    """A contact; one name alone is a last name."""
    first, last = found.name.rpartition(" ")[::2]
    attributes = {
        "updateDate": stamped(found.updated_at),
        "firstName": first,
        "lastName": last,
        "email1": found.email or ("" if chance(found.id, 2) else None),
        "phone1": "",
        "function": FUNCTIONS.get(found.role, found.role),
        "state": 1,
    }
    return record("contact", found.id, attributes, {"company": related("company", found.client.id)})
