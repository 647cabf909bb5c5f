"""What right runs come to, kept from run to run: billed days and accepted bills, in euros.

Told by the books alone, one line after the other, and never by what a caller has written: our
invoices are those that these accounts say, beside the credit notes that a person has made.
"""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from sandbox.domain import Bill, BillLine, Books, DeclaredLine, OrderLine, PurchaseOrder, cents
from sandbox.months import bounds

ZERO = Decimal(0)
Person = tuple[str, str, str]
"""Contract, consultant and month."""


class Accounts:
    """Billed and accepted euros after each run, for worlds without planted mistakes.

    Args:
        books: what is true; read again at each run.
    """

    def __init__(self, books: Books) -> None:
        self.books = books
        self._invoiced: dict[Person, Decimal] = defaultdict(Decimal)
        self._taken: dict[tuple[str, int], tuple[str, Decimal]] = {}
        self._accepted: dict[str, Decimal] = {}

    def billed(self) -> dict[Person, Decimal]:
        """Net euros by contract, consultant and month: invoices less a person's credit notes."""
        net = dict(self._invoiced)
        for person, credit in self._credited().items():
            net[person] = net.get(person, ZERO) + credit
        return {person: amount for person, amount in net.items() if amount}

    def accepted(self) -> dict[str, Decimal]:
        """Accepted euros by bill id."""
        return {bill_id: amount for bill_id, amount in self._accepted.items() if amount}

    def run(self, as_of: date) -> None:
        """Takes up what a run of a day that has written back comes to."""
        self._bill_clients()
        for bill in sorted(self.books.bills.values(), key=_order_of_bill):
            if bill.dated <= as_of:
                self._accept(bill)

    def _bill_clients(self) -> None:
        contracts: dict[tuple[str, str], list[DeclaredLine]] = defaultdict(list)
        for line in self.books.declared:
            contract = self.books.missions[str(line.consultant_id)].contract_id
            contracts[contract, line.period].append(line)
        net = self.billed()
        for (contract, period), lines in contracts.items():
            if all(map(self._ties, lines)):
                for line in lines:
                    who = str(line.consultant_id)
                    rate, person = self.books.missions[who].sale_rate, (contract, who, period)
                    rest = cents(line.days * rate) - net.get(person, ZERO)
                    self._invoiced[person] += max(rest, ZERO)

    def _ties(self, line: DeclaredLine) -> bool:
        cra = self.books.cras.get(self.books.reports[str(line.consultant_id), line.period])
        if cra is None or cra.status not in {"submitted", "validated"}:
            return False
        return cra.production_days(*bounds(line.period)) == line.days

    def _credited(self) -> dict[Person, Decimal]:
        """What a person's credit notes give back, by the lines that read like ours."""
        credited: dict[Person, Decimal] = defaultdict(Decimal)
        for note in self.books.client_invoices.values():
            for line in note.lines if note.net < 0 else []:
                _, period, who = line.description.split(" · ")
                credited[note.contract_id, who, period] += line.total
        return credited

    def _accept(self, bill: Bill) -> None:
        """Accepts what is ordered and received of each line; what was accepted stays."""
        if abs(self._accepted.get(bill.id, ZERO)) == abs(bill.amount):
            return
        order = next(o for o in self.books.orders.values() if o.reference == bill.order_number)
        self._accepted[bill.id] = sum(
            (self._line(bill, number, line, order) for number, line in enumerate(bill.lines)), ZERO
        )

    def _line(self, bill: Bill, number: int, line: BillLine, order: PurchaseOrder) -> Decimal:
        ordered = next(o for o in order.lines if o.consultant_name in line.description)
        wanted, own = _days_of(line, ordered), (bill.id, number)
        whose = f"{order.id}/{ordered.consultant_name}"
        used = sum(
            (days for key, (of, days) in self._taken.items() if of == whose and key != own),
            ZERO,
        )
        room = min(ordered.days, self._received(order, str(ordered.consultant_id))) - used
        taken = wanted if wanted < 0 else max(min(wanted, room), ZERO)
        self._taken[own] = whose, taken
        return line.amount if taken == wanted else cents(taken * ordered.daily_rate)

    def _received(self, order: PurchaseOrder, consultant_id: str) -> Decimal:
        return sum(
            (
                cra.production_days(order.start, order.end)
                for cra in self.books.cras.values()
                if (cra.consultant_id, cra.status) == (consultant_id, "validated")
            ),
            ZERO,
        )


def _days_of(line: BillLine, ordered: OrderLine) -> Decimal:
    """A line without quantity asks for its amount at the ordered price."""
    return line.amount / ordered.daily_rate if line.quantity is None else line.quantity


def _order_of_bill(bill: Bill) -> tuple[bool, date, datetime, str]:
    return bill.amount >= 0, bill.dated, bill.created_at, bill.id
