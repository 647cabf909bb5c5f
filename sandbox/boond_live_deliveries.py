"""What the live API makes of missions: deliveries (person × project × price) and clients' orders.

The books know contracts with rates and missions with people; the live API has a project for a
contract, and one delivery for each rate of a person in it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sandbox.domain import Consultant, Contract, Cra, Mission, PurchaseOrder, Rate
from sandbox.world import World

PRODUCT_EVERY, FORMER_ORDER_EVERY = 5, 4
PRODUCT = "1"
PRODUCT_PRICE = Decimal(1500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A person (or, without one, a product) on a project at a price (euros a day) and a cost."""

    id: str
    contract: Contract
    consultant: Consultant | None
    title: str
    start: date
    end: date | None
    price: Decimal | None
    cost: Decimal | None = None
    order: PurchaseOrder | None = None

    @property
    def updated_at(self) -> datetime:
        """A delivery changes when its project does."""
        return self.contract.updated_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOrder:
    """What a client ordered on a project; a former one is archived."""

    id: str
    contract: Contract
    former: bool

    @property
    def updated_at(self) -> datetime:
        """An order changes when its project does."""
        return self.contract.updated_at


def deliveries(world: World) -> list[Delivery]:
    """Returns all deliveries, in order of projects."""
    teams: defaultdict[str, list[Mission]] = defaultdict(list)
    for mission in world.missions.values():
        teams[mission.contract_id].append(mission)
    reported = {(c.consultant_id, c.contract_id): c for c in world.cras.values()}
    found: list[Delivery] = []
    for contract in world.contracts.values():
        for mission in teams[contract.id]:
            found += of_mission(world, mission)
        staff = {mission.consultant_id for mission in teams[contract.id]}
        found += _without_mission(world, contract, staff, reported)
        found += _product(contract)
    return found


def of_mission(world: World, mission: Mission) -> list[Delivery]:
    """Returns the deliveries of a mission: one a rate of the person, one without price if none."""
    contract, who = world.contracts[mission.contract_id], world.consultants[mission.consultant_id]
    rates: list[Rate | None] = [*_rates_of(contract, who)] or [None]
    order = world.orders.get(mission.order_id or "")
    return [
        _delivery(world, f"{mission.id}{'9' * n}", contract, who, rate, order)
        for n, rate in enumerate(rates)
    ]


def of_report(world: World, cra: Cra) -> Delivery | None:
    """Returns the delivery that the lines of a CRA are about."""
    mission, who = world.missions.get(cra.consultant_id), world.consultants[cra.consultant_id]
    if mission and cra.mission_id.startswith(mission.id):
        own = of_mission(world, mission)
        return next((d for d in own if d.id == cra.mission_id), None)
    contract = world.contracts.get(cra.contract_id or "")
    if contract is None:
        return None
    rate = next(iter(_rates_of(contract, who)), None)
    order = world.orders.get(cra.order_id or "")
    return _delivery(world, cra.mission_id, contract, who, rate, order)


def of_order(world: World, order: PurchaseOrder) -> Delivery | None:
    """Returns the delivery that a purchase is for: its first line's person's, of the same dates."""
    mission = world.missions.get(order.lines[0].consultant_id or "") if order.lines else None
    if mission is None:
        return None
    own = of_mission(world, mission)
    return next((d for d in own if (d.start, d.end) == (order.start, order.end)), own[0])


def delivery_of(world: World, delivery_id: str) -> Delivery | None:
    """Returns a delivery by id."""
    return next((d for d in deliveries(world) if d.id == delivery_id), None)


def client_orders(world: World) -> Iterator[ClientOrder]:
    """Yields the order of each project, and a former one of every fourth."""
    for contract in world.contracts.values():
        yield ClientOrder(id=order_id_of(contract), contract=contract, former=False)
        if _number(contract.id) % FORMER_ORDER_EVERY == 0:
            yield ClientOrder(id=f"80{contract.id}", contract=contract, former=True)


def order_id_of(contract: Contract) -> str:
    """Returns the id of the order that a project is billed by."""
    return f"8{contract.id}"


def client_order(world: World, order_id: str) -> ClientOrder | None:
    """Returns a client's order by id."""
    return next((order for order in client_orders(world) if order.id == order_id), None)


def _rates_of(contract: Contract, who: Consultant) -> list[Rate]:
    """Returns the rates that name a person, else the one that fits their profile."""
    named = [rate for rate in contract.rates if rate.consultant_id == who.id]
    if named:
        return named
    shared = [rate for rate in contract.rates if rate.consultant_id is None]
    fitting = [rate for rate in shared if rate.profile == who.profile] or shared
    return fitting if len(fitting) == 1 else []


def _delivery(
    world: World,
    delivery_id: str,
    contract: Contract,
    who: Consultant,
    rate: Rate | None,
    order: PurchaseOrder | None,
) -> Delivery:
    start, end = _dates(contract, rate, order)
    return Delivery(
        id=delivery_id,
        contract=contract,
        consultant=who,
        title=f"Mission {who.profile} {world.clients[contract.client_id].name}",
        start=start,
        end=end,
        price=rate.daily_rate if rate else None,
        cost=order.lines[0].daily_rate if order else None,
        order=order,
    )


def _dates(
    contract: Contract, rate: Rate | None, order: PurchaseOrder | None
) -> tuple[date, date | None]:
    """A rate's own dates, else those of what is bought for it, else the project's."""
    if rate and (rate.start or rate.end):
        return rate.start or contract.start, rate.end
    return (order.start, order.end) if order else (contract.start, contract.end)


def _without_mission(
    world: World,
    contract: Contract,
    staff: set[str],
    reported: dict[tuple[str, str | None], Cra],
) -> Iterator[Delivery]:
    """Rates that name a person who has no mission here."""
    named = dict.fromkeys(rate.consultant_id for rate in contract.rates)
    for consultant_id in named:
        if consultant_id is None or consultant_id in staff:
            continue
        who, cra = world.consultants[consultant_id], reported.get((consultant_id, contract.id))
        first = cra.mission_id if cra else f"{contract.id}{consultant_id}"
        for n, rate in enumerate(_rates_of(contract, who)):
            yield _delivery(world, f"{first}{'9' * n}", contract, who, rate, None)


def _product(contract: Contract) -> Iterator[Delivery]:
    """A licence sold beside the days of every fifth project."""
    if _number(contract.id) % PRODUCT_EVERY == 0:
        yield Delivery(
            id=f"6{contract.id}",
            contract=contract,
            consultant=None,
            title="Licence",
            start=contract.start,
            end=contract.end,
            price=PRODUCT_PRICE,
        )


def _number(record_id: str) -> int:
    return int(record_id) if record_id.isdigit() else 1
