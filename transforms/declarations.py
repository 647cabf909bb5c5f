"""What a client's CSV file declares, line by line (reconciliation.md 1).

A line that cannot be read becomes a row that says why; only blank lines are left out.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from transforms.money import DAYS, MONEY

REQUIRED = ("client", "consultant", "period", "days")
OPTIONAL = ("contract", "amount", "currency", "sent_at")
MOST_DAYS = Decimal(31)

_INSTANT = pl.Datetime("us", "UTC")
DECLARATION: dict[str, pl.DataType] = {
    "id": pl.String(),
    "file_name": pl.String(),
    "file_time": _INSTANT,
    "sent_at": _INSTANT,
    "format": pl.String(),
    "status": pl.String(),
    "updated_at": _INSTANT,
}
LINES: dict[str, pl.DataType] = {
    "declaration_id": pl.String(),
    "line_no": pl.Int32(),
    "client": pl.String(),
    "consultant": pl.String(),
    "contract": pl.String(),
    "period": pl.String(),
    "days": DAYS,
    "amount": MONEY,
    "currency": pl.String(),
    "sent_at": _INSTANT,
    "confidence": pl.Decimal(9, 4),
    "line_text": pl.String(),
    "problem": pl.String(),
    "updated_at": _INSTANT,
}

_DELIMITERS = ",;\t"
_PERIOD = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FRENCH_TIME = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?")
_SCALE = 4
_INTEGER_DIGITS = 14
_CLOCKS_APART = timedelta(days=1)

Cell = str | Decimal | datetime | None


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One file as read.

    Attributes:
        declaration: one row of core.declarations (without `run_id`).
        lines: its rows of core.declaration_lines (without `run_id`).
    """

    declaration: pl.DataFrame
    lines: pl.DataFrame


class _UnreadableError(ValueError):
    """A file or a cell that cannot be read; its text says why."""


def read_csv(
    declaration_id: str, file_name: str, file_time: datetime, content: bytes, read_at: datetime
) -> Declaration:
    """Reads one CSV file of declared days; never fails, never leaves a line out.

    Header `client,consultant,period,days` and optional `contract,amount,currency,sent_at`, in any
    order and case; UTF-8 or Windows-1252; comma, semicolon or tab; decimal comma or point. An
    instant without an offset is UTC.

    Args:
        declaration_id: SHA-256 of the content.
        file_name: name of the file.
        file_time: its modification time, with an offset.
        content: its bytes.
        read_at: when it is read; a line cannot have been sent a day later, or it would stand
            before every later correction.

    Returns:
        The declaration and its lines. A file without readable lines is `unreadable`; one without
        a header has the single line 0.
    """
    try:
        rows = [_sent_by(read_at, row) for row in _lines(_decoded(content))]
    except _UnreadableError as error:
        rows = [{"line_no": 0, "line_text": file_name, "problem": str(error)}]
    common = {"declaration_id": declaration_id, "confidence": Decimal(1), "updated_at": file_time}
    lines = pl.DataFrame([row | common for row in rows], schema=LINES, orient="row")
    head = {
        "id": declaration_id,
        "file_name": file_name,
        "file_time": file_time,
        "sent_at": lines["sent_at"].max(),
        "format": "csv",
        "status": _status(lines),
        "updated_at": file_time,
    }
    return Declaration(declaration=pl.DataFrame([head], schema=DECLARATION), lines=lines)


def _sent_by(read_at: datetime, row: dict[str, Cell | int]) -> dict[str, Cell | int]:
    """The line, with a problem where it says that it was sent after it was read."""
    sent = row.get("sent_at")
    if not isinstance(sent, datetime) or sent <= read_at + _CLOCKS_APART:
        return row
    said = f"sent_at lies in the future: {sent:%Y-%m-%d %H:%M}"
    problem = f"{row['problem']}; {said}" if row.get("problem") else said
    return row | {"sent_at": None, "problem": problem}


def _status(lines: pl.DataFrame) -> str:
    unread = lines["problem"].is_not_null()
    if unread.all():
        return "unreadable"
    return "partial" if unread.any() else "read"


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _UnreadableError("neither UTF-8 nor Windows-1252")


