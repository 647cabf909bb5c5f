"""Mistakes between what was ordered, received and invoiced."""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sandbox.domain import Bill, BillLine, Books, Consultant, PurchaseOrder, cents
from sandbox.months import bounds, business_days
from sandbox.peopling import BLOCK, Scope
from sandbox.planted import Planted
from sandbox.trading import PAID_BEFORE, add_bill, pay

# Prices of other orders never make a multiple of a quarter day out of this one's amounts.
PRIME_PRICE = Decimal(487)
QUARTER_DAY = Decimal("0.25")
VAT = Decimal("1.2")
# These leave the month's receipts unused.
OPEN = ("PRICE", "LINE_UNMATCHED", "LINE_TOTAL", "TOTAL", "CURRENCY")
EXTRA_DAYS, PAID_EXTRA_DAYS, SHORT_OF_ORDER = Decimal(2), Decimal(3), Decimal(2)
ORDER_STARTS_AFTER = 2


class Case:
    """One external consultant with their order and bills: where a mistake is planted."""

    def __init__(self, books: Books, scope: Scope, consultant: Consultant) -> None:
        self.books, self.scope, self.consultant = books, scope, consultant
        self.order = books.orders[str(books.missions[consultant.id].order_id)]
        self.bill = self._bill_of(scope.month)
        self.before = self._bill_of(scope.previous)
        self.line, self.ordered = self.bill.lines[0], self.order.lines[0]

    @property
    def price(self) -> Decimal:
        """The ordered price of a day, euros."""
        return self.ordered.daily_rate

    def bill_days(self, days: Decimal, price: Decimal | None = None) -> None:
        """Lets the month's bill ask for so many days, at the ordered price unless told."""
        self.line.quantity, self.line.unit_price = days, price or self.price
        self.line.amount = cents(days * self.line.unit_price)
        self.bill.amount = self.line.amount

    def worked(self) -> Decimal:
        """Returns the month's production days inside the order's dates."""
        cra = self.books.cra_of(self.consultant.id, self.scope.month)
        first, last = bounds(self.scope.month)
        return cra.production_days(max(first, self.order.start), last)

    def reprice(self, price: Decimal) -> None:
        """Gives order and bills another price."""
        self.ordered.daily_rate = price
        for bill in (self.bill, self.before):
            line = bill.lines[0]
            line.unit_price, line.amount = price, cents((line.quantity or 0) * price)
            bill.amount = line.amount

    def forget_before(self) -> None:
        """Takes away the bill of the month before: this mistake would spoil it too."""
        books, bill = self.books, self.before
        del books.bills[bill.id]
        books.unpaid.pop(bill.id, None)
        books.planted = [said for said in books.planted if said.bill_id != bill.id]
        books.payments = {k: p for k, p in books.payments.items() if p.bill_id != bill.id}
        books.supplier_invoices = {
            k: i for k, i in books.supplier_invoices.items() if i.reference != bill.number
        }

    def name_order_on_reports(self, order_id: str | None) -> None:
        """Lets the consultant's CRAs name an order, or none."""
        for month in (self.scope.previous, self.scope.month):
            self.books.cra_of(self.consultant.id, month).order_id = order_id

    def wait_for_receipt(self) -> None:
        """Lets the month's CRA be submitted and not yet validated."""
        cra = self.books.cra_of(self.consultant.id, self.scope.month)
        cra.status, cra.validated_at, cra.validator = "submitted", None, None

    def _bill_of(self, month: str) -> Bill:
        return next(
            bill
            for bill in self.books.bills.values()
            if bill.order_number == self.order.reference and bill.description.endswith(month)
        )


def _price(case: Case) -> None:
    case.bill_days(case.worked(), cents(case.price * Decimal("1.05")))


def _po_missing(case: Case) -> None:
    case.bill.order_number = f"BC-{case.scope.as_of.year}-7788"


