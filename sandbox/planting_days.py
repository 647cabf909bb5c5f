"""Mistakes between what clients declare and what consultants report."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.domain import (
    Activity,
    Books,
    Consultant,
    Contract,
    DeclaredLine,
    Rate,
)
from sandbox.months import bounds, business_days, shifted
from sandbox.peopling import Scope
from sandbox.planted import Planted
from sandbox.trading import add_invoice, line_of

# Clients of the first block, and who works there by position: see `peopling.BLOCK`.
CALM, CORRECTED, SMOOTH, MISSPELT, MAILING, GAPS, FOREIGN, BLOCKED = map(str, range(301, 309))
HALF = Decimal("0.5")
GAP_DAYS = Decimal(6)
QUARTER = 3
EARLIER_MISSING = Decimal(3)
SPANNING_FROM = timedelta(days=3)


class Planter:
    """Puts mistakes into the books and keeps note of each."""

    def __init__(self, books: Books, scope: Scope) -> None:
        self.books, self.scope, self.month = books, scope, scope.month
        # What everyone could have worked, two days less: there is room on both sides.
        self.usual = Decimal(len(business_days(scope.month)) - 2)

    def who(self, client_id: str, position: int) -> Consultant:
        """Returns the consultant at a position of a client's staff."""
        return self.books.staff(client_id)[position]

    def contract(self, consultant: Consultant) -> Contract:
        """Returns the contract that a consultant works under."""
        return self.books.contracts[self.books.missions[consultant.id].contract_id]

    def report(self, consultant: Consultant, activities: list[Activity]) -> None:
        """Lets a consultant's CRA of the month say these lines, whose total it tells."""
        cra = self.books.cra_of(consultant.id, self.month)
        cra.activities = sorted(activities, key=lambda a: a.day)
        cra.total_days = cra.production_days(cra.start, cra.end)

    def work(self, consultant: Consultant, days: Decimal) -> None:
        """Lets a consultant's CRA of the month say so many production days."""
        lines, left = [], days
        for day in business_days(self.month):
            done = min(left, Decimal(1))
            if done:
                lines.append(Activity(day, done))
            if done < 1:
                lines.append(Activity(day, 1 - done, "absence", "congés payés"))
            left -= done
        self.report(consultant, lines)

    def declare(self, consultant: Consultant, **changes: Any) -> None:
        """Changes what the client declares of a consultant."""
        declared = self.books.declared
        at = next(n for n, line in enumerate(declared) if line.consultant_id == consultant.id)
        declared[at] = replace(declared[at], **changes)

    def blocks(self, consultant: Consultant, why: str) -> None:
        """Notes that nothing of a consultant's contract is billed."""
        self.books.unbilled[self.contract(consultant).id] = why

    def rename(self, consultant: Consultant, first: str, last: str) -> None:
        """Gives a consultant another name, wherever it is written."""
        old, new = consultant.name, f"{first} {last}"
        consultant.first_name, consultant.last_name = first, last
        for order in self.books.orders.values():
            for ordered in order.lines:
                ordered.consultant_name = ordered.consultant_name.replace(old, new)
        for bill in self.books.bills.values():
            for line in bill.lines:
                line.description = line.description.replace(old, new)
        for invoice in self.books.client_invoices.values():
            for billed in invoice.lines:
                billed.description = billed.description.replace(old, new)
        self.declare(consultant, name_text=new)

    def note(
        self,
        code: str,
        outcome: str | None,
        consultant: Consultant,
        holds: tuple[str, ...] = (),
        note: str = "",
        **more: Any,
    ) -> None:
        """Keeps what was planted of a consultant, with the days of both sides as they are."""
        books, (first, last) = self.books, bounds(self.month)
        cra_id = books.reports.get((consultant.id, self.month))
        said = next((d for d in books.declared if d.consultant_id == consultant.id), None)
        cra_days = books.cras[cra_id].production_days(first, last) if cra_id else None
        rate = books.missions[consultant.id].sale_rate
        gap = said.days - cra_days if said and cra_days is not None else None
        books.planted.append(
            Planted(
                side="clients",
                code=code,
                outcome=outcome,
                holds=holds,
                period=self.month,
                client_id=books.missions[consultant.id].client_id,
                consultant_id=consultant.id,
                contract_id=self.contract(consultant).id,
                cra_id=cra_id,
                declared_name=said.name_text if said else None,
                declared_days=said.days if said else None,
                cra_days=cra_days,
                amount=gap * rate if gap is not None else None,
                note=note,
                **more,
            )
        )


