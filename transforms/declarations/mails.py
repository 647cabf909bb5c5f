"""Declared days in a mail: its text, its tables and what hangs on it (reconciliation.md 1.3).

Beside what `mail_lines` takes off for the line itself, these take 0.30 off the confidence of all
that they touch (0.20 where a line stands below the farewell): a total that says otherwise, a text
and an attachment that differ on a person, plain and HTML texts that differ, a line said twice, a
forwarded or attached mail, a month more than half a year before the mail.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
from transforms.declarations.mail_lines import Said, Total, line_read
from transforms.declarations.mail_parts import Attached, Mail, taken_apart
from transforms.declarations.mail_period import (
    folded,
    is_long_ago,
    mentions,
    month_alone,
    month_meant,
)
from transforms.declarations.mail_tables import Headings, headings, less_sure, row_read
from transforms.declarations.mail_text import Line, html_lines, text_lines
from transforms.declarations.workbooks import sheet_rows

LARGEST = 25 * 1024 * 1024

_FORWARDED = re.compile(r"^\s*(?:(?:re|ré)\s*:\s*)*(?:tr|fwd?|wg)\s*:", re.IGNORECASE)
_MUCH = "0.30"
_BELOW = "0.20"
_OLDEST_YEAR = 2000
_MOST_LINES = 10_000
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
        month = month_meant(mail.subject, texts, mailed_on) or _only_month(body, mail.subject)
        spoken = [_with_month(said, line, month, mailed_on) for line, said in body.said]
        hanging = [row | self._dated(row, month) for row in self._attached(mail)]
        loose, hanging = _compared(spoken, hanging)
        if depth:
            loose = [_unsure(row, "in a mail that hangs on another") for row in loose]
            hanging = [_unsure(row, "in a mail that hangs on another") for row in hanging]
        self.rows += loose + hanging
        for inner in mail.within:
            self.read(inner, _believed(inner.date, self.file) or sent, depth + 1)

    def _dated(self, row: Row, month: str | None) -> Row:
        return {"period": row.get("period") or month, "sent_at": None}

    def _attached(self, mail: Mail) -> Iterator[Row]:
        for part in mail.attached:
            suffix = PurePosixPath(part.name).suffix.lower()
            reader = _TABLES.get(suffix)
            if reader is None:
                if suffix not in _PICTURES:
                    self.remarks.append(f"attached {part.name} was not read")
                continue
            try:
                rows, remarks = reader(part)
            except UnreadableError as error:
                yield {"line_text": part.name, "problem": f"{part.name}: {error}"}
                continue
            self.remarks += [f"{part.name}: {remark}" for remark in remarks]
            for row in rows:
                yield row | {"line_text": f"{part.name}, {row['line_no']}: {row['line_text']}"}


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
    return Counter((_key(said.name), said.days) for _, said in body.said if not said.problem)


def _all_less(body: _Body, reason: str) -> _Body:
    return _Body([(line, less_sure(said, reason, _MUCH)) for line, said in body.said], body.beside)


def _read_lines(lines: Sequence[Line], *, forwarded: bool) -> _Body:
    if len(lines) > _MOST_LINES:
        raise UnreadableError(f"more than {_MOST_LINES} lines")
    said: list[tuple[Line, Said]] = []
    beside: list[Line] = []
    columns: Headings | None = None
    totals = _Totals()
    for line in lines:
        if line.quoted and not forwarded:
            continue
        columns = (headings(line.cells) or columns) if len(line.cells) > 1 else None
        if columns and headings(line.cells):
            continue
        found = row_read(line.cells, columns) if columns else line_read(" | ".join(line.cells))
        if isinstance(found, Total):
            totals.told(found)
            continue
        kept = [one for one in found if _counts(line, one)]
        said += [(line, _placed(line, one)) for one in kept]
        totals.declared(kept)
        if not kept and not line.quoted:
            beside += [] if line.after_farewell else [line]
    body = _Body(_twice(said), beside)
    return _all_less(body, "the total says otherwise") if totals.contradict else body


def _counts(line: Line, said: Said) -> bool:
    """Whether a line declares where it stands: below the farewell only a person with days does."""
    return not line.after_farewell or (said.days is not None and said.name is not None)


def _placed(line: Line, said: Said) -> Said:
    if line.quoted:
        said = less_sure(said, "in a forwarded mail", _MUCH)
    return less_sure(said, "below the farewell", _BELOW) if line.after_farewell else said


@dataclass
class _Totals:
    """Totals against the lines above them: all so far, or those since the last total."""

    all: Decimal = Decimal(0)
    since: Decimal = Decimal(0)
    contradict: bool = False

    def declared(self, said: Sequence[Said]) -> None:
        days = sum((one.days for one in said if one.days is not None), Decimal(0))
        self.all, self.since = self.all + days, self.since + days

    def told(self, total: Total) -> None:
        if total.days is not None and total.days not in {self.all, self.since}:
            self.contradict = True
        self.since = Decimal(0)


def _twice(said: list[tuple[Line, Said]]) -> list[tuple[Line, Said]]:
    keys = [(_key(one.name), one.days, one.label, one.contract, one.period) for _, one in said]
    counts = Counter(keys)
    return [
        (line, less_sure(one, "said twice", _MUCH) if counts[key] > 1 and one.name else one)
        for (line, one), key in zip(said, keys, strict=True)
    ]


def _key(name: str | None) -> str:
    return " ".join(sorted(re.findall(r"\w+", folded(name or ""))))


def _only_month(body: _Body, subject: str) -> str | None:
    """The month that only the declaring lines tell, where subject and text name none."""
    around = mentions("\n".join([subject, *(line.text for line in body.beside)]))
    told = {month for line, _ in body.said for month in mentions(line.text).told}
    return min(told) if len(told) == 1 and not around.told and not around.alone else None


def _with_month(said: Said, line: Line, month: str | None, mailed_on: date | None) -> Row:
    """The row of a reading, for the month that the line names, else the mail's."""
    own = mentions(said.period or line.text)
    period = min(own.told) if len(own.told) == 1 else None if own.told or said.period else month
    if said.period and not own.told and len(own.alone) == 1:
        period = month_alone(min(own.alone), mailed_on)
    if period and mailed_on and is_long_ago(period, mailed_on):
        said = less_sure(said, "a month long ago", _MUCH)
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


def _compared(spoken: list[Row], hanging: list[Row]) -> tuple[list[Row], list[Row]]:
    """Text and attachments: what both say of a person counts once, what differs is unsure."""
    in_text, in_files = _by_person(spoken), _by_person(hanging)
    differ = {who for who, days in in_text.items() if in_files.get(who, days) != days}
    loose = [row for row in spoken if _who(row) not in in_files or _who(row) in differ]
    said = "text and attachment differ"
    return (
        [_unsure(row, said) if _who(row) in differ else row for row in loose],
        [_unsure(row, said) if _who(row) in differ else row for row in hanging],
    )


def _by_person(rows: Sequence[Row]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if isinstance(days := row.get("days"), Decimal) and not row.get("problem"):
            sums[_who(row)] += days
    return sums


def _who(row: Row) -> tuple[str, str]:
    return _key(str(row.get("consultant") or "")), str(row.get("period") or "")


def _unsure(row: Row, reason: str) -> Row:
    sure = row.get("confidence", Decimal(1))
    doubts = "; ".join(filter(None, [str(row.get("doubt") or ""), reason]))
    less = max(Decimal(0), Decimal(str(sure)) - Decimal(_MUCH))
    return row | {"confidence": less, "doubt": doubts}
