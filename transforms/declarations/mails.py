"""Declared days in a mail: its text, its tables and what hangs on it (reconciliation.md 1.3).

Beside what `mail_lines` takes off for the line itself, these take 0.30 off the confidence of all
that they touch (0.20 where a line stands below the farewell): a total that says otherwise, a text
and an attachment that differ on a person, a person in two attachments or sheets, plain and HTML
texts that differ, a line said twice, another line of the person that cannot be read, a heading of
absences or of another month, dates of another month, a forwarded or attached mail, a month more
than half a year before the mail.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePosixPath

from transforms.declarations.csv_files import csv_rows
from transforms.declarations.forms import (
    OF_A_MAIL,
    PERIOD_AMBIGUOUS,
    Cell,
    Declaration,
    File,
    Row,
    UnreadableError,
    declaration,
    storable,
    unreadable,
)
from transforms.declarations.mail_agreement import (
    MUCH,
    OTHERWISE,
    Totals,
    beside_unread,
    compared,
    each_once,
    hung,
    key,
    unsure,
    without_totals,
)
from transforms.declarations.mail_lines import Said, Total, is_name, line_read
from transforms.declarations.mail_parts import Attached, Mail, taken_apart
from transforms.declarations.mail_period import (
    Mentions,
    folded,
    is_long_ago,
    mentions,
    month_alone,
    month_meant,
    months_of_dates,
)
from transforms.declarations.mail_tables import Headings, headings, less_sure, row_read
from transforms.declarations.mail_text import Line, html_lines, text_lines
from transforms.declarations.mail_words import ABSENCES, NONE
from transforms.declarations.workbooks import sheet_rows

LARGEST = 25 * 1024 * 1024

_FORWARDED = re.compile(r"^\s*(?:(?:re|ré)\s*:\s*)*(?:tr|fwd?|wg)\s*:", re.IGNORECASE)
_BELOW = "0.20"
_OLDEST_YEAR = 2000
_MOST_LINES = 10_000
_LONGEST_HEADING = 10
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".svg", ".ics", ".vcf", ".p7s"})


def read_mail(file: File) -> Declaration:
    """Reads one mail; never fails, never leaves out a line that seems to declare.

    The client is not told here: the sender is, with what the mail's own headers say against it.
    """
    if len(file.content) > LARGEST:
        return unreadable(file, "mail", "larger than 25 MB")
    try:
        mail = taken_apart(file.content)
    except UnreadableError as error:
        return unreadable(file, "mail", str(error))
    sent = _believed(mail.date, file)
    head: dict[str, Cell] = {
        "sent_at": sent,
        "sender": mail.sender,
        "subject": mail.subject,
        "sender_problem": mail.sender_problem,
    }
    reader = _Reader(file)
    try:
        reader.read(mail, sent)
    except UnreadableError as error:
        return unreadable(file, "mail", str(error), **head)
    if not reader.rows:
        hanging = ", ".join(part.name for part in mail.attached)
        problem = "no declared days in its text" + (f"; attached: {hanging}" if hanging else "")
        return unreadable(file, "mail", problem, **head)
    remarks = reader.remarks if sent else [*reader.remarks, "its date is missing or not believed"]
    rows = [_row(number, row) for number, row in enumerate(reader.rows, start=1)]
    return declaration(file, "mail", rows, remarks, **head)


def _believed(told: datetime | None, file: File) -> datetime | None:
    """The mail's date; None where it lies after the reading, or before there were such mails."""
    if told is None or told.year < _OLDEST_YEAR or not file.believes(told):
        return None
    return told


def _row(number: int, row: Row) -> Row:
    """The row with its number in the mail, and its month's code where none can be told."""
    if row.get("problem") or row.get("period"):
        return row | {"line_no": number}
    said = {"problem": "the month cannot be told", "problem_code": PERIOD_AMBIGUOUS}
    return row | said | {"line_no": number}


