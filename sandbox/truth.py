"""The clean truth: what must be invoiced and what may be paid, from the world alone."""

from decimal import Decimal

from sandbox.domain import Books, DeclaredLine, ExpectedInvoice, ExpectedPaidBill, cents
from sandbox.peopling import Scope
from sandbox.trading import PAID_BEFORE


def invoices(books: Books, scope: Scope) -> list[ExpectedInvoice]:
    """Returns the invoices of the month, but those of contracts that something blocks."""
    lines: dict[str, list[DeclaredLine]] = {}
    for line in books.declared:
        if line.consultant_id and line.period == scope.month:
            contract_id = books.missions[line.consultant_id].contract_id
            lines.setdefault(contract_id, []).append(line)
    return [
        _invoice(books, scope, contract_id, declared)
        for contract_id, declared in lines.items()
        if contract_id not in books.unbilled
    ]


def _invoice(
    books: Books, scope: Scope, contract_id: str, declared: list[DeclaredLine]
) -> ExpectedInvoice:
    contract = books.contracts[contract_id]
    stem = f"RAP-{scope.month}-{contract.reference}"
    billed = {
        line.description.rsplit(" · ", 1)[-1]: line
        for invoice in books.client_invoices.values()
        if invoice.reference == stem
        for line in invoice.lines
    }
    days: dict[str, Decimal] = {}
    total = Decimal(0)
    for line in declared:
        who = str(line.consultant_id)
        before = billed.get(who)
        rest = line.days - (before.quantity if before else 0)
        if rest:
            days[who] = rest
            total += cents(line.days * books.missions[who].sale_rate)
            total -= before.total if before else 0
    return ExpectedInvoice(
        reference=f"{stem}-2" if billed else stem,
        client_id=contract.client_id,
        contract_id=contract_id,
        days=days,
        total_excl_tax=total,
        by_mail=contract.client_id in books.mail_clients,
    )


def registered_bills(books: Books) -> list[str]:
    """Returns the ids of the bills that BoondManager must hold, flagged or not."""
    return [
        bill_id
        for bill_id in books.bills
        if books.unpaid.get(bill_id, "") in {"", PAID_BEFORE, "PARTIAL", "CREDIT_NOTE"}
    ]


def paid_bills(books: Books) -> list[ExpectedPaidBill]:
    """Returns the bills that nothing speaks against."""
    return [
        ExpectedPaidBill(bill_id=bill.id, invoice_number=bill.number, amount=bill.amount)
        for bill in books.bills.values()
        if bill.id not in books.unpaid
    ]
