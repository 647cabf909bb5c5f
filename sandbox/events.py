"""What people do between two nights: each event changes the books as of the world's instant."""

from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox import declarations, trading
from sandbox.domain import (
    Activity,
    Bill,
    BillLine,
    ClientInvoice,
    Cra,
    cents,
)
from sandbox.months import bounds, business_days, month_of, shifted
from sandbox.peopling import Scope
from sandbox.planted import Planted
from sandbox.trading import add_bill, add_invoice, line_of
from sandbox.world import World


def next_month(world: World) -> None:
    """Lets a month pass: everyone reports, is declared and is billed for it, without mistakes."""
    old = world.scope
    first = bounds(shifted(month_of(old.as_of), 1))[0]
    as_of = first.replace(day=old.as_of.day)
    month = shifted(old.month, 1)
    scope = Scope(as_of, month, old.consultants, Random(f"{old.consultants}/{month}"))
    world.advanced_days += (as_of - old.as_of).days
    world.scope = scope
    declared = len(world.declared)
    trading.trade_month(world, scope)
    world.settle()
    fresh = copy(world)
    fresh.declared = world.declared[declared:]
    world.declaration_files |= declarations.files(fresh, scope)


def declare_again(world: World, consultant_id: str, month: str, days: Decimal) -> str:
    """A client sends a file with other days of one person; returns its name."""
    at = next(
        n
        for n, line in enumerate(world.declared)
        if (line.consultant_id, line.period) == (consultant_id, month)
    )
    line = world.declared[at] = replace(world.declared[at], days=days)
    name = (
        f"declaration-{line.client_id}-{month}-{consultant_id}-{len(world.declaration_files)}.csv"
    )
    row = (line.client_id, line.name_text, month, days, line.contract_reference or "")
    text = "client,consultant,period,days,contract,sent_at\n"
    text += ",".join(map(str, (*row, world.now().isoformat()))) + "\n"
    world.declaration_files[name] = text.encode()
    return name


def report_again(world: World, consultant_id: str, month: str, days: Decimal) -> Cra:
    """A manager re-opens a CRA and the consultant submits it with other days.

    Raises:
        ValueError: when the month has fewer days than that.
    """
    cra, open_days = world.cra_of(consultant_id, month), business_days(month)
    if days > len(open_days):
        raise ValueError(f"{days} days in {month}, which has {len(open_days)}")
    full, rest = divmod(days, 1)
    cra.activities = [Activity(day, Decimal(1)) for day in open_days[: int(full)]]
    cra.activities += [Activity(open_days[int(full)], rest)] if rest else []
    cra.total_days, cra.status = days, "submitted"
    cra.validated_at = cra.validator = None
    world.touch(cra)
    return cra


def submit_unchanged(world: World, consultant_id: str, month: str) -> Cra:
    """A consultant submits an invalidated CRA with the same days once more."""
    cra = world.cra_of(consultant_id, month)
    cra.status = "submitted"
    world.touch(cra)
    return cra


def validate(world: World, consultant_id: str, month: str) -> None:
    """A manager validates a CRA."""
    cra = world.cra_of(consultant_id, month)
    world.touch(cra)
    cra.status, cra.validated_at = "validated", cra.updated_at
    cra.validator = world.consultants[consultant_id].manager_id


def withhold(world: World, consultant_id: str, month: str) -> Cra:
    """A consultant has not written the CRA yet; returns it for `hand_in`."""
    return world.cras.pop(world.reports[consultant_id, month])


def hand_in(world: World, cra: Cra) -> None:
    """A CRA that was withheld is submitted."""
    world.touch(cra)
    cra.status, cra.validated_at, cra.validator = "submitted", None, None
    world.cras[cra.id] = cra


def credit_client(world: World, consultant_id: str, month: str, days: Decimal) -> ClientInvoice:
    """A person makes a credit note in BoondManager, with lines like those of our invoices."""
    mission, who = world.missions[consultant_id], world.consultants[consultant_id]
    line = line_of(f"{who.name} · {month} · {who.id}", -days, mission.sale_rate)
    note = add_invoice(
        world,
        world.scope,
        mission.contract_id,
        f"AV-{month}-{len(world.client_invoices)}",
        [line],
        world.now().date(),
    )
    world.touch(note)
    return note


