"""The portable world: what every dialect of both vendors can tell, and nothing else.

`reduce` runs once over a world that is built: mistakes that a live wire cannot tell are taken back
with their truth, and all ids become those of the live vendors. `restate` runs after each event, so
that what is new is told alike.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.domain import Bill, Cra, PurchaseOrder, Rate
from sandbox.months import bounds, month_of
from sandbox.planted import Planted
from sandbox.planting_days import Planter
from sandbox.trading import next_id, pay

if TYPE_CHECKING:
    from sandbox.world import World

COMPANY_FROM, DELIVERY_FROM = 20_000, 20_000
"""Suppliers share the ids of companies with clients; deliveries follow their consultants."""
KINDS = ("production", "absence", "internal")
UNSAID = {"absence": "absence", "internal": "travaux internes"}
PAID_BY = "ach"
"""How the live Bill.com pays, as the canonical payment says it."""
APPROVALS = {"Approved": "APPROVED", None: "UNASSIGNED"}
AVAILABLE_EVERY = 4
WRONG_BY = 100


def reduce(world: "World") -> None:
    """Makes a world portable; its declarations and expectations are told afterwards."""
    _one_report_a_month(world)
    _one_line_an_order(world)
    for said in list(world.planted):
        if said.code in TAKEN_BACK:
            TAKEN_BACK[said.code](world, said)
    _drop_unused_contracts(world)
    _untax(world)
    _restate_people(world)
    _restate_contracts(world)
    restate(world)


def restate(world: "World") -> None:
    """Tells CRAs and bills, those that are new among them, in the portable manner."""
    for cra in world.cras.values():
        _restate_cra(world, cra)
    for bill in _bills(world):
        _restate_bill(bill)
    _renumber_parties(world)
    _renumber_bills(world)


def _bills(world: "World") -> list[Bill]:
    return [*world.bills.values(), *world.coming_bills]


# What a consultant reports


def _one_report_a_month(world: "World") -> None:
    """Cuts CRAs at the month's start, and joins those of two missions."""
    for cra in list(world.cras.values()):
        first, last = bounds(month_of(cra.end))
        before = world.cras.get(world.reports.get((cra.consultant_id, month_of(cra.start)), ""))
        if before and before is not cra:
            before.activities += [a for a in cra.activities if a.day < first]
        cra.activities = [a for a in cra.activities if a.day >= first]
        cra.start, cra.end = first, last
    for cra in list(world.cras.values()):
        whole = world.cra_of(cra.consultant_id, month_of(cra.end))
        if whole is not cra:
            whole.activities += cra.activities
            del world.cras[cra.id]


def _restate_cra(world: "World", cra: Cra) -> None:
    """Names the contract, sorts the lines as times-reports have them, and adds them up."""
    mission = world.missions[cra.consultant_id]
    cra.contract_id, cra.mission_id = mission.contract_id, mission.id
    cra.client_id = cra.order_id = cra.due = None
    cra.activities.sort(key=lambda a: (a.day, KINDS.index(a.kind)))
    for line in cra.activities:
        line.comment = None if line.kind == KINDS[0] else line.comment or UNSAID[line.kind]
    cra.total_days = cra.production_days(cra.start, cra.end)


# What is ordered and billed


def _one_line_an_order(world: "World") -> None:
    """Gives each person of a shared order an order and bills of their own."""
    for order in [order for order in world.orders.values() if len(order.lines) > 1]:
        shared = [bill for bill in _bills(world) if bill.order_number == order.reference]
        for line in order.lines[1:]:
            own = replace(
                order,
                id=next_id(world.orders, 4001),
                reference=f"PO-{world.scope.as_of.year}-{len(world.orders) + 1:03d}",
                lines=[line],
            )
            world.orders[own.id] = own
            world.missions[str(line.consultant_id)].order_id = own.id
            for bill in shared:
                _bill_apart(world, bill, own)
        order.lines = order.lines[:1]