def plant_days(planter: Planter) -> None:
    """Plants the mistakes of the client side."""
    steps: tuple[Callable[[Planter], None], ...] = (
        _gaps,
        _reports,
        _already_invoiced,
        _foreign,
        _rates,
        _names,
        _contracts,
        _swap,
        _unknown_people,
        _waiting,
        _earlier_bill,
        _spanning,
    )
    for step in steps:
        step(planter)
    _mails(planter)
    for consultant in planter.books.staff(BLOCKED):
        planter.blocks(consultant, "the client's month is blocked by a missing entry")


def _mails(planter: Planter) -> None:
    """One client writes mails instead of files, and somebody unknown writes one too."""
    planter.books.mail_clients.append(MAILING)
    planter.books.planted.append(
        Planted(
            side="clients",
            code="SENDER_UNKNOWN",
            outcome=None,
            holds=("SENDER_UNKNOWN",),
            period=planter.month,
            by_mail=True,
            file="mails/relance-inconnu.eml",
            note="mails/relance-inconnu.eml must replace no declaration",
        )
    )


def _gaps(planter: Planter) -> None:
    """Days over and under, by one, and a gap that is too large."""
    over, under, gap = (planter.who(GAPS, n) for n in (2, 3, 6))
    usual = planter.usual
    for who, worked, said in (
        (over, usual, usual + 1),
        (under, usual, usual - 1),
        (gap, usual - GAP_DAYS, usual),
    ):
        planter.work(who, worked)
        planter.declare(who, days=said)
        planter.blocks(who, "days differ")
    planter.note("over_reported", "over_reported", over)
    planter.note("under_reported", "under_reported", under)
    planter.note("GAP_TOO_LARGE", "over_reported", gap, ("GAP_TOO_LARGE",))


def _reports(planter: Planter) -> None:
    """A CRA that is missing, a draft, one validated that differs, one that does not add up."""
    books = planter.books
    absent, draft = planter.who(GAPS, 4), planter.who(GAPS, 5)
    differs, inconsistent = planter.who(FOREIGN, 1), planter.who(FOREIGN, 2)
    del books.cras[books.reports.pop((absent.id, planter.month))]
    books.cra_of(draft.id, planter.month).status = "draft"
    planter.work(differs, planter.usual)
    planter.declare(differs, days=planter.usual - 1)
    validated = books.cra_of(differs.id, planter.month)
    validated.status, validated.validated_at = "validated", validated.updated_at
    validated.validator = differs.manager_id
    books.cra_of(inconsistent.id, planter.month).total_days += 1
    planter.note("missing_cra", "missing_cra", absent, cause="none_found")
    planter.note("CRA_NOT_SUBMITTED", "held", draft, ("CRA_NOT_SUBMITTED",))
    code = "VALIDATED_CRA_DIFFERS"
    planter.note(code, "under_reported", differs, (code,))
    code = "CRA_TOTAL_INCONSISTENT"
    planter.note(code, "held", inconsistent, (code,), "totalDays is one day above its lines")
    for who in (absent, draft, differs, inconsistent):
        planter.blocks(who, "the CRA stands against it")


def _already_invoiced(planter: Planter) -> None:
    """A person has billed the month under a reference of their own."""
    who = planter.who(GAPS, 1)
    contract, month = planter.contract(who), planter.month
    cra = planter.books.cra_of(who.id, month)
    rate = planter.books.missions[who.id].sale_rate
    line = line_of(f"Prestations {who.name} {month}", cra.total_days, rate)
    last = bounds(month)[1]
    add_invoice(planter.books, planter.scope, contract.id, f"FA-{month}-017", [line], last)
    planter.blocks(who, "already invoiced by hand")
    planter.note("ALREADY_INVOICED", "matched", who, ("ALREADY_INVOICED",))