def _lines(text: str) -> Iterator[dict[str, Cell | int]]:
    """The rows under the header, numbered as they stand in the file."""
    written = re.split(r"\r\n|\r|\n", text)
    start = next((at for at, line in enumerate(written) if line.strip()), None)
    if start is None:
        raise _UnreadableError("the file is empty")
    delimiter, names = _header(written[start])
    found = False
    for line_no, line in enumerate(written[start + 1 :], start=1):
        if line.strip(f"{delimiter} \t\u00a0\ufeff"):
            found = True
            yield {"line_no": line_no, "line_text": line} | _read(line, delimiter, names)
    if not found:
        raise _UnreadableError("no line under the header")


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter with which the line is a header, and its column names."""
    for delimiter in _DELIMITERS:
        try:
            names = [cell.strip().lower() for cell in _cells(line, delimiter)]
        except _UnreadableError:
            continue
        if set(REQUIRED) <= set(names):
            known = [name for name in names if name in REQUIRED + OPTIONAL]
            if len(known) != len(set(known)):
                raise _UnreadableError("a column stands twice in the header")
            return delimiter, names
    raise _UnreadableError("no header client,consultant,period,days")


def _cells(line: str, delimiter: str) -> list[str]:
    # one line at a time: an open quote must not swallow the lines after it
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _UnreadableError(f"not CSV: {error}") from None


def _read(line: str, delimiter: str, names: list[str]) -> dict[str, Cell | int]:
    """One line's cells, and every problem found in them."""
    try:
        cells = _cells(line, delimiter)
    except _UnreadableError as error:
        return {"problem": str(error)}
    values: dict[str, Cell | int] = {}
    problems = []
    if any(cell.strip() for cell in cells[len(names) :]):
        problems.append("more cells than the header")
    written = dict(zip(names, (cell.strip() for cell in cells), strict=False))
    for column in REQUIRED + OPTIONAL:
        try:
            values[column] = _value(column, written)
        except _UnreadableError as error:
            problems.append(str(error))
    return values | {"problem": "; ".join(problems) or None}


def _value(column: str, written: Mapping[str, str]) -> Cell:
    text = written.get(column, "")
    if not text:
        if column in REQUIRED:
            raise _UnreadableError(f"{column} is missing")
        return None
    reader = _READERS.get(column)
    return reader(text) if reader else text


def _period(text: str) -> str:
    if not _PERIOD.fullmatch(text):
        raise _UnreadableError(f"period is not YYYY-MM: {text}")
    return text


def _number(column: str, text: str) -> Decimal:
    """A decimal of at most 4 places; the last of point and comma is the decimal one."""
    digits = re.sub(r"[\s€]", "", text)
    if "," in digits and "." in digits:
        thousands = "," if digits.rindex(".") > digits.rindex(",") else "."
        digits = digits.replace(thousands, "")
    digits = digits.replace(",", ".")
    if not _NUMBER.fullmatch(digits):
        raise _UnreadableError(f"{column} is no number: {text}")
    whole, _, fraction = digits.lstrip("+-").partition(".")
    if len(fraction.rstrip("0")) > _SCALE or len(whole.lstrip("0")) > _INTEGER_DIGITS:
        raise _UnreadableError(f"{column} has more than 4 decimals or is too large: {text}")
    return round(Decimal(digits), _SCALE) + 0  # plus zero: no negative zero


def _days(text: str) -> Decimal:
    days = _number("days", text)
    if not 0 <= days <= MOST_DAYS:
        raise _UnreadableError(f"days is not between 0 and 31: {text}")
    return days


def _amount(text: str) -> Decimal:
    return _number("amount", text)


def _currency(text: str) -> str:
    code = "EUR" if text == "€" else text.upper()
    if not _CURRENCY.fullmatch(code):
        raise _UnreadableError(f"currency is no code of three letters: {text}")
    return code


def _instant(text: str) -> datetime:
    """ISO 8601, or as French Excel writes it (`31/10/2026 18:00`)."""
    french = _FRENCH_TIME.fullmatch(text)
    iso = f"{french[3]}-{french[2]}-{french[1]}T{french[4] or '00:00'}" if french else text
    try:
        read = datetime.fromisoformat(iso)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _UnreadableError(f"sent_at is no instant: {text}") from None


_READERS: dict[str, Callable[[str], Cell]] = {
    "period": _period,
    "days": _days,
    "amount": _amount,
    "currency": _currency,
    "sent_at": _instant,
}