def _po_ambiguous(case: Case) -> None:
    """A second order for the same person at the same price, and a bill that names neither."""
    twin = deepcopy(case.order)
    twin.id, twin.reference = f"{case.order.id}9", f"{case.order.reference}-BIS"
    twin.lines[0].id = f"{twin.id}-1"
    case.books.orders[twin.id] = twin
    case.bill.order_number = None


def _line_unmatched(case: Case) -> None:
    fare = Decimal(240)
    case.bill.lines.append(
        BillLine(
            description="Frais de déplacement", quantity=Decimal(1), unit_price=fare, amount=fare
        )
    )
    case.bill.amount += fare


def _lines_missing(case: Case) -> None:
    """The order's amount plus VAT, in one sum: no whole number of quarter days."""
    days = case.worked()
    with_vat = days * VAT
    total = with_vat if with_vat % QUARTER_DAY else with_vat + Decimal("0.1")
    case.bill.lines, case.bill.amount = [], cents(total * case.price)


def _qty_ordered(case: Case) -> None:
    before = case.before.lines[0].quantity or Decimal(0)
    case.ordered.days = before + case.worked() - SHORT_OF_ORDER
    case.name_order_on_reports(case.order.id)


def _line_total(case: Case) -> None:
    case.line.amount += 50
    case.bill.amount += 50


def _total(case: Case) -> None:
    case.bill.amount += 100


def _currency(case: Case) -> None:
    case.bill.currency = "USD"


def _date(case: Case) -> None:
    """An order from the third business day on, billed on the day before it starts."""
    case.forget_before()
    days = business_days(case.scope.month)
    case.order.start = days[ORDER_STARTS_AFTER]
    case.bill.dated = days[ORDER_STARTS_AFTER - 1]
    case.bill.created_at = case.bill.updated_at = case.scope.at(case.bill.dated)
    case.bill.due = case.bill.dated + timedelta(days=30)
    case.bill_days(case.worked())


def _po_status(case: Case) -> None:
    case.forget_before()
    case.order.status = "draft"


def _supplier_mismatch(case: Case) -> None:
    """The bill names an order of another supplier: whose own bill waits, so that days are open."""
    books = case.books
    waiting = [str(p.consultant_id) for p in books.planted if p.code in OPEN]
    cases = (Case(books, case.scope, books.consultants[who]) for who in waiting)
    others = [o for o in cases if o.order.supplier_id != case.order.supplier_id]
    roomy = (o for o in others if o.worked() >= case.worked() and o.price >= case.price)
    other = next(roomy, others[0])
    case.bill.order_number = other.order.reference
    case.bill_days(min(case.worked(), other.worked()), min(case.price, other.price))


def _supplier_unconfirmed(case: Case) -> None:
    case.forget_before()
    vendor = case.books.vendors[case.bill.vendor_id]
    supplier = case.books.suppliers[case.order.supplier_id]
    supplier.name, vendor.name = (
        "Kerlann Ingénierie Logicielle SARL",
        "Kerlan Ingénierie Logicielle SARL",
    )
    vendor.tax_id = None


def _not_approved(case: Case) -> None:
    case.bill.approval = "DENIED"


def _paid_unproven(case: Case) -> None:
    case.bill_days(case.worked() + PAID_EXTRA_DAYS)
    pay(case.books, case.bill, case.scope.as_of - timedelta(days=1))


def _receipt_unknown(case: Case) -> None:
    case.forget_before()
    case.ordered.consultant_name, case.ordered.consultant_id = "Consultant à désigner", None
    case.line.description = f"Prestation {case.scope.month}"
    case.name_order_on_reports(None)


def _partial(case: Case) -> None:
    case.bill_days(case.worked() + EXTRA_DAYS)


def _coming(case: Case) -> None:
    """The bill is not there yet: it comes with one of the next days, and so does its receipt."""
    case.wait_for_receipt()
    case.books.coming_bills.append(case.books.bills.pop(case.bill.id))


def _no_number(case: Case) -> None:
    case.reprice(PRIME_PRICE)
    case.bill.order_number = None


def _no_currency(case: Case) -> None:
    case.bill.currency = None