def _bill_apart(world: "World", bill: Bill, own: PurchaseOrder) -> None:
    """Moves a person's lines of a bill to a bill of their own, but of a duplicate away."""
    name, whole = own.lines[0].consultant_name, bill.amount
    theirs = [line for line in bill.lines if line.description.startswith(name)]
    bill.lines = [line for line in bill.lines if line not in theirs]
    bill.amount = sum((line.amount for line in bill.lines), Decimal(0))
    notes = [said for said in world.planted if said.bill_id == bill.id]
    world.planted = [said for said in world.planted if said not in notes]
    world.planted += [replace(said, amount=bill.amount) for said in notes if said.line == 1]
    if world.unpaid.get(bill.id) == "DUPLICATE":
        return
    world.bills_ever += 1
    apart = replace(
        bill,
        id=f"bill-{world.bills_ever:05d}",
        number=f"{bill.number.rpartition('-')[0]}-{world.bills_ever:04d}",
        order_number=own.reference,
        lines=theirs,
        amount=whole - bill.amount,
    )
    world.bills[apart.id] = apart
    for payment in [p for p in world.payments.values() if p.bill_id == bill.id]:
        payment.amount = bill.amount
        pay(world, apart, payment.dated)
        world.unpaid[apart.id] = world.unpaid[bill.id]
        world.planted += [replace(n, bill_id=apart.id, amount=apart.amount) for n in notes]


def _restate_bill(bill: Bill) -> None:
    bill.currency = "EUR"
    if bill.amount < 0:
        bill.due, bill.approval, bill.status = None, None, "approved"
        for line in bill.lines:
            line.quantity = line.unit_price = None
        return
    bill.approval = APPROVALS.get(bill.approval, bill.approval)
    if bill.status != "paid":
        bill.status = "approved" if bill.approval == "APPROVED" else "sent"


# Mistakes that a live wire cannot tell


def _forget(world: "World", said: Planted) -> None:
    world.planted.remove(said)


def _free(world: "World", said: Planted) -> None:
    """The mistake alone kept the contract from being billed."""
    world.unbilled.pop(str(said.contract_id), None)
    _forget(world, said)


def _declare_reported(world: "World", said: Planted) -> None:
    """The days that belong to the month are all that is declared."""
    who = world.consultants[str(said.consultant_id)]
    days = world.cra_of(who.id, said.period).production_days(*bounds(said.period))
    Planter(world, world.scope).declare(who, days=days)
    _free(world, said)


def _declare_contract(world: "World", said: Planted) -> None:
    planter, who = Planter(world, world.scope), world.consultants[str(said.consultant_id)]
    planter.declare(who, contract_reference=planter.contract(who).reference)
    _forget(world, said)


def _total_instead(world: "World", said: Planted) -> None:
    """A vendor bills in one currency: the bill is wrong by its total, and waits as before."""
    bill = world.bills[str(said.bill_id)]
    bill.amount += WRONG_BY
    world.unpaid[bill.id] = "TOTAL"
    at = world.planted.index(said)
    world.planted[at] = replace(said, code="TOTAL", holds=("TOTAL",), amount=bill.amount)


def _name_consultant(world: "World", said: Planted) -> None:
    who = world.consultants[str(said.consultant_id)]
    bill, order = world.bills[str(said.bill_id)], world.orders[str(world.missions[who.id].order_id)]
    order.lines[0].consultant_name, order.lines[0].consultant_id = who.name, who.id
    bill.lines[0].description = f"{who.name} - {said.period}"
    del world.unpaid[bill.id]
    _forget(world, said)


TAKEN_BACK: dict[str, Callable[["World", Planted], None]] = {
    "CRA_TOTAL_INCONSISTENT": _free,
    "RATE_AMBIGUOUS": _free,
    "TAX_RATE_MISSING": _free,
    "WAIT_QUARTER": _free,
    "WAIT_END": _free,
    "NEIGHBOURING_MONTH": _declare_reported,
    "SECOND_MISSION": _declare_reported,
    "CONTRACT_AMBIGUOUS": _declare_contract,
    "SPANNING_CRA": _forget,
    "CURRENCY": _total_instead,
    "NO_CURRENCY": _forget,
    "RECEIPT_UNKNOWN": _name_consultant,
}


def _untax(world: "World") -> None:
    """No contract tells a tax rate: clients abroad are not billed at all."""
    planter = Planter(world, world.scope)
    abroad = {client.id for client in world.clients.values() if client.country != "FR"}
    code = "TAX_RATE_MISSING"
    for mission in [m for m in world.missions.values() if m.client_id in abroad]:
        who = world.consultants[mission.consultant_id]
        planter.blocks(who, "no tax rate")
        sides = [p for p in world.planted if (p.side, p.consultant_id) == ("clients", who.id)]
        if not sides:
            planter.note(code, "matched", who, (code,))
        for said in (p for p in sides if p.outcome == "matched"):
            world.planted[world.planted.index(said)] = replace(said, holds=(*said.holds, code))


