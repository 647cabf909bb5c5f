"""Declared days in a CSV file, line by line (reconciliation.md 1).

A line that cannot be read becomes a row that says why; only blank lines are left out.
"""

import csv
import re
from collections.abc import Iterator, Sequence

from transforms.declarations.forms import (
    REQUIRED,
    Declaration,
    File,
    Row,
    UnreadableError,
    cells_read,
    column_names,
    declaration,
    decoded,
    sent_by,
    unreadable,
)

MOST_LINES = 100_000
"""As many as rows of a sheet; each becomes a row, also where it cannot be read."""

_DELIMITERS = ",;\t"


def read_csv(file: File) -> Declaration:
    """Reads one CSV file of declared days; never fails, never leaves a line out.

    Header `client,consultant,period,days` and optional `contract,amount,currency,sent_at`, in any
    order and case; UTF-8 or Windows-1252; comma, semicolon or tab; decimal comma or point. An
    instant without an offset is UTC.
    """
    try:
        rows = [sent_by(file, row) for row in csv_rows(file.content)]
    except UnreadableError as error:
        return unreadable(file, "csv", str(error))
    return declaration(file, "csv", rows)


def csv_rows(content: bytes, required: Sequence[str] = REQUIRED) -> Iterator[Row]:
    """The rows under the header, numbered as they stand in the file.

    Raises:
        UnreadableError: there is no text, no header or no line, or there are too many.
    """
    if max(content.count(b"\n"), content.count(b"\r")) > MOST_LINES:
        raise UnreadableError(f"more than {MOST_LINES} lines")
    written = re.split(r"\r\n|\r|\n", decoded(content))
    start = next((at for at, line in enumerate(written) if line.strip()), None)
    if start is None:
        raise UnreadableError("the file is empty")
    delimiter, names = _header(written[start], required)
    found = False
    for line_no, line in enumerate(written[start + 1 :], start=1):
        if line.strip(f"{delimiter} \t\u00a0\ufeff"):
            found = True
            own: Row = {"line_no": line_no, "line_text": line}
            yield own | _read(line, delimiter, names, required)
    if not found:
        raise UnreadableError("no line under the header")


def _header(line: str, required: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter with which the line is a header, and its column names."""
    for delimiter in _DELIMITERS:
        try:
            cells = _cells(line, delimiter)
        except UnreadableError:
            continue
        if names := column_names(cells, required):
            return delimiter, names
    raise UnreadableError(f"no header {','.join(required)}")


def _cells(line: str, delimiter: str) -> list[str]:
    # one line at a time: an open quote must not swallow the lines after it
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableError(f"not CSV: {error}") from None


def _read(line: str, delimiter: str, names: Sequence[str], required: Sequence[str]) -> Row:
    try:
        return cells_read(_cells(line, delimiter), names, required)
    except UnreadableError as error:
        return {"problem": str(error)}
