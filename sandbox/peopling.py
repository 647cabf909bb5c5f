"""The clean world: clients, contracts, consultants, suppliers and purchase orders.

Consultants come in blocks of forty, each with eight clients: five small and three large ones.
In a small client most consultants are external and share contracts; in a large one most are
employees, each on a contract of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import cycle
from random import Random

from sandbox import names
from sandbox.domain import (
    Books,
    Client,
    Consultant,
    Contact,
    Contract,
    Mission,
    OrderLine,
    PurchaseOrder,
    Rate,
    Supplier,
    Vendor,
)
from sandbox.months import bounds, shifted

# Sizes of the contracts' teams, client by client, of one block.
BLOCK: tuple[tuple[int, ...], ...] = (
    (2, 2),
    (2, 2),
    (4,),
    (4,),
    (2, 2),
    (1,) * 7,
    (1,) * 7,
    (1, 1, 1, 2, 1),
)
BLOCK_CLIENTS = len(BLOCK)
# Who is employed, by client of the block and position; all others are external.
EMPLOYED = {
    **dict.fromkeys(((0, 1), (0, 3))),
    **dict.fromkeys((5, n) for n in range(2, 7)),
    **dict.fromkeys((6, n) for n in (1, 2, 3, 5, 6)),
    **dict.fromkeys((7, n) for n in (1, 2, 3, 4)),
}
SUPPLIERS_IN_BLOCK = 7
LAST_SUPPLIER = SUPPLIERS_IN_BLOCK - 1
SHARED_RATE, BY_PROFILE, BY_NAME = range(3)
ORDERED_DAYS = Decimal(80)
ELEVEN_DIGIT_KEY = 97


@dataclass(frozen=True, slots=True)
class Scope:
    """What a world is built from: dates, size, and the one source of chance."""

    as_of: date
    month: str
    consultants: int
    rng: Random

    @property
    def previous(self) -> str:
        """The month before the month of interest."""
        return shifted(self.month, -1)

    def at(self, day: date, minutes: int = 0) -> datetime:
        """Returns an instant of office hours of a day, UTC, never after the world's start."""
        wanted = datetime.combine(day, time(8), UTC) + timedelta(minutes=minutes % 480)
        return min(wanted, datetime.combine(self.as_of, time(2), UTC))


def people(books: Books, scope: Scope) -> None:
    """Fills in everyone and everything that lasts longer than a month."""
    spoken = iter(names.people(scope.rng, scope.consultants))
    teams = list(_teams(scope.consultants))
    count = teams[-1][0] + 1
    clients = names.companies(scope.rng, count, clients=True)
    for index, position, size in teams:
        client_id = str(301 + index)
        if client_id not in books.clients:
            books.clients[client_id] = _client(scope, index, clients[index])
        staff = [
            _consultant(books, scope, next(spoken), (index % BLOCK_CLIENTS, position + n))
            for n in range(size)
        ]
        _sign(books, scope, books.clients[client_id], staff)
    _hire(books, scope)
    _order(books, scope)


def _teams(consultants: int) -> Iterator[tuple[int, int, int]]:
    """Yields (client index, first position in the client, size of the team)."""
    left = consultants
    for index, sizes in enumerate(cycle(BLOCK)):
        position = 0
        for wanted in sizes:
            size = min(wanted, left)
            if not size:
                return
            yield index, position, size
            position, left = position + size, left - size


def _client(scope: Scope, index: int, name: str) -> Client:
    postcode, town = names.TOWNS[index % len(names.TOWNS)]
    domain = f"client{index + 1:03d}.example"
    return Client(
        id=str(301 + index),
        updated_at=scope.at(bounds(scope.previous)[0], index),
        reference=f"CLI-{index + 1:03d}",
        name=name,
        street=f"{3 + index % 90} {names.STREETS[index % len(names.STREETS)]}",
        postcode=postcode,
        town=town,
        country="FR",
        contacts=[
            Contact(name="Achats", email=f"achats@{domain}", role="purchasing"),
            Contact(name="Comptabilité", email=f"facturation@{domain}", role="billing"),
        ],
        vat_number=_vat(_siren(scope.rng)),
    )


