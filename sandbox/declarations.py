"""The files that clients send: CSV of several manners, a workbook, and mails."""

import io
from codecs import BOM_UTF8
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from email.message import EmailMessage
from email.utils import format_datetime

from xlsxwriter import Workbook

from sandbox.domain import Books, DeclaredLine
from sandbox.months import bounds
from sandbox.peopling import Scope

HEADER = ("client", "consultant", "period", "days")
EXCEL_EVERY = 4
WORKBOOK_OF = "301"
"""The client that sends a workbook, where another one mails."""
LETTERHEAD_ROWS = 2


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MONTHS = _listed(
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
)
ENGLISH_MONTHS = _listed(
    "January February March April May June July August September October November December"
)


def files(books: Books, scope: Scope) -> dict[str, bytes]:
    """Returns the month's declaration files, name → content."""
    by_client: dict[str, list[DeclaredLine]] = {}
    for line in books.declared:
        by_client.setdefault(line.client_id or "inconnu", []).append(line)
    made: dict[str, bytes] = {}
    for index, (client_id, lines) in enumerate(by_client.items()):
        if client_id in books.mail_clients:
            made |= _mails(books, scope, client_id, lines)
            continue
        name = f"declaration-{client_id}-{lines[0].period}.csv"
        sent = _sent(scope, index)
        if books.mail_clients and client_id == WORKBOOK_OF:
            made[name.replace(".csv", ".xlsx")] = _workbook(lines, sent)
            continue
        excel = index % EXCEL_EVERY == 1
        made[name] = _excel(lines, sent) if excel else _csv(lines, sent)
    if books.mail_clients:
        made["mails/relance-inconnu.eml"] = _forged(books, scope)
    return made


def _sent(scope: Scope, index: int) -> datetime:
    return scope.at(bounds(scope.month)[1] + timedelta(days=1), index * 7)


def _csv(lines: list[DeclaredLine], sent: datetime) -> bytes:
    rows = _rows(lines, sent, ".")
    return "".join(",".join(row) + "\n" for row in rows).encode()


def _excel(lines: list[DeclaredLine], sent: datetime) -> bytes:
    """The manner of French Excel: a byte-order mark, semicolons, decimal commas, CRLF."""
    rows = _rows(lines, sent, ",")
    return BOM_UTF8 + "".join(";".join(row) + "\r\n" for row in rows).encode()


def _workbook(lines: list[DeclaredLine], sent: datetime) -> bytes:
    """Two rows of letterhead, then the header; months as dates, days as numbers, a sheet beside."""
    rows = _rows(lines, sent, ".")
    place = rows[0].index("period")
    out = io.BytesIO()
    # the instant of making lies in the file: with it fixed the bytes are the same each time
    with Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": sent.replace(tzinfo=None)})
        month = book.add_format({"num_format": "mmmm yyyy"})
        sheet = book.add_worksheet("Jours")
        sheet.write(0, 0, f"Jours déclarés {lines[0].period}")
        for number, row in enumerate(rows, start=LETTERHEAD_ROWS):
            sheet.write_row(number, 0, row)
            if number > LETTERHEAD_ROWS:
                first = date.fromisoformat(f"{row[place]}-01")
                sheet.write_datetime(number, place, datetime.combine(first, time()), month)
                sheet.write_number(number, place + 1, float(row[place + 1]))
        book.add_worksheet("Vide")
    return out.getvalue()


def _rows(lines: list[DeclaredLine], sent: datetime, point: str) -> list[list[str]]:
    """Returns the header and a row a line; the contract only where a line names one."""
    with_contract = any(line.contract_reference for line in lines)
    rows = [[*HEADER, *(["contract"] if with_contract else []), "sent_at"]]
    for line in lines:
        row = [line.client_text, line.name_text, line.period, _days(line.days, point)]
        contract = [line.contract_reference or ""] if with_contract else []
        rows.append([*row, *contract, sent.isoformat()])
    return rows


def _days(days: Decimal, comma: str) -> str:
    return f"{days.normalize():f}".replace(".", comma)


def _mails(
    books: Books, scope: Scope, client_id: str, lines: list[DeclaredLine]
) -> dict[str, bytes]:
    """The first half of a client's people in a French mail, the others in an English table."""
    half = (len(lines) + 1) // 2
    month = bounds(scope.month)[0]
    sender = books.clients[client_id].contacts[0].email or ""
    french = _mail(
        sender,
        f"Jours {MONTHS[month.month - 1]} {month.year}",
        ["Bonjour,", "", f"Voici les jours pour {MONTHS[month.month - 1]} {month.year} :"]
        + [_french(books, line, n) for n, line in enumerate(lines[:half])]
        + ["", "Cordialement,", "Les achats"],
        _sent(scope, 1),
    )
    english = _mail(
        sender,
        f"Timesheet {ENGLISH_MONTHS[month.month - 1]} {month.year}",
        ["Hello,", "", "Days of the month:"]
        + [_english(books, line) for line in lines[half:]]
        + ["", "Best regards"],
        _sent(scope, 2),
        _table(books, lines[half:]),
    )
    stem = f"mails/{client_id}-{scope.month}"
    return {f"{stem}-fr.eml": french, f"{stem}-en.eml": english}


def _french(books: Books, line: DeclaredLine, index: int) -> str:
    who = books.consultants[str(line.consultant_id)]
    if index % 2:
        return f"{who.last_name.upper()} {who.first_name} {_days(line.days, ',')} j"
    return f"{who.name} : {_days(line.days, ',')} jours"


def _english(books: Books, line: DeclaredLine) -> str:
    who = books.consultants[str(line.consultant_id)]
    euros = f"{line.days * books.missions[who.id].sale_rate:,.0f}".replace(",", "\u202f")
    name = f"{who.last_name.upper()} {who.first_name}"
    return f"{name} | Project X | {_days(line.days, '.')} d | {euros}\u00a0€"


def _forged(books: Books, scope: Scope) -> bytes:
    """A mail from nobody whom the clients name: it must replace nothing."""
    line = books.declared[0]
    month = bounds(scope.month)[0]
    return _mail(
        "compta.urgent@gmail.com",
        f"Correction jours {MONTHS[month.month - 1]} {month.year}",
        [f"{line.client_text}", f"{line.name_text} : 31 jours"],
        _sent(scope, 60),
    )


def _table(books: Books, lines: list[DeclaredLine]) -> str:
    """The English mail as its sender sees it: a table with a total below."""
    rows = [("Consultant", "Project", "Days", "Amount")]
    rows += [
        (name, project, days.removesuffix(" d"), euros)
        for name, project, days, euros in (_english(books, line).split(" | ") for line in lines)
    ]
    total = _days(sum((line.days for line in lines), Decimal(0)), ".")
    cells = [
        [f"<td><p>{cell}</p></td>" for cell in row] for row in [*rows, ("Total", "", total, "")]
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<p>Hello,</p><table border=1>{body}</table><p>Best regards</p>"


def _mail(
    sender: str, subject: str, body: list[str], sent: datetime, html: str | None = None
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "cra@esn.example"
    message["Subject"] = subject
    message["Date"] = format_datetime(sent)
    message["Message-ID"] = f"<{sent.timestamp():.0f}.{len(body)}@{sender.partition('@')[2]}>"
    message.set_content("\n".join(body), charset="utf-8")
    if html:
        message.add_alternative(html, subtype="html", charset="utf-8")
        # the boundary is drawn by chance otherwise
        message.set_boundary(f"=={sent.timestamp():.0f}==")
    return message.as_bytes()
