"""What a workbook declares."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from tests.transforms.mails import read_as
from transforms.declarations import workbooks
from transforms.declarations.forms import Declaration

HEADER = ("client", "consultant", "period", "days")
JEAN = ("Acme", "Jean Dupont", "2026-10", 20.1)


def book(**sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook of these sheets; an instant becomes a date cell."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "default_date_format": "mmm yyyy"}) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def read(content: bytes) -> Declaration:
    """The workbook as read."""
    return read_as(content, "acme.xlsx")


def repacked(content: bytes, **changed: bytes) -> bytes:
    """The workbook with other parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, changed.get(entry.filename, old.read(entry)))
        for name in changed.keys() - set(old.namelist()):
            new.writestr(name, changed[name])
    return out.getvalue()


def problem(content: bytes) -> str:
    """Why nothing of a workbook can be read."""
    got = read(content)
    assert (got.declaration["status"].item(), got.lines["line_no"].item()) == ("unreadable", 0)
    return str(got.lines["problem"].item())


def test_a_row_is_read_under_a_header_below_a_letterhead() -> None:
    """The header may stand anywhere in the first 20 rows, in any order and case."""
    rows = [
        ("Relevé",),
        (),
        ("DAYS", "Period", "Consultant", "Client"),
        (20.1, "2026-10", "J", "A"),
    ]
    row = read(book(S=rows)).lines.row(0, named=True)
    assert (row["client"], row["consultant"], row["days"]) == ("A", "J", Decimal("20.1"))
    assert row["line_text"] == "S 4: 20.1 | 2026-10 | J | A"


def test_a_date_in_the_period_is_its_month() -> None:
    """Excel makes dates of months."""
    rows = [HEADER, ("A", "J", datetime(2026, 10, 15, tzinfo=UTC).replace(tzinfo=None), 3)]
    assert read(book(S=rows)).lines["period"].item() == "2026-10"


def test_numbers_are_their_shortest_decimals() -> None:
    """Nothing is rounded: what has more than 4 decimals is a problem."""
    lines = read(book(S=[HEADER, JEAN, ("A", "J", "2026-10", 0.123456)])).lines
    assert lines["days"].to_list() == [Decimal("20.1"), None]
    assert "more than 4 decimals" in lines["problem"][1]


def test_sheets_without_header_are_said() -> None:
    """Each sheet with a header is read; another one with cells is named, an empty one is not."""
    got = read(book(A=[HEADER, JEAN], B=[("notes",)], C=[], D=[HEADER, JEAN]))
    assert got.lines["line_no"].n_unique() == got.lines.height == 2
    assert got.remarks == ("sheet B has no header and was left out",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no readable workbook"),
        (b"PK\x03\x04broken", "no readable workbook"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "encrypted"),
        (book(S=[("x",)]), "no sheet has a row under a header"),
        (b"x" * (workbooks.LARGEST + 1), "larger than 10 MB"),
    ],
    ids=["empty", "broken", "encrypted", "headless", "large"],
)
def test_what_is_no_such_workbook_is_unreadable(content: bytes, why: str) -> None:
    """One row says why."""
    assert why in problem(content)


def test_a_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows beyond the bound is not unpacked to its end."""
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 3_000_000)
    bomb = repacked(book(S=[HEADER, JEAN]), **{"xl/media/a.bin": b"0" * 4_000_000})
    assert len(bomb) < 20_000
    assert "unpacked" in problem(bomb)


@pytest.mark.parametrize(("cell", "why"), [("A900000", "rows"), ("ZZZ3", "columns")])
def test_a_cell_far_away_is_refused(cell: str, why: str) -> None:
    """A sheet is as large as its last cell, whatever the file weighs."""
    content = book(S=[HEADER, JEAN])
    name = "xl/worksheets/sheet1.xml"
    xml = zipfile.ZipFile(io.BytesIO(content)).read(name)
    far = xml.replace(b'<c r="A2"', f'<c r="{cell}"'.encode(), 1)
    assert why in problem(repacked(content, **{name: far}))


WHOLE = book(S=[HEADER, JEAN])
PARTS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml")
_WRITTEN = st.sampled_from([b"", b'<row r="99">', b"<v>1e400</v>", b't="d"', b"&#xd800;", b"<v>"])


@pytest.mark.properties
@given(
    st.sampled_from(PARTS),
    st.lists(st.tuples(st.integers(0, 3000), _WRITTEN | st.binary(max_size=3), st.integers(0, 20))),
)
def test_p32_any_change_of_a_workbook_ends_in_rows(
    part: str, changes: list[tuple[int, bytes, int]]
) -> None:
    """A part that is cut, mixed up or written over is read or said unreadable."""
    xml = zipfile.ZipFile(io.BytesIO(WHOLE)).read(part)
    for at, written, cut in changes:
        xml = xml[: at % len(xml)] + written + xml[at % len(xml) + cut :] or b"x"
    got = read(repacked(WHOLE, **{part: xml})).lines
    assert got.height >= 1
    assert (got["days"].is_not_null() | got["problem"].is_not_null()).all()