def _siren(rng: Random) -> str:
    return str(rng.randrange(300_000_000, 899_999_999))


def _vat(siren: str) -> str:
    key = (12 + 3 * (int(siren) % ELEVEN_DIGIT_KEY)) % ELEVEN_DIGIT_KEY
    return f"FR{key:02d}{siren}"


def _consultant(
    books: Books, scope: Scope, name: tuple[str, str], place: tuple[int, int]
) -> Consultant:
    index = len(books.consultants)
    manager = names.MANAGERS[index % len(names.MANAGERS)]
    consultant = Consultant(
        id=str(10001 + index),
        updated_at=scope.at(bounds(scope.previous)[0], index),
        first_name=name[0],
        last_name=name[1],
        profile=names.PROFILES[scope.rng.randrange(len(names.PROFILES))],
        manager_id=str(901 + index % len(names.MANAGERS)),
        manager_email=f"{manager.lower().replace(' ', '.')}@esn.example",
        employed_from=date(scope.as_of.year - 1 - index % 5, 1 + index % 12, 1),
        supplier_id=None if place in EMPLOYED else "",
        email=f"c{10001 + index}@esn.example",
        phone=f"+33 6 00 {index // 100 % 100:02d} {index % 100:02d} 00" if index % 3 else None,
    )
    books.consultants[consultant.id] = consultant
    return consultant


def _sign(books: Books, scope: Scope, client: Client, staff: list[Consultant]) -> None:
    index = len(books.contracts)
    rates, by_person = _rates(scope.rng, index % 3, staff)
    year = scope.as_of.year
    contract = Contract(
        id=str(5001 + index),
        updated_at=scope.at(bounds(scope.previous)[0], index),
        client_id=client.id,
        reference=f"CTR-{year}-{index + 1:03d}",
        start=date(year - index % 2, 1, 1),
        end=date(year + 1, 12, 31) if index % 3 else None,
        status="active",
        rates=rates,
        frequency="monthly",
        deadline=scope.as_of + timedelta(days=5 + index % 10) if index % 2 else None,
        terms="45 days end of month" if index % 4 == 1 else "30 days",
        tax_rate=Decimal("0.20") if index % 2 else None,
    )
    books.contracts[contract.id] = contract
    for consultant in staff:
        books.missions[consultant.id] = Mission(
            id=f"MIS-{consultant.id}",
            consultant_id=consultant.id,
            client_id=client.id,
            contract_id=contract.id,
            sale_rate=by_person[consultant.id],
        )


def _rates(
    rng: Random, manner: int, staff: list[Consultant]
) -> tuple[list[Rate], dict[str, Decimal]]:
    """Returns a contract's rates, and the one that each person of the team is billed at."""
    price = {c.id: Decimal(rng.randrange(45, 95) * 10) for c in staff}
    if manner == BY_NAME:
        rates = [Rate(profile=c.profile, daily_rate=price[c.id], consultant_id=c.id) for c in staff]
        return rates, price
    shared = {c.profile: price[c.id] for c in staff}
    if manner == SHARED_RATE:
        shared = dict.fromkeys(shared, price[staff[0].id])
        only = Rate(profile="Consultant", daily_rate=price[staff[0].id])
        return [only], {c.id: shared[c.profile] for c in staff}
    rates = [Rate(profile=profile, daily_rate=rate) for profile, rate in shared.items()]
    return rates, {c.id: shared[c.profile] for c in staff}