Cases = tuple[str, Callable[[Case], None], str, tuple[str, ...]]
# Code, change, status, holds: in the order of the externals; the shared order's two are left alone.
CASES: tuple[Cases, ...] = (
    ("PRICE", _price, "review", ("PRICE",)),
    ("PO_MISSING", _po_missing, "review", ("PO_MISSING",)),
    ("PO_AMBIGUOUS", _po_ambiguous, "review", ("PO_AMBIGUOUS",)),
    ("LINE_UNMATCHED", _line_unmatched, "review", ("LINE_UNMATCHED",)),
    ("LINES_MISSING", _lines_missing, "review", ("LINES_MISSING",)),
    ("QTY_ORDERED", _qty_ordered, "review", ("QTY_ORDERED",)),
    ("LINE_TOTAL", _line_total, "review", ("LINE_TOTAL",)),
    ("TOTAL", _total, "review", ("TOTAL",)),
    ("CURRENCY", _currency, "review", ("CURRENCY",)),
    ("PENDING_RECEIPT", Case.wait_for_receipt, "pending_receipt", ("QTY_RECEIVED",)),
    ("COMING", _coming, "", ()),
    ("DATE", _date, "review", ("DATE",)),
    ("PO_STATUS", _po_status, "review", ("PO_STATUS",)),
    ("SUPPLIER_MISMATCH", _supplier_mismatch, "review", ("SUPPLIER_MISMATCH",)),
    ("COMING", _coming, "", ()),
    ("NOT_APPROVED", _not_approved, "review", ("NOT_APPROVED",)),
    ("PARTIAL", _partial, "partial", ("QTY_RECEIVED",)),
    ("PAID_UNPROVEN", _paid_unproven, "review", ("QTY_RECEIVED", "PAID_UNPROVEN")),
    ("NO_PO_NUMBER", _no_number, "matched", ()),
    ("RECEIPT_UNKNOWN", _receipt_unknown, "review", ("RECEIPT_UNKNOWN",)),
    ("NO_CURRENCY", _no_currency, "matched", ()),
    ("SUPPLIER_UNCONFIRMED", _supplier_unconfirmed, "review", ("SUPPLIER_UNCONFIRMED",)),
)
NOTES = {
    "LINE_UNMATCHED": "the hold is the second line's own",
    "SUPPLIER_MISMATCH": "the order of another supplier's consultant, with days left",
    "NO_CURRENCY": "matched where BILL_COM_CURRENCY=EUR",
    "PARTIAL": "two days were not received; amount is what is proven",
    "PENDING_RECEIPT": "the CRA is submitted, not validated",
    "PAID_UNPROVEN": "amount is what to claim",
    "ADOPTED": "a person has registered it in BoondManager: no second one, only flagged",
    PAID_BEFORE: "paid in Bill.com: registered, never flagged",
    "CREDIT_NOTE": "registered, never flagged for payment",
}


def plant_bills(books: Books, scope: Scope) -> None:
    """Plants the mistakes of the supplier side."""
    alone = with_own_order(books, 0)
    plant_cases(books, scope, alone, CASES)
    shared = next(o for o in books.orders.values() if len(o.lines) > 1)
    _before(books, scope)
    _duplicate(books, scope, shared)
    _unknown_vendor(books, scope)
    _credit(books, scope, Case(books, scope, alone[[c[0] for c in CASES].index("NO_CURRENCY")]))


def plant_cases(
    books: Books, scope: Scope, people: Iterable[Consultant], cases: Sequence[Cases]
) -> None:
    """Plants one case a person, in their order."""
    for consultant, (code, change, status, holds) in zip(people, cases, strict=False):
        case = Case(books, scope, consultant)
        change(case)
        if status:
            _note(books, scope, code, status, holds, case)


def with_own_order(books: Books, block: int) -> list[Consultant]:
    """The external consultants of a block whose order names nobody else."""
    size, people = sum(map(sum, BLOCK)), list(books.consultants.values())
    external = [c for c in people[block * size : (block + 1) * size] if c.supplier_id]
    orders = {c.id: books.orders[str(books.missions[c.id].order_id)] for c in external}
    return [c for c in external if len(orders[c.id].lines) == 1]