@dataclass
class _Reader:
    """What is read of one mail and the mails within it."""

    file: File
    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def read(self, mail: Mail, sent: datetime | None, depth: int = 0) -> None:
        """Reads one mail; those within are less sure."""
        mailed_on = sent.date() if sent else None
        body = _body(mail)
        texts = [line.text for line in body.beside]
        month = month_meant(mail.subject, texts, mailed_on) or _only_month(
            body, mail.subject, mailed_on
        )
        spoken = beside_unread(
            [_with_month(said, line, month, mailed_on) for line, said in body.said]
        )
        hanging = beside_unread(each_once(list(self._attached(mail, month))))
        loose, hanging = compared(spoken, hanging)
        if depth:
            loose = [unsure(row, "in a mail that hangs on another") for row in loose]
            hanging = [unsure(row, "in a mail that hangs on another") for row in hanging]
        self.rows += loose + hanging
        for inner in mail.within:
            self.read(inner, _believed(inner.date, self.file) or sent, depth + 1)

    def _attached(self, mail: Mail, month: str | None) -> Iterator[Row]:
        seen: set[bytes] = set()
        for part in mail.attached:
            suffix = PurePosixPath(part.name).suffix.lower()
            reader = _TABLES.get(suffix)
            if reader is None:
                if suffix not in _PICTURES:
                    self.remarks.append(f"attached {part.name} was not read")
                continue
            if part.content in seen:
                self.remarks.append(f"attached {part.name} is a copy of another")
                continue
            seen.add(part.content)
            try:
                rows, remarks = reader(part)
            except UnreadableError as error:
                yield {"line_text": part.name, "problem": f"{part.name}: {error}"}
                continue
            self.remarks += [f"{part.name}: {remark}" for remark in remarks]
            for row in without_totals(rows):
                place = f"{part.name} {row.get('sheet') or ''}".strip()
                text = f"{part.name}, {row['line_no']}: {row['line_text']}"
                own = {"line_text": text, "sent_at": None, "sheet": place}
                yield hung(row, place, month) | own


def _csv(part: Attached) -> tuple[list[Row], tuple[str, ...]]:
    return list(csv_rows(part.content, OF_A_MAIL)), ()


def _sheet(part: Attached) -> tuple[list[Row], tuple[str, ...]]:
    return sheet_rows(part.content, OF_A_MAIL)


_TABLES: dict[str, Callable[[Attached], tuple[list[Row], tuple[str, ...]]]] = {
    ".csv": _csv,
    ".xlsx": _sheet,
}


@dataclass(frozen=True)
class _Body:
    """What a mail's text says: its declaring lines, and its own other lines."""

    said: list[tuple[Line, Said]]
    beside: list[Line]


def _body(mail: Mail) -> _Body:
    """The text that declares more, the plain one where both do alike."""
    forwarded = bool(_FORWARDED.match(mail.subject))
    plain = _read_lines(text_lines(mail.plain), forwarded=forwarded)
    shown = [_read_lines(html_lines(html), forwarded=forwarded) for html in mail.html]
    html = _Body([s for body in shown for s in body.said], [b for x in shown for b in x.beside])
    if not html.said or not plain.said:
        chosen = plain if plain.said or not html.said else html
        return _Body(chosen.said, plain.beside + html.beside)
    best = html if len(html.said) > len(plain.said) else plain
    if _sums(plain) != _sums(html):
        best = _all_less(best, "plain and HTML texts differ")
    return _Body(best.said, plain.beside + html.beside)


def _sums(body: _Body) -> Counter[tuple[str, Decimal | None]]:
    return Counter((key(said.name), said.days) for _, said in body.said if not said.problem)


def _all_less(body: _Body, reason: str) -> _Body:
    return _Body([(line, less_sure(said, reason, MUCH)) for line, said in body.said], body.beside)


def _read_lines(lines: Sequence[Line], *, forwarded: bool) -> _Body:
    if len(lines) > _MOST_LINES:
        raise UnreadableError(f"more than {_MOST_LINES} lines")
    said: list[tuple[Line, Said]] = []
    beside: list[Line] = []
    columns: Headings | None = None
    totals = Totals()
    heading = ""
    for line in lines:
        if line.quoted and not forwarded:
            continue
        columns = (headings(line.cells) or columns) if len(line.cells) > 1 else None
        if columns and headings(line.cells):
            continue
        told = " | ".join(line.cells).strip("| ")
        found = row_read(line.cells, columns) if columns else line_read(told)
        if _is_title(line):
            found = []
        if isinstance(found, Total):
            totals.told(found)
            continue
        kept = [one for one in found if _counts(line, one)]
        said += [(replace(line, under=heading), _placed(line, one)) for one in kept]
        totals.declared(kept)
        if not kept:
            heading = told if len(told.split()) <= _LONGEST_HEADING else ""
        if not kept and not line.quoted:
            beside += [] if line.after_farewell else [line]
    body = _Body(_twice(said), beside)
    return _all_less(body, OTHERWISE) if totals.contradict else body


