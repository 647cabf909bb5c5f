"""A clean month: CRAs, declared days, bills, and what was invoiced the month before."""

import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.domain import (
    Activity,
    Bill,
    BillLine,
    Books,
    ClientInvoice,
    Consultant,
    Cra,
    DeclaredLine,
    InvoiceLine,
    Mission,
    Payment,
    PurchaseOrder,
    SupplierInvoice,
    cents,
)
from sandbox.months import bounds, business_days, shifted
from sandbox.peopling import Scope

QUARTER, HALF, FULL = Decimal("0.25"), Decimal("0.5"), Decimal(1)
TAX = Decimal("0.20")
# Of the month before, every ninth bill is paid and the fifth is registered by a person.
PAID_EVERY, REGISTERED_AT = 9, 4
PAID_BEFORE = "PAID_BEFORE"


def trade(books: Books, scope: Scope) -> None:
    """Fills in the month of interest and the one before."""
    for month in (scope.previous, scope.month):
        _report_all(books, scope, month)
    _declare_all(books, scope)
    _invoice_by_hand(books, scope)
    for month in (scope.previous, scope.month):
        _bill_all(books, scope, month)
    _settle_some(books, scope)


def trade_month(books: Books, scope: Scope) -> None:
    """Fills in the month of interest alone."""
    _report_all(books, scope, scope.month)
    _declare_all(books, scope)
    _bill_all(books, scope, scope.month)


def _report_all(books: Books, scope: Scope, month: str) -> None:
    several = books.with_several_contracts()
    for mission in books.missions.values():
        _report(books, scope, mission, month, several=mission.client_id in several)


def _declare_all(books: Books, scope: Scope) -> None:
    several = books.with_several_contracts()
    for mission in books.missions.values():
        books.declared.append(_declare(books, scope, mission, several=mission.client_id in several))


def _bill_all(books: Books, scope: Scope, month: str) -> None:
    for order in books.orders.values():
        _bill(books, scope, order, month)


def _report(books: Books, scope: Scope, mission: Mission, month: str, *, several: bool) -> None:
    first, last = bounds(month)
    index = len(books.reports)
    consultant = books.consultants[mission.consultant_id]
    activities = _activities(scope, month)
    current = month == scope.month
    validated = not current or bool(consultant.supplier_id)
    reported = scope.at(last, index) if current else scope.at(last + timedelta(days=2), index)
    days = sum((a.duration for a in activities if a.kind == "production"), Decimal(0))
    cra = Cra(
        id=str(70001 + index),
        updated_at=reported,
        consultant_id=mission.consultant_id,
        mission_id=mission.id,
        mission=f"Mission {consultant.profile} {books.clients[mission.client_id].name}",
        client_id=mission.client_id,
        contract_id=mission.contract_id if several or index % 2 else None,
        order_id=mission.order_id if index % 2 else None,
        start=first,
        end=last,
        due=business_days(shifted(month, 1))[2] if index % 3 else None,
        activities=activities,
        total_days=days,
        status="validated" if validated else "submitted",
        validated_at=reported if validated else None,
        validator=consultant.manager_id if validated else None,
    )
    books.cras[cra.id] = cra
    books.reports[cra.consultant_id, month] = cra.id


def _activities(scope: Scope, month: str) -> list[Activity]:
    """Returns a line for each business day: mostly production, some absences, an inner day."""
    days = business_days(month)
    away = set(scope.rng.sample(days, scope.rng.randrange(3)))
    half, inner = scope.rng.sample([day for day in days if day not in away], 2)
    lines = [
        Activity(day, FULL, "absence", "congés payés") if day in away else Activity(day, FULL)
        for day in days
    ]
    if scope.rng.random() < 0.3:  # noqa: PLR2004 - about a third take half a day off
        lines = [a for a in lines if a.day != half]
        done = scope.rng.choice((HALF, HALF, QUARTER))
        lines += [Activity(half, done), Activity(half, FULL - done, "absence", "RTT")]
    if scope.rng.random() < 0.2:  # noqa: PLR2004 - a fifth have an inner day
        lines = [Activity(a.day, FULL, "internal") if a.day == inner else a for a in lines]
    return sorted(lines, key=lambda a: a.day)


def _declare(books: Books, scope: Scope, mission: Mission, *, several: bool) -> DeclaredLine:
    consultant, client = books.consultants[mission.consultant_id], books.clients[mission.client_id]
    first, last = bounds(scope.month)
    return DeclaredLine(
        client_id=client.id,
        client_text=(client.name, client.reference, client.id)[int(client.id) % 3],
        consultant_id=consultant.id,
        name_text=said(consultant, int(client.id)),
        period=scope.month,
        days=books.cra_of(consultant.id, scope.month).production_days(first, last),
        contract_reference=books.contracts[mission.contract_id].reference if several else None,
    )


def said(consultant: Consultant, manner: int) -> str:
    """Returns a name as one client or the other writes it."""
    turned = f"{consultant.last_name.upper()} {consultant.first_name}"
    return (consultant.name, turned, plain(consultant.name), plain(turned))[manner % 4]


