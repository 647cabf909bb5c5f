"""What comes rarely: letters that nobody can read, invoices that a person undid, odd bills.

The third block of consultants carries them; externals of the second and third have bills that are
wrong in the common ways once more.
"""

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from email.utils import format_datetime

from sandbox.domain import Contact, cents
from sandbox.months import bounds
from sandbox.planted import Planted
from sandbox.planting_bills import CASES, Case, Cases, plant_cases, with_own_order
from sandbox.planting_days import Planter
from sandbox.trading import add_invoice, line_of

UNREADABLE, MONTHLESS, UNREACHABLE, UNDONE, TORN = "317", "318", "320", "322", "323"
COMMON = ("PRICE", "PO_MISSING", "LINE_UNMATCHED", "QTY_ORDERED", "LINE_TOTAL", "TOTAL", "CURRENCY")
TOO_MUCH = 3


def plant_rare(planter: Planter) -> None:
    """Plants what is rare on both sides, and the common mistakes of bills again."""
    _unreadable(planter)
    _monthless(planter)
    _contradicted(planter)
    _cancelled(planter)
    _credited(planter)
    _unreachable(planter)
    books, scope = planter.books, planter.scope
    again = [case for case in CASES if case[0] in COMMON]
    plant_cases(books, scope, with_own_order(books, 1), again)
    *others, alone = with_own_order(books, 2)
    plant_cases(books, scope, [*others[: len(RARE) - 1], alone], RARE)
    late = [case for case in CASES if case[0] == "COMING"]
    plant_cases(books, scope, with_own_order(books, 3), late[:1])


def _take_back(planter: Planter, people: Iterable[str]) -> None:
    """Lets nobody declare these people in the usual way."""
    gone = set(people)
    books = planter.books
    books.declared = [line for line in books.declared if line.consultant_id not in gone]


def _noted_file(planter: Planter, code: str, file: str, client_id: str, note: str) -> None:
    planter.books.planted.append(
        Planted(
            side="clients",
            code=code,
            outcome=None,
            holds=(code,),
            period=planter.month,
            client_id=client_id,
            file=file,
            by_mail=file.endswith(".eml"),
            note=note,
        )
    )


def _unreadable(planter: Planter) -> None:
    """A file with days in letters: the client's other people wait, that one is left out."""
    who, client = planter.who(UNREADABLE, 0), planter.books.clients[UNREADABLE]
    file = f"declaration-{UNREADABLE}-{planter.month}-suite.csv"
    row = f"{client.name},{who.name},{planter.month},vingt jours"
    planter.books.letters[file] = f"client,consultant,period,days\n{row}\n".encode()
    _take_back(planter, [who.id])
    for consultant in planter.books.staff(UNREADABLE):
        planter.blocks(consultant, "a line of the client cannot be read")
    planter.note("undeclared", "undeclared", who, note="the line that names them is unreadable")
    _noted_file(planter, "DECLARATION_UNREADABLE", file, UNREADABLE, "days are no number")


def _monthless(planter: Planter) -> None:
    """A client that lists days and tells no month at all."""
    books, staff = planter.books, planter.books.staff(MONTHLESS)
    lines = [f"{who.name} : 19 jours" for who in staff]
    file = f"mails/{MONTHLESS}-sans-mois.eml"
    books.letters[file] = _letter(planter, MONTHLESS, "Jours prestés", lines)
    _take_back(planter, [who.id for who in staff])
    for who in staff:
        planter.blocks(who, "the month is not told")
    _noted_file(planter, "PERIOD_AMBIGUOUS", file, MONTHLESS, "no month in subject or body")


def _contradicted(planter: Planter) -> None:
    """A mail whose total is not the sum of its lines."""
    who, month = planter.who(TORN, 1), planter.month
    days = planter.books.cra_of(who.id, month).production_days(*bounds(month))
    said = f"{days.normalize():f}".replace(".", ",")
    wrong = f"{(days + TOO_MUCH).normalize():f}".replace(".", ",")
    lines = [f"{who.name} : {said} jours", "", f"Total : {wrong} jours"]
    file = f"mails/{TORN}-total.eml"
    planter.books.letters[file] = _letter(planter, TORN, f"Jours {month}", lines)
    planter.blocks(who, "the mail contradicts itself")
    planter.note("LOW_CONFIDENCE", "held", who, ("LOW_CONFIDENCE",), by_mail=True)
    _take_back(planter, [who.id])


def _letter(planter: Planter, client_id: str, subject: str, lines: list[str]) -> bytes:
    sent = planter.scope.at(bounds(planter.month)[1] + timedelta(days=1), int(client_id))
    sender = planter.books.clients[client_id].contacts[0].email or ""
    return mail(sender, subject, ["Bonjour,", "", *lines, "", "Cordialement"], sent)