def _is_title(line: Line) -> bool:
    """Whether a row of a table is a heading among its rows, such as `Absences` or `Projet X`."""
    told = [cell for cell in line.cells if cell]
    if len(told) != 1 or len(line.cells) == 1:
        return False
    months = mentions(told[0])
    named = is_name(told[0]) and not ABSENCES.match(folded(told[0]))
    return not named or bool(months.told or months.alone)


def _counts(line: Line, said: Said) -> bool:
    """Whether a line declares where it stands: below the farewell only a person with days does."""
    return not line.after_farewell or (said.days is not None and said.name is not None)


def _placed(line: Line, said: Said) -> Said:
    if line.quoted:
        said = less_sure(said, "in a forwarded mail", MUCH)
    return less_sure(said, "below the farewell", _BELOW) if line.after_farewell else said


def _twice(said: list[tuple[Line, Said]]) -> list[tuple[Line, Said]]:
    keys = [(key(one.name), one.days, one.label, one.contract, one.period) for _, one in said]
    counts = Counter(keys)
    return [
        (line, less_sure(one, "said twice", MUCH) if counts[key] > 1 and one.name else one)
        for (line, one), key in zip(said, keys, strict=True)
    ]


def _only_month(body: _Body, subject: str, mailed_on: date | None) -> str | None:
    """The month that only the declaring lines tell, where subject and text name none."""
    around = mentions("\n".join([subject, *(line.text for line in body.beside)]))
    if around.told or around.alone:
        return None
    said = [_own_months(line.text, one) for line, one in body.said]
    told = {month for own in said for month in own.told}
    alone = {number for own in said for number in own.alone}
    if not told and len(alone) == 1:
        return month_alone(min(alone), mailed_on)
    return min(told) if len(told) == 1 else None


def _own_months(text: str, said: Said) -> Mentions:
    """The months beside a person's name, which may be one itself."""
    return mentions(text.replace(said.name, " ") if said.name else text)


def _misplaced(said: Said, line: Line, period: str | None) -> str | None:
    """Why a line may not declare worked days of its month, told by what is around it."""
    if ABSENCES.match(folded(line.under)) and not NONE.search(folded(line.under)):
        return "under a heading of absences"
    if period is None:
        return None
    dates, number = months_of_dates(line.text), int(period[5:])
    if len(dates) > 1 and period not in dates:
        return "dates of another month"
    own, above = _own_months(line.text, said), mentions(line.under)
    if own.alone and not own.told and number not in own.alone:
        return "the line names another month"
    here = above.alone | {int(month[5:]) for month in above.told}
    return "under a heading of another month" if here and number not in here else None


def _with_month(said: Said, line: Line, month: str | None, mailed_on: date | None) -> Row:
    """The row of a reading, for the month that the line names, else the mail's."""
    own = mentions(said.period or line.text)
    period = min(own.told) if len(own.told) == 1 else None if own.told or said.period else month
    if said.period and not own.told and len(own.alone) == 1:
        period = month_alone(min(own.alone), mailed_on)
    if period and mailed_on and is_long_ago(period, mailed_on):
        said = less_sure(said, "a month long ago", MUCH)
    if misplaced := _misplaced(said, line, period):
        said = less_sure(said, misplaced, MUCH)
    return {
        "line_text": line.text,
        "client": _stored(said.client),
        "consultant": _stored(said.name),
        "contract": _stored(said.contract),
        "label": _stored(said.label),
        "period": period,
        "days": said.days,
        "amount": said.amount,
        "currency": said.currency,
        "confidence": max(Decimal(0), 1 - sum(said.lost.values(), Decimal(0))),
        "doubt": "; ".join(said.lost) or None,
        "problem": _stored(said.problem),
    }


def _stored(text: str | None) -> str | None:
    return None if text is None else storable(text)
