"""Declared days in a workbook (`.xlsx`), row by row (reconciliation.md 1).

A workbook comes from outside: it is unpacked and its cells are counted before anything is built of
them, so that neither a zip bomb nor a cell in the last corner of a sheet fills the memory.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from transforms.declarations.forms import (
    REQUIRED,
    Declaration,
    File,
    Row,
    UnreadableError,
    cells_read,
    column_names,
    declaration,
    sent_by,
    unreadable,
)

LARGEST = 10 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 1_000
MOST_CELLS = 1_000_000
"""Of a workbook: as many cells as 100,000 rows of ten columns, and some 200 MB in memory."""
MOST_TEXT = 200 * 1024 * 1024
"""Characters of all cells, were each as long as the longest text that cells share."""
HEADER_WITHIN = 20

_OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0"
_CHUNK = 1024 * 1024
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MARKS = re.compile(rb"<(?:\w{1,20}:)?(c|row|si)\b")
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_ALPHABET = 26


def read_sheet(file: File) -> Declaration:
    """Reads one workbook; never fails, never leaves a row of a sheet with a header out.

    The header stands in the first 20 rows of a sheet, its columns as those of a CSV file. A number
    is taken by its shortest decimal, a date in `period` as its month, a formula by its last value.
    A sheet without header, or that nobody sees, is left out and said in the remarks.
    """
    try:
        rows, remarks = sheet_rows(file.content)
    except UnreadableError as error:
        return unreadable(file, "xlsx", str(error))
    return declaration(file, "xlsx", [sent_by(file, row) for row in rows], remarks)


def sheet_rows(
    content: bytes, required: Sequence[str] = REQUIRED
) -> tuple[list[Row], tuple[str, ...]]:
    """The rows under the headers, numbered through the workbook, and what was left out.

    Raises:
        UnreadableError: it is no workbook, too large, or has no sheet with header and rows.
    """
    _refuse_bombs(content)
    rows: list[Row] = []
    left_out = []
    before = 0
    for name, cells in _sheets(content):
        if cells is None:
            left_out.append(f"sheet {name} is hidden and was left out")
            continue
        found = _under_header(name, cells, before, required)
        before += len(cells)
        if found is None:
            said = f"sheet {name} has no header and was left out"
            left_out += [said] if any(map(any, cells)) else []
        else:
            rows += found
    if not rows:
        raise UnreadableError(f"no sheet has a row under a header {','.join(required)}")
    return rows, tuple(left_out)


def _refuse_bombs(content: bytes) -> None:
    if len(content) > LARGEST:
        raise UnreadableError("larger than 10 MB")
    if content.startswith(_OLD_OR_ENCRYPTED):
        raise UnreadableError("encrypted, or a workbook of the old .xls form")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            _unpack(packed)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise UnreadableError(f"no readable workbook: {error}") from None
    except (ValueError, OSError, EOFError, LookupError, MemoryError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"no readable workbook: {type(error).__name__}") from None


def _unpack(packed: zipfile.ZipFile) -> None:
    """Unpacks everything once: sizes that the directory tells may be lies."""
    size = cells = longest = 0
    for entry in packed.infolist():
        if entry.compress_type not in _PACKINGS:
            raise UnreadableError("no readable workbook: packed otherwise than Excel packs")
        counts = _Counts()
        with packed.open(entry) as part:
            while chunk := part.read(_CHUNK):
                size += len(chunk)
                if size > MOST_UNPACKED:
                    raise UnreadableError("larger than 100 MB unpacked")
                counts.add(chunk)
        counts.end()
        cells, longest = cells + counts.cells, max(longest, counts.longest_text)
        if cells > MOST_CELLS:
            raise UnreadableError(f"more than {MOST_CELLS} cells")
        if cells * longest > MOST_TEXT:
            raise UnreadableError("texts too long for so many cells")


@dataclass
class _Counts:
    """What a part of a workbook would become in memory, told by its marks alone.

    A sheet is held as the rectangle that its last cells span, and each cell with a copy of its
    shared text. Both may be a thousand times larger than the part is.
    """

    cells: int = 0
    rows: int = 0
    longest_text: int = 0
    _in_row: int = 0
    _widest: int = 0
    _last: tuple[int, int] = (0, 0)
    _read: int = 0
    _text_at: int | None = None
    _rest: bytes = b""

    def add(self, chunk: bytes) -> None:
        """Counts one more piece, up to its last tag, which may be cut."""
        cut = chunk.rfind(b"<")
        if cut < 0:
            self._rest += chunk
            return
        piece, self._rest = self._rest + chunk[:cut], chunk[cut:]
        self._look_at(piece)

    def _look_at(self, piece: bytes) -> None:
        for mark in _MARKS.finditer(piece):
            self._count(mark[1], self._read + mark.start())
        for column, row in set(_PLACE.findall(piece)):
            at = (int(row), _column_number(column))
            self._last = (max(self._last[0], at[0]), max(self._last[1], at[1]))
        self._read += len(piece)
        if self.cells > MOST_CELLS:
            raise UnreadableError(f"more than {MOST_CELLS} cells")
        if self.rows > MOST_ROWS:
            raise UnreadableError(f"more than {MOST_ROWS} rows")

    def _count(self, mark: bytes, at: int) -> None:
        if mark == b"c":
            self.cells += 1
            self._in_row += 1
            self._widest = max(self._widest, self._in_row)
        elif mark == b"row":
            self.rows += 1
            self._in_row = 0
        else:
            self._end_text(at)
            self._text_at = at

    def _end_text(self, at: int) -> None:
        if self._text_at is not None:
            self.longest_text = max(self.longest_text, at - self._text_at)

    def end(self) -> None:
        """Counts the last tag; refuses what is too high, too wide, or too large as a rectangle.

        Raises:
            UnreadableError: it is.
        """
        self._look_at(self._rest)
        self._end_text(self._read)
        height, width = max(self._last[0], self.rows), max(self._last[1], self._widest)
        if height > MOST_ROWS:
            raise UnreadableError(f"more than {MOST_ROWS} rows")
        if width > MOST_COLUMNS:
            raise UnreadableError(f"more than {MOST_COLUMNS} columns")
        if height * width > MOST_CELLS:
            raise UnreadableError(f"more than {MOST_CELLS} cells")


def _column_number(letters: bytes) -> int:
    at = 0
    for letter in letters:
        at = at * _ALPHABET + letter - ord("A") + 1
    return at


def _sheets(content: bytes) -> Iterator[tuple[str, list[list[str]] | None]]:
    """Name and cells as text of each sheet, from its first row on; no cells of a hidden one."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for sheet in book.sheets_metadata:
            seen = sheet.visible == SheetVisibleEnum.Visible
            yield sheet.name, _texts(book.get_sheet_by_name(sheet.name)) if seen else None
    except (CalamineError, ValueError, OSError) as error:
        raise UnreadableError(f"no readable workbook: {error}") from None