def _note(
    books: Books, scope: Scope, code: str, status: str, holds: tuple[str, ...], case: Case
) -> None:
    if status != "matched":
        books.unpaid[case.bill.id] = code
    amounts = {
        "PARTIAL": cents(case.worked() * case.price),
        "PAID_UNPROVEN": cents(PAID_EXTRA_DAYS * case.price),
    }
    books.planted.append(
        Planted(
            side="suppliers",
            code=code,
            outcome=status,
            holds=holds,
            period=scope.month,
            consultant_id=case.consultant.id,
            cra_id=books.reports[case.consultant.id, scope.month],
            bill_id=case.bill.id,
            line=2 if code == "LINE_UNMATCHED" else 1,
            cra_days=case.worked(),
            amount=amounts.get(code, case.bill.amount),
            note=NOTES.get(code, ""),
        )
    )


def _said(
    books: Books, scope: Scope, code: str, status: str, bill: Bill, *holds: str, line: int = 1
) -> None:
    books.unpaid[bill.id] = code
    books.planted.append(
        Planted(
            side="suppliers",
            code=code,
            outcome=status,
            holds=holds,
            period=scope.month,
            bill_id=bill.id,
            line=line,
            amount=bill.amount,
            note=NOTES.get(code, ""),
        )
    )


def _before(books: Books, scope: Scope) -> None:
    """Notes the bills of the month before that somebody has dealt with already."""
    by_hand = {invoice.reference for invoice in books.supplier_invoices.values()}
    for bill in books.bills.values():
        adopted = bill.number in by_hand
        if adopted or books.unpaid.get(bill.id) == PAID_BEFORE:
            code = "ADOPTED" if adopted else PAID_BEFORE
            books.planted.append(
                Planted(
                    side="suppliers",
                    code=code,
                    outcome="matched",
                    period=scope.previous,
                    bill_id=bill.id,
                    line=1,
                    amount=bill.amount,
                    note=NOTES[code],
                )
            )


def _duplicate(books: Books, scope: Scope, order: PurchaseOrder) -> None:
    """The same bill again, its number written in another way."""
    first = next(
        b
        for b in books.bills.values()
        if b.order_number == order.reference and b.description.endswith(scope.month)
    )
    again = deepcopy(first)
    again.id, again.number = f"{first.id}-2", first.number.replace("-", " / ")
    again.created_at = again.updated_at = first.created_at + timedelta(hours=2)
    books.bills[again.id] = again
    for line in range(1, len(again.lines) + 1):
        holds = ("DUPLICATE", "QTY_RECEIVED")[line > 1 :]
        _said(books, scope, "DUPLICATE", "review", again, *holds, line=line)


def _unknown_vendor(books: Books, scope: Scope) -> None:
    """A bill from a vendor that BoondManager does not know."""
    vendor = replace(
        next(iter(books.vendors.values())),
        id="ven-900",
        name="Papeterie Duhamel",
        tax_id="FR61512777999",
        email=None,
    )
    books.vendors[vendor.id] = vendor
    amount = Decimal("312.40")
    line = BillLine(
        description="Fournitures de bureau", quantity=Decimal(1), unit_price=amount, amount=amount
    )
    bill = add_bill(books, scope, vendor.id, None, [line], scope.month)
    _said(books, scope, "SUPPLIER_UNKNOWN", "review", bill, "SUPPLIER_UNKNOWN", "PO_MISSING")


def _credit(books: Books, scope: Scope, case: Case) -> None:
    """A supplier gives a day back."""
    line = BillLine(
        description=f"Avoir {case.consultant.name} - {scope.month}",
        quantity=Decimal(-1),
        unit_price=case.price,
        amount=-case.price,
    )
    bill = add_bill(books, scope, case.bill.vendor_id, case.order, [line], scope.month)
    bill.number = f"AV-{bill.number}"
    _said(books, scope, "CREDIT_NOTE", "matched", bill)
