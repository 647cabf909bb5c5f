"""What every declaration file becomes, and how its cells are read (reconciliation.md 1)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from transforms.declarations.column_words import columns_meant
from transforms.money import DAYS, MONEY

REQUIRED = ("client", "consultant", "period", "days")
OPTIONAL = ("contract", "amount", "currency", "sent_at")
OF_A_MAIL = ("consultant", "days")
"""Columns that an attached table must have: sender and mail tell the others."""
MOST_DAYS = Decimal(31)
UNREADABLE = "DECLARATION_UNREADABLE"
PERIOD_AMBIGUOUS = "PERIOD_AMBIGUOUS"
SENDER_UNKNOWN = "SENDER_UNKNOWN"

_IN_WORDS = {"name": "consultant", "last": "consultant", "first": "consultant"} | {
    column: column for column in ("days", "contract", "period", "amount", "client")
}
_INSTANT = pl.Datetime("us", "UTC")
DECLARATION: dict[str, pl.DataType] = {
    "id": pl.String(),
    "file_name": pl.String(),
    "file_time": _INSTANT,
    "sent_at": _INSTANT,
    "format": pl.String(),
    "status": pl.String(),
    "sender": pl.String(),
    "subject": pl.String(),
    "sender_problem": pl.String(),
    "updated_at": _INSTANT,
}
LINES: dict[str, pl.DataType] = {
    "declaration_id": pl.String(),
    "line_no": pl.Int32(),
    "client": pl.String(),
    "consultant": pl.String(),
    "contract": pl.String(),
    "label": pl.String(),
    "period": pl.String(),
    "days": DAYS,
    "amount": MONEY,
    "currency": pl.String(),
    "sent_at": _INSTANT,
    "confidence": pl.Decimal(9, 4),
    "doubt": pl.String(),
    "line_text": pl.String(),
    "problem": pl.String(),
    "problem_code": pl.String(),
    "updated_at": _INSTANT,
}

_PERIOD = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FRENCH_TIME = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?")
_SCALE = 4
_INTEGER_DIGITS = 14
_LONGEST_TEXT = 2_000
_CLOCKS_APART = timedelta(days=1)
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}

Cell = str | Decimal | datetime | None
Row = dict[str, Cell | int]


@dataclass(frozen=True, kw_only=True)
class File:
    """One file as it lay there.

    Attributes:
        id: SHA-256 of the content.
        name: of the file, below the folder of declarations.
        time: its modification time, with an offset.
        content: its bytes.
        read_at: when it is read; nothing in it can have been sent a day later, or it would stand
            before every later correction.
    """

    id: str
    name: str
    time: datetime
    content: bytes
    read_at: datetime

    def believes(self, sent: datetime) -> bool:
        """Whether something in the file can have been sent then."""
        return sent <= self.read_at + _CLOCKS_APART


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One file as read.

    Attributes:
        declaration: one row of core.declarations (without `run_id`).
        lines: its rows of core.declaration_lines (without `run_id`).
        remarks: what was left out of it and why, in words.
    """

    declaration: pl.DataFrame
    lines: pl.DataFrame
    remarks: tuple[str, ...] = ()


class UnreadableError(ValueError):
    """A file or a cell that cannot be read; its text says why."""


def declaration(
    file: File, form: str, rows: Iterable[Row], remarks: Sequence[str] = (), **head: Cell
) -> Declaration:
    """The frames of a file.

    Args:
        file: the file.
        form: csv, xlsx, mail or other.
        rows: lines with `line_no` and `line_text`; a `problem` without code is one of reading.
        remarks: what is said beside them.
        head: more columns of the declaration; `sent_at` is the latest of the lines unless told.

    Returns:
        The declaration; `unreadable` where no line of it can be read.
    """
    own = {"declaration_id": file.id, "updated_at": file.time}
    told = [{"confidence": Decimal(1)} | _coded(row) | own for row in rows]
    lines = pl.DataFrame(told, schema=LINES, orient="row")
    columns = {
        "id": file.id,
        "file_name": file.name,
        "file_time": file.time,
        "sent_at": lines["sent_at"].max(),
        "format": form,
        "status": _status(lines),
        "updated_at": file.time,
    }
    head_row = pl.DataFrame([columns | head], schema=DECLARATION, orient="row")
    return Declaration(declaration=head_row, lines=lines, remarks=tuple(remarks))


def unreadable(file: File, form: str, problem: str, **head: Cell) -> Declaration:
    """A file of which nothing can be read: the single line 0 says why."""
    row: Row = {"line_no": 0, "line_text": file.name, "problem": problem}
    return declaration(file, form, [row], (), **head)


def _coded(row: Row) -> Row:
    text = storable(str(row["line_text"]))[:_LONGEST_TEXT]
    coded = {"problem_code": UNREADABLE} if row.get("problem") else {}
    return coded | row | {"line_text": text}