def _foreign(planter: Planter) -> None:
    """A Belgian client: one of its contracts tells no tax rate."""
    client = planter.books.clients[FOREIGN]
    client.country, client.vat_number = "BE", "BE0403170701"
    client.postcode, client.town = "1000", "Bruxelles"
    untaxed = planter.who(FOREIGN, 0)
    for contract in planter.books.contracts.values():
        if contract.client_id == FOREIGN:
            contract.tax_rate = Decimal(0)
    planter.contract(untaxed).tax_rate = None
    planter.blocks(untaxed, "no tax rate")
    planter.note("TAX_RATE_MISSING", "matched", untaxed, ("TAX_RATE_MISSING",))


def _rates(planter: Planter) -> None:
    """A contract without any rate, and one with two that both could be meant."""
    none, several = planter.who(FOREIGN, 5), planter.who(FOREIGN, 6)
    planter.contract(none).rates = []
    rate = planter.books.missions[several.id].sale_rate
    planter.contract(several).rates = [
        Rate(profile="Expert SAP", daily_rate=rate),
        Rate(profile="Consultant senior", daily_rate=rate + 60),
    ]
    for who, code in ((none, "RATE_MISSING"), (several, "RATE_AMBIGUOUS")):
        planter.blocks(who, code)
        planter.note(code, "matched", who, (code,))


def _names(planter: Planter) -> None:
    """A name between two people, and a misspelt one that only one person can be."""
    torn, neighbour = planter.who(FOREIGN, 3), planter.who(FOREIGN, 4)
    planter.rename(torn, "Nicolas", "Lefebvre")
    planter.rename(neighbour, "Nicolas", "Lefevre")
    planter.declare(torn, name_text="Nicolas Lefebre")
    planter.blocks(torn, "ambiguous name")
    note = f"{torn.id} or {neighbour.id}"
    planter.note("NAME_AMBIGUOUS", "held", torn, ("NAME_AMBIGUOUS",), note)
    # nobody is known to be meant: the row bears the name, and the CRA is left over
    planted = planter.books.planted
    planted[-1] = replace(planted[-1], consultant_id=None, cra_id=None)
    planter.note("LEFT_OVER", "undeclared", torn, note="the CRA of the ambiguous name")
    misspelt = planter.who(MISSPELT, 2)
    planter.rename(misspelt, "Christophe", "Delaunay")
    planter.declare(misspelt, name_text="Christophe Delaunai")
    planter.note("FUZZY_NAME", "matched", misspelt, note="resolves by likeness, score 94.7")


def _contracts(planter: Planter) -> None:
    """A contract that ended before the month, and a person whom several contracts fit."""
    books, month = planter.books, planter.month
    ended, torn = planter.who(BLOCKED, 1), planter.who(BLOCKED, 2)
    contract = planter.contract(ended)
    contract.end, contract.status = bounds(shifted(month, -1))[1], "ended"
    books.cra_of(ended.id, month).contract_id = contract.id
    planter.note("CONTRACT_NOT_ACTIVE", "matched", ended, ("CONTRACT_NOT_ACTIVE",))
    rate = books.missions[torn.id].sale_rate
    planter.contract(torn).rates = [Rate(profile="Consultant", daily_rate=rate)]
    for period in (month, shifted(month, -1)):
        books.cra_of(torn.id, period).contract_id = None
    planter.declare(torn, contract_reference=None)
    planter.note("CONTRACT_AMBIGUOUS", "held", torn, ("CONTRACT_AMBIGUOUS",))


def _swap(planter: Planter) -> None:
    """Two people of one contract, each with the other's days: the total ties."""
    one, other = planter.who(BLOCKED, 3), planter.who(BLOCKED, 4)
    planter.work(one, planter.usual)
    planter.work(other, planter.usual - 1)
    planter.declare(one, days=planter.usual - 1)
    planter.declare(other, days=planter.usual)
    for who, with_, outcome in ((one, other, "under_reported"), (other, one, "over_reported")):
        note = f"swapped with {with_.id}"
        planter.note("SWAP", outcome, who, note=note, cause="swap", others=(with_.name,))