def _drop_unused_contracts(world: "World") -> None:
    """A second mission was under a contract and at a client of its own."""
    used = {mission.contract_id for mission in world.missions.values()}
    world.contracts = {key: c for key, c in world.contracts.items() if key in used}
    clients = {contract.client_id for contract in world.contracts.values()}
    world.clients = {key: c for key, c in world.clients.items() if key in clients}


# What is told of people and contracts


def _restate_people(world: "World") -> None:
    soon = (world.scope.as_of + timedelta(days=30)).isoformat()
    for index, consultant in enumerate(world.consultants.values()):
        consultant.employed_from = None
        consultant.availability = {0: "immediate", 1: soon}.get(index % AVAILABLE_EVERY)
    for supplier in world.suppliers.values():
        supplier.email = supplier.iban = None


def _restate_contracts(world: "World") -> None:
    """A rate by name for each person, unless the contract has none at all."""
    for contract in world.contracts.values():
        contract.frequency = contract.deadline = contract.terms = contract.tax_rate = None
        team = [m for m in world.missions.values() if m.contract_id == contract.id]
        contract.rates = [
            Rate(
                profile=world.consultants[mission.consultant_id].profile,
                daily_rate=mission.sale_rate,
                consultant_id=mission.consultant_id,
            )
            for mission in (team if contract.rates else [])
        ]
    for order in world.orders.values():
        for line in order.lines:
            line.id = None


# Ids


def _renumber_parties(world: "World") -> None:
    for record in (*world.suppliers.values(), *world.vendors.values()):
        record.id = _company(record.id)
    world.suppliers = {supplier.id: supplier for supplier in world.suppliers.values()}
    world.vendors = {vendor.id: vendor for vendor in world.vendors.values()}
    for consultant in world.consultants.values():
        consultant.supplier_id = consultant.supplier_id and _company(consultant.supplier_id)
    for order in world.orders.values():
        order.supplier_id = _company(order.supplier_id)
    for invoice in world.supplier_invoices.values():
        invoice.supplier_id = _company(invoice.supplier_id)
    for mission in world.missions.values():
        mission.id = _after(mission.id, "MIS-", "", DELIVERY_FROM)
    for cra in world.cras.values():
        cra.mission_id = world.missions[cra.consultant_id].id
    for payment in world.payments.values():
        payment.method = PAID_BY
        payment.id = f"stp{payment.id.removeprefix('pay-').removeprefix('stp')}"
    world.payments = {payment.id: payment for payment in world.payments.values()}


def _company(id_: str) -> str:
    """The id of a supplier, or of the vendor that it is at Bill.com."""
    return _after(_after(id_, "SUP-", "", COMPANY_FROM), "ven-", "009", COMPANY_FROM)


def _after(id_: str, old: str, new: str, start: int) -> str:
    return f"{new}{start + int(id_.removeprefix(old))}" if id_.startswith(old) else id_


def _renumber_bills(world: "World") -> None:
    """Bills and credit notes count on together; a copy of a bill gets a number of its own."""
    renamed: dict[str, str] = {}
    for bill in _bills(world):
        bill.vendor_id = _company(bill.vendor_id)
        if bill.id.startswith("bill-"):
            number = bill.id.removeprefix("bill-")
            if not number.isdigit():
                world.bills_ever += 1
                number = f"{world.bills_ever:05d}"
            renamed[bill.id] = f"{'vcr' if bill.amount < 0 else '00n'}{number}"
            bill.id = renamed[bill.id]
    if renamed:
        world.bills = {bill.id: bill for bill in world.bills.values()}
        world.unpaid = {renamed.get(key, key): code for key, code in world.unpaid.items()}
        for payment in world.payments.values():
            payment.bill_id = renamed.get(payment.bill_id, payment.bill_id)
        world.planted = list(_renamed(world.planted, renamed))


def _renamed(planted: Iterable[Planted], ids: dict[str, str]) -> Iterable[Planted]:
    for said in planted:
        yield replace(said, bill_id=ids.get(str(said.bill_id), said.bill_id))