def _status(lines: pl.DataFrame) -> str:
    unread = lines["problem"].is_not_null()
    if unread.all():
        return "unreadable"
    return "partial" if unread.any() else "read"


def storable(text: str) -> str:
    """The text without what no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


def decoded(content: bytes) -> str:
    """The text of bytes that are UTF-8, Windows-1252, or UTF-16 with its mark.

    Raises:
        UnreadableError: they are neither.
    """
    wide = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ()
    for encoding in (*wide, "utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableError("neither UTF-8 nor Windows-1252")


def column_names(cells: Sequence[str], required: Sequence[str]) -> list[str] | None:
    """The column names where the cells are a header, in any order and case.

    In a table that hangs on a mail they may be the words that people use.

    Raises:
        UnreadableError: a column stands twice in it.
    """
    names = [cell.strip().lower() for cell in cells]
    if not set(required) <= set(names) and required == OF_A_MAIL:
        names = [_IN_WORDS.get("".join(columns_meant(cell)[:1]), cell.lower()) for cell in cells]
    if not set(required) <= set(names):
        return None
    known = [name for name in names if name in REQUIRED + OPTIONAL]
    if len(known) != len(set(known)):
        raise UnreadableError("a column stands twice in the header")
    return names


def cells_read(cells: Sequence[str], names: Sequence[str], required: Sequence[str]) -> Row:
    """One line's cells by column, and every problem found in them."""
    values: Row = {}
    problems = []
    if any(cell.strip() for cell in cells[len(names) :]):
        problems.append("more cells than the header")
    written = dict(zip(names, (cell.strip() for cell in cells), strict=False))
    for column in REQUIRED + OPTIONAL:
        try:
            values[column] = _value(column, written, required)
        except UnreadableError as error:
            problems.append(str(error))
    return values | {"problem": "; ".join(problems) or None}


def sent_by(file: File, row: Row) -> Row:
    """The line, with a problem where it says that it was sent after it was read."""
    sent = row.get("sent_at")
    if not isinstance(sent, datetime) or file.believes(sent):
        return row
    said = f"sent_at lies in the future: {sent:%Y-%m-%d %H:%M}"
    problem = f"{row['problem']}; {said}" if row.get("problem") else said
    return row | {"sent_at": None, "problem": problem}


def _value(column: str, written: Mapping[str, str], required: Sequence[str]) -> Cell:
    text = written.get(column, "")
    if not text:
        if column in required:
            raise UnreadableError(f"{column} is missing")
        return None
    reader = _READERS.get(column, storable)
    return reader(text)


def _period(text: str) -> str:
    if not _PERIOD.fullmatch(text):
        raise UnreadableError(f"period is not YYYY-MM: {text}")
    return text


def number(column: str, text: str) -> Decimal:
    """A decimal of at most 4 places; the last of point and comma is the decimal one.

    Raises:
        UnreadableError: it is no number, has more places, or is too large.
    """
    digits = re.sub(r"[\s€]", "", text)
    if "," in digits and "." in digits:
        thousands = "," if digits.rindex(".") > digits.rindex(",") else "."
        digits = digits.replace(thousands, "")
    digits = digits.replace(",", ".")
    if not _NUMBER.fullmatch(digits):
        raise UnreadableError(f"{column} is no number: {text}")
    whole, _, fraction = digits.lstrip("+-").partition(".")
    if len(fraction.rstrip("0")) > _SCALE or len(whole.lstrip("0")) > _INTEGER_DIGITS:
        raise UnreadableError(f"{column} has more than 4 decimals or is too large: {text}")
    return round(Decimal(digits), _SCALE) + 0  # plus zero: no negative zero


def days(text: str) -> Decimal:
    """Days of a month.

    Raises:
        UnreadableError: it is no number from 0 to 31.
    """
    read = number("days", text)
    if not 0 <= read <= MOST_DAYS:
        raise UnreadableError(f"days is not between 0 and 31: {text}")
    return read


def _amount(text: str) -> Decimal:
    return number("amount", text)


def currency(text: str) -> str:
    """A currency's ISO 4217 code.

    Raises:
        UnreadableError: it is neither a code nor a sign.
    """
    code = _SIGNS.get(text, text.upper())
    if not _CURRENCY.fullmatch(code):
        raise UnreadableError(f"currency is no code of three letters: {text}")
    return code


def _instant(text: str) -> datetime:
    """ISO 8601, or as French Excel writes it (`31/10/2026 18:00`)."""
    french = _FRENCH_TIME.fullmatch(text)
    iso = f"{french[3]}-{french[2]}-{french[1]}T{french[4] or '00:00'}" if french else text
    try:
        read = datetime.fromisoformat(iso)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError(f"sent_at is no instant: {text}") from None


_READERS: dict[str, Callable[[str], Cell]] = {
    "period": _period,
    "days": days,
    "amount": _amount,
    "currency": currency,
    "sent_at": _instant,
}