def _texts(sheet: CalamineSheet) -> list[list[str]]:
    if (sheet.total_height or 0) > MOST_ROWS:
        raise UnreadableError(f"more than {MOST_ROWS} rows")
    return [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def _text(cell: Any) -> str:
    """The cell as a CSV file would have it: numbers by their shortest decimal."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)):f}"
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _under_header(
    sheet: str, cells: list[list[str]], before: int, required: Sequence[str]
) -> list[Row] | None:
    """The rows under the sheet's header; None where it has none."""
    for at, row in enumerate(cells[:HEADER_WITHIN]):
        if names := column_names(row, required):
            below = enumerate(cells[at + 1 :], start=at + 2)
            return [
                _row(f"{sheet} {number}", before + number, told, names, required)
                for number, told in below
                if any(cell.strip() for cell in told)
            ]
    return None


def _row(
    place: str, number: int, cells: list[str], names: Sequence[str], required: Sequence[str]
) -> Row:
    sheet = place.rpartition(" ")[0]
    own: Row = {"line_no": number, "line_text": f"{place}: {_shown(cells)}", "sheet": sheet}
    return own | cells_read(_with_month(cells, names), names, required)


def _shown(cells: Sequence[str]) -> str:
    return " | ".join(cells).rstrip(" |")


def _with_month(cells: Sequence[str], names: Sequence[str]) -> list[str]:
    """The cells with a date in `period` as its month."""
    pairs = zip(names, cells, strict=False)
    told = [_month(cell) if name == "period" else cell for name, cell in pairs]
    return [*told, *cells[len(names) :]]


def _month(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y-%m}" if len(text) > len("YYYY-MM") else text
    except ValueError:
        return text