def _hire(books: Books, scope: Scope) -> None:
    """Gives each external consultant a supplier: the last of a block one of its own."""
    external = [c for c in books.consultants.values() if c.supplier_id is not None]
    in_block = sum(sum(sizes) for sizes in BLOCK) - len(EMPLOYED)
    count = (len(external) // in_block + 1) * SUPPLIERS_IN_BLOCK
    called = names.companies(scope.rng, count, clients=False)
    for index, consultant in enumerate(external):
        block, place = divmod(index, in_block)
        alone = place == in_block - 1
        number = block * SUPPLIERS_IN_BLOCK + (LAST_SUPPLIER if alone else place % LAST_SUPPLIER)
        consultant.supplier_id = f"SUP-{number + 1}"
        if consultant.supplier_id not in books.suppliers:
            _supplier(books, scope, number, called[number])


def _supplier(books: Books, scope: Scope, number: int, name: str) -> None:
    siren = _siren(scope.rng)
    long_ago = scope.at(bounds(scope.previous)[0], number)
    supplier = Supplier(
        id=f"SUP-{number + 1}",
        updated_at=long_ago,
        name=name,
        vat_number=_vat(siren),
        registration_number=siren,
        email=f"factures@fournisseur{number + 1:03d}.example",
        iban=f"FR76{siren}{number:014d}",
    )
    vendor = Vendor(
        id=f"ven-{number + 1:03d}",
        updated_at=long_ago,
        created_at=long_ago,
        name=name,
        email=supplier.email,
        tax_id=supplier.vat_number,
        town=names.TOWNS[number % len(names.TOWNS)][1],
    )
    _spell(vendor, supplier, number % SUPPLIERS_IN_BLOCK)
    books.suppliers[supplier.id] = supplier
    books.vendors[vendor.id] = vendor


def _spell(vendor: Vendor, supplier: Supplier, manner: int) -> None:
    """Lets some vendors be known by registration number, by name, or without legal form."""
    by_registration, by_name, without_form = 1, 2, 3
    if manner == by_registration:
        vendor.tax_id = supplier.registration_number
    if manner in {by_name, without_form}:
        vendor.tax_id = None
    if manner == without_form:
        vendor.name = supplier.name.rsplit(" ", 1)[0].upper()


def _order(books: Books, scope: Scope) -> None:
    """Writes one purchase order a person; the first two of a block's first supplier share one."""
    of_supplier: dict[str, list[Consultant]] = {}
    for consultant in books.consultants.values():
        if consultant.supplier_id:
            of_supplier.setdefault(consultant.supplier_id, []).append(consultant)
    for number, supplier_id in enumerate(of_supplier):
        staff = of_supplier[supplier_id]
        together = 1 + (number % SUPPLIERS_IN_BLOCK == 0)
        _purchase(books, scope, supplier_id, staff[:together])
        for consultant in staff[together:]:
            _purchase(books, scope, supplier_id, [consultant])


def _purchase(books: Books, scope: Scope, supplier_id: str, staff: list[Consultant]) -> None:
    index = len(books.orders)
    order = PurchaseOrder(
        id=str(4001 + index),
        updated_at=scope.at(bounds(scope.previous)[0], index),
        reference=f"PO-{scope.as_of.year}-{index + 1:03d}",
        supplier_id=supplier_id,
        start=bounds(scope.previous)[0],
        end=bounds(shifted(scope.month, 2))[1],
        lines=[_ordered(books, c, f"{4001 + index}-{n}") for n, c in enumerate(staff, 1)],
        currency="EUR",
        status="approved",
    )
    books.orders[order.id] = order
    for consultant in staff:
        books.missions[consultant.id].order_id = order.id


def _ordered(books: Books, consultant: Consultant, line_id: str) -> OrderLine:
    sold = books.missions[consultant.id].sale_rate
    # Never two like prices beside each other at one supplier.
    cost = int(sold * 4 / 5) // 5 * 5 - int(consultant.id) % 7
    return OrderLine(
        id=line_id,
        consultant_name=consultant.name,
        consultant_id=consultant.id,
        daily_rate=Decimal(max(cost, 350)),
        days=ORDERED_DAYS,
    )