def mail(sender: str, subject: str, body: list[str], sent: datetime) -> bytes:
    """A plain mail of a client."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "cra@esn.example", subject
    message["Date"] = format_datetime(sent)
    message["Message-ID"] = f"<{sent.timestamp():.0f}.{len(body)}@{sender.partition('@')[2]}>"
    message.set_content("\n".join(body), charset="utf-8")
    return message.as_bytes()


def _cancelled(planter: Planter) -> None:
    """An invoice of ours that a person has cancelled."""
    who, books, month = planter.who(UNDONE, 2), planter.books, planter.month
    contract, rate = planter.contract(who), books.missions[who.id].sale_rate
    line = line_of(f"{who.name} · {month} · {who.id}", books.cra_of(who.id, month).total_days, rate)
    reference = f"RAP-{month}-{contract.reference}"
    invoice = add_invoice(books, planter.scope, contract.id, reference, [line], bounds(month)[1])
    invoice.status = "cancelled"
    planter.blocks(who, "our invoice was cancelled")
    planter.note("INVOICE_CANCELLED", "matched", who, ("INVOICE_CANCELLED",))


def _credited(planter: Planter) -> None:
    """A credit note of a person that names neither a consultant nor a month."""
    who, books = planter.who(UNDONE, 3), planter.books
    line = line_of("Geste commercial", Decimal(-1), books.missions[who.id].sale_rate)
    last, contract = bounds(planter.month)[1], planter.contract(who)
    add_invoice(books, planter.scope, contract.id, "AV-0031", [line], last)
    planter.blocks(who, "a credit note without consultant and month")
    planter.note("CREDIT_NOTE_UNASSIGNED", "matched", who, ("CREDIT_NOTE_UNASSIGNED",))


def _unreachable(planter: Planter) -> None:
    """A client whom no mail reaches: it is billed all the same."""
    books, code = planter.books, "NO_BILLING_CONTACT"
    books.clients[UNREACHABLE].contacts = [Contact(name="Accueil", email=None, role="billing")]
    contract = planter.contract(planter.who(UNREACHABLE, 0))
    books.planted.append(
        Planted(
            side="clients",
            code=code,
            outcome=None,
            holds=(code,),
            period=planter.month,
            client_id=UNREACHABLE,
            contract_id=contract.id,
            invoice=f"RAP-{planter.month}-{contract.reference}",
            note="the mail alone waits",
        )
    )


def _number_missing(case: Case) -> None:
    case.bill.number = "-"


def _free_of_charge(case: Case) -> None:
    """Days that were ordered at no price are billed."""
    case.forget_before()
    case.ordered.daily_rate = Decimal(0)


def _closed(case: Case) -> None:
    """An order that was closed when its days were used up."""
    case.ordered.days = case.before.lines[0].quantity or Decimal(0)
    case.order.status = "closed"


def _twin(case: Case) -> None:
    """The bill again under another number and without the order's: same amount, same day."""
    books, first = case.books, case.bill
    case.bill = again = deepcopy(first)
    again.id, again.number, again.order_number = f"{first.id}-2", f"{first.number}-R", None
    again.created_at = again.updated_at = first.created_at + timedelta(hours=3)
    books.bills[again.id] = again


def _dear_and_wrong(case: Case) -> None:
    """Too dear, and more than days × price: each hold is said."""
    case.bill_days(case.worked(), cents(case.price * Decimal("1.02")))
    case.line.amount += 80
    case.bill.amount += 80


def _other_tax_id(case: Case) -> None:
    """The vendor has the supplier's name and somebody else's VAT number."""
    case.forget_before()
    case.books.vendors[case.bill.vendor_id].tax_id = "FR20999999996"


# Code, what is changed, status, holds; the last is of the supplier that has one consultant only.
RARE: tuple[Cases, ...] = (
    ("NUMBER_MISSING", _number_missing, "review", ("NUMBER_MISSING",)),
    ("FREE_OF_CHARGE", _free_of_charge, "review", ("PRICE",)),
    ("PO_CLOSED", _closed, "review", ("PO_STATUS", "QTY_ORDERED")),
    ("DUPLICATE_AMOUNT", _twin, "review", ("DUPLICATE", "QTY_RECEIVED")),
    ("PRICE_AND_TOTAL", _dear_and_wrong, "review", ("PRICE", "LINE_TOTAL")),
    ("OTHER_TAX_ID", _other_tax_id, "review", ("SUPPLIER_MISMATCH",)),
)