def _unknown_people(planter: Planter) -> None:
    """A person nobody knows, a client nobody knows, and a person whom the client left out."""
    books, month = planter.books, planter.month
    left_out = planter.who(BLOCKED, 0)
    books.declared = [line for line in books.declared if line.consultant_id != left_out.id]
    planter.note("undeclared", "undeclared", left_out)
    known = next(line for line in books.declared if line.client_id == BLOCKED)
    stranger = replace(
        known,
        consultant_id=None,
        name_text="Ghislain Vandenbroucke",
        days=planter.usual,
        contract_reference=None,
    )
    nobody = DeclaredLine(
        client_id=None,
        client_text="Fonderie Malaquais",
        consultant_id=None,
        name_text="Hector Salvaing",
        period=month,
        days=Decimal(12),
    )
    books.declared += [stranger, nobody]
    for line, code, outcome, holds in (
        (stranger, "missing_entry", "missing_entry", ("MISSING_ENTRY",)),
        (nobody, "CLIENT_UNKNOWN", "held", ("CLIENT_UNKNOWN",)),
    ):
        books.planted.append(
            Planted(
                side="clients",
                code=code,
                outcome=outcome,
                holds=holds,
                period=month,
                client_id=line.client_id,
                declared_client=line.client_text,
                declared_name=line.name_text,
                declared_days=line.days,
                note=f"said of {line.client_text}",
            )
        )


def _waiting(planter: Planter) -> None:
    """A contract billed by the quarter, and one billed at its end: matched, and not yet due."""
    until = bounds(shifted(planter.month, QUARTER))[1]
    quarterly, at_end = planter.who(CALM, 2), planter.who(CORRECTED, 2)
    if bounds(planter.month)[0].month % QUARTER:
        _unbilled_before(planter, quarterly)
        planter.contract(quarterly).frequency = "quarterly"
        planter.blocks(quarterly, "billed by the quarter")
        planter.note("WAIT_QUARTER", "matched", quarterly, note="wait for billing date")
    planter.contract(at_end).frequency, planter.contract(at_end).end = "end", until
    planter.blocks(at_end, "billed at the contract's end")
    planter.note("WAIT_END", "matched", at_end, note="wait for billing date")


def _unbilled_before(planter: Planter, consultant: Consultant) -> None:
    """Takes away what a person billed of the month before: it is of the same quarter."""
    invoices, contract = planter.books.client_invoices, planter.contract(consultant)
    before = bounds(planter.scope.previous)[0]
    if before.month % QUARTER:
        for invoice in [i for i in invoices.values() if i.contract_id == contract.id]:
            del invoices[invoice.id]


def _earlier_bill(planter: Planter) -> None:
    """An invoice of ours that billed one person in full and three days of the other too few."""
    books, month = planter.books, planter.month
    full, short = planter.who(CORRECTED, 0), planter.who(CORRECTED, 1)
    contract = planter.contract(full)
    lines = []
    for who, fewer in ((full, Decimal(0)), (short, EARLIER_MISSING)):
        days = books.cra_of(who.id, month).total_days - fewer
        text = f"{who.name} · {month} · {who.id}"
        lines.append(line_of(text, days, books.missions[who.id].sale_rate))
    reference = f"RAP-{month}-{contract.reference}"
    add_invoice(books, planter.scope, contract.id, reference, lines, bounds(month)[1])
    note = f"{EARLIER_MISSING} days are left to bill, under {reference}-2"
    planter.note("CORRECTION", "matched", short, note=note)


def _spanning(planter: Planter) -> None:
    """A CRA that begins in the last days of the month before."""
    books, month = planter.books, planter.month
    who = planter.who(CALM, 1)
    before, spanning = (books.cra_of(who.id, m) for m in (shifted(month, -1), month))
    first = bounds(month)[0] - SPANNING_FROM
    moved = [a for a in before.activities if a.day >= first]
    before.activities = [a for a in before.activities if a.day < first]
    spanning.activities = moved + spanning.activities
    before.end, spanning.start = first - timedelta(days=1), first
    for cra in (before, spanning):
        cra.total_days = cra.production_days(cra.start, cra.end)
    note = "the CRA spans two months, and waits for the earlier one before it is validated"
    planter.note("SPANNING_CRA", "matched", who, note=note)