def late_bill(world: World, consultant_id: str, month: str, days: Decimal) -> Bill:
    """A supplier bills days of a month once more; a negative number is a credit note."""
    order = world.orders[str(world.missions[consultant_id].order_id)]
    ordered = next(line for line in order.lines if line.consultant_id == consultant_id)
    line = BillLine(
        description=f"{ordered.consultant_name} - {month}",
        quantity=days,
        unit_price=ordered.daily_rate,
        amount=cents(days * ordered.daily_rate),
    )
    bill = add_bill(world, world.scope, trading.vendor_of(order), order, [line], month)
    return arrive(world, bill)


def arrive(world: World, bill: Bill) -> Bill:
    """A bill is received now."""
    bill.created_at = bill.updated_at = world.now()
    bill.dated = world.now().date()
    bill.due = bill.dated + timedelta(days=30)
    world.bills[bill.id] = bill
    world.settle()
    return bill


def change_bank(world: World, bill: Bill) -> None:
    """A supplier's bank account changes, and a bill that was on its way arrives.

    Raises:
        ValueError: in a portable world, where nobody tells a bank account.
    """
    if world.portable:
        raise ValueError("a portable world tells no bank account")
    world.coming_bills.remove(bill)
    order = next(o for o in world.orders.values() if o.reference == bill.order_number)
    supplier = world.suppliers[order.supplier_id]
    supplier.iban = "FR7699999000010000000000042"
    world.touch(supplier)
    arrive(world, bill)
    _plant_bill(world, "BANK_CHANGED", bill)


def cancel_registration(world: World, said: Planted) -> None:
    """A person cancels in BoondManager what was registered of a bill with a planted mistake."""
    number = world.bills[str(said.bill_id)].number
    found = next(i for i in world.supplier_invoices.values() if i.reference == number)
    found.status = "cancelled"
    world.touch(found)
    holds = ("INVOICE_CANCELLED", *said.holds)
    _plant_instead(world, said, code="INVOICE_CANCELLED", outcome="review", holds=holds)


def archive_bill(world: World, bill: Bill) -> None:
    """A person archives a bill in Bill.com; the gateway, without an archive, serves it no more."""
    bill.archived, bill.updated_at = True, world.now()


def archive_client(world: World, client_id: str) -> None:
    """A person archives a client in BoondManager; v3, without an archive, serves it no more."""
    world.clients[client_id].archived = True
    world.touch(world.clients[client_id])


def archive_supplier(world: World, supplier_id: str) -> None:
    """A person archives a supplier in BoondManager, likewise."""
    world.suppliers[supplier_id].archived = True
    world.touch(world.suppliers[supplier_id])


def delete_bill(world: World, bill: Bill) -> None:
    """A bill is deleted with what was paid for it."""
    del world.bills[bill.id]
    world.payments = {key: p for key, p in world.payments.items() if p.bill_id != bill.id}


def delete_client_invoice(world: World, invoice: ClientInvoice) -> None:
    """A person deletes an invoice to a client.

    Raises:
        ValueError: for the newest one, whose id would be given again.
    """
    if invoice.id == next(reversed(world.client_invoices)):
        raise ValueError(f"invoice {invoice.id} is the newest: its id would be given again")
    del world.client_invoices[invoice.id]


def confirm_days(world: World, said: Planted) -> None:
    """A consultant whose CRA was invalidated submits the same days: the client is to be asked."""
    submit_unchanged(world, str(said.consultant_id), said.period)
    _plant_instead(world, said, code="CRA_CONFIRMED", holds=("CRA_CONFIRMED", *said.holds))


def _plant_instead(world: World, said: Planted, **changes: Any) -> None:
    world.planted[world.planted.index(said)] = replace(said, **changes)


def _plant_bill(world: World, code: str, bill: Bill) -> None:
    world.unpaid[bill.id] = code
    world.planted.append(
        Planted(
            side="suppliers",
            code=code,
            outcome="review",
            holds=(code,),
            period=world.scope.month,
            bill_id=bill.id,
            line=1,
            amount=bill.amount,
        )
    )


def day_after(world: World) -> date:
    """Lets a day pass in which nothing happens by itself."""
    world.advanced_days += 1
    return world.now().date()