def plain(text: str) -> str:
    """Returns a text without its accents."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _invoice_by_hand(books: Books, scope: Scope) -> None:
    """Bills the month before, under references that a person gave."""
    first, last = bounds(scope.previous)
    teams: dict[str, list[Mission]] = {}
    for mission in books.missions.values():
        teams.setdefault(mission.contract_id, []).append(mission)
    for number, (contract_id, team) in enumerate(teams.items(), 1):
        lines = [
            line_of(
                f"{books.consultants[m.consultant_id].name} {scope.previous}",
                books.cra_of(m.consultant_id, scope.previous).production_days(first, last),
                m.sale_rate,
            )
            for m in team
        ]
        add_invoice(books, scope, contract_id, f"F{scope.previous}-{number:03d}", lines, last)


def line_of(description: str, days: Decimal, rate: Decimal) -> InvoiceLine:
    """Returns an invoice line of days at a rate."""
    return InvoiceLine(
        description=description, quantity=days, unit_price=rate, total=cents(days * rate)
    )


def add_invoice(
    books: Books,
    scope: Scope,
    contract_id: str,
    reference: str,
    lines: list[InvoiceLine],
    issued: date,
) -> ClientInvoice:
    """Puts a client invoice into the books, sent and not paid."""
    net = sum((line.total for line in lines), Decimal(0))
    invoice = ClientInvoice(
        id=next_id(books.client_invoices, 60001),
        updated_at=scope.at(issued + timedelta(days=1), len(books.client_invoices)),
        reference=reference,
        client_id=books.contracts[contract_id].client_id,
        contract_id=contract_id,
        issued=issued,
        due=issued + timedelta(days=30),
        lines=lines,
        net=net,
        tax=cents(net * TAX),
        gross=net + cents(net * TAX),
        currency="EUR",
        status="sent",
        paid=Decimal(0),
    )
    books.client_invoices[invoice.id] = invoice
    return invoice


def next_id(records: dict[str, Any], first: int) -> str:
    """Returns the id after the last one given, so that none is given twice."""
    return str(int(next(reversed(records), str(first - 1))) + 1)


def _bill(books: Books, scope: Scope, order: PurchaseOrder, month: str) -> None:
    first, last = bounds(month)
    lines = []
    for ordered in order.lines:
        days = books.cra_of(str(ordered.consultant_id), month).production_days(first, last)
        text = f"{ordered.consultant_name} - {month}"
        lines.append(
            BillLine(
                description=text,
                quantity=days,
                unit_price=ordered.daily_rate,
                amount=cents(days * ordered.daily_rate),
            )
        )
    add_bill(books, scope, vendor_of(order), order, lines, month)


def vendor_of(order: PurchaseOrder) -> str:
    """Returns the id under which Bill.com knows the supplier of an order."""
    number = order.supplier_id.removeprefix("SUP-")
    return f"009{number}" if number == order.supplier_id else f"ven-{number:0>3}"


def add_bill(
    books: Books,
    scope: Scope,
    vendor_id: str,
    order: PurchaseOrder | None,
    lines: list[BillLine],
    month: str,
) -> Bill:
    """Puts a bill for a month's work into the books, approved and not paid."""
    index = books.bills_ever
    books.bills_ever += 1
    dated = bill_date(scope, month, index)
    bill = Bill(
        id=f"bill-{index + 1:05d}",
        updated_at=scope.at(dated, index),
        created_at=scope.at(dated, index),
        number=f"{vendor_id[4:]}-{month.replace('-', '')}-{index + 1:04d}",
        vendor_id=vendor_id,
        dated=dated,
        due=dated + timedelta(days=30) if index % 4 else None,
        amount=sum((line.amount for line in lines), Decimal(0)),
        currency="EUR",
        status="approved" if index % 5 else "sent",
        description=f"Prestations {month}",
        order_number=order.reference if order else None,
        lines=lines,
        approval="Approved" if index % 5 else None,
    )
    books.bills[bill.id] = bill
    return bill


def bill_date(scope: Scope, month: str, index: int) -> date:
    """Returns when a month's work is billed: early in the next month, or at the month's end."""
    wanted = (
        business_days(shifted(month, 1))[index % 2]
        if index % 3 or month != scope.month
        else business_days(month)[-1]
    )
    return min(wanted, scope.as_of - timedelta(days=1))


def _settle_some(books: Books, scope: Scope) -> None:
    """Lets a few bills of the month before be paid already, and one be registered by hand."""
    before = [b for b in books.bills.values() if b.description.endswith(scope.previous)]
    for index, bill in enumerate(before):
        if index % PAID_EVERY == PAID_EVERY - 1:
            pay(books, bill, scope.as_of - timedelta(days=2))
            books.unpaid[bill.id] = PAID_BEFORE
        elif index == REGISTERED_AT:
            register(books, bill)


def pay(books: Books, bill: Bill, day: date) -> None:
    """Pays a bill in Bill.com."""
    bill.status = "paid"
    # Not the count: a payment may be gone again.
    number = int(next(reversed(books.payments), "pay-0")[4:]) + 1
    payment = Payment(
        id=f"pay-{number:05d}",
        updated_at=bill.updated_at,
        bill_id=bill.id,
        amount=bill.amount,
        dated=day,
    )
    books.payments[payment.id] = payment


def register(books: Books, bill: Bill) -> None:
    """Registers a bill in BoondManager, as a person does."""
    order = next(o for o in books.orders.values() if o.reference == bill.order_number)
    invoice = SupplierInvoice(
        id=next_id(books.supplier_invoices, 80001),
        updated_at=bill.updated_at,
        supplier_id=order.supplier_id,
        order_id=order.id,
        reference=bill.number,
        issued=bill.dated,
        due=bill.due,
        lines=[
            InvoiceLine(
                description=line.description,
                quantity=line.quantity or Decimal(1),
                unit_price=line.unit_price or line.amount,
                total=line.amount,
            )
            for line in bill.lines
        ],
        net=bill.amount,
        tax=None,
        gross=None,
        currency="EUR",
        status="registered",
    )
    books.supplier_invoices[invoice.id] = invoice
